#include "dkim/key_published.h"

#include <errno.h>

#define SIGNATURE_TEXT_MAX 4096 /* octets of b=; an RSA key of 16,384 bits makes 2,732 */

static enum dkim_reason check_halves(const struct dkim_private_key *ours, const struct dkim_public_key *theirs)
{
	static const uint8_t digest[DKIM_DIGEST_OCTETS] = { 1, 2, 3 };
	const bool rsa = dkim_private_key_type(ours) == DKIM_KEY_RSA;
	enum dkim_reason reason;
	struct buf text;
	int r;

	if (dkim_public_key_type(theirs) != dkim_private_key_type(ours))
		return DKIM_REASON_SIGNATURE_DIFFERS;
	buf_init(&text, NULL, SIGNATURE_TEXT_MAX);
	r = dkim_private_key_sign(ours, digest, &text);
	if (r == 0)
		reason = dkim_public_key_verify(theirs, rsa ? DKIM_RSA_SHA256 : DKIM_ED25519_SHA256, digest, buf_view(&text));
	else
		reason = r == -EIO ? DKIM_REASON_CRYPTO_FAILED : DKIM_REASON_OUT_OF_MEMORY;
	buf_free(&text);
	return reason;
}

enum dkim_reason dkim_key_fits(const struct dkim_private_key *ours, const struct dkim_key *record)
{
	enum dkim_reason reason = record->reason;

	if (reason == DKIM_REASON_PASS)
		reason = check_halves(ours, record->key);
	return reason == DKIM_REASON_PASS ? dkim_key_record_refusal(&record->record) : reason;
}

/* How much a reason says about our key. A check that failed for reasons of our own may have been of the right one. */
static unsigned weight(enum dkim_reason reason)
{
	switch (reason) {
	case DKIM_REASON_PASS:
		return 3;
	case DKIM_REASON_KEY_HASH_REFUSED:
	case DKIM_REASON_KEY_SERVICE_REFUSED:
		return 2;
	case DKIM_REASON_SIGNATURE_DIFFERS:
		return 1;
	default:
		return dkim_reason_result(reason) == DKIM_TEMPERROR ? 2 : 0;
	}
}

static void judge_records(const struct dkim_private_key *ours, const struct dkim_key_set *set, struct dkim_published *ret)
{
	*ret = (struct dkim_published){ .state = DKIM_PUBLISHED_OTHERS, .reason = DKIM_REASON_NO_KEY };
	for (size_t i = 0; i < set->answer->text_count; i++) {
		enum dkim_reason reason = dkim_key_fits(ours, &set->keys[i]);

		if (i > 0 && weight(reason) <= weight(ret->reason))
			continue;
		ret->record = i;
		ret->reason = reason;
	}
	if (ret->reason == DKIM_REASON_PASS)
		ret->state = DKIM_PUBLISHED;
	else if (dkim_reason_result(ret->reason) == DKIM_TEMPERROR)
		ret->state = DKIM_PUBLISHED_UNKNOWN;
}

void dkim_key_published(const struct dkim_private_key *ours, const struct dkim_key_set *set, struct dkim_published *ret)
{
	if (set && set->answer->status == DKIM_DNS_FOUND)
		judge_records(ours, set, ret);
	else if (set && set->answer->status == DKIM_DNS_NO_RECORD)
		*ret = (struct dkim_published){ .state = DKIM_PUBLISHED_NOT, .reason = DKIM_REASON_NO_KEY };
	else
		*ret = (struct dkim_published){ .state = DKIM_PUBLISHED_UNKNOWN, .reason = DKIM_REASON_KEY_UNAVAILABLE };
}
