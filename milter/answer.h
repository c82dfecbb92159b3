/* The answer of the reflector: a message of two parts, the text and the header that was received (RFC 3834, RFC 2046, RFC 6522 section 4). */
#ifndef MILTER_ANSWER_H
#define MILTER_ANSWER_H

#include "dkim/buf.h"
#include "dkim/header.h"

#define ANSWER_TEXT_MAX (64 * 1024)   /* octets of the text that are sent: whoever asks gets little more back than he gave */
#define ANSWER_HEADER_MAX (64 * 1024) /* octets of the header that are sent back, for the same reason */
#define ANSWER_MAX (4 * (ANSWER_TEXT_MAX + ANSWER_HEADER_MAX)) /* quoted-printable takes three octets for one */

struct answer {
	const char *from, *to;             /* mailboxes, mailbox.h */
	const struct header_list *headers; /* of the message that is answered */
	struct view text;                  /* printable ASCII in lines */
	const char *token;                 /* letters and digits that nobody can guess: boundary and Message-ID are made of them */
	int64_t now;                       /* seconds since 1970 */
};

/* Append the whole message, with the line ends that sendmail(1) wants (LF). What is above the two maxima is cut off, and a line in the
 * text says so.
 * Returns 0, -EEXIST (the token occurs in what is sent: take another), -ENOMEM or -EMSGSIZE. */
int answer_compose(const struct answer *answer, struct buf *out);

#endif
