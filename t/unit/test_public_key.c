/* Keys and signatures here are made by OpenSSL itself, Ed25519 included, so that no code of ours checks itself. */
#include "dkim/public_key.h"

#include "t/unit/support.h"

#include <stdio.h>
#include <stdlib.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <talloc.h>

/* RFC 8463 appendix A.2 */
#define RFC8463_RSA \
	"MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutAC" \
	"DfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB"
#define RFC8463_ED25519 "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="

static struct view base64(void *mem, const uint8_t *octets, size_t n)
{
	char *text = talloc_size(mem, 4 * ((n + 2) / 3) + 1);

	assert_non_null(text);
	EVP_EncodeBlock((unsigned char *)text, octets, (int)n);
	return (struct view){ text, strlen(text) };
}

static struct view spki(void *mem, EVP_PKEY *key)
{
	uint8_t *der = NULL;
	int n = i2d_PUBKEY(key, &der);
	struct view text;

	assert_true(n > 0);
	text = base64(mem, der, (size_t)n);
	OPENSSL_free(der);
	return text;
}

static struct view pkcs1(void *mem, EVP_PKEY *key)
{
	uint8_t *der = NULL;
	int n = i2d_PublicKey(key, &der);
	struct view text;

	assert_true(n > 0);
	text = base64(mem, der, (size_t)n);
	OPENSSL_free(der);
	return text;
}

/* A public key of exactly these sizes; nobody needs to be able to sign with it. */
static EVP_PKEY *rsa_of_size(int modulus_bits, int exponent_bits)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	BIGNUM *n = BN_new(), *e = BN_new();
	OSSL_PARAM *params;
	EVP_PKEY *key = NULL;

	assert_int_equal(BN_rand(n, modulus_bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD), 1);
	assert_int_equal(BN_rand(e, exponent_bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD), 1);
	assert_int_equal(OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n), 1);
	assert_int_equal(OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e), 1);
	params = OSSL_PARAM_BLD_to_param(build);
	assert_int_equal(EVP_PKEY_fromdata_init(context), 1);
	assert_int_equal(EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params), 1);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	BN_free(n);
	BN_free(e);
	EVP_PKEY_CTX_free(context);
	return key;
}

static enum dkim_reason parse(void *mem, enum dkim_key_type type, struct view text, struct dkim_public_key **ret)
{
	struct dkim_key_record record = { .type = type, .public_key = text };

	return dkim_public_key_parse(mem, &record, ret);
}

static void assert_reason(enum dkim_reason got, enum dkim_reason want)
{
	if (got != want)
		fail_msg("want \"%s\", got \"%s\"", dkim_reason_text(want), dkim_reason_text(got));
}

struct fixed_row {
	const char *name;
	enum dkim_key_type type;
	struct view text;
	enum dkim_reason want;
	unsigned want_bits;
};

static const struct fixed_row fixed_rows[] = {
	{ "R69 SubjectPublicKeyInfo", DKIM_KEY_RSA, VIEW_INIT(RFC8463_RSA), DKIM_REASON_PASS, 1024 },
	{ "R78 32 raw octets", DKIM_KEY_ED25519, VIEW_INIT(RFC8463_ED25519), DKIM_REASON_PASS, 256 },
	{ "R59 FWS inside p=", DKIM_KEY_ED25519, VIEW_INIT("11qYAYKxCrfVS/7T \r\n\tyWQHOg7hcvPapiMlrwIaaPcHURo="),
	  DKIM_REASON_PASS, 256 },
	{ "R59 p= is not base64", DKIM_KEY_RSA, VIEW_INIT("MIGf*A0G"), DKIM_REASON_KEY_BAD_DATA, 0 },
	{ "R59 p= is not base64, Ed25519", DKIM_KEY_ED25519, VIEW_INIT("11qY*YKx"), DKIM_REASON_KEY_BAD_DATA, 0 },
	{ "R69 not DER", DKIM_KEY_RSA, VIEW_INIT("aGVsbG8gd29ybGQ="), DKIM_REASON_KEY_BAD_DATA, 0 },
	{ "R78 31 octets", DKIM_KEY_ED25519, VIEW_INIT("11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHUQ=="),
	  DKIM_REASON_KEY_BAD_DATA, 0 },
	{ "R78 33 octets", DKIM_KEY_ED25519, VIEW_INIT("11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURoA"),
	  DKIM_REASON_KEY_BAD_DATA, 0 },
	{ "R78 SubjectPublicKeyInfo of Ed25519", DKIM_KEY_ED25519,
	  VIEW_INIT("MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="), DKIM_REASON_KEY_BAD_DATA, 0 },
	{ "R81 Ed25519 octets under k=rsa", DKIM_KEY_RSA, VIEW_INIT(RFC8463_ED25519), DKIM_REASON_KEY_BAD_DATA, 0 },
};

