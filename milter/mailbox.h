/* Addresses that an answer may go to: mailboxes in the form of RFC 5321, not the wealth of RFC 5322. */
#ifndef MILTER_MAILBOX_H
#define MILTER_MAILBOX_H

#include "dkim/view.h"

#define MAILBOX_MAX 254 /* octets: a path has 256 with its angle brackets (RFC 5321 section 4.5.3.1.3) */

/* local@domain: the local part a dot-string or a quoted string, UTF-8 allowed (RFC 6531), the domain a name and no
 * address literal. Without blanks, controls, routes and comments outside of quotes, so it is one argument and one word of a header field. */
bool mailbox_is_valid(struct view mailbox);

/* The part before the last "@"; all of it when there is none. */
struct view mailbox_local(struct view mailbox);

/* One name for all ways to write a mailbox that are likely to reach one person: lower case, no quotes and backslashes,
 * no "+detail" in the local part. A talloc string of mem; NULL when memory is out or there is a NUL in it. */
char *mailbox_key(void *mem, struct view mailbox);

#endif
