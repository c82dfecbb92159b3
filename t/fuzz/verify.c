/*
 * A signature made by the book, around tags that the input chooses, and its verification. The target hashes with
 * canon_reference.c and libsodium; the judgement that must come out follows from the tags, step by step as in RFC 6376
 * section 6.1.
 */
#include "dkim/base64.h"
#include "dkim/domain.h"
#include "dkim/private_key.h"
#include "dkim/verify.h"
#include "t/fuzz/canon_reference.h"
#include "t/fuzz/fuzz.h"
#include "t/fuzz/keys.h"

#include <sodium.h>
#include <string.h>
#include <talloc.h>

#define NOW 1700000000
#define SKEW 300
#define TEXT_MAX (1024 * 1024)
#define FIELDS_MAX 512

/* Key records of example.com. "%s" is the public key of that type. */
static const struct record {
	const char *selector;
	enum dkim_key_type type;
	const char *text;
	enum dkim_reason reason; /* for a signature that is good otherwise */
} records[] = {
	{ "r", DKIM_KEY_RSA, "v=DKIM1; p=%s", DKIM_REASON_PASS },
	{ "e", DKIM_KEY_ED25519, "k=ed25519; p=%s", DKIM_REASON_PASS },
	{ "test.r", DKIM_KEY_RSA, "t=y; p=%s", DKIM_REASON_PASS },
	{ "strict", DKIM_KEY_ED25519, "k=ed25519; t=s; p=%s", DKIM_REASON_KEY_STRICT_IDENTITY },
	{ "sha1", DKIM_KEY_ED25519, "k=ed25519; h=sha1; p=%s", DKIM_REASON_KEY_HASH_REFUSED },
	{ "web", DKIM_KEY_ED25519, "k=ed25519; s=web; p=%s", DKIM_REASON_KEY_SERVICE_REFUSED },
	{ "gone", DKIM_KEY_ED25519, "k=ed25519; p=", DKIM_REASON_KEY_REVOKED },
	{ "bad", DKIM_KEY_ED25519, "k=ed25519; p=AAAA", DKIM_REASON_KEY_BAD_DATA },
};
#define RECORDS (sizeof records / sizeof *records)

static struct dkim_private_key *keys[2]; /* by type */
static struct dkim_key_cache *cache;

static char *record_line(void *mem, const struct record *record)
{
	struct buf public_key;
	char *text = talloc_strdup(mem, record->text), *at = strstr(text, "%s");

	buf_init(&public_key, mem, TEXT_MAX);
	CLAIM(dkim_private_key_public_text(keys[record->type], &public_key) == 0);
	if (at)
		*at = '\0';
	return talloc_asprintf(mem, "%s._domainkey.example.com TXT \"%s%s\"\n", record->selector, text,
	                       at ? buf_string(&public_key) : "");
}

/* Keys, records and the cache in front of them; once per process. */
static void set_up(void)
{
	struct dkim_resolver_params params = { .records_only = true, .timeout_ms = 1000 };
	struct dkim_resolver *resolver;
	struct dkim_records *loaded;
	void *mem = talloc_new(NULL);
	char *text = talloc_strdup(mem, ""), *error;

	keys[DKIM_KEY_RSA] = make_key(DKIM_KEY_RSA);
	keys[DKIM_KEY_ED25519] = make_key(DKIM_KEY_ED25519);
	for (size_t i = 0; i < RECORDS; i++)
		text = talloc_asprintf_append(text, "%s", record_line(mem, &records[i]));
	CLAIM(dkim_records_parse(NULL, "records", view_of(text), &loaded, &error) == 0);
	params.records = loaded;
	CLAIM(dkim_resolver_new(NULL, &params, &resolver, &error) == 0);
	CLAIM(dkim_key_cache_new(resolver, DKIM_KEY_CACHE_ENTRIES, DKIM_KEY_CACHE_OCTETS, &cache) == 0);
	talloc_free(mem);
}

/* A message under construction. The value of its signature is before + bh + between + b + behind. */
struct draft {
	void *mem;
	struct view before, between, behind; /* tags and folds as the input says */
	bool on_top;                         /* where the signature stands */
	struct view header, body;
};

/* A line of the input; a VT in it is a fold. */
static struct view take_tags(void *mem, struct view *input)
{
	struct view line = take_line(input);
	struct buf out;

	buf_init(&out, mem, TEXT_MAX);
	for (size_t i = 0; i < line.n; i++)
		buf_add(&out, line.p[i] == '\v' ? VIEW("\r\n\t") : view_slice(line, i, i + 1));
	return buf_view(&out);
}

/* signature empty: without the white space around it too. */
static struct view signature_value(const struct draft *draft, struct view body_hash, struct view signature)
{
	struct view behind = draft->behind;
	struct buf out;