static void test_parse_fixed(void **state)
{
	const struct fixed_row *row = *state;
	struct view text = guarded(row->text);
	struct dkim_public_key *key = NULL;

	assert_reason(parse(NULL, row->type, text, &key), row->want);
	guarded_free(text);
	assert_int_equal(key != NULL, row->want == DKIM_REASON_PASS);
	if (!key)
		return;
	assert_int_equal(dkim_public_key_bits(key), row->want_bits);
	assert_int_equal(dkim_public_key_type(key), row->type);
	talloc_free(key);
}

struct size_row {
	const char *name;
	int modulus_bits, exponent_bits;
	enum dkim_reason want;
};

static const struct size_row size_rows[] = {
	{ "R75 a short key loads", 512, 17, DKIM_REASON_PASS },
	{ "R75 2048 bits", 2048, 17, DKIM_REASON_PASS },
	{ "R75 4096 bits", 4096, 17, DKIM_REASON_PASS },
	{ "R75 8192 bits", 8192, 17, DKIM_REASON_PASS },
	{ "R75 8193 bits", 8193, 17, DKIM_REASON_KEY_TOO_LARGE },
	{ "R75 16384 bits", 16384, 17, DKIM_REASON_KEY_TOO_LARGE },
	{ "R75 e=3", 2048, 2, DKIM_REASON_PASS },
	{ "R75 exponent of 64 bits", 2048, 64, DKIM_REASON_PASS },
	{ "R75 exponent of 65 bits", 2048, 65, DKIM_REASON_KEY_TOO_LARGE },
	{ "R75 exponent as long as the modulus", 2048, 2047, DKIM_REASON_KEY_TOO_LARGE },
};

static void check_size(const struct size_row *row, struct view text)
{
	struct dkim_public_key *key = NULL;

	assert_reason(parse(NULL, DKIM_KEY_RSA, text, &key), row->want);
	if (key)
		assert_int_equal(dkim_public_key_bits(key), row->modulus_bits);
	talloc_free(key);
}

static void test_parse_sizes(void **state)
{
	const struct size_row *row = *state;
	EVP_PKEY *made = rsa_of_size(row->modulus_bits, row->exponent_bits);
	void *mem = talloc_new(NULL);

	check_size(row, spki(mem, made));
	check_size(row, pkcs1(mem, made));
	talloc_free(mem);
	EVP_PKEY_free(made);
}

/* R69: the key, the whole key and nothing but the key. */
static void test_parse_cut_or_longer(void **state)
{
	uint8_t der[256] = { 0 };
	int n = EVP_DecodeBlock(der, (const unsigned char *)RFC8463_RSA, (int)strlen(RFC8463_RSA));
	void *mem = talloc_new(NULL);
	struct dkim_public_key *key = NULL;
	size_t i;

	(void)state;
	assert_int_equal(n, 162); /* no padding in this text */
	for (i = 0; i < (size_t)n; i++)
		assert_int_equal(parse(mem, DKIM_KEY_RSA, base64(mem, der, i), &key), DKIM_REASON_KEY_BAD_DATA);
	assert_int_equal(parse(mem, DKIM_KEY_RSA, base64(mem, der, (size_t)n + 1), &key), DKIM_REASON_KEY_BAD_DATA);
	assert_int_equal(parse(mem, DKIM_KEY_RSA, base64(mem, der, (size_t)n), &key), DKIM_REASON_PASS);
	talloc_free(mem);
}

