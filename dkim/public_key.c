#include "dkim/public_key.h"

#include "dkim/base64.h"
#include "dkim/crypto_error.h"
#include "dkim/rsa_context.h"

#include <errno.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/decoder.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <sodium.h>
#include <string.h>
#include <talloc.h>

struct dkim_public_key {
	enum dkim_key_type type;
	unsigned bits;
	EVP_PKEY *rsa; /* NULL for Ed25519 */
	uint8_t ed25519[crypto_sign_PUBLICKEYBYTES];
};

static int free_public_key(struct dkim_public_key *key)
{
	EVP_PKEY_free(key->rsa); /* takes NULL */
	return 0;
}

/* structure NULL: SubjectPublicKeyInfo or RSAPublicKey, whichever the octets are. */
static enum dkim_reason decode_rsa(const uint8_t *der, size_t n, EVP_PKEY **ret)
{
	enum dkim_reason reason = DKIM_REASON_KEY_BAD_DATA;
	OSSL_DECODER_CTX *decoder;
	EVP_PKEY *rsa = NULL;
	size_t left = n;

	decoder = OSSL_DECODER_CTX_new_for_pkey(&rsa, "DER", NULL, "RSA", EVP_PKEY_PUBLIC_KEY, NULL, NULL);
	if (!decoder || OSSL_DECODER_from_data(decoder, &der, &left) != 1 || left != 0 || !EVP_PKEY_is_a(rsa, "RSA"))
		goto out;
	*ret = rsa; /* ownership moves to the caller */
	rsa = NULL;
	reason = DKIM_REASON_PASS;
out:
	OSSL_DECODER_CTX_free(decoder);
	EVP_PKEY_free(rsa);
	return reason;
}

/* The time of a check grows with the square of the modulus and with the exponent: both are the sender's to choose. */
static enum dkim_reason limit_rsa(const EVP_PKEY *rsa)
{
	BIGNUM *exponent = NULL;
	int exponent_bits;

	if (EVP_PKEY_get_bits(rsa) > DKIM_RSA_BITS_MAX)
		return DKIM_REASON_KEY_TOO_LARGE;
	if (EVP_PKEY_get_bn_param(rsa, OSSL_PKEY_PARAM_RSA_E, &exponent) != 1)
		return DKIM_REASON_KEY_BAD_DATA;
	exponent_bits = BN_num_bits(exponent);
	BN_free(exponent);
	return exponent_bits > DKIM_RSA_EXPONENT_BITS_MAX ? DKIM_REASON_KEY_TOO_LARGE : DKIM_REASON_PASS;
}

static enum dkim_reason load_rsa(struct dkim_public_key *key, const uint8_t *der, size_t n)
{
	enum dkim_reason reason;

	(void)crypto_out_of_memory(); /* forgets what was before */
	reason = decode_rsa(der, n, &key->rsa);
	if (reason == DKIM_REASON_PASS) {
		key->bits = (unsigned)EVP_PKEY_get_bits(key->rsa);
		reason = limit_rsa(key->rsa);
	}
	/* Without memory OpenSSL says that the octets are no key, or hands out one of 0 bits. */
	return crypto_out_of_memory() ? DKIM_REASON_OUT_OF_MEMORY : reason;
}

static enum dkim_reason load_ed25519(struct dkim_public_key *key, const uint8_t *octets, size_t n)
{
	if (n != sizeof key->ed25519)
		return DKIM_REASON_KEY_BAD_DATA;
	memcpy(key->ed25519, octets, n);
	key->bits = 8 * crypto_sign_PUBLICKEYBYTES;
	return DKIM_REASON_PASS;
}

enum dkim_reason dkim_public_key_parse(void *mem, const struct dkim_key_record *record, struct dkim_public_key **ret)
{
	enum dkim_reason reason = DKIM_REASON_OUT_OF_MEMORY;
	struct dkim_public_key *key;
	uint8_t *octets;
	size_t n;

	key = talloc_zero(mem, struct dkim_public_key);
	if (!key)
		return reason;
	talloc_set_destructor(key, free_public_key);
	key->type = record->type;
	/* Decoding never makes more octets than the text has, and the text came in one TXT record. */
	octets = talloc_size(key, record->public_key.n);
	if (!octets)
		goto out;
	reason = DKIM_REASON_KEY_BAD_DATA;
	if (base64_decode(record->public_key, record->public_key.n, octets, &n))
		goto out;
	reason = key->type == DKIM_KEY_RSA ? load_rsa(key, octets, n) : load_ed25519(key, octets, n);
	if (reason != DKIM_REASON_PASS)
		goto out;
	talloc_free(octets);
	*ret = key; /* ownership moves to the caller */
	key = NULL;
out:
	talloc_free(key);
	return reason;
}

