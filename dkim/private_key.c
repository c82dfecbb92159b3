#include "dkim/private_key.h"

#include "dkim/base64.h"
#include "dkim/crypto_error.h"
#include "dkim/digest.h"
#include "dkim/private_key_new.h"
#include "dkim/public_key.h"
#include "dkim/rsa_context.h"
#include "dkim/secure_heap.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>

/* As long as the largest modulus that OpenSSL takes; Ed25519 needs 64. */
#define SIGNATURE_OCTETS_MAX (OPENSSL_RSA_MAX_MODULUS_BITS / 8)

struct dkim_private_key {
	enum dkim_key_type type;
	unsigned bits;
	int64_t modified; /* of its file; -1: none */
	EVP_PKEY *rsa;    /* NULL for Ed25519; all of it in the secure heap */
	uint8_t *ed25519; /* seed and public key, libsodium's form; guarded and read-only; NULL for RSA */
};

/* OpenSSL's last word on `done`: 0, -ENOMEM or -EIO. */
static int result_of(bool done)
{
	int r = 0;

	if (!done)
		r = crypto_out_of_memory() ? -ENOMEM : -EIO;
	ERR_clear_error();
	return r;
}

int dkim_private_key_init(void)
{
	int r;

	if (sodium_init() < 0)
		return -EIO;
	r = secure_heap_init();
	return r < 0 ? r : result_of(dkim_sha256() != NULL);
}

void dkim_private_key_free(struct dkim_private_key *key)
{
	if (!key)
		return;
	EVP_PKEY_free(key->rsa);
	sodium_free(key->ed25519); /* wipes; takes NULL */
	free(key);
}

static int sign_rsa(const struct dkim_private_key *key, const uint8_t *digest, uint8_t *ret, size_t *ret_n)
{
	EVP_PKEY_CTX *context = rsa_context_new(key->rsa, EVP_PKEY_sign_init);
	int r = result_of(context && EVP_PKEY_sign(context, ret, ret_n, digest, DKIM_DIGEST_OCTETS) == 1);

	EVP_PKEY_CTX_free(context);
	return r;
}

static int verify_rsa(const struct dkim_private_key *key, const uint8_t *digest, const uint8_t *signature, size_t n)
{
	EVP_PKEY_CTX *context = rsa_context_new(key->rsa, EVP_PKEY_verify_init);
	int r = result_of(context && EVP_PKEY_verify(context, signature, n, digest, DKIM_DIGEST_OCTETS) == 1);

	EVP_PKEY_CTX_free(context);
	return r;
}

/* Two halves that do not belong together would sign mail that nobody can verify: one signature, checked, shows
 * that. It also fills the caches of the key, which must happen while they land in the secure heap. */
static int prove_rsa(const struct dkim_private_key *key)
{
	static const uint8_t digest[DKIM_DIGEST_OCTETS];
	uint8_t signature[SIGNATURE_OCTETS_MAX];
	size_t n = sizeof signature;
	int r;

	r = sign_rsa(key, digest, signature, &n);
	return r ? r : verify_rsa(key, digest, signature, n);
}

int private_key_adopt_rsa(EVP_PKEY *rsa, struct dkim_private_key **ret)
{
	struct dkim_private_key *key;
	int r;

	key = calloc(1, sizeof *key);
	if (!key) {
		EVP_PKEY_free(rsa);
		return -ENOMEM;
	}
	key->type = DKIM_KEY_RSA;
	key->modified = -1;
	key->rsa = rsa;
	key->bits = (unsigned)EVP_PKEY_get_bits(rsa);
	r = prove_rsa(key);
	if (r) {
		dkim_private_key_free(key);
		return r == -ENOMEM ? r : -EBADMSG;
	}
	*ret = key; /* ownership moves to the caller */
	return 0;
}

/* Fill `secret`, libsodium's form, from a seed or, without one, at random. */
static int make_ed25519(uint8_t *secret, const uint8_t *seed)
{
	uint8_t public_key[crypto_sign_PUBLICKEYBYTES];

	return seed ? crypto_sign_seed_keypair(public_key, secret, seed) : crypto_sign_keypair(public_key, secret);
}

