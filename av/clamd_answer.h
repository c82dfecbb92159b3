/* What clamd answers within an IDSESSION (clamd(8)). Pure. */
#ifndef AV_CLAMD_ANSWER_H
#define AV_CLAMD_ANSWER_H

#include "av/wire.h"
#include "dkim/view.h"

#define CLAMD_ANSWER_MAX 4096 /* octets of one answer; names of signatures are far shorter */

enum clamd_answer_kind {
	CLAMD_VERSION,   /* "ClamAV 1.4.6/27500/Sat Nov 21 08:00:00 2026": text is what follows "ClamAV " */
	CLAMD_OK,        /* "stream: OK" */
	CLAMD_FOUND,     /* "stream: NAME FOUND": text is NAME */
	CLAMD_TOO_LARGE, /* StreamMaxLength was passed */
	CLAMD_ERROR,     /* any other "... ERROR": text is what stands before */
};

struct clamd_answer {
	unsigned id;     /* of the command, counted from 1 */
	enum clamd_answer_kind kind;
	struct view text;
};

/* Parse one answer, without its final NUL. Returns false for anything else. */
bool clamd_answer_parse(struct view in, struct clamd_answer *ret);

/* Engine and database from the text of a CLAMD_VERSION; what is not there stays 0 or "". */
void clamd_facts_parse(struct view text, struct av_facts *ret);

/* Add to a reply what an answer to a scan says: a signature, a limit, a failure, or nothing. */
void clamd_answer_finding(const struct clamd_answer *answer, struct av_reply *reply);

#endif
