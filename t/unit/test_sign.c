/* dkim/sign.c: which fields are signed, how the field looks, and that our own verifier passes it. */
#include "support.h"

#include "dkim/sign.h"
#include "dkim/signature.h"
#include "dkim/tag_list.h"
#include "dkim/verify.h"

#include <talloc.h>

#define NOW 1700000000

static struct dkim_private_key *rsa_key, *ed_key;

static const char *const none[] = { NULL };
static const char *const oversigned[] = { "From", "Subject", "Reply-To", NULL };
static const char *const subject_only[] = { "Subject", NULL };
static const char *const content[] = { "Content-*", NULL };
static const char *const never[] = { "Received", "Bcc", "Authentication-Results", "DKIM-Signature", "X-Virus-Status", "Subject", NULL };

/* A header, the lists, and the h= that must come of them. */
struct names_row {
	const char *name;
	const char *header;
	const char *const *headers, *const *omit, *const *oversign;
	const char *want;
};

static const struct names_row names_rows[] = {
	{ "R94 From is signed whatever the list says, R98 and oversigned", "From: a@example.com\r\nTo: b@example.net\r\n",
	  none, none, none, "From:From" },
	{ "R97 all instances of a name", "Subject: 1\r\nFrom: a@example.com\r\nSubject: 2\r\n",
	  subject_only, none, none, "Subject:From:Subject:From" },
	{ "R98 oversigned only when it occurs", "From: a@example.com\r\nSubject: 1\r\n",
	  dkim_sign_default_headers, none, oversigned, "From:Subject:From:Subject" },
	{ "R95 never signed, whatever is asked for",
	  "Received: x\r\nBcc: x\r\nX-Virus-Status: Clean\r\nDKIM-Signature: v=1\r\nAuthentication-Results: x\r\nFrom: a@example.com\r\nSubject: 1\r\n",
	  never, none, none, "From:Subject:From" },
	{ "omit-headers", "From: a@example.com\r\nSubject: 1\r\nTo: b@example.net\r\n",
	  dkim_sign_default_headers, subject_only, oversigned, "From:To:From" },
	{ "From is not omitted", "From: a@example.com\r\n", dkim_sign_default_headers, oversigned, none, "From:From" },
	{ "names in any case, patterns", "FROM: a@example.com\r\ncontent-type: text/plain\r\nContent-ID: x\r\nContents: x\r\n",
	  content, none, none, "FROM:content-type:Content-ID:FROM" },
	{ "Content-Length, which Sendmail takes away", "Content-Length: 5\r\nContent-Type: text/plain\r\nFrom: a@example.com\r\n",
	  dkim_sign_default_headers, none, none, "Content-Type:From:From" },
	{ "a name with a semicolon would end h=", "From: a@example.com\r\nContent-;d=example.org;x=: x\r\n",
	  content, none, none, "From:From" },
	{ "R106 List-Unsubscribe and List-Unsubscribe-Post", "From: a@example.com\r\nList-Unsubscribe: <https://example.com>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n",
	  dkim_sign_default_headers, none, none, "From:List-Unsubscribe:List-Unsubscribe-Post:From" },
};

static struct header_list *parse_header(void *mem, const char *text)
{
	struct header_list *headers;
	struct view body;

	assert_int_equal(header_list_new(mem, NULL, &headers), 0);
	assert_int_equal(header_list_parse(headers, view_of(text), &body), 0);
	return headers;
}

/* The value without its folds. */
static char *unfolded(void *mem, struct view value)
{
	struct buf out;

	buf_init(&out, mem, value.n);
	for (size_t i = 0; i < value.n; i++)
		if (value.p[i] != '\r' && value.p[i] != '\n' && value.p[i] != '\t')
			buf_add_char(&out, value.p[i]);
	return talloc_strdup(mem, buf_string(&out));
}

