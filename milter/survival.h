/*
 * What MTAs change in a message after it was signed, seen before: each is a word in the message's log line ("warn"), for
 * a signature that breaks on the way is hard to explain later. Bounded state, one look at each octet.
 */
#ifndef MILTER_SURVIVAL_H
#define MILTER_SURVIVAL_H

#include "dkim/header.h"

/*      warning           word                 what happens */
#define SURVIVAL_WARNINGS(X) \
	X(LONG_HEADER_LINES,  "long-header-lines")  /* above 998 octets: folded or cut where the MTA likes (RFC 5322 section 2.1.1) */ \
	X(LONG_LINES,         "long-lines")         /* in the body: broken at 998 by Postfix, at 990 by Sendmail (2040 on its way to a relay) */ \
	X(BARE_CR,            "bare-cr")            /* becomes a blank, a line end, or nothing */ \
	X(BARE_LF,            "bare-lf")            /* becomes CRLF */ \
	X(EIGHT_BIT_HEADER,   "8bit-header")        /* without SMTPUTF8: replaced or refused (RFC 6532) */ \
	X(EIGHT_BIT_BODY,     "8bit-body")          /* without BODY=8BITMIME: re-encoded as quoted-printable (RFC 6152, R104) */ \
	X(NO_DATE,            "no-date")            /* added behind us, so unsigned */ \
	X(NO_MESSAGE_ID,      "no-message-id")      /* likewise */ \
	X(UNQUOTED_NAME,      "unquoted-name")      /* "A. Smith <a@example.com>": Sendmail puts quotes around the name (confMUST_QUOTE_CHARS) */ \
	X(TIGHT_LIST,         "tight-address-list") /* "a@example.com,b@example.com": Sendmail puts a blank behind each comma */

enum survival_warning {
#define X(warning, word) SURVIVAL_##warning,
	SURVIVAL_WARNINGS(X)
#undef X
	SURVIVAL_COUNT
};

struct survival {
	unsigned found;        /* a bit per warning */
	size_t line_octets;    /* of the body's line so far, without its end */
	bool after_cr;         /* the last octet was a CR */
};

/* What was agreed with the client and what the MTA does by itself. */
struct survival_params {
	bool eight_bit_mime;   /* BODY=8BITMIME or BINARYMIME */
	bool smtputf8;
	bool postfix;          /* it adds missing fields before its filters, if at all, and leaves fields with addresses alone */
};

#define SURVIVAL_LINE_MAX 998 /* octets of a line without CRLF (RFC 5321 section 4.5.3.1.6) */
#define SURVIVAL_LINE_MAX_SENDMAIL 990 /* its SMTP_MAILER_LL, unless configured otherwise */

/* An ESMTP argument of MAIL, as the MTA hands it on: "BODY=8BITMIME". Others are passed over. */
void survival_mail_argument(struct survival_params *params, struct view argument);

/* The MTA's macro v: "Postfix 3.7.11", "8.17.1.9". */
void survival_mta(struct survival_params *params, struct view version);

/* Begin with the header. */
void survival_header(struct survival *survival, const struct survival_params *params, const struct header_list *headers);

/* Each chunk of the body, then its end. */
void survival_body(struct survival *survival, const struct survival_params *params, struct view chunk);
void survival_end(struct survival *survival);

/* What Sendmail will change in the value of a field that holds addresses: SURVIVAL_UNQUOTED_NAME and SURVIVAL_TIGHT_LIST as
 * bits. Text within quotes, comments and angle brackets stays as it is. */
unsigned survival_addresses(struct view value);

/* "long-lines,8bit-body"; "" when nothing was found. A talloc string of mem; NULL when memory is out. */
char *survival_text(void *mem, const struct survival *survival);

#endif
