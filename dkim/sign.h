/*
 * Sign one message with one or several keys (RFC 6376 section 5).
 *
 *     dkim_sign_new()     after the last header field
 *     dkim_sign_body()    each chunk as it comes
 *     dkim_sign_finish()  end of body; all header edits must be decided by then
 *     dkim_sign_value()   one DKIM-Signature value per key
 */
#ifndef DKIM_SIGN_H
#define DKIM_SIGN_H

#include "dkim/header.h"
#include "dkim/private_key.h"

/* Fields signed by default when present: RFC 6376 section 5.4.1 and what mail of today relies on. */
extern const char *const dkim_sign_default_headers[];
/* Fields never signed, whatever is asked for (R95): trace fields, Bcc, what filters add or remove.
 * An entry that ends in "*" stands for all names that begin so. */
extern const char *const dkim_sign_never_headers[];

/* Octets of h= without folds. A message of 2,000 signed fields fits; the finished field must fit into one milter packet of
 * 64 KB, whatever the header holds. */
#define DKIM_SIGN_NAMES_MAX (12 * 1024)

struct dkim_sign_params {
	enum dkim_canon header_canon, body_canon;
	const char *const *headers;   /* names to sign when present; NULL-terminated; From is always added */
	const char *const *omit;      /* names to leave out all the same; NULL-terminated; never From */
	const char *const *oversign;  /* names listed once more than they occur, when they occur; From always (R98) */
	int64_t expire;               /* x= this many seconds after t=; 0: no x= */
};

struct dkim_sign_key {
	const struct dkim_private_key *key;
	/* d= and s=, in A-labels even when the message is SMTPUTF8: RFC 8616 section 5 allows both forms there, and
	 * verifiers that know but one know this one. */
	struct view domain;
	struct view selector;
	struct view identity; /* i=, within the domain, printable without blanks and semicolons; empty: no i= */
};

struct dkim_sign;

/* Begin. A talloc child of mem; all arguments are borrowed until it is freed.
 *   now   seconds since 1970, for t=
 * Returns 0, -ENOMEM, -EIO, or -EMSGSIZE: h= would pass DKIM_SIGN_NAMES_MAX. */
int dkim_sign_new(void *mem, const struct dkim_sign_params *params, const struct dkim_sign_key *keys, size_t key_count,
                  int64_t now, const struct header_list *headers, struct dkim_sign **ret);

int dkim_sign_body(struct dkim_sign *sign, struct view chunk);

/* Take header hashes and sign. Returns 0, or -ENOMEM, -EIO: then no value may be used. */
int dkim_sign_finish(struct dkim_sign *sign);

/* After finish: the field value for key i, leading blank included, folded with CRLF at most 78 columns
 * wide (a name of h= or d= that is longer stands alone on its line), no final CRLF, b= last (R99). */
struct view dkim_sign_value(const struct dkim_sign *sign, size_t i);

/* After finish: the digest in bh=, DKIM_DIGEST_OCTETS. */
const uint8_t *dkim_sign_body_digest(const struct dkim_sign *sign);

#endif
