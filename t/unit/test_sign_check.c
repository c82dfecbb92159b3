/* dkim/sign_check.c: our own signatures, judged by our own key and by what is published. */
#include "support.h"

#include "dkim/sign.h"
#include "dkim/sign_check.h"

#include <talloc.h>

enum { MINE, OTHER, ED, KEYS };
static struct dkim_private_key *keys[KEYS];
static char *records[KEYS]; /* "k=...; p=..." */

static int set_up(void **state)
{
	static const enum dkim_key_type types[KEYS] = { DKIM_KEY_RSA, DKIM_KEY_RSA, DKIM_KEY_ED25519 };

	(void)state;
	for (size_t i = 0; i < KEYS; i++) {
		struct buf text;

		assert_int_equal(dkim_private_key_generate(types[i], 1024, &keys[i]), 0);
		buf_init(&text, NULL, 8192);
		buf_printf(&text, "k=%s; p=", types[i] == DKIM_KEY_RSA ? "rsa" : "ed25519");
		assert_int_equal(dkim_private_key_public_text(keys[i], &text), 0);
		records[i] = text.p;
	}
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	for (size_t i = 0; i < KEYS; i++) {
		dkim_private_key_free(keys[i]);
		talloc_free(records[i]);
	}
	return 0;
}

struct row {
	const char *name;
	int signer, checker;            /* -1: no own key to check with */
	const char *identity;
	bool asked;                     /* in DNS */
	enum dkim_dns_status status;
	const char *before[2];          /* what stands before the key in each record, NULL: no more records; "" and the like */
	int published[2];               /* which key; -1: an empty p= */
	enum dkim_reason want;
};

static const struct row rows[] = {
	{ "R103 the other half of the key", MINE, MINE, "", false, 0, { NULL }, { 0 }, DKIM_REASON_PASS },
	{ "R103 Ed25519", ED, ED, "", false, 0, { NULL }, { 0 }, DKIM_REASON_PASS },
	{ "R103 another key", MINE, OTHER, "", false, 0, { NULL }, { 0 }, DKIM_REASON_SIGNATURE_DIFFERS },
	{ "R103 a key of another kind", MINE, ED, "", false, 0, { NULL }, { 0 }, DKIM_REASON_KEY_TYPE_DIFFERS },
	{ "a key that is too long to check with", MINE, -1, "", false, 0, { NULL }, { 0 }, DKIM_REASON_PASS },
	{ "published", MINE, MINE, "", true, DKIM_DNS_FOUND, { "" }, { MINE }, DKIM_REASON_PASS },
	{ "another key is published", MINE, MINE, "", true, DKIM_DNS_FOUND, { "" }, { OTHER }, DKIM_REASON_SIGNATURE_DIFFERS },
	{ "R81 one of another kind is published", MINE, MINE, "", true, DKIM_DNS_FOUND, { "" }, { ED }, DKIM_REASON_KEY_TYPE_DIFFERS },
	{ "R67 another and ours are published", MINE, MINE, "", true, DKIM_DNS_FOUND, { "", "" }, { OTHER, MINE }, DKIM_REASON_PASS },
	{ "R59 the published one is revoked", MINE, MINE, "", true, DKIM_DNS_FOUND, { "" }, { -1 }, DKIM_REASON_KEY_REVOKED },
	{ "the published one is for another service", MINE, MINE, "", true, DKIM_DNS_FOUND, { "s=other; " }, { MINE }, DKIM_REASON_KEY_SERVICE_REFUSED },
	{ "the published one is for another hash", MINE, MINE, "", true, DKIM_DNS_FOUND, { "h=sha1; " }, { MINE }, DKIM_REASON_KEY_HASH_REFUSED },
	{ "R62 the published one is strict about i=", MINE, MINE, "joe@sub.example.com", true, DKIM_DNS_FOUND, { "t=s; " }, { MINE },
	  DKIM_REASON_KEY_STRICT_IDENTITY },
	{ "R62 which is fine without i=", MINE, MINE, "", true, DKIM_DNS_FOUND, { "t=s; " }, { MINE }, DKIM_REASON_PASS },
	{ "R65 none is published", MINE, MINE, "", true, DKIM_DNS_NO_RECORD, { NULL }, { 0 }, DKIM_REASON_NO_KEY },
	{ "R65 DNS is broken: our own key decides", MINE, MINE, "", true, DKIM_DNS_FAILED, { NULL }, { 0 }, DKIM_REASON_PASS },
	{ "R65 DNS is slow: our own key decides", MINE, OTHER, "", true, DKIM_DNS_TIMEOUT, { NULL }, { 0 }, DKIM_REASON_SIGNATURE_DIFFERS },
};

static struct dkim_public_key *public_key(void *mem, int number)
{
	struct dkim_key_record record;
	struct dkim_public_key *key;