static void test_parse_other_kinds(void **state)
{
	EVP_PKEY *ec = EVP_EC_gen("P-256");
	EVP_PKEY *ed25519 = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	EVP_PKEY *pss = EVP_PKEY_Q_keygen(NULL, NULL, "RSA-PSS", (size_t)1024);
	void *mem = talloc_new(NULL);
	struct dkim_public_key *key = NULL;

	(void)state;
	if (!pss) { /* the short form knows RSA only by that name */
		EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA-PSS", NULL);

		assert_int_equal(EVP_PKEY_keygen_init(context), 1);
		assert_int_equal(EVP_PKEY_CTX_set_rsa_keygen_bits(context, 1024), 1);
		assert_int_equal(EVP_PKEY_generate(context, &pss), 1);
		EVP_PKEY_CTX_free(context);
	}
	assert_int_equal(parse(mem, DKIM_KEY_RSA, spki(mem, ec), &key), DKIM_REASON_KEY_BAD_DATA);
	assert_int_equal(parse(mem, DKIM_KEY_RSA, spki(mem, ed25519), &key), DKIM_REASON_KEY_BAD_DATA);
	assert_int_equal(parse(mem, DKIM_KEY_RSA, spki(mem, pss), &key), DKIM_REASON_KEY_BAD_DATA);
	talloc_free(mem);
	EVP_PKEY_free(ec);
	EVP_PKEY_free(ed25519);
	EVP_PKEY_free(pss);
}

/* One key pair of each type, and the digest that all rows sign. */
struct pairs {
	EVP_PKEY *rsa, *ed25519;
	struct dkim_public_key *rsa_public, *ed25519_public;
	uint8_t digest[DKIM_DIGEST_OCTETS];
};

static struct pairs *pairs;

static void test_make_pairs(void **state)
{
	uint8_t raw[32];
	size_t n = sizeof raw;

	(void)state;
	pairs = talloc_zero(NULL, struct pairs);
	memset(pairs->digest, 0x5a, sizeof pairs->digest);
	pairs->rsa = EVP_RSA_gen(1024);
	pairs->ed25519 = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	assert_int_equal(EVP_PKEY_get_raw_public_key(pairs->ed25519, raw, &n), 1);
	assert_int_equal(parse(pairs, DKIM_KEY_RSA, spki(pairs, pairs->rsa), &pairs->rsa_public), DKIM_REASON_PASS);
	assert_int_equal(parse(pairs, DKIM_KEY_ED25519, base64(pairs, raw, n), &pairs->ed25519_public), DKIM_REASON_PASS);
}

static void test_free_pairs(void **state)
{
	(void)state;
	EVP_PKEY_free(pairs->rsa);
	EVP_PKEY_free(pairs->ed25519);
	talloc_free(pairs);
}

/* padding RSA_NO_PADDING: `input` is the whole block. */
static size_t sign_rsa(int padding, const EVP_MD *md, const uint8_t *input, size_t n,
                       uint8_t *ret)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(pairs->rsa, NULL);
	size_t ret_n = 128;

	assert_int_equal(EVP_PKEY_sign_init(context), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(context, padding), 1);
	if (md)
		assert_int_equal(EVP_PKEY_CTX_set_signature_md(context, md), 1);
	assert_int_equal(EVP_PKEY_sign(context, ret, &ret_n, input, n), 1);
	EVP_PKEY_CTX_free(context);
	return ret_n;
}

static void sign_ed25519(uint8_t *ret)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	size_t n = 64;

	assert_int_equal(EVP_DigestSignInit(context, NULL, NULL, NULL, pairs->ed25519), 1);
	assert_int_equal(EVP_DigestSign(context, ret, &n, pairs->digest, sizeof pairs->digest), 1);
	EVP_MD_CTX_free(context);
}

static void assert_verifies(const struct dkim_public_key *key, enum dkim_algorithm algorithm, const uint8_t *digest,
                            const uint8_t *signature, size_t n, enum dkim_reason want)
{
	void *mem = talloc_new(NULL);

	assert_int_equal(dkim_public_key_verify(key, algorithm, digest, base64(mem, signature, n)), want);
	talloc_free(mem);
}

static void test_verify_rsa(void **state)
{
	uint8_t signature[129] = { 0 };
	size_t n = sign_rsa(RSA_PKCS1_PADDING, EVP_sha256(), pairs->digest, 32, signature);
	uint8_t other[DKIM_DIGEST_OCTETS] = { 1 };
	size_t i;

	(void)state;
	assert_int_equal(n, 128);
	assert_verifies(pairs->rsa_public, DKIM_RSA_SHA256, pairs->digest, signature, n, DKIM_REASON_PASS);
	assert_verifies(pairs->rsa_public, DKIM_RSA_SHA256, other, signature, n, DKIM_REASON_SIGNATURE_DIFFERS);
	/* R77: as long as the modulus, no shorter, no longer */
	assert_verifies(pairs->rsa_public, DKIM_RSA_SHA256, pairs->digest, signature, 127, DKIM_REASON_SIGNATURE_DIFFERS);
	assert_verifies(pairs->rsa_public, DKIM_RSA_SHA256, pairs->digest, signature, 129, DKIM_REASON_SIGNATURE_DIFFERS);
	for (i = 0; i < n; i++) {
		signature[i] ^= 0x10;
		assert_verifies(pairs->rsa_public, DKIM_RSA_SHA256, pairs->digest, signature, n, DKIM_REASON_SIGNATURE_DIFFERS);
		signature[i] ^= 0x10;
	}
}