static struct dkim_sign *sign_message(void *mem, const struct dkim_sign_params *params, const struct dkim_sign_key *keys,
                                      size_t key_count, const struct header_list *headers, struct view body)
{
	struct dkim_sign *sign;

	assert_int_equal(dkim_sign_new(mem, params, keys, key_count, NOW, headers, &sign), 0);
	assert_int_equal(dkim_sign_body(sign, body), 0);
	assert_int_equal(dkim_sign_finish(sign), 0);
	return sign;
}

static void test_names(void **state)
{
	const struct names_row *row = *state;
	void *mem = talloc_new(NULL);
	const struct dkim_sign_params params = { .header_canon = DKIM_RELAXED, .body_canon = DKIM_RELAXED, .headers = row->headers,
		                                 .omit = row->omit, .oversign = row->oversign };
	const struct dkim_sign_key key = { .key = ed_key, .domain = VIEW("example.com"), .selector = VIEW("s") };
	struct dkim_sign *sign = sign_message(mem, &params, &key, 1, parse_header(mem, row->header), VIEW("x\r\n"));
	struct tag_list list;
	char *value = unfolded(mem, dkim_sign_value(sign, 0));

	assert_int_equal(tag_list_parse(view_of(value), &list, NULL), TAG_LIST_OK);
	assert_non_null(tag_list_find(&list, "h"));
	assert_string_equal(view_string(mem, tag_list_find(&list, "h")->value), row->want);
	talloc_free(mem);
}

/* Both keys, both canonicalizations of both parts: our verifier is the judge here, others in the end-to-end tests. */
struct pass_row {
	const char *name;
	enum dkim_canon header_canon, body_canon;
	const char *body;
};

static const struct pass_row pass_rows[] = {
	{ "R80 RSA and Ed25519, relaxed/relaxed", DKIM_RELAXED, DKIM_RELAXED, "Hello \t Joe \r\n\r\n\r\n" },
	{ "R103 our own verifier passes simple/simple", DKIM_SIMPLE, DKIM_SIMPLE, "Hello \t Joe \r\n\r\n\r\n" },
	{ "R103 our own verifier passes relaxed/simple", DKIM_RELAXED, DKIM_SIMPLE, "Hello" },
	{ "R103 our own verifier passes simple/relaxed", DKIM_SIMPLE, DKIM_RELAXED, "Hello" },
	{ "R44 empty body, relaxed", DKIM_RELAXED, DKIM_RELAXED, "" },
	{ "R44 empty body, simple", DKIM_SIMPLE, DKIM_SIMPLE, "" },
};

static void assert_lines_fit(struct view value)
{
	size_t column = strlen("DKIM-Signature:");

	for (size_t i = 0; i < value.n; i++) {
		column = value.p[i] == '\n' ? 0 : column + 1;
		assert_true(column <= 78 + 1); /* the CR counts here */
	}
}

static char *public_records(void *mem)
{
	struct buf rsa, ed;

	buf_init(&rsa, mem, 8192);
	buf_init(&ed, mem, 8192);
	assert_int_equal(dkim_private_key_public_text(rsa_key, &rsa), 0);
	assert_int_equal(dkim_private_key_public_text(ed_key, &ed), 0);
	return talloc_asprintf(mem, "r._domainkey.example.com TXT \"v=DKIM1; p=%.200s\" \"%s\"\n"
	                            "e._domainkey.example.com TXT \"v=DKIM1; k=ed25519; p=%s\"\n",
	                       buf_string(&rsa), buf_string(&rsa) + 200, buf_string(&ed));
}

