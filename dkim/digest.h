/* SHA-256 through OpenSSL EVP; the algorithm is fetched once per process. */
#ifndef DKIM_DIGEST_H
#define DKIM_DIGEST_H

#include "dkim/algorithm.h"
#include "dkim/view.h"

#include <stdint.h>

struct dkim_digest; /* a running hash; a talloc object, freed with its parent or by talloc_free() */

/* Returns 0, -ENOMEM, or -EIO when OpenSSL refuses. */
int dkim_digest_new(void *mem, struct dkim_digest **ret);
int dkim_digest_update(struct dkim_digest *digest, struct view octets);

/* The digest of the octets so far; more may follow. Returns 0, -ENOMEM or -EIO. */
int dkim_digest_peek(struct dkim_digest *digest, uint8_t ret[DKIM_DIGEST_OCTETS]);

int dkim_digest_finish(struct dkim_digest *digest, uint8_t ret[DKIM_DIGEST_OCTETS]);

/* The fetched EVP_MD, for the signatures of rsa_context.c. NULL when OpenSSL could not give it this time. */
struct evp_md_st;
const struct evp_md_st *dkim_sha256(void);

#endif
