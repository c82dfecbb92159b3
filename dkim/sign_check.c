#include "dkim/sign_check.h"

#include "dkim/header_hash.h"
#include "dkim/signature.h"
#include "dkim/verify.h"

#include <errno.h>
#include <string.h>
#include <talloc.h>

static enum dkim_reason error_reason(int r)
{
	return r == -EIO ? DKIM_REASON_CRYPTO_FAILED : DKIM_REASON_OUT_OF_MEMORY;
}

/* The field stands on top of the header, where no name of h= means it: it is not among the headers here. */
static enum dkim_reason hash_headers(const struct dkim_sign_check *check, const struct dkim_signature *signature,
                                     uint8_t ret[DKIM_DIGEST_OCTETS])
{
	const struct dkim_header_hash_input input = {
		.headers = check->headers,
		.signed_headers = signature->signed_headers,
		.signature_field = signature->field->raw,
		.signature_raw = signature->signature_raw,
		.canon = signature->header_canon,
	};
	int r = dkim_header_hash(NULL, &input, ret);

	return r < 0 ? error_reason(r) : DKIM_REASON_PASS;
}

/* One record that verifies is enough (R67). */
static enum dkim_reason try_published(const struct dkim_key_set *set, const struct dkim_signature *signature,
                                      const uint8_t digest[DKIM_DIGEST_OCTETS])
{
	enum dkim_reason reason = DKIM_REASON_NO_KEY;

	for (size_t i = 0; i < set->answer->text_count; i++) {
		const struct dkim_key *key = &set->keys[i];

		reason = dkim_key_allows(key, signature);
		if (reason == DKIM_REASON_PASS)
			reason = dkim_public_key_verify(key->key, signature->algorithm, digest, signature->signature_data);
		if (reason == DKIM_REASON_PASS)
			break;
	}
	return reason;
}

/* Broken DNS says nothing about the key. */
static bool is_answer(const struct dkim_key_set *set)
{
	return set && (set->answer->status == DKIM_DNS_FOUND || set->answer->status == DKIM_DNS_NO_RECORD);
}

static enum dkim_reason check_field(void *mem, const struct dkim_sign_check *check, const struct header_field *field)
{
	struct dkim_signature signature;
	uint8_t digest[DKIM_DIGEST_OCTETS];
	enum dkim_reason reason = dkim_signature_parse(mem, field, &signature);

	if (reason != DKIM_REASON_PASS)
		return reason;
	if (memcmp(signature.body_hash, check->body_digest, sizeof signature.body_hash) != 0)
		return DKIM_REASON_BODY_HASH_DIFFERS;
	reason = hash_headers(check, &signature, digest);
	if (reason != DKIM_REASON_PASS)
		return reason;
	if (is_answer(check->published))
		return try_published(check->published, &signature, digest);
	return check->key ? dkim_public_key_verify(check->key, signature.algorithm, digest, signature.signature_data) : DKIM_REASON_PASS;
}

enum dkim_reason dkim_sign_check(const struct dkim_sign_check *check)
{
	struct header_list *list;
	enum dkim_reason reason;
	int r;

	r = header_list_new(NULL, NULL, &list);
	if (r < 0)
		return error_reason(r);
	r = header_list_add(list, VIEW("DKIM-Signature"), check->value);
	reason = r < 0 ? error_reason(r) : check_field(list, check, header_list_at(list, 0));
	talloc_free(list);
	return reason;
}
