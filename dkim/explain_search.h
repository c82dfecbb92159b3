/* The inside of explain: changed messages and how they are judged. */
#ifndef DKIM_EXPLAIN_SEARCH_H
#define DKIM_EXPLAIN_SEARCH_H

#include "dkim/explain.h"

/* The message under search, one signature of it, and what the search of header or body has used up. */
struct explain_search {
	void *mem;                       /* of the guesses */
	struct dkim_explain *explain;
	const struct header_list *headers;
	struct view body;
	const struct dkim_signature *signature;
	const struct dkim_key_set *keys;
	struct header_list *signed_names; /* a field for each name of h= */
	uint64_t octets;                 /* changed or verified so far */
	size_t tries;
	bool given_up;                   /* a limit was reached */
};

/* Take as much work out of the limits; false when they are used up. */
bool explain_spend(struct explain_search *search, uint64_t octets);

/* The same for verifying one changed message. */
bool explain_may_try(struct explain_search *search, uint64_t octets);

/* Name a guess; detail may be NULL, it is copied. Returns 0 or -ENOMEM. */
int explain_found(struct explain_search *search, const struct dkim_guess *row, const char *detail);

/* True when the signature was read as far as hashing takes. */
bool explain_is_judgeable(enum dkim_reason reason);

/* True when the field is listed in h=. */
bool explain_is_hashed(const struct explain_search *search, const struct header_field *field);

/* Hash a header with the signature field in it, and try the keys.
 *   signature   the parsed field, a member of headers
 *   ret_digest  the header hash
 *   ret         UNKNOWN without a usable key
 * Returns 0, -ENOMEM or -EIO. */
int explain_judge_header(const struct header_list *headers, const struct dkim_signature *signature,
                         const struct dkim_key_set *keys, uint8_t ret_digest[DKIM_DIGEST_OCTETS],
                         enum dkim_explain_state *ret);

/* Both return 0, -ENOMEM or -EIO; guesses go into search->explain. */
int explain_search_header(struct explain_search *search);
int explain_search_body(struct explain_search *search);

/* The rows; NULL behind the last. */
const struct dkim_guess *explain_header_row(size_t i);
const struct dkim_guess *explain_body_row(size_t i);

#endif
