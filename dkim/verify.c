#include "dkim/verify.h"

#include "dkim/body_hash.h"
#include "dkim/clock.h"
#include "dkim/header_hash.h"

#include <errno.h>
#include <talloc.h>

/* One signature on its way to a result. */
struct candidate {
	struct dkim_verify_result result;
	struct dkim_key_lookup *lookup;   /* NULL when none was needed, or the budget was spent */
	bool judged;
	struct dkim_body_hash *body_hash; /* belongs to the message's hashes; NULL when none was needed */
};

struct dkim_verify {
	const struct dkim_verify_params *params;
	const struct header_list *headers;
	int64_t now;
	struct candidate *candidates;
	size_t count, found;
	struct dkim_body_hashes hashes;
	bool body_finished;
	int64_t give_up_ms; /* monotonic clock; set at the end of the body */
};

static int verify_destructor(struct dkim_verify *verify)
{
	for (size_t i = 0; i < verify->count; i++)
		dkim_key_lookup_free(verify->candidates[i].lookup);
	return 0;
}

/* What the clock says to the signature. Section 3.5 lets an expired signature count as
 * invalid: `fail`, unless the administrator wants `policy` (R24). A t= in the future, which it lets us ignore, is
 * `policy` (R25). Both only beyond the skew of two clocks. */
static enum dkim_reason check_claims(const struct dkim_verify *verify, const struct dkim_signature *signature)
{
	int64_t skew = verify->params->clock_skew;

	if (signature->expiration >= 0 && signature->expiration < verify->now - skew)
		return verify->params->expired_is_policy ? DKIM_REASON_EXPIRED_POLICY : DKIM_REASON_EXPIRED;
	if (signature->timestamp > verify->now + skew)
		return DKIM_REASON_IN_FUTURE;
	return DKIM_REASON_PASS;
}

static enum dkim_reason start_lookup(struct candidate *candidate, struct dkim_key_cache *cache)
{
	const struct dkim_signature *signature = &candidate->result.signature;

	switch (dkim_key_lookup_start(cache, signature->selector, signature->signing_domain, &candidate->lookup)) {
	case 0:
		return DKIM_REASON_PASS;
	case -EINVAL:
		return DKIM_REASON_KEY_NAME_TOO_LONG;
	case -ENOMEM:
		return DKIM_REASON_OUT_OF_MEMORY;
	default: /* too many questions in flight */
		return DKIM_REASON_KEY_UNAVAILABLE;
	}
}

/* Steps 1 and 2 of RFC 6376 section 6.1: read the field, ask for the key, begin its body hash. */
static int candidate_begin(struct dkim_verify *verify, struct candidate *candidate, const struct header_field *field,
                           struct dkim_key_cache *cache)
{
	struct dkim_verify_result *result = &candidate->result;
	int r;

	result->reason = dkim_signature_parse(verify, field, &result->signature);
	if (result->reason == DKIM_REASON_PASS)
		result->reason = check_claims(verify, &result->signature);
	if (result->reason != DKIM_REASON_PASS)
		return 0;
	r = dkim_body_hashes_get(&verify->hashes, verify, result->signature.body_canon, result->signature.body_length,
	                         &candidate->body_hash);
	if (r < 0)
		return r;
	result->reason = start_lookup(candidate, cache);
	return 0;
}

int dkim_verify_new(void *mem, const struct dkim_verify_params *params, struct dkim_key_cache *cache, int64_t now,
                    const struct header_list *headers, struct dkim_verify **ret)
{
	struct dkim_verify *verify;
	size_t wanted;
	int r = 0;

	verify = talloc_zero(mem, struct dkim_verify);
	if (!verify)
		return -ENOMEM;
	verify->params = params;
	verify->headers = headers;
	verify->now = now;
	verify->found = header_list_count_name(headers, VIEW("DKIM-Signature"));
	wanted = verify->found < params->maximum_signatures ? verify->found : params->maximum_signatures;
	verify->candidates = talloc_zero_array(verify, struct candidate, (unsigned)wanted);
	if (!verify->candidates)
		r = -ENOMEM;
	talloc_set_destructor(verify, verify_destructor);
	for (size_t i = 0; r == 0 && verify->count < wanted; i++) {
		const struct header_field *field = header_list_at(headers, i);

		if (view_eq_nocase(field->name, VIEW("DKIM-Signature")))
			r = candidate_begin(verify, &verify->candidates[verify->count++], field, cache);
	}
	if (r < 0) {
		talloc_free(verify);
		return r;
	}
	*ret = verify;
	return 0;
}

