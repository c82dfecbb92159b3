/*
 * What one message's verdict does to it: header edits, quarantine, reply. Collected here in any order, carried out
 * at the end of the message by actions_apply() (milter/actions_apply.h). Nothing here speaks to an MTA.
 */
#ifndef MILTER_ACTIONS_H
#define MILTER_ACTIONS_H

#include "dkim/view.h"

/* Edits of one message. Postfix stops reading a header at 102,400 octets (header_size_limit), and the shortest
 * field has 4 ("a:" and its CRLF): no message has more fields to delete. */
#define ACTIONS_EDITS_MAX 32768

/* Octets of a reply's text. More is cut and ends in "...". */
#define ACTIONS_REPLY_MAX 2048

struct actions;

enum actions_kind { ACTIONS_DELETE, ACTIONS_INSERT };

/* One edit, as libmilter wants it. */
struct actions_step {
	enum actions_kind kind;
	const char *name;
	unsigned index;    /* delete: counts the fields of that name from 1, as the filter saw them; insert: 0 */
	const char *value; /* insert: leading blank kept, folds are LF; delete: NULL */
};

/* Nothing to do yet. A talloc child of mem; returns 0 or -ENOMEM. */
int actions_new(void *mem, struct actions **ret);

/* The next five copy what they are given. Errors stick: add as often as needed, then look once at actions_error();
 * a plan with an error is never carried out in part. */

/* Delete the field `index` of that name (any case), counted from 1 over the fields as they came in, whatever else is
 * deleted or inserted. The same field twice is one deletion. */
void actions_delete(struct actions *actions, struct view name, unsigned index);

/* Insert a field above all others, those of the MTA included. The first one inserted ends on top.
 *   value  all that follows the colon: leading blank included, folds as CRLF (or LF) and a blank, no final line end
 * A NUL, a CR or LF that is no fold, or a name that is none (RFC 5322 section 3.6.8) is -EINVAL: it could forge a field. */
void actions_insert(struct actions *actions, struct view name, struct view value);

/* Keep the message in the MTA's quarantine; edits are still made. The first reason stands. */
void actions_quarantine(struct actions *actions, const char *reason);

/* Take the message and throw it away: its edits and its quarantine are then left out. Outranks a tempfail, for there is no use in seeing
 * it again; a reject outranks it, for then somebody is told. */
void actions_discard(struct actions *actions);

/* Refuse the message: its edits and its quarantine are then left out.
 *   code           "550" or another 5xx: reject; 4xx: tempfail; else -EINVAL
 *   enhanced_code  of the same class ("5.7.20"), else -EINVAL; NULL for none
 *   text           what the client is told; "%" not doubled; octets that are not printable ASCII become "?"
 * A reject outranks a tempfail; of two alike the first stands. */
void actions_reply(struct actions *actions, const char *code, const char *enhanced_code, const char *text);

/* 0, -ENOMEM, -EINVAL, or -E2BIG for more than ACTIONS_EDITS_MAX edits. */
int actions_error(const struct actions *actions);

/* The edits in the order in which they must be made: deletions before insertions, the highest index first, so that no edit
 * moves a field that a later one counts (CVE-2022-48521; R90); then the insertions, bottom one first.
 *   ret  a talloc array of mem that points into `actions`
 * Returns 0, -ENOMEM, or the error that sticks. */
int actions_steps(const struct actions *actions, void *mem, struct actions_step **ret, size_t *ret_count);

/* NULL when not asked for. */
const char *actions_quarantine_reason(const struct actions *actions);

struct actions_reply_text {
	const char *code;
	const char *enhanced_code; /* may be NULL */
	const char *text;
};

/* To be asked before actions_reply_wanted(). */
bool actions_discard_wanted(const struct actions *actions);

/* The reply that stands, or NULL: the message goes on, unless it is discarded. */
const struct actions_reply_text *actions_reply_wanted(const struct actions *actions);

#endif