	while (signature.n == 0 && behind.n > 0 && ascii_is_fws(behind.p[0]))
		behind = view_slice(behind, 1, behind.n);

	buf_init(&out, draft->mem, TEXT_MAX);
	buf_add(&out, draft->before);
	buf_add_string(&out, ";bh=");
	buf_add(&out, body_hash);
	buf_add_string(&out, ";");
	buf_add(&out, draft->between);
	buf_add_string(&out, "b=");
	buf_add(&out, signature);
	buf_add(&out, behind);
	CLAIM(buf_error(&out) == 0);
	return buf_view(&out);
}

/* The header with the signature in its place. */
static struct header_list *header_with(const struct draft *draft, struct view value, const struct header_field **ret)
{
	struct header_list *list;
	struct view rest;
	size_t count;

	CLAIM(header_list_new(draft->mem, NULL, &list) == 0);
	if (draft->on_top)
		CLAIM(header_list_add(list, VIEW("DKIM-Signature"), value) == 0);
	CLAIM(header_list_parse(list, draft->header, &rest) == 0);
	if (!draft->on_top)
		CLAIM(header_list_add(list, VIEW("DKIM-Signature"), value) == 0);
	count = header_list_count(list);
	CLAIM(count <= FIELDS_MAX);
	*ret = header_list_at(list, draft->on_top ? 0 : count - 1);
	return list;
}

static struct view sha256_base64(void *mem, struct view octets)
{
	uint8_t digest[crypto_hash_sha256_BYTES];
	struct buf text;

	crypto_hash_sha256(digest, (const uint8_t *)octets.p, octets.n);
	buf_init(&text, mem, TEXT_MAX);
	base64_encode(&text, digest, sizeof digest);
	return buf_view(&text);
}

static struct view canonical_body(const struct draft *draft, const struct dkim_signature *signature)
{
	struct buf out;

	buf_init(&out, draft->mem, TEXT_MAX);
	reference_body(signature->body_canon, draft->body, &out);
	return buf_view(&out);
}

static struct view covered(struct view body, const struct dkim_signature *signature)
{
	int64_t length = signature->body_length;

	return length == DKIM_LENGTH_UNLIMITED || (uint64_t)length > body.n ? body : view_slice(body, 0, (size_t)length);
}

/* Section 3.7: the listed fields, bottom ones first, then the signature field with an empty b=. */
static void add_header_block(const struct header_list *list, const struct dkim_signature *signature, struct view unsigned_value,
                             struct buf *out)
{
	struct view names = signature->signed_headers, name;
	bool taken[FIELDS_MAX] = { false };

	while (view_next(&names, ':', &name))
		for (size_t i = header_list_count(list); i > 0; i--) {
			const struct header_field *field = header_list_at(list, i - 1);

			if (taken[i - 1] || field == signature->field || !view_eq_nocase(field->name, view_trim_fws(name)))
				continue;
			taken[i - 1] = true;
			reference_header(signature->header_canon, view_slice(field->raw, 0, field->raw.n - 2), out);
			break;
		}
	reference_header(signature->header_canon,
	                 view_of(talloc_asprintf(out->mem, "DKIM-Signature:%.*s", (int)unsigned_value.n, unsigned_value.p)), out);
	buf_cut(out, out->n - 2);
}

static struct view signed_value(const struct draft *draft, const struct header_list *list, const struct dkim_signature *signature,
                                struct view body_hash)
{
	enum dkim_key_type type = signature->algorithm == DKIM_RSA_SHA256 ? DKIM_KEY_RSA : DKIM_KEY_ED25519;
	struct view nothing = { NULL, 0 };
	uint8_t digest[crypto_hash_sha256_BYTES];
	struct buf block, text;

	buf_init(&block, draft->mem, TEXT_MAX);
	buf_init(&text, draft->mem, TEXT_MAX);
	add_header_block(list, signature, signature_value(draft, body_hash, nothing), &block);
	CLAIM(buf_error(&block) == 0);
	crypto_hash_sha256(digest, (const uint8_t *)block.p, block.n);
	CLAIM(dkim_private_key_sign(keys[type], digest, &text) == 0);
	return signature_value(draft, body_hash, buf_view(&text));
}

static const struct record *find_record(const struct dkim_signature *signature)
{
	for (size_t i = 0; i < RECORDS; i++)
		if (view_eq_nocase(signature->selector, view_of(records[i].selector)) &&
		    view_eq_nocase(signature->signing_domain, VIEW("example.com")))
			return &records[i];
	return NULL;
}

/* Section 6.1 over a signature whose tags are in order and that was made over this very message. */
static enum dkim_reason judgement(const struct dkim_signature *signature, size_t body_octets)
{
	const struct record *record = find_record(signature);
	bool rsa = signature->algorithm == DKIM_RSA_SHA256;

