/*
 * sign.broken-signatures = strip: signatures of others that somebody between them and us has broken, such as a list manager
 * that adds its footer and hands the message back to be signed, are taken off (RFC 6377 section 5.7, R107).
 */
#ifndef MILTER_BROKEN_SIGNATURES_H
#define MILTER_BROKEN_SIGNATURES_H

#include "dkim/verify.h"
#include "milter/actions.h"
#include "milter/gate.h"

struct broken_signatures; /* a talloc object */

/* After the last header field: start the key queries. `headers` are borrowed. Returns 0, -ENOMEM or -EIO. */
int broken_signatures_new(void *mem, const struct gate *gate, const struct header_list *headers, struct broken_signatures **ret);

int broken_signatures_body(struct broken_signatures *broken, struct view chunk);

/* At the end, within dns.budget. Returns 0 when done, 1 when not yet: call again; or -EIO, -ENOMEM. */
int broken_signatures_finish(struct broken_signatures *broken, unsigned milliseconds);

/* Then: delete each that does not fit the message. One that cannot be judged stays: its key is not there, DNS is silent, it
 * is malformed or has expired.
 *   space_guessed  leading blanks of the header were guessed (R39): a simple header that does not fit proves nothing
 * Returns how many. */
unsigned broken_signatures_strip(const struct broken_signatures *broken, bool space_guessed, struct actions *actions);

#endif