int dkim_verify_body(struct dkim_verify *verify, struct view chunk)
{
	return dkim_body_hashes_update(&verify->hashes, chunk);
}

/* Steps 2 and 3 of section 6.1.2: what the DNS said when it did not give a record (R65). */
static enum dkim_reason answer_reason(enum dkim_dns_status status)
{
	switch (status) {
	case DKIM_DNS_FOUND:
		return DKIM_REASON_PASS;
	case DKIM_DNS_NO_RECORD:
		return DKIM_REASON_NO_KEY;
	case DKIM_DNS_TIMEOUT:
		return DKIM_REASON_KEY_TIMEOUT;
	case DKIM_DNS_BOGUS:
		return DKIM_REASON_KEY_BOGUS;
	case DKIM_DNS_FAILED:
		break;
	}
	return DKIM_REASON_KEY_UNAVAILABLE;
}

enum dkim_reason dkim_key_allows(const struct dkim_key *key, const struct dkim_signature *signature)
{
	enum dkim_key_type needed = signature->algorithm == DKIM_ED25519_SHA256 ? DKIM_KEY_ED25519 : DKIM_KEY_RSA;
	enum dkim_reason reason = key->reason;

	if (reason == DKIM_REASON_PASS)
		reason = dkim_key_record_refusal(&key->record);
	if (reason != DKIM_REASON_PASS)
		return reason;
	if (key->record.type != needed)
		return DKIM_REASON_KEY_TYPE_DIFFERS;
	if (key->record.strict_identity && !view_eq_nocase(signature->identity_domain, signature->signing_domain))
		return DKIM_REASON_KEY_STRICT_IDENTITY;
	return DKIM_REASON_PASS;
}

/* Section 6.1.3, the body: R26, R53. */
static enum dkim_reason check_body(const struct candidate *candidate)
{
	const struct dkim_signature *signature = &candidate->result.signature;
	const uint8_t *digest = dkim_body_hash_digest(candidate->body_hash);

	if (signature->body_length != DKIM_LENGTH_UNLIMITED &&
	    (uint64_t)signature->body_length > dkim_body_hash_octets(candidate->body_hash))
		return DKIM_REASON_BODY_SHORTER_THAN_L;
	for (size_t i = 0; i < DKIM_DIGEST_OCTETS; i++)
		if (digest[i] != signature->body_hash[i])
			return DKIM_REASON_BODY_HASH_DIFFERS;
	return DKIM_REASON_PASS;
}

static enum dkim_reason hash_headers(const struct dkim_verify *verify, const struct dkim_signature *signature,
                                     uint8_t ret[DKIM_DIGEST_OCTETS])
{
	const struct dkim_header_hash_input input = {
		.headers = verify->headers,
		.signed_headers = signature->signed_headers,
		.signature_field = signature->field->raw,
		.signature_raw = signature->signature_raw,
		.skip = signature->field,
		.canon = signature->header_canon,
	};

	switch (dkim_header_hash(NULL, &input, ret)) {
	case 0:
		return DKIM_REASON_PASS;
	case -EIO:
		return DKIM_REASON_CRYPTO_FAILED;
	default:
		return DKIM_REASON_OUT_OF_MEMORY;
	}
}

/* What we ask of a signature that is cryptographically good (RFC 6376 section 6.1.3 end, RFC 8301 section 3.2). Text may
 * be added to a body that l= covers in part (section 8.2): we do not call that a pass (R27). */
static enum dkim_reason check_policy(const struct dkim_verify *verify, const struct candidate *candidate)
{
	const struct dkim_signature *signature = &candidate->result.signature;

	if (signature->algorithm == DKIM_RSA_SHA256 && candidate->result.key_bits < verify->params->minimum_rsa_bits)
		return DKIM_REASON_WEAK_KEY;
	if (signature->body_length != DKIM_LENGTH_UNLIMITED &&
	    (uint64_t)signature->body_length < dkim_body_hash_octets(candidate->body_hash))
		return DKIM_REASON_BODY_NOT_COVERED;
	return DKIM_REASON_PASS;
}

/* Try one record of the selector; key bits and test mode are its own afterwards. */
static enum dkim_reason try_key(const struct dkim_verify *verify, struct candidate *candidate, const struct dkim_key *key,
                                const uint8_t header_digest[DKIM_DIGEST_OCTETS])
{
	struct dkim_verify_result *result = &candidate->result;
	enum dkim_reason reason = dkim_key_allows(key, &result->signature);

	if (key->reason == DKIM_REASON_PASS) {
		result->test_mode = key->record.test_mode;
		result->record_version_not_first = key->record.version_not_first;
		result->key_bits = dkim_public_key_bits(key->key);
	}
	if (reason == DKIM_REASON_PASS)
		reason = check_body(candidate);
	if (reason == DKIM_REASON_PASS)
		reason = dkim_public_key_verify(key->key, result->signature.algorithm, header_digest,
		                                result->signature.signature_data);
	if (reason == DKIM_REASON_PASS)
		reason = check_policy(verify, candidate);
	return reason;
}