	if (signature->expiration >= 0 && signature->expiration < NOW - SKEW)
		return DKIM_REASON_EXPIRED;
	if (signature->timestamp > NOW + SKEW)
		return DKIM_REASON_IN_FUTURE;
	if (!record)
		return DKIM_REASON_NO_KEY;
	if (record->reason != DKIM_REASON_PASS && record->reason != DKIM_REASON_KEY_STRICT_IDENTITY)
		return record->reason;
	if (rsa != (record->type == DKIM_KEY_RSA))
		return DKIM_REASON_KEY_TYPE_DIFFERS;
	if (record->reason == DKIM_REASON_KEY_STRICT_IDENTITY &&
	    !view_eq_nocase(signature->identity_domain, signature->signing_domain))
		return record->reason;
	if (signature->body_length != DKIM_LENGTH_UNLIMITED && (uint64_t)signature->body_length > body_octets)
		return DKIM_REASON_BODY_SHORTER_THAN_L;
	if (signature->body_length != DKIM_LENGTH_UNLIMITED && (uint64_t)signature->body_length < body_octets)
		return DKIM_REASON_BODY_NOT_COVERED;
	return DKIM_REASON_PASS;
}

/* The verdict on the signature; `extra` follows the body. */
static enum dkim_reason verify(const struct draft *draft, const struct header_list *list, const struct header_field *field,
                               struct view extra)
{
	const struct dkim_verify_params params = { .minimum_rsa_bits = DKIM_RSA_BITS_MIN_SIGN, .maximum_signatures = FIELDS_MAX,
	                                           .clock_skew = SKEW, .budget_ms = 1000 };
	struct dkim_verify *state;
	enum dkim_reason reason;
	size_t i = 0;

	CLAIM(dkim_verify_new(draft->mem, &params, cache, NOW, list, &state) == 0);
	CLAIM(dkim_verify_body(state, draft->body) == 0);
	CLAIM(dkim_verify_body(state, extra) == 0);
	CLAIM(dkim_verify_finish(state, 1000) == 0);
	CLAIM(dkim_verify_count(state) == dkim_verify_found(state));
	while (dkim_verify_result(state, i)->signature.field != field)
		CLAIM(++i < dkim_verify_count(state));
	reason = dkim_verify_result(state, i)->reason;
	talloc_free(state);
	return reason;
}

static void claim_reason(enum dkim_reason got, enum dkim_reason wanted)
{
	CLAIM_SAME(view_of(dkim_reason_text(got)), view_of(dkim_reason_text(wanted)));
}

/* True when the tag named b is the one that was written last, and ends where it was ended: tags of the input may say otherwise. */
static bool is_in_place(const struct draft *draft, const struct dkim_signature *signature, struct view value, struct view text)
{
	struct view behind = view_trim_fws(draft->behind);

	return signature->signature_data.n == text.n && (behind.n == 0 || behind.p[0] == ';') &&
	       signature->signature_data.p + text.n - signature->field->value.p == (ptrdiff_t)(value.n - draft->behind.n);
}

static void try_draft(const struct draft *draft)
{
	static const struct view filler = VIEW_INIT("AAAA");
	struct view nothing = { NULL, 0 };
	struct view value = signature_value(draft, sha256_base64(draft->mem, nothing), filler);
	const struct header_field *field;
	struct header_list *list = header_with(draft, value, &field);
	struct dkim_signature signature;
	enum dkim_reason reason = dkim_signature_parse(draft->mem, field, &signature);
	struct view body, body_hash;

	if (reason != DKIM_REASON_PASS) {
		claim_reason(verify(draft, list, field, nothing), reason);
		return;
	}
	if (!is_in_place(draft, &signature, value, filler))
		return;
	body = canonical_body(draft, &signature);
	body_hash = sha256_base64(draft->mem, covered(body, &signature));
	value = signed_value(draft, list, &signature, body_hash);
	list = header_with(draft, value, &field);
	claim_reason(verify(draft, list, field, nothing), judgement(&signature, body.n));
	CLAIM(verify(draft, list, field, VIEW("x")) != DKIM_REASON_PASS);
}

/* Input: one octet (1: the signature stands on top); lines with the tags before bh=, those between it and b=, and what
 * stands behind the value of b=; the message. */
int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t n)
{
	struct view input = { (const char *)octets, n };
	struct draft draft = { .mem = talloc_new(NULL) };
	struct header_list *list;

	if (!cache)
		set_up();
	draft.on_top = take_octet(&input) & 1;
	draft.before = take_tags(draft.mem, &input);
	draft.between = take_tags(draft.mem, &input);
	draft.behind = take_tags(draft.mem, &input);
	CLAIM(header_list_new(draft.mem, NULL, &list) == 0);
	CLAIM(header_list_parse(list, input, &draft.body) == 0);
	draft.header = view_slice(input, 0, input.n - draft.body.n);
	try_draft(&draft);
	talloc_free(draft.mem);
	return 0;
}