enum dkim_key_type dkim_public_key_type(const struct dkim_public_key *key)
{
	return key->type;
}

unsigned dkim_public_key_bits(const struct dkim_public_key *key)
{
	return key->bits;
}

/* RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017 section 8.2.2). OpenSSL rebuilds the whole padded
 * block, compares it in full, and wants the signature as long as the modulus (R77). */
static enum dkim_reason verify_rsa(const struct dkim_public_key *key, const uint8_t *digest, const uint8_t *signature,
                                   size_t n)
{
	enum dkim_reason reason = DKIM_REASON_CRYPTO_FAILED;
	EVP_PKEY_CTX *context;
	int verified = -1;

	ERR_clear_error(); /* what others left there is not about this key */
	context = rsa_context_new(key->rsa, EVP_PKEY_verify_init);
	if (context)
		verified = EVP_PKEY_verify(context, signature, n, digest, DKIM_DIGEST_OCTETS);
	if (verified == 1)
		reason = DKIM_REASON_PASS;
	else if (crypto_out_of_memory())
		reason = DKIM_REASON_OUT_OF_MEMORY;
	else if (verified == 0)
		reason = DKIM_REASON_SIGNATURE_DIFFERS;
	EVP_PKEY_CTX_free(context);
	ERR_clear_error();
	return reason;
}

/* PureEdDSA over the digest (RFC 8463 section 3). */
static enum dkim_reason verify_ed25519(const struct dkim_public_key *key, const uint8_t *digest, const uint8_t *signature,
                                       size_t n)
{
	if (n != crypto_sign_BYTES)
		return DKIM_REASON_SIGNATURE_DIFFERS;
	if (crypto_sign_verify_detached(signature, digest, DKIM_DIGEST_OCTETS, key->ed25519))
		return DKIM_REASON_SIGNATURE_DIFFERS;
	return DKIM_REASON_PASS;
}

static bool algorithm_fits(enum dkim_algorithm algorithm, enum dkim_key_type type)
{
	return (algorithm == DKIM_RSA_SHA256 && type == DKIM_KEY_RSA) ||
	       (algorithm == DKIM_ED25519_SHA256 && type == DKIM_KEY_ED25519);
}

enum dkim_reason dkim_public_key_verify(const struct dkim_public_key *key, enum dkim_algorithm algorithm,
                                        const uint8_t digest[DKIM_DIGEST_OCTETS], struct view signature)
{
	uint8_t octets[DKIM_RSA_BITS_MAX / 8];
	size_t n;
	int r;

	if (!algorithm_fits(algorithm, key->type))
		return DKIM_REASON_KEY_TYPE_DIFFERS;
	r = base64_decode(signature, sizeof octets, octets, &n);
	if (r == -EMSGSIZE) /* longer than the signature of any key that loads */
		return DKIM_REASON_SIGNATURE_DIFFERS;
	if (r)
		return DKIM_REASON_BAD_SIGNATURE_DATA;
	return key->type == DKIM_KEY_RSA ? verify_rsa(key, digest, octets, n) : verify_ed25519(key, digest, octets, n);
}

static int recover_rsa(const struct dkim_public_key *key, const uint8_t *signature, size_t n, uint8_t *ret)
{
	uint8_t octets[DKIM_RSA_BITS_MAX / 8];
	size_t octets_n = sizeof octets;
	EVP_PKEY_CTX *context = rsa_context_new(key->rsa, EVP_PKEY_verify_recover_init);
	int r = 1;

	if (context && EVP_PKEY_verify_recover(context, octets, &octets_n, signature, n) == 1 && octets_n == DKIM_DIGEST_OCTETS) {
		memcpy(ret, octets, DKIM_DIGEST_OCTETS);
		r = 0;
	} else if (crypto_out_of_memory()) {
		r = -ENOMEM;
	}
	EVP_PKEY_CTX_free(context);
	ERR_clear_error();
	return r;
}

int dkim_public_key_signed_digest(const struct dkim_public_key *key, struct view signature, uint8_t ret[DKIM_DIGEST_OCTETS])
{
	uint8_t octets[DKIM_RSA_BITS_MAX / 8];
	size_t n;

	if (key->type != DKIM_KEY_RSA || base64_decode(signature, sizeof octets, octets, &n) < 0)
		return 1;
	return recover_rsa(key, octets, n, ret);
}
