#include "dkim/explain.h"

#include "dkim/body_hash.h"
#include "dkim/explain_search.h"
#include "dkim/header_hash.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <talloc.h>

static bool give_up(struct explain_search *search)
{
	search->given_up = true;
	search->explain->not_searched = "its limits were reached before all was tried";
	return false;
}

bool explain_spend(struct explain_search *search, uint64_t octets)
{
	if (octets > DKIM_EXPLAIN_OCTETS_MAX - search->octets)
		return give_up(search);
	search->octets += octets;
	return true;
}

bool explain_may_try(struct explain_search *search, uint64_t octets)
{
	if (search->tries >= DKIM_EXPLAIN_TRIES_MAX)
		return give_up(search);
	if (!explain_spend(search, octets))
		return false;
	search->tries++;
	search->explain->tries++;
	return true;
}

int explain_found(struct explain_search *search, const struct dkim_guess *row, const char *detail)
{
	struct dkim_explain *explain = search->explain;
	struct dkim_guess *guess = &explain->guesses[explain->guess_count];

	assert(explain->guess_count < DKIM_EXPLAIN_GUESSES_MAX);
	*guess = *row;
	if (detail && *detail) {
		guess->detail = talloc_strdup(explain->guesses, detail);
		if (!guess->detail)
			return -ENOMEM;
	}
	explain->guess_count++;
	return 0;
}

bool explain_is_judgeable(enum dkim_reason reason)
{
	return reason == DKIM_REASON_PASS || reason == DKIM_REASON_TOP_LEVEL_DOMAIN;
}

bool explain_is_hashed(const struct explain_search *search, const struct header_field *field)
{
	return header_list_count_name(search->signed_names, field->name) > 0;
}

static struct dkim_header_hash_input hash_input(const struct header_list *headers, const struct dkim_signature *signature)
{
	return (struct dkim_header_hash_input){
		.headers = headers,
		.signed_headers = signature->signed_headers,
		.signature_field = signature->field->raw,
		.signature_raw = signature->signature_raw,
		.skip = signature->field,
		.canon = signature->header_canon,
	};
}

int explain_judge_header(const struct header_list *headers, const struct dkim_signature *signature,
                         const struct dkim_key_set *keys, uint8_t ret_digest[DKIM_DIGEST_OCTETS],
                         enum dkim_explain_state *ret)
{
	enum dkim_key_type needed = signature->algorithm == DKIM_ED25519_SHA256 ? DKIM_KEY_ED25519 : DKIM_KEY_RSA;
	const struct dkim_header_hash_input input = hash_input(headers, signature);
	enum dkim_explain_state state = DKIM_EXPLAIN_UNKNOWN;
	int r = dkim_header_hash(NULL, &input, ret_digest);

	for (size_t i = 0; r == 0 && keys && i < keys->answer->text_count && state != DKIM_EXPLAIN_GOOD; i++) {
		const struct dkim_key *key = &keys->keys[i];

		if (key->reason != DKIM_REASON_PASS || key->record.type != needed)
			continue;
		state = DKIM_EXPLAIN_DIFFERS;
		if (dkim_public_key_verify(key->key, signature->algorithm, ret_digest, signature->signature_data) ==
		    DKIM_REASON_PASS)
			state = DKIM_EXPLAIN_GOOD;
	}
	if (r == 0)
		*ret = state;
	return r;
}

static int set_claim(struct dkim_explain *explain, const struct dkim_key_set *keys, const struct dkim_signature *signature)
{
	int r = 1;

	for (size_t i = 0; keys && i < keys->answer->text_count && r == 1; i++)
		if (keys->keys[i].reason == DKIM_REASON_PASS)
			r = dkim_public_key_signed_digest(keys->keys[i].key, signature->signature_data, explain->header_hash_claimed);
	explain->header_claim_known = r == 0;
	return r < 0 ? r : 0;
}

static int set_header(struct dkim_explain *explain, const struct dkim_explain_input *input,
                      const struct dkim_signature *signature)
{
	const struct dkim_header_hash_input hashed = hash_input(input->headers, signature);
	struct buf block;

	/* No canonical form is longer than its field, a CRLF that may be missing aside. */
	buf_init(&block, explain, header_list_octets(input->headers) + signature->field->raw.n + 2);
	dkim_header_block(&hashed, &block);
	if (buf_error(&block) < 0)
		return buf_error(&block);
	explain->header_block = buf_view(&block);
	return explain_judge_header(input->headers, signature, input->keys, explain->header_hash, &explain->header);
}