static void assert_all_pass(void *mem, const char *header, const struct dkim_sign *sign, size_t count, struct view body)
{
	const struct dkim_resolver_params resolver_params = { .records_only = true, .timeout_ms = 1000 };
	const struct dkim_verify_params params = { .minimum_rsa_bits = 1024, .maximum_signatures = 8, .budget_ms = 1000 };
	struct header_list *headers = parse_header(mem, header);
	struct dkim_resolver_params with_records = resolver_params;
	struct dkim_records *records;
	struct dkim_resolver *resolver;
	struct dkim_key_cache *cache;
	struct dkim_verify *verify;
	char *error;

	assert_int_equal(dkim_records_parse(mem, "test", view_of(public_records(mem)), &records, &error), 0);
	with_records.records = records;
	assert_int_equal(dkim_resolver_new(mem, &with_records, &resolver, &error), 0);
	assert_int_equal(dkim_key_cache_new(resolver, 10, DKIM_KEY_CACHE_OCTETS, &cache), 0);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(header_list_add(headers, VIEW("DKIM-Signature"), dkim_sign_value(sign, i)), 0);
	assert_int_equal(dkim_verify_new(mem, &params, cache, NOW, headers, &verify), 0);
	assert_int_equal(dkim_verify_body(verify, body), 0);
	assert_int_equal(dkim_verify_finish(verify, 1000), 0);
	assert_int_equal(dkim_verify_count(verify), count);
	for (size_t i = 0; i < count; i++)
		assert_string_equal(dkim_reason_text(dkim_verify_result(verify, i)->reason), dkim_reason_text(DKIM_REASON_PASS));
	talloc_free(verify);
	dkim_key_cache_free(cache);
	dkim_resolver_free(resolver);
}

static void test_passes(void **state)
{
	static const char header[] = "From: Joe <joe@example.com>\r\nSUBJECT :  a \t b\r\n\tc \r\nTo:b@example.net\r\n";
	const struct pass_row *row = *state;
	void *mem = talloc_new(NULL);
	const struct dkim_sign_params params = { .header_canon = row->header_canon, .body_canon = row->body_canon,
		                                 .headers = dkim_sign_default_headers, .omit = none, .oversign = oversigned };
	const struct dkim_sign_key keys[] = {
		{ .key = rsa_key, .domain = VIEW("example.com"), .selector = VIEW("r"), .identity = VIEW("joe@sub.example.com") },
		{ .key = ed_key, .domain = VIEW("example.com"), .selector = VIEW("e") },
	};
	struct dkim_sign *sign = sign_message(mem, &params, keys, 2, parse_header(mem, header), view_of(row->body));

	for (size_t i = 0; i < 2; i++)
		assert_lines_fit(dkim_sign_value(sign, i));
	assert_all_pass(mem, header, sign, 2, view_of(row->body));
	talloc_free(mem);
}

static void test_tags(void **state)
{
	void *mem = talloc_new(NULL);
	struct dkim_sign_params params = { .header_canon = DKIM_RELAXED, .body_canon = DKIM_RELAXED, .headers = none, .omit = none,
		                           .oversign = none, .expire = 3600 };
	const struct dkim_sign_key key = { .key = rsa_key, .domain = VIEW("example.com"), .selector = VIEW("r") };
	struct header_list *headers = parse_header(mem, "From: a@example.com\r\n");
	struct dkim_sign *sign = sign_message(mem, &params, &key, 1, headers, VIEW("x\r\n"));
	struct dkim_signature signature;

	(void)state;
	assert_int_equal(header_list_add(headers, VIEW("DKIM-Signature"), dkim_sign_value(sign, 0)), 0);
	assert_int_equal(dkim_signature_parse(headers, header_list_at(headers, 1), &signature), DKIM_REASON_PASS);
	assert_int_equal(signature.timestamp, NOW);
	assert_int_equal(signature.expiration, NOW + 3600);
	assert_int_equal(signature.body_length, DKIM_LENGTH_UNLIMITED);
	assert_int_equal(signature.signature_raw.p + signature.signature_raw.n - signature.field->value.p, signature.field->value.n);
	params.expire = 0;
	sign = sign_message(mem, &params, &key, 1, parse_header(mem, "From: a@example.com\r\n"), VIEW("x\r\n"));
	assert_null(strstr(unfolded(mem, dkim_sign_value(sign, 0)), "x="));
	talloc_free(mem);
}