/* R77: blocks that a lax reader of the padding takes. */
static void test_verify_rsa_padding(void **state)
{
	static const uint8_t sha256_info[] = { 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
		                               0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20 };
	uint8_t block[128], signature[128];

	(void)state;
	memset(block, 0xff, sizeof block);
	block[0] = 0;
	block[1] = 1;
	block[76] = 0;
	memcpy(block + 77, sha256_info, sizeof sha256_info);
	memcpy(block + 96, pairs->digest, 32);
	sign_rsa(RSA_NO_PADDING, NULL, block, sizeof block, signature);
	assert_verifies(pairs->rsa_public, DKIM_RSA_SHA256, pairs->digest, signature, 128, DKIM_REASON_PASS);

	/* eight octets of padding, then the digest, then whatever the forger likes */
	memset(block + 10, 0x77, sizeof block - 10);
	block[10] = 0;
	memcpy(block + 11, sha256_info, sizeof sha256_info);
	memcpy(block + 30, pairs->digest, 32);
	sign_rsa(RSA_NO_PADDING, NULL, block, sizeof block, signature);
	assert_verifies(pairs->rsa_public, DKIM_RSA_SHA256, pairs->digest, signature, 128, DKIM_REASON_SIGNATURE_DIFFERS);

	/* R74: a SHA-1 signature under the name of SHA-256 */
	sign_rsa(RSA_PKCS1_PADDING, EVP_sha1(), pairs->digest, 20, signature);
	assert_verifies(pairs->rsa_public, DKIM_RSA_SHA256, pairs->digest, signature, 128, DKIM_REASON_SIGNATURE_DIFFERS);

	/* RSASSA-PSS is another scheme */
	sign_rsa(RSA_PKCS1_PSS_PADDING, EVP_sha256(), pairs->digest, 32, signature);
	assert_verifies(pairs->rsa_public, DKIM_RSA_SHA256, pairs->digest, signature, 128, DKIM_REASON_SIGNATURE_DIFFERS);
}

static void test_verify_ed25519(void **state)
{
	const struct dkim_public_key *key = pairs->ed25519_public;
	uint8_t signature[65] = { 0 };
	uint8_t other[DKIM_DIGEST_OCTETS] = { 1 };
	size_t i;

	(void)state;
	sign_ed25519(signature);
	assert_verifies(key, DKIM_ED25519_SHA256, pairs->digest, signature, 64, DKIM_REASON_PASS);
	assert_verifies(key, DKIM_ED25519_SHA256, other, signature, 64, DKIM_REASON_SIGNATURE_DIFFERS);
	assert_verifies(key, DKIM_ED25519_SHA256, pairs->digest, signature, 63, DKIM_REASON_SIGNATURE_DIFFERS);
	assert_verifies(key, DKIM_ED25519_SHA256, pairs->digest, signature, 65, DKIM_REASON_SIGNATURE_DIFFERS);
	for (i = 0; i < 64; i++) {
		signature[i] ^= 1;
		assert_verifies(key, DKIM_ED25519_SHA256, pairs->digest, signature, 64, DKIM_REASON_SIGNATURE_DIFFERS);
		signature[i] ^= 1;
	}
}

struct refused_row {
	const char *name;
	enum dkim_key_type type;
	enum dkim_algorithm algorithm;
	struct view text;
	enum dkim_reason want;
};