	if (number < 0)
		return NULL;
	assert_int_equal(dkim_key_record_parse(view_of(records[number]), &record), DKIM_REASON_PASS);
	assert_int_equal(dkim_public_key_parse(mem, &record, &key), DKIM_REASON_PASS);
	return key;
}

static const struct dkim_key_set *published(void *mem, const struct row *row)
{
	struct dkim_dns_answer *answer = talloc_zero(mem, struct dkim_dns_answer);
	struct dkim_key_set *set = talloc_zero(mem, struct dkim_key_set);

	answer->status = row->status;
	set->answer = answer;
	set->keys = talloc_zero_array(mem, struct dkim_key, 2);
	for (size_t i = 0; i < 2 && row->before[i]; i++) {
		struct dkim_key *key = &set->keys[answer->text_count++];
		const char *text = talloc_asprintf(mem, "%s%s", row->before[i], row->published[i] < 0 ? "p=" : records[row->published[i]]);

		key->reason = dkim_key_record_parse(view_of(text), &key->record);
		if (key->reason == DKIM_REASON_PASS)
			key->reason = dkim_public_key_parse(mem, &key->record, &key->key);
	}
	return set;
}

static const struct header_list *make_header(void *mem, const char *text)
{
	struct header_list *headers;
	struct view body;

	assert_int_equal(header_list_new(mem, NULL, &headers), 0);
	assert_int_equal(header_list_parse(headers, view_of(text), &body), 0);
	return headers;
}

static struct dkim_sign *sign(void *mem, const struct header_list *headers, const struct dkim_sign_key *key)
{
	static const char *const none[] = { NULL };
	static const struct dkim_sign_params params = { .header_canon = DKIM_RELAXED, .body_canon = DKIM_RELAXED,
	                                                .headers = dkim_sign_default_headers, .omit = none, .oversign = none };
	struct dkim_sign *made;

	assert_int_equal(dkim_sign_new(mem, &params, key, 1, 1700000000, headers, &made), 0);
	assert_int_equal(dkim_sign_body(made, VIEW("Hello\r\n")), 0);
	assert_int_equal(dkim_sign_finish(made), 0);
	return made;
}

static const char header[] = "DKIM-Signature: of another\r\nFrom: joe@example.com\r\nSubject: x\r\n y\r\n";

static void test_row(void **state)
{
	const struct row *row = *state;
	void *mem = talloc_new(NULL);
	const struct header_list *headers = make_header(mem, header);
	const struct dkim_sign_key key = { keys[row->signer], VIEW("example.com"), VIEW("s"), view_of(row->identity) };
	const struct dkim_sign *made = sign(mem, headers, &key);
	const struct dkim_sign_check check = {
		.headers = headers,
		.value = dkim_sign_value(made, 0),
		.body_digest = dkim_sign_body_digest(made),
		.key = public_key(mem, row->checker),
		.published = row->asked ? published(mem, row) : NULL,
	};

	assert_string_equal(dkim_reason_text(dkim_sign_check(&check)), dkim_reason_text(row->want));
	talloc_free(mem);
}

/* What a fault of our own would look like. */
static void test_damage(void **state)
{
	void *mem = talloc_new(NULL);
	const struct header_list *headers = make_header(mem, header);
	const struct dkim_sign_key key = { .key = keys[MINE], .domain = VIEW("example.com"), .selector = VIEW("s") };
	const struct dkim_sign *made = sign(mem, headers, &key);
	struct dkim_sign_check check = { headers, dkim_sign_value(made, 0), dkim_sign_body_digest(made), public_key(mem, MINE), NULL };
	uint8_t digest[DKIM_DIGEST_OCTETS];

	(void)state;
	assert_int_equal(dkim_sign_check(&check), DKIM_REASON_PASS);
	memcpy(digest, check.body_digest, sizeof digest);
	digest[31] ^= 1;
	check.body_digest = digest;
	assert_int_equal(dkim_sign_check(&check), DKIM_REASON_BODY_HASH_DIFFERS);
	check.body_digest = dkim_sign_body_digest(made);
	check.headers = make_header(mem, "From: ann@example.com\r\nSubject: x\r\n y\r\n");
	assert_int_equal(dkim_sign_check(&check), DKIM_REASON_SIGNATURE_DIFFERS);
	check.headers = headers;
	check.value = VIEW(" v=1; a=rsa-sha256");
	assert_int_equal(dkim_sign_check(&check), DKIM_REASON_TAG_MISSING);
	check.value = VIEW(" v");
	assert_int_equal(dkim_sign_check(&check), DKIM_REASON_TAG_SYNTAX);
	talloc_free(mem);
}

int main(void)
{
	if (dkim_private_key_init() < 0)
		return 1;
	TEST_ROWS(rows, test_row);
	test_add("R103 a value, a header or a body that is not what was signed", test_damage);
	return test_run_with("sign_check", set_up, tear_down);
}
