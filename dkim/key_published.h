/* Does DNS have the other half of a private key? What its owner asks before mail is signed with it. */
#ifndef DKIM_KEY_PUBLISHED_H
#define DKIM_KEY_PUBLISHED_H

#include "dkim/key_cache.h"
#include "dkim/private_key.h"

enum dkim_published_state {
	DKIM_PUBLISHED,          /* one record is ours, and mail may be signed with it */
	DKIM_PUBLISHED_OTHERS,   /* records, but none that is ours: see reason */
	DKIM_PUBLISHED_NOT,      /* no record at that name */
	DKIM_PUBLISHED_UNKNOWN,  /* DNS gave no answer, or memory was out (set is NULL) */
};

struct dkim_published {
	enum dkim_published_state state;
	size_t record;           /* number of the record that the state and the reason are about */
	enum dkim_reason reason; /* DKIM_REASON_PASS, or why that record does not do */
};

/* Is this record the other half, whatever the encodings: does what the one signs verify with the other? And would a verifier
 * take it for mail?
 * Returns DKIM_REASON_PASS; KEY_HASH_REFUSED or KEY_SERVICE_REFUSED: ours, but not for that; SIGNATURE_DIFFERS: another key;
 * KEY_*: no key; OUT_OF_MEMORY or CRYPTO_FAILED. */
enum dkim_reason dkim_key_fits(const struct dkim_private_key *ours, const struct dkim_key *record);

/* All records of one name (R67). The first that does decides, then one that is ours but refuses mail, then another key, then
 * the first. */
void dkim_key_published(const struct dkim_private_key *ours, const struct dkim_key_set *set, struct dkim_published *ret);

#endif