static const struct refused_row refused_rows[] = {
	{ "R81 a=rsa-sha256 with an Ed25519 key", DKIM_KEY_ED25519, DKIM_RSA_SHA256, VIEW_INIT("AAAA"),
	  DKIM_REASON_KEY_TYPE_DIFFERS },
	{ "R81 a=ed25519-sha256 with an RSA key", DKIM_KEY_RSA, DKIM_ED25519_SHA256, VIEW_INIT("AAAA"),
	  DKIM_REASON_KEY_TYPE_DIFFERS },
	{ "R74 a=rsa-sha1", DKIM_KEY_RSA, DKIM_RSA_SHA1, VIEW_INIT("AAAA"), DKIM_REASON_KEY_TYPE_DIFFERS },
	{ "R10 a= unknown", DKIM_KEY_RSA, DKIM_ALGORITHM_UNKNOWN, VIEW_INIT("AAAA"), DKIM_REASON_KEY_TYPE_DIFFERS },
	{ "R8 b= is not base64, RSA", DKIM_KEY_RSA, DKIM_RSA_SHA256, VIEW_INIT("A*AA"), DKIM_REASON_BAD_SIGNATURE_DATA },
	{ "R8 b= is not base64, Ed25519", DKIM_KEY_ED25519, DKIM_ED25519_SHA256, VIEW_INIT("A*AA"),
	  DKIM_REASON_BAD_SIGNATURE_DATA },
	{ "R77 b= of three octets", DKIM_KEY_RSA, DKIM_RSA_SHA256, VIEW_INIT("AA \r\n\tAA"), DKIM_REASON_SIGNATURE_DIFFERS },
	{ "R77 b= is empty", DKIM_KEY_RSA, DKIM_RSA_SHA256, VIEW_INIT(""), DKIM_REASON_SIGNATURE_DIFFERS },
	{ "R78 b= of three octets", DKIM_KEY_ED25519, DKIM_ED25519_SHA256, VIEW_INIT("AAAA"), DKIM_REASON_SIGNATURE_DIFFERS },
	{ "R78 b= is empty", DKIM_KEY_ED25519, DKIM_ED25519_SHA256, VIEW_INIT(""), DKIM_REASON_SIGNATURE_DIFFERS },
};

static void test_verify_refused(void **state)
{
	const struct refused_row *row = *state;
	const struct dkim_public_key *key = row->type == DKIM_KEY_RSA ? pairs->rsa_public : pairs->ed25519_public;
	struct view text = guarded(row->text);

	assert_reason(dkim_public_key_verify(key, row->algorithm, pairs->digest, text), row->want);
	guarded_free(text);
}

static void test_verify_longest_signature(void **state)
{
	uint8_t *octets = talloc_zero_size(NULL, DKIM_RSA_BITS_MAX / 8 + 1);

	(void)state;
	assert_verifies(pairs->rsa_public, DKIM_RSA_SHA256, pairs->digest, octets, DKIM_RSA_BITS_MAX / 8,
	                DKIM_REASON_SIGNATURE_DIFFERS);
	assert_verifies(pairs->rsa_public, DKIM_RSA_SHA256, pairs->digest, octets, DKIM_RSA_BITS_MAX / 8 + 1,
	                DKIM_REASON_SIGNATURE_DIFFERS);
	talloc_free(octets);
}

static void test_signed_digest(void **state)
{
	uint8_t digest[DKIM_DIGEST_OCTETS] = { 0 }, signature[128];
	size_t n = sign_rsa(RSA_PKCS1_PADDING, EVP_sha256(), pairs->digest, sizeof pairs->digest, signature);
	void *mem = talloc_new(NULL);

	(void)state;
	assert_int_equal(dkim_public_key_signed_digest(pairs->rsa_public, base64(mem, signature, n), digest), 0);
	assert_memory_equal(digest, pairs->digest, sizeof digest);
	assert_int_equal(dkim_public_key_signed_digest(pairs->ed25519_public, base64(mem, signature, n), digest), 1);
	signature[n / 2] ^= 1;
	assert_int_equal(dkim_public_key_signed_digest(pairs->rsa_public, base64(mem, signature, n), digest), 1);
	assert_int_equal(dkim_public_key_signed_digest(pairs->rsa_public, VIEW("?"), digest), 1);
	talloc_free(mem);
}

int main(void)
{
	TEST_ROWS(fixed_rows, test_parse_fixed);
	TEST_ROWS(size_rows, test_parse_sizes);
	test_add("R69 a key cut short or with an octet too many", test_parse_cut_or_longer);
	test_add("R69 keys of other kinds", test_parse_other_kinds);
	test_add("key pairs for what follows", test_make_pairs);
	test_add("R77 RSA: every octet of digest, signature and length counts", test_verify_rsa);
	test_add("R77 RSA: padding is checked in full", test_verify_rsa_padding);
	test_add("R78 Ed25519: every octet counts", test_verify_ed25519);
	TEST_ROWS(refused_rows, test_verify_refused);
	test_add("R77 a signature longer than any key", test_verify_longest_signature);
	test_add("an RSA signature tells what was signed", test_signed_digest);
	test_add("free the key pairs", test_free_pairs);
	return test_run("public_key");
}
