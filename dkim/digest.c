#include "dkim/digest.h"

#include "dkim/crypto_error.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdatomic.h>
#include <talloc.h>

struct dkim_digest {
	EVP_MD_CTX *context;
	EVP_MD_CTX *copy; /* for dkim_digest_peek(); NULL until its first use */
};

/* Fetching walks OpenSSL's providers: 100 times the cost of starting a hash. A fetch that failed is tried again; of two
 * threads that fetch at once the first one's stays. */
const struct evp_md_st *dkim_sha256(void)
{
	static _Atomic(EVP_MD *) sha256;
	EVP_MD *fetched, *known = atomic_load(&sha256);

	if (known)
		return known;
	fetched = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (atomic_compare_exchange_strong(&sha256, &known, fetched))
		return fetched;
	EVP_MD_free(fetched);
	return known;
}

static int digest_free(struct dkim_digest *digest)
{
	EVP_MD_CTX_free(digest->context);
	EVP_MD_CTX_free(digest->copy);
	return 0;
}

int dkim_digest_new(void *mem, struct dkim_digest **ret)
{
	const EVP_MD *md = dkim_sha256();
	struct dkim_digest *digest;

	if (!md)
		return crypto_out_of_memory() ? -ENOMEM : -EIO;
	digest = talloc_zero(mem, struct dkim_digest);
	if (!digest)
		return -ENOMEM;
	talloc_set_destructor(digest, digest_free);
	digest->context = EVP_MD_CTX_new();
	if (!digest->context) {
		talloc_free(digest);
		return -ENOMEM;
	}
	/* Of a SHA-256 that was fetched only the allocation of its state can fail; OpenSSL 3.0 calls that "initialization error". */
	if (EVP_DigestInit_ex2(digest->context, md, NULL) != 1) {
		ERR_clear_error();
		talloc_free(digest);
		return -ENOMEM;
	}
	*ret = digest;
	return 0;
}

int dkim_digest_update(struct dkim_digest *digest, struct view octets)
{
	return EVP_DigestUpdate(digest->context, octets.p, octets.n) == 1 ? 0 : -EIO;
}

int dkim_digest_peek(struct dkim_digest *digest, uint8_t ret[DKIM_DIGEST_OCTETS])
{
	if (!digest->copy)
		digest->copy = EVP_MD_CTX_new();
	if (!digest->copy)
		return -ENOMEM;
	if (EVP_MD_CTX_copy_ex(digest->copy, digest->context) != 1) { /* likewise */
		ERR_clear_error();
		return -ENOMEM;
	}
	return EVP_DigestFinal_ex(digest->copy, ret, NULL) == 1 ? 0 : -EIO;
}

int dkim_digest_finish(struct dkim_digest *digest, uint8_t ret[DKIM_DIGEST_OCTETS])
{
	return EVP_DigestFinal_ex(digest->context, ret, NULL) == 1 ? 0 : -EIO;
}