/* Several records may stand at one name: the first that verifies decides (R67). Without one, a record that verifies but
 * for our policy says more than one that does not, and that more than a neighbour which could not be used. */
static bool says_more(enum dkim_reason reason, enum dkim_reason best)
{
	return dkim_reason_result(best) != DKIM_POLICY && dkim_reason_result(reason) != DKIM_PERMERROR;
}

/* Key bits and test mode go with the reason: what they say is said of the record that decided. */
static enum dkim_reason try_keys(const struct dkim_verify *verify, struct candidate *candidate,
                                 const struct dkim_key_set *set)
{
	enum dkim_reason best = DKIM_REASON_NO_KEY;
	uint8_t digest[DKIM_DIGEST_OCTETS];
	enum dkim_reason reason = hash_headers(verify, &candidate->result.signature, digest);

	if (reason != DKIM_REASON_PASS)
		return reason;
	for (size_t i = 0; i < set->answer->text_count; i++) {
		const struct dkim_verify_result before = candidate->result;

		reason = try_key(verify, candidate, &set->keys[i], digest);
		if (reason == DKIM_REASON_PASS)
			return reason;
		if (best == DKIM_REASON_NO_KEY || says_more(reason, best))
			best = reason;
		else
			candidate->result = before;
	}
	return best;
}

static void candidate_judge(const struct dkim_verify *verify, struct candidate *candidate)
{
	struct dkim_verify_result *result = &candidate->result;
	const struct dkim_key_set *set = dkim_key_lookup_result(candidate->lookup);

	if (!set) {
		result->reason = DKIM_REASON_OUT_OF_MEMORY;
		return;
	}
	result->secure = set->answer->secure;
	result->key_asked = true;
	result->key_cached = dkim_key_lookup_cached(candidate->lookup);
	result->dns_ms = result->key_cached ? 0 : set->answer->milliseconds;
	result->dns_status = set->answer->status;
	result->reason = answer_reason(set->answer->status);
	if (result->reason == DKIM_REASON_PASS)
		result->reason = try_keys(verify, candidate, set);
}

static unsigned milliseconds_until(int64_t when_ms)
{
	int64_t left = when_ms - clock_monotonic_ms();

	return left > 0 ? (unsigned)left : 0;
}

/* Returns 1 when the key is still out and there is time to wait for it. */
static int candidate_finish(const struct dkim_verify *verify, struct candidate *candidate, int64_t until_ms)
{
	bool last_call = until_ms >= verify->give_up_ms;

	if (!candidate->lookup || candidate->judged)
		return 0;
	if (dkim_key_lookup_wait(candidate->lookup, milliseconds_until(until_ms)) == 0) {
		candidate_judge(verify, candidate);
		candidate->judged = true;
		return 0;
	}
	if (!last_call)
		return 1;
	candidate->result.reason = DKIM_REASON_BUDGET_SPENT;
	dkim_key_lookup_free(candidate->lookup);
	candidate->lookup = NULL;
	return 0;
}

int dkim_verify_finish(struct dkim_verify *verify, unsigned milliseconds)
{
	int64_t until_ms = clock_monotonic_ms() + milliseconds;
	int waiting = 0;

	if (!verify->body_finished) {
		int r = dkim_body_hashes_finish(&verify->hashes);

		if (r < 0)
			return r;
		verify->body_finished = true;
		verify->give_up_ms = clock_monotonic_ms() + verify->params->budget_ms;
	}
	if (until_ms > verify->give_up_ms)
		until_ms = verify->give_up_ms;
	for (size_t i = 0; i < verify->count; i++)
		waiting |= candidate_finish(verify, &verify->candidates[i], until_ms);
	return waiting;
}

size_t dkim_verify_count(const struct dkim_verify *verify)
{
	return verify->count;
}

size_t dkim_verify_found(const struct dkim_verify *verify)
{
	return verify->found;
}

const struct dkim_verify_result *dkim_verify_result(const struct dkim_verify *verify, size_t i)
{
	return &verify->candidates[i].result;
}

const struct dkim_key_set *dkim_verify_keys(const struct dkim_verify *verify, size_t i)
{
	const struct candidate *candidate = &verify->candidates[i];

	return candidate->judged ? dkim_key_lookup_result(candidate->lookup) : NULL;
}