/* Whatever From says: without i= the identity is "@d", which is inside d= by itself. */
static void test_domain(void **state)
{
	void *mem = talloc_new(NULL);
	const struct dkim_sign_params params = { .header_canon = DKIM_RELAXED, .body_canon = DKIM_RELAXED, .headers = none,
		                                 .omit = none, .oversign = none };
	const struct dkim_sign_key key = { .key = ed_key, .domain = VIEW("xn--bcher-kva.example.com"), .selector = VIEW("e") };
	struct header_list *headers = parse_header(mem, "From: a@mail.xn--bcher-kva.example.com\r\n");
	struct dkim_sign *sign = sign_message(mem, &params, &key, 1, headers, VIEW("x\r\n"));
	struct dkim_signature signature;

	(void)state;
	assert_int_equal(header_list_add(headers, VIEW("DKIM-Signature"), dkim_sign_value(sign, 0)), 0);
	assert_int_equal(dkim_signature_parse(mem, header_list_at(headers, 1), &signature), DKIM_REASON_PASS);
	assert_true(view_eq(signature.signing_domain, key.domain));
	assert_int_equal(signature.identity.n, 0);
	talloc_free(mem);
}

/* Names longer than a line stand alone on theirs; what can break still fits. */
static void test_long_names(void **state)
{
	void *mem = talloc_new(NULL);
	char label[61];
	char *domain, *header;
	const struct dkim_sign_params params = { .header_canon = DKIM_SIMPLE, .body_canon = DKIM_SIMPLE, .headers = content,
		                                 .omit = none, .oversign = content };
	struct dkim_sign *sign;

	(void)state;
	memset(label, 'a', sizeof label - 1);
	label[sizeof label - 1] = '\0';
	domain = talloc_asprintf(mem, "%s.%s.example.com", label, label);
	header = talloc_asprintf(mem, "From: a@example.com\r\nContent-%s%s: x\r\n", label, label);
	const struct dkim_sign_key key = { .key = ed_key, .domain = view_of(domain), .selector = VIEW("e") };
	sign = sign_message(mem, &params, &key, 1, parse_header(mem, header), VIEW("x\r\n"));
	assert_non_null(strstr(view_string(mem, dkim_sign_value(sign, 0)), talloc_asprintf(mem, "\r\n\td=%s;\r\n", domain)));
	assert_non_null(strstr(view_string(mem, dkim_sign_value(sign, 0)),
	                       talloc_asprintf(mem, "\r\n\tContent-%s%s:\r\n", label, label)));
	talloc_free(mem);
}

/* Whatever room the tags before h= leave on their line. */
static void test_widths(void **state)
{
	static const char label[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
	void *mem = talloc_new(NULL);
	const struct dkim_sign_params params = { .header_canon = DKIM_RELAXED, .body_canon = DKIM_RELAXED, .headers = none,
		                                 .omit = none, .oversign = none, .expire = 86400 };
	struct header_list *headers = parse_header(mem, "From: a@example.com\r\n");

	(void)state;
	for (size_t n = 1; n < sizeof label; n++) {
		const struct dkim_sign_key key = { .key = ed_key, .domain = { label, n }, .selector = VIEW("e") };

		assert_lines_fit(dkim_sign_value(sign_message(mem, &params, &key, 1, headers, VIEW("x\r\n")), 0));
	}
	talloc_free(mem);
}

int main(void)
{
	int r;

	if (dkim_private_key_init() < 0 || dkim_private_key_generate(DKIM_KEY_RSA, 2048, &rsa_key) < 0 ||
	    dkim_private_key_generate(DKIM_KEY_ED25519, 0, &ed_key) < 0)
		return 1;
	TEST_ROWS(names_rows, test_names);
	TEST_ROWS(pass_rows, test_passes);
	test_add("R101 t= always, x= when configured, no l=; R99 b= is last", test_tags);
	test_add("R100 d= is the key's domain, and no i= is written", test_domain);
	test_add("R99 folds with names longer than a line", test_long_names);
	test_add("R99 no line is longer than 78 columns, whatever stands before h=", test_widths);
	r = test_run("sign");
	dkim_private_key_free(rsa_key);
	dkim_private_key_free(ed_key);
	return r;
}
