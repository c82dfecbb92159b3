/* The text of one key record (RFC 6376 section 3.6.1), taken apart. */
#ifndef DKIM_KEY_RECORD_H
#define DKIM_KEY_RECORD_H

#include "dkim/algorithm.h"
#include "dkim/reason.h"
#include "dkim/view.h"

struct dkim_key_record {
	enum dkim_key_type type;  /* k= */
	struct view public_key;   /* p=: base64 text, FWS inside; never empty */
	bool allows_sha256;       /* h= is absent or lists sha256 */
	bool allows_email;        /* s= is absent or lists "*" or "email" */
	bool test_mode;           /* t=y */
	bool strict_identity;     /* t=s */
	bool version_not_first;   /* v= stands behind another tag: read all the same (R55) */
};

/* Parse the text of one TXT record, its strings joined.
 *   text  borrowed: ret points into it
 *   ret   written only on DKIM_REASON_PASS
 * Returns DKIM_REASON_PASS or one of the DKIM_REASON_KEY_*. h=, s= and t= are not judged here:
 * that takes the signature.
 * An empty p= is KEY_REVOKED whatever k= says. A value of v, h, k, p, s or t that ends in a backslash
 * is KEY_ESCAPED_SEMICOLON (R64); in notes and unknown tags it is text. */
enum dkim_reason dkim_key_record_parse(struct view text, struct dkim_key_record *ret);

/* Is the record for mail and for the hash of all our algorithms? DKIM_REASON_PASS, KEY_HASH_REFUSED (h=) or KEY_SERVICE_REFUSED (s=). */
enum dkim_reason dkim_key_record_refusal(const struct dkim_key_record *record);

#endif
