/* A signature of our own, verified before it leaves: what a verifier would say of it (R103). */
#ifndef DKIM_SIGN_CHECK_H
#define DKIM_SIGN_CHECK_H

#include "dkim/digest.h"
#include "dkim/header.h"
#include "dkim/key_cache.h"

struct dkim_sign_check {
	const struct header_list *headers;  /* those that were signed */
	struct view value;                  /* of the DKIM-Signature field, as it will be inserted */
	const uint8_t *body_digest;         /* of the canonicalized body */
	const struct dkim_public_key *key;  /* the public half of the key that signed; NULL: it cannot be checked with that */
	const struct dkim_key_set *published; /* what its name has in DNS; NULL: not asked, or no answer */
};

/* Read the field as a verifier does, and check it with the published key, or, when DNS was not asked or failed, with our own.
 * Returns DKIM_REASON_PASS, also when there is nothing to check with, or why a verifier would not let it pass. */
enum dkim_reason dkim_sign_check(const struct dkim_sign_check *check);

#endif
