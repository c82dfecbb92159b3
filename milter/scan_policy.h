/* What becomes of a scanned message. Pure: configuration and findings in, verdict out. */
#ifndef MILTER_SCAN_POLICY_H
#define MILTER_SCAN_POLICY_H

#include "av/classify.h"
#include "conf/conf.h"

#include <sys/socket.h>

/* Who sent it, as far as these rules ask. */
struct scan_sender {
	const char *client_name;        /* as the MTA says it */
	const struct sockaddr *client;  /* NULL: unknown */
	bool authenticated;
	struct view address;            /* envelope sender, without brackets */
	size_t recipients;              /* those that were seen, */
	size_t recipients_to_skip;      /* and those of them in skip-recipients */
};

/* Mail without an SMTP client, as Postfix's pickup and bounce hand it in: client localhost, a loopback address, port 0, which no
 * connection has. Sendmail's local mail comes in by SMTP from its own submission program, which is told of a refusal. */
bool scan_is_local(const struct scan_sender *sender);

enum scan_skip { SCAN_NOT_SKIPPED, SCAN_SKIP_NETWORK, SCAN_SKIP_AUTHENTICATED, SCAN_SKIP_SENDER, SCAN_SKIP_RECIPIENTS };
const char *scan_skip_text(enum scan_skip skip); /* "network": the log */

/* Which of av.skip-... leaves the message unscanned. "<>" in skip-senders is the null sender. */
enum scan_skip scan_skip(const struct conf_av *conf, const struct scan_sender *sender);

bool scan_skips_recipient(const struct conf_av *conf, struct view address);

struct scan_verdict {
	enum av_class class;          /* that decided */
	const char *name, *part;      /* its finding; borrowed */
	enum conf_scan_action action;
	bool copy;                    /* one of its classes is in av.copy */
	const char *code, *enhanced_code; /* of reject and tempfail; else NULL */
};

/* The strictest action of all classes that were found decides; of two alike the earlier class. Clean is CONF_SCAN_HEADER.
 * A full queue (AV_BUSY) is always tempfail: whatever on-error says, mail must not pass because there is too much of it. */
void scan_policy(const struct conf_av *conf, enum av_outcome outcome, const struct av_verdicts *verdicts, const struct scan_sender *sender,
                 struct scan_verdict *ret);

/* Octets of a name in a header field or a reply. */
#define SCAN_NAME_SHOWN_MAX 120

/* X-Virus-Status without its leading blank: "Infected (Eicar-Test-Signature)". ASCII, octets other than [A-Za-z0-9 ._:/+@-] of a name
 * become "_". A talloc string of mem; NULL when memory is out. */
char *scan_status_text(void *mem, enum av_class class, const char *name);

/* X-Virus-Scanned likewise: "postern 0.1.0 at mx.example.net (ClamAV 1.4.6, database 27500)". */
char *scan_scanned_text(void *mem, const char *host, const struct av_facts *facts);

/* What the client is told: reject-text with %c and %v, or why to come again. Likewise. */
char *scan_reply_text(void *mem, const struct conf_av *conf, const struct scan_verdict *verdict);

#endif