int private_key_new_ed25519(const uint8_t *seed, struct dkim_private_key **ret)
{
	struct dkim_private_key *key;
	int r = -ENOMEM;

	key = calloc(1, sizeof *key);
	if (!key)
		return r;
	key->type = DKIM_KEY_ED25519;
	key->modified = -1;
	key->bits = 8 * crypto_sign_PUBLICKEYBYTES;
	key->ed25519 = sodium_malloc(crypto_sign_SECRETKEYBYTES);
	if (!key->ed25519)
		goto out;
	r = -EIO;
	if (make_ed25519(key->ed25519, seed) || sodium_mprotect_readonly(key->ed25519))
		goto out;
	*ret = key; /* ownership moves to the caller */
	key = NULL;
	r = 0;
out:
	dkim_private_key_free(key);
	return r;
}

/* The secure heap is also where the search for primes must happen. */
static int generate_rsa(unsigned bits, struct dkim_private_key **ret)
{
	EVP_PKEY *rsa;
	int r;

	secure_heap_enter();
	rsa = EVP_RSA_gen(bits);
	if (rsa)
		r = private_key_adopt_rsa(rsa, ret);
	else
		r = crypto_out_of_memory() ? -ENOMEM : -EIO;
	secure_heap_leave();
	return r == -EBADMSG ? -EIO : r;
}

int dkim_private_key_generate(enum dkim_key_type type, unsigned bits, struct dkim_private_key **ret)
{
	if (type == DKIM_KEY_ED25519)
		return private_key_new_ed25519(NULL, ret);
	if (bits < DKIM_RSA_BITS_MIN_SIGN || bits > DKIM_RSA_BITS_MAX)
		return -EINVAL;
	return generate_rsa(bits, ret);
}

/* The key as OpenSSL's object, for its encoders. To be called within the secure heap. */
static EVP_PKEY *openssl_key(const struct dkim_private_key *key)
{
	if (key->type == DKIM_KEY_RSA)
		return EVP_PKEY_up_ref(key->rsa) == 1 ? key->rsa : NULL;
	/* libsodium's secret key begins with the seed, which is RFC 8032's private key. */
	return EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, key->ed25519, crypto_sign_SEEDBYTES);
}

int dkim_private_key_pem(const struct dkim_private_key *key, struct buf *out)
{
	EVP_PKEY *pkey;
	BIO *bio;
	char *text;
	long n;
	int r;

	secure_heap_enter();
	pkey = openssl_key(key);
	bio = BIO_new(BIO_s_mem());
	r = result_of(pkey && bio && PEM_write_bio_PKCS8PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL) == 1);
	if (r == 0) {
		n = BIO_get_mem_data(bio, &text);
		buf_add(out, (struct view){ text, (size_t)n });
		r = buf_error(out);
	}
	BIO_free(bio);
	EVP_PKEY_free(pkey);
	secure_heap_leave();
	return r;
}

int dkim_private_key_public_text(const struct dkim_private_key *key, struct buf *out)
{
	uint8_t *der = NULL;
	int n;

	if (key->type == DKIM_KEY_ED25519) {
		base64_encode(out, key->ed25519 + crypto_sign_SEEDBYTES, crypto_sign_PUBLICKEYBYTES);
		return buf_error(out);
	}
	n = i2d_PUBKEY(key->rsa, &der);
	if (n < 0)
		return result_of(false);
	base64_encode(out, der, (size_t)n);
	OPENSSL_free(der);
	return buf_error(out);
}

enum dkim_key_type dkim_private_key_type(const struct dkim_private_key *key)
{
	return key->type;
}

unsigned dkim_private_key_bits(const struct dkim_private_key *key)
{
	return key->bits;
}

int64_t dkim_private_key_modified(const struct dkim_private_key *key)
{
	return key->modified;
}

void private_key_set_modified(struct dkim_private_key *key, int64_t modified)
{
	key->modified = modified;
}

int dkim_private_key_sign(const struct dkim_private_key *key, const uint8_t digest[DKIM_DIGEST_OCTETS], struct buf *out)
{
	uint8_t signature[SIGNATURE_OCTETS_MAX];
	size_t n = sizeof signature;
	int r;

	if (key->type == DKIM_KEY_RSA) {
		r = sign_rsa(key, digest, signature, &n);
		if (r)
			return r;
	} else {
		if (crypto_sign_detached(signature, NULL, digest, DKIM_DIGEST_OCTETS, key->ed25519))
			return -EIO;
		n = crypto_sign_BYTES;
	}
	base64_encode(out, signature, n);
	return buf_error(out);
}
