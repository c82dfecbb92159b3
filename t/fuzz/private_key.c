/* Key files of any octets: a key that works, or an error fit for people. */
#include "dkim/private_key.h"
#include "dkim/public_key.h"
#include "t/fuzz/fuzz.h"

#include <errno.h>
#include <sodium.h>
#include <talloc.h>

#define TEXT_MAX (64 * 1024)
#define LINE_DIGITS 64 /* RFC 7468 section 2 */

/* Signs, and its public half, as it would stand in DNS, verifies that. */
static void claim_key_works(void *mem, const struct dkim_private_key *key)
{
	bool ed25519 = dkim_private_key_type(key) == DKIM_KEY_ED25519;
	struct dkim_key_record record = { .type = dkim_private_key_type(key) };
	uint8_t digest[DKIM_DIGEST_OCTETS] = { 1, 2, 3 };
	struct dkim_public_key *public_key;
	struct buf text, signature;

	buf_init(&text, mem, TEXT_MAX);
	buf_init(&signature, mem, TEXT_MAX);
	CLAIM(ed25519 ? dkim_private_key_bits(key) == 256 : dkim_private_key_bits(key) >= DKIM_RSA_BITS_MIN_SIGN);
	CLAIM(dkim_private_key_public_text(key, &text) == 0);
	record.public_key = buf_view(&text);
	if (dkim_public_key_parse(mem, &record, &public_key) != DKIM_REASON_PASS) {
		CLAIM(!ed25519); /* RSA: larger than we verify ourselves */
		return;
	}
	CLAIM(dkim_private_key_sign(key, digest, &signature) == 0);
	CLAIM(dkim_public_key_verify(public_key, ed25519 ? DKIM_ED25519_SHA256 : DKIM_RSA_SHA256, digest, buf_view(&signature)) ==
	      DKIM_REASON_PASS);
}

static void claim_reads_back(void *mem, const struct dkim_private_key *key)
{
	struct dkim_private_key *again;
	struct buf pem, text, text_again;
	char *error;

	buf_init(&pem, mem, TEXT_MAX);
	buf_init(&text, mem, TEXT_MAX);
	buf_init(&text_again, mem, TEXT_MAX);
	CLAIM(dkim_private_key_pem(key, &pem) == 0);
	CLAIM(dkim_private_key_parse(mem, "again", buf_view(&pem), &again, &error) == 0);
	CLAIM(dkim_private_key_public_text(key, &text) == 0 && dkim_private_key_public_text(again, &text_again) == 0);
	CLAIM_SAME(buf_view(&text), buf_view(&text_again));
	dkim_private_key_free(again);
}

/* DER octets in a PEM of that label, so that the fuzzer can change the inside. */
static struct view pem_of(void *mem, const char *label, struct view der)
{
	struct buf pem;
	char *text = talloc_size(mem, sodium_base64_ENCODED_LEN(der.n, sodium_base64_VARIANT_ORIGINAL));
	struct view rest;

	CLAIM(text);
	rest = view_of(sodium_bin2base64(text, talloc_get_size(text), (const uint8_t *)der.p, der.n, sodium_base64_VARIANT_ORIGINAL));
	buf_init(&pem, mem, TEXT_MAX);
	buf_printf(&pem, "-----BEGIN %s-----\n", label);
	while (rest.n > 0) {
		buf_add(&pem, take(&rest, LINE_DIGITS));
		buf_add_char(&pem, '\n');
	}
	buf_printf(&pem, "-----END %s-----\n", label);
	CLAIM(buf_error(&pem) == 0);
	return buf_view(&pem);
}

static struct view key_text(void *mem, struct view input)
{
	struct view rest = input;

	switch (take_octet(&rest)) {
	case 1:
		return pem_of(mem, "PRIVATE KEY", rest);
	case 2:
		return pem_of(mem, "RSA PRIVATE KEY", rest);
	default:
		return input;
	}
}

/* Input: octet 1 and the DER of a PKCS#8 key, 2 and that of a PKCS#1 key, or else the text of a key file. */
int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t n)
{
	struct dkim_private_key *key;
	void *mem = talloc_new(NULL);
	char *error = NULL;
	int r;

	CLAIM(dkim_private_key_init() == 0);
	r = dkim_private_key_parse(mem, "key.pem", copy_of(mem, key_text(mem, (struct view){ (const char *)octets, n })), &key, &error);
	CLAIM(r != -ENOMEM && r != -EIO);
	if (r < 0) {
		claim_error_text(error, "key.pem: ");
	} else {
		claim_key_works(mem, key);
		claim_reads_back(mem, key);
		dkim_private_key_free(key);
	}
	talloc_free(mem);
	return 0;
}
