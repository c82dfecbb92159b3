/*
 * Whether a message may be answered by a program, and at which address (RFC 3834 sections 2 and 4).
 *
 * The address is the envelope sender, by whichever way it comes: said by the MTA, in its "From " line, in Return-Path.
 * Only when none of them is there, Reply-To or From. An envelope sender that is empty in any of them ends the matter.
 */
#ifndef MILTER_ANSWER_WHOM_H
#define MILTER_ANSWER_WHOM_H

#include "dkim/header.h"

/*        whether             text */
#define ANSWER_WHOM(X) \
	X(ANSWER_YES,         "answered") \
	X(ANSWER_BOUNCE,      "the envelope sender is empty: a bounce") \
	X(ANSWER_REPORT,      "a multipart/report: a bounce or a receipt") \
	X(ANSWER_AUTOMATIC,   "Auto-Submitted says that a program sent it") \
	X(ANSWER_LIST,        "a List-* field: it came by a mailing list") \
	X(ANSWER_BULK,        "Precedence is bulk, junk or list") \
	X(ANSWER_ROBOT,       "the sender's address is a program's, such as owner-... or MAILER-DAEMON") \
	X(ANSWER_OURSELVES,   "the sender is this reflector") \
	X(ANSWER_NO_ADDRESS,  "no address to answer to")

#define ANSWER_WHOM_ENUM(name, text) name,
enum answer_whom { ANSWER_WHOM(ANSWER_WHOM_ENUM) };

/* For the log and for people. */
const char *answer_whom_text(enum answer_whom whom);

struct answer_request {
	const struct header_list *headers;
	struct view sender;    /* as the MTA said it, with or without <>; p is NULL: not said */
	struct view from_line; /* mbox_line.h; p is NULL: there was none */
	const char *own;       /* the reflector's address */
};

/* Decide.
 *   ret_address  on ANSWER_YES: an address for which mailbox_is_valid() holds; a talloc string of mem
 * Returns 0 or -ENOMEM. */
int answer_whom(void *mem, const struct answer_request *request, enum answer_whom *ret, char **ret_address);

#endif
