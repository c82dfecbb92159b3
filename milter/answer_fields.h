/* What the header of an answer takes over from the message that it answers (RFC 5322 section 3.6.4), made safe. All append to
 * `out` with folds of LF and blank, and without a final line end. */
#ifndef MILTER_ANSWER_FIELDS_H
#define MILTER_ANSWER_FIELDS_H

#include "dkim/buf.h"
#include "dkim/header.h"

#define ANSWER_SUBJECT_MAX 400   /* octets of a subject that are repeated; few readers show more */
#define ANSWER_MESSAGE_ID_MAX 250 /* octets of a Message-ID that is referred to; a line has at most 998 */
#define ANSWER_REFERENCES_MAX 20 /* Message-IDs: the last of them, which is all that readers need to find the thread */

/* "Re: ..." of the value of a Subject field. ASCII stays as it is, encoded words too; UTF-8 becomes encoded words (RFC 2047); other
 * octets become "?". Controls are blanks. No "Re:" is added to one that is there. */
void answer_add_subject(struct view value, struct buf *out);

/* The first "<...>" of printable ASCII in a value: a Message-ID; empty when there is none that is fit to be repeated. */
struct view answer_message_id(struct view value);

/* The values of References (or, without it, In-Reply-To) and Message-ID of the message, as References of its answer: empty when it has no Message-ID. */
void answer_add_references(const struct header_list *headers, struct buf *out);

/* The topmost field of a name; its value is empty when there is none. */
struct view answer_field_value(const struct header_list *headers, struct view name);

#endif