static int set_body(struct dkim_explain *explain, const struct dkim_explain_input *input,
                    const struct dkim_signature *signature)
{
	struct dkim_body_hash *hash;
	uint64_t length;
	int r = dkim_body_hash_new(explain, signature->body_canon, signature->body_length, &hash);

	if (r < 0)
		return r;
	r = dkim_body_hash_update(hash, input->body);
	if (r == 0)
		r = dkim_body_hash_finish(hash);
	if (r == 0) {
		explain->body_octets = dkim_body_hash_octets(hash);
		length = signature->body_length < 0 ? explain->body_octets : (uint64_t)signature->body_length;
		explain->body_octets_hashed = length < explain->body_octets ? length : explain->body_octets;
		memcpy(explain->body_hash, dkim_body_hash_digest(hash), DKIM_DIGEST_OCTETS);
		explain->body = DKIM_EXPLAIN_DIFFERS;
		if (length <= explain->body_octets && memcmp(explain->body_hash, signature->body_hash, DKIM_DIGEST_OCTETS) == 0)
			explain->body = DKIM_EXPLAIN_GOOD;
	}
	talloc_free(hash);
	return r;
}

/* The names of h=, each once, where they are found as fast as fields are. Returns 1 when they are too many. */
static int collect_names(void *mem, struct view names, struct header_list **ret)
{
	struct view name;
	int r = header_list_new(mem, NULL, ret);

	while (r == 0 && view_next(&names, ':', &name)) {
		name = view_trim_fws(name);
		if (header_list_count_name(*ret, name) == 0)
			r = header_list_add(*ret, name, VIEW(""));
	}
	return r == -E2BIG || r == -EMSGSIZE ? 1 : r;
}

static bool is_too_large(const struct dkim_explain_input *input)
{
	return header_list_count(input->headers) > DKIM_EXPLAIN_FIELDS_MAX ||
	       header_list_octets(input->headers) > DKIM_EXPLAIN_HEADER_MAX || input->body.n > DKIM_EXPLAIN_BODY_MAX;
}

/* The limits count for each part: a hostile header does not keep a footer from being found. */
static int search_part(const struct explain_search *search, int (*part)(struct explain_search *search))
{
	struct explain_search fresh = *search;

	return part(&fresh);
}

static int search_causes(struct dkim_explain *explain, const struct dkim_explain_input *input,
                         const struct dkim_signature *signature)
{
	struct explain_search search = {
		.mem = explain,
		.explain = explain,
		.headers = input->headers,
		.body = input->body,
		.signature = signature,
		.keys = input->keys,
	};
	int r = is_too_large(input) ? 1 : collect_names(explain, signature->signed_headers, &search.signed_names);

	if (r == 1)
		explain->not_searched = "the message is too large for guesses";
	if (r != 0)
		return r < 0 ? r : 0;
	explain->guesses = talloc_zero_array(explain, struct dkim_guess, DKIM_EXPLAIN_GUESSES_MAX);
	if (!explain->guesses)
		return -ENOMEM;
	/* An RSA value that the key did not make fits no header at all. */
	if (explain->header == DKIM_EXPLAIN_DIFFERS && (signature->algorithm != DKIM_RSA_SHA256 || explain->header_claim_known))
		r = search_part(&search, explain_search_header);
	if (r == 0 && explain->body == DKIM_EXPLAIN_DIFFERS)
		r = search_part(&search, explain_search_body);
	return r;
}

static int set_key_name(struct dkim_explain *explain, const struct dkim_signature *signature)
{
	if (signature->selector.n == 0 || signature->signing_domain.n == 0)
		return 0;
	explain->key_name = talloc_asprintf(explain, "%.*s._domainkey.%.*s", (int)signature->selector.n, signature->selector.p,
	                                    (int)signature->signing_domain.n, signature->signing_domain.p);
	return explain->key_name ? 0 : -ENOMEM;
}

/* Parsed again rather than taken from the result: there a later judgement stands in the place of its reason. */
static int fill(struct dkim_explain *explain, const struct dkim_explain_input *input)
{
	const struct header_field *field = input->result->signature.field;
	struct dkim_signature signature;
	enum dkim_reason reason = dkim_signature_parse(explain, field, &signature);
	int r = set_key_name(explain, &signature);

	if (tag_list_parse(field->value, &explain->tags, &explain->bad_tag) != TAG_LIST_OK)
		explain->tags.count = 0;
	if (reason == DKIM_REASON_OUT_OF_MEMORY)
		return -ENOMEM;
	if (r < 0 || !explain_is_judgeable(reason))
		return r;
	explain->hashed = true;
	r = set_header(explain, input, &signature);
	if (r == 0)
		r = set_claim(explain, input->keys, &signature);
	if (r == 0)
		r = set_body(explain, input, &signature);
	if (r == 0 && (explain->header == DKIM_EXPLAIN_DIFFERS || explain->body == DKIM_EXPLAIN_DIFFERS))
		r = search_causes(explain, input, &signature);
	return r;
}

int dkim_explain(void *mem, const struct dkim_explain_input *input, struct dkim_explain **ret)
{
	struct dkim_explain *explain = talloc_zero(mem, struct dkim_explain);
	int r;

	if (!explain)
		return -ENOMEM;
	r = fill(explain, input);
	if (r < 0) {
		talloc_free(explain);
		return r;
	}
	*ret = explain;
	return 0;
}

const struct dkim_guess *dkim_explain_row(size_t i)
{
	size_t header_rows = 0;

	while (explain_header_row(header_rows))
		header_rows++;
	return i < header_rows ? explain_header_row(i) : explain_body_row(i - header_rows);
}
