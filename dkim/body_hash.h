/* The hash of a canonicalized body (RFC 6376 section 3.7, step 1), shared by all signatures
 * that ask for the same canonicalization and length. */
#ifndef DKIM_BODY_HASH_H
#define DKIM_BODY_HASH_H

#include "dkim/algorithm.h"
#include "dkim/view.h"

#include <stdint.h>

struct dkim_body_hash;

/* Start one body hash; it belongs to mem.
 *   length  octets of the canonicalized body to hash: l=, or DKIM_LENGTH_UNLIMITED
 * Returns 0, -ENOMEM, or -EIO when OpenSSL refuses the digest. */
int dkim_body_hash_new(void *mem, enum dkim_canon canon, int64_t length, struct dkim_body_hash **ret);

/* True when this one serves a signature with these parameters. */
bool dkim_body_hash_is(const struct dkim_body_hash *hash, enum dkim_canon canon, int64_t length);

/* Feed the next octets of the body as received. Returns 0 or -EIO. */
int dkim_body_hash_update(struct dkim_body_hash *hash, struct view chunk);

/* End of the body; once. Returns 0 or -EIO. */
int dkim_body_hash_finish(struct dkim_body_hash *hash);

/* After finish: the digest, and the size of the whole canonicalized body, hashed or not. */
const uint8_t *dkim_body_hash_digest(const struct dkim_body_hash *hash);
uint64_t dkim_body_hash_octets(const struct dkim_body_hash *hash);

/* The body hashes of one message: at most one per distinct (canon, length). */
struct dkim_body_hashes {
	struct dkim_body_hash **hash; /* talloc array */
	size_t count;
};

/* The hash for these parameters: an existing one or a new one that belongs to mem. */
int dkim_body_hashes_get(struct dkim_body_hashes *hashes, void *mem, enum dkim_canon canon, int64_t length,
                         struct dkim_body_hash **ret);
int dkim_body_hashes_update(struct dkim_body_hashes *hashes, struct view chunk);
int dkim_body_hashes_finish(struct dkim_body_hashes *hashes);

#endif
