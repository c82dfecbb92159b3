/* What `postern verify --explain` says about one signature. */
#ifndef MILTER_EXPLAIN_REPORT_H
#define MILTER_EXPLAIN_REPORT_H

#include "dkim/buf.h"
#include "dkim/explain.h"

struct explain_report {
	const struct dkim_verify_result *result;
	const struct dkim_key_set *keys;      /* NULL when there was no answer */
	const struct dkim_explain *explain;
	const char *servers;                  /* those that were to be asked, for people */
	bool header_block;                    /* show it (text; JSON always has it) */
};

/* Append lines for people, each indented; octets of the message are escaped. */
void explain_report_text(const struct explain_report *report, struct buf *out);

/* Append the same as one JSON object. */
void explain_report_json(const struct explain_report *report, struct buf *out);

/* "header" or "body"; "unknown", "good" or "differs". */
const char *explain_part_text(enum dkim_explain_part part);
const char *explain_state_text(enum dkim_explain_state state);

#endif
