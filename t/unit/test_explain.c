/* dkim/explain.c: every change that it knows is made to a signed message, and must be named. */
#include "forge.h"
#include "support.h"

#include "dkim/explain.h"

#include <stdio.h>
#include <stdlib.h>
#include <talloc.h>
#include <time.h>

#define LONG_OCTETS 998 /* what '\f' stands for in the texts below */

static struct dkim_private_key *key;

struct row {
	const char *name;
	const char *want;            /* names of the guesses, "+" between; "" for none */
	const char *tags;
	const char *header, *body;   /* as signed */
	const char *received_header, *received_body; /* NULL: unchanged */
	const char *signature_blank; /* behind the colon of the received signature field; NULL: unchanged */
	int64_t length;              /* octets of the canonical body that are hashed; 0: all */
};

#define TAGS(c) "v=1; a=ed25519-sha256; c=" c "; d=example.com; s=s; h=From:To:Subject:Message-ID:Comments:Comments:" \
	"Content-Type:Content-Transfer-Encoding:MIME-Version"
#define SIMPLE TAGS("simple/simple")
#define RELAXED TAGS("relaxed/relaxed")
#define FROM "From: Joe <joe@example.com>\r\n"
#define BODY "Hello\r\n\r\nJoe\r\n"
#define WORDS5 " 123456789 123456789 123456789 123456789 123456789"
#define CTE(e) FROM "Content-Transfer-Encoding: " e "\r\n"
#define PART "--b\r\nContent-Type: text/plain\r\n"
#define LAST_PART "--b\r\nContent-Type: text/html\r\n\r\n<p>a=3Db\r\n--b--\r\n"
#define WRAPPED_BODY "--w\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nHello\r\n--w\r\nContent-Type: text/plain\r\n\r\n" \
	"the list\r\n--w--\r\n"

#define HEADER_ROW(want, tags, was, is) { want, want, tags, was, BODY, is, NULL, NULL, 0 }
#define BODY_ROW(want, tags, was, is) { want, want, tags, FROM, was, NULL, is, NULL, 0 }

static const struct row rows[] = {
	HEADER_ROW("subject-tag", RELAXED, FROM "Subject: Re: dinner?\r\n", FROM "Subject: Re: [list] dinner?\r\n"),
	HEADER_ROW("subject-word", RELAXED, FROM "Subject: dinner?\r\n", FROM "Subject: EXTERNAL: dinner?\r\n"),
	HEADER_ROW("subject-two-words", RELAXED, FROM "Subject: dinner?\r\n", FROM "Subject: ***SPAM*** 7.5 dinner?\r\n"),
	HEADER_ROW("leading-none", SIMPLE, FROM "Subject:dinner?\r\n", FROM "Subject: dinner?\r\n"),
	HEADER_ROW("leading-blank", SIMPLE, FROM "Subject: dinner?\r\n", FROM "Subject:dinner?\r\n"),
	HEADER_ROW("leading-tab", SIMPLE, FROM "Subject:\tdinner?\r\n", FROM "Subject: dinner?\r\n"),
	HEADER_ROW("leading-two-blanks", SIMPLE, FROM "Subject:  dinner?\r\n", FROM "Subject: dinner?\r\n"),
	{ "R39 leading blanks of all fields, the signature too", "leading-blank", SIMPLE, FROM "Subject: a\r\n", BODY,
	  "From:Joe <joe@example.com>\r\nSubject:a\r\n", NULL, "", 0 },
	{ "two fields, but not the signature", "leading-blank", SIMPLE, FROM "Subject: a\r\n", BODY,
	  "From:  Joe <joe@example.com>\r\nSubject:\ta\r\n", NULL, "\t", 0 },
	HEADER_ROW("header-line-cut", RELAXED, FROM "Subject: a\r\n b\fyyy\r\n", FROM "Subject: a\r\n b\f\r\n yyy\r\n"),
	HEADER_ROW("unfolded", SIMPLE, FROM "Subject: dinner on\tSunday\r\n", FROM "Subject: dinner on\r\n\tSunday\r\n"),
	HEADER_ROW("unfolded-blank", SIMPLE, FROM "Subject: dinner on Sunday\r\n", FROM "Subject: dinner on\r\n\tSunday\r\n"),
	HEADER_ROW("unfolded-close", RELAXED, FROM "Subject: dinner,Sunday\r\n", FROM "Subject: dinner,\r\n Sunday\r\n"),
	HEADER_ROW("folded-78", SIMPLE, FROM "Subject:" WORDS5 " 123456789 123456789\r\n 123456789\r\n",
	           FROM "Subject:" WORDS5 " 123456789\r\n 123456789 123456789\r\n"),
	HEADER_ROW("folded-72", SIMPLE, FROM "Subject:" WORDS5 " 123456789\r\n 123456789\r\n",
	           FROM "Subject:" WORDS5 "\r\n 123456789 123456789\r\n"),
	HEADER_ROW("fold-tab", SIMPLE, FROM "Subject: dinner on\r\n\tSunday\r\n", FROM "Subject: dinner on\r\n Sunday\r\n"),
	HEADER_ROW("fold-blank", SIMPLE, FROM "Subject: dinner on\r\n Sunday\r\n", FROM "Subject: dinner on\r\n\tSunday\r\n"),
	HEADER_ROW("fold-four-blanks", SIMPLE, FROM "Subject: a\r\n    b\r\n", FROM "Subject: a\r\n\tb\r\n"),
	HEADER_ROW("fold-eight-blanks", SIMPLE, FROM "Subject: a\r\n        b\r\n", FROM "Subject: a\r\n\tb\r\n"),
	HEADER_ROW("fold-lf", SIMPLE, FROM "Subject: a\n\tb\r\n", FROM "Subject: a\r\n\tb\r\n"),
	HEADER_ROW("trailing-blanks", SIMPLE, FROM "Subject: a\r\n b\r\n", FROM "Subject: a \r\n b\t\r\n"),
	HEADER_ROW("name-blank", SIMPLE, FROM "Subject : a\r\n", FROM "Subject: a\r\n"),
	HEADER_ROW("name-lower", SIMPLE, FROM "subject: a\r\n", FROM "Subject: a\r\n"),
	HEADER_ROW("name-words", SIMPLE, FROM "Message-Id: <1@example.com>\r\n", FROM "Message-ID: <1@example.com>\r\n"),
	HEADER_ROW("name-usual", SIMPLE, FROM "MIME-Version: 1.0\r\nMessage-ID: <1@example.com>\r\n",
	           FROM "Mime-Version: 1.0\r\nMessage-Id: <1@example.com>\r\n"),
	HEADER_ROW("name-upper", SIMPLE, FROM "SUBJECT: a\r\n", FROM "Subject: a\r\n"),
	HEADER_ROW("words-raw", RELAXED, FROM "Subject: d\xc3\xaener \xc3\xa0 huit\r\n",
	           FROM "Subject: =?utf-8?Q?d=C3=AEner_?= =?UTF-8?B?w6A=?= huit\r\n"),
	HEADER_ROW("words-base64", RELAXED, FROM "Subject: un =?UTF-8?B?ZMOubmVy?= demain\r\n",
	           FROM "Subject: un =?utf-8?q?d=c3=aener?= demain\r\n"),
	HEADER_ROW("words-quoted", RELAXED, FROM "Subject: un =?UTF-8?Q?d=C3=AEner?= demain\r\n",
	           FROM "Subject: un d\xc3\xaener demain\r\n"),
	HEADER_ROW("words-base64-whole", RELAXED, FROM "Subject: =?UTF-8?B?dW4gZMOubmVy?=\r\n", FROM "Subject: un d\xc3\xaener\r\n"),
	HEADER_ROW("words-quoted-whole", RELAXED, FROM "Subject: =?UTF-8?Q?un_d=C3=AEner?=\r\n", FROM "Subject: un d\xc3\xaener\r\n"),
	{ "encoded display name in quotes", "words-base64", RELAXED, "From: =?UTF-8?B?Sm/Dqw==?= <joe@example.com>\r\n", BODY,
	  "From: \"Jo\xc3\xab\" <joe@example.com>\r\n", NULL, NULL, 0 },
	HEADER_ROW("names-unquoted", RELAXED, FROM "To: Suzie Q <q@example.net>\r\n", FROM "To: \"Suzie Q\" <q@example.net>\r\n"),
	HEADER_ROW("names-unquoted-some", RELAXED, FROM "To: \"S, Q\" <q@example.net>, J. D. <d@example.net>\r\n",
	           FROM "To: \"S, Q\" <q@example.net>, \"J. D.\" <d@example.net>\r\n"),
	HEADER_ROW("names-quoted", RELAXED, FROM "To: x@example.net, \"Suzie Q\" <q@example.net>\r\n",
	           FROM "To: x@example.net, Suzie Q <q@example.net>\r\n"),
	HEADER_ROW("names-quoted-some", RELAXED, FROM "To: Suzie <q@example.net>, \"J. D.\" <d@example.net>\r\n",
	           FROM "To: Suzie <q@example.net>, J. D. <d@example.net>\r\n"),
	HEADER_ROW("comma-close", RELAXED, FROM "To: a@example.net,b@example.net\r\n", FROM "To: a@example.net, b@example.net\r\n"),
	HEADER_ROW("comma-blank", RELAXED, FROM "To: a@example.net, b@example.net\r\n", FROM "To: a@example.net,b@example.net\r\n"),
	HEADER_ROW("encoding-7bit", RELAXED, CTE("7bit"), CTE("base64")),
	HEADER_ROW("encoding-8bit", RELAXED, CTE("8bit"), CTE("base64")),
	HEADER_ROW("encoding-binary", RELAXED, CTE("binary"), CTE("base64")),
	HEADER_ROW("encoding-quoted-printable", RELAXED, CTE("quoted-printable"), CTE("8bit")),
	HEADER_ROW("encoding-base64", RELAXED, CTE("base64"), CTE("8bit")),
	HEADER_ROW("encoding-was-7bit", RELAXED, CTE("7bit"), FROM),
	HEADER_ROW("encoding-was-8bit", RELAXED, CTE("8bit"), FROM),
	HEADER_ROW("encoding-was-binary", RELAXED, CTE("binary"), FROM),
	HEADER_ROW("encoding-was-quoted-printable", RELAXED, CTE("quoted-printable"), FROM),
	HEADER_ROW("encoding-was-base64", RELAXED, CTE("base64"), FROM),
	HEADER_ROW("charset-quoted", RELAXED, FROM "Content-Type: text/plain; charset=\"utf-8\"; format=flowed\r\n",
	           FROM "Content-Type: text/plain; charset=utf-8; format=flowed\r\n"),
	HEADER_ROW("charset-unquoted", RELAXED, FROM "Content-Type: text/plain; charset=utf-8\r\n",
	           FROM "Content-Type: text/plain; charset=\"utf-8\"\r\n"),
	{ "mime-of-part", "mime-of-part+wrapped", RELAXED, FROM "Content-Type: text/plain; charset=utf-8\r\n", "Hello\r\n",
	  FROM "Content-Type: multipart/mixed; boundary=w\r\n", WRAPPED_BODY, NULL, 0 },
	HEADER_ROW("field-added", RELAXED, FROM, FROM "Message-ID: <1@example.com>\r\n"),
	{ "field-added: one of two", "field-added", RELAXED, FROM "Comments: a\r\n", BODY,
	  FROM "Comments: b\r\nComments: a\r\n", NULL, NULL, 0 },
	HEADER_ROW("field-lost", RELAXED, FROM "Comments: a\r\nComments: a\r\n", FROM "Comments: a\r\n"),
	HEADER_ROW("fields-reversed", RELAXED, FROM "Comments: a\r\nComments: b\r\n", FROM "Comments: b\r\nComments: a\r\n"),

	BODY_ROW("footer", RELAXED, BODY, BODY "\r\n____\r\nthe list\r\n"),
	{ "body-no-final-crlf", "body-no-final-crlf", SIMPLE, FROM, "Hello\r\n", NULL, NULL, NULL, 5 },
	BODY_ROW("body-trailing-blanks", SIMPLE, BODY, "Hello \r\n\t\r\nJoe\r\n"),
	BODY_ROW("signature-dashes", SIMPLE, "Hello\r\n-- \r\nJoe\r\n", "Hello\r\n--\r\nJoe\r\n"),
	BODY_ROW("body-line-cut", RELAXED, "\fyyy\r\nz\r\n", "\f\r\n yyy\r\nz\r\n"),
	BODY_ROW("body-line-cut-mark", RELAXED, "\fyyy\r\nz\r\n", "\f!\r\n yyy\r\nz\r\n"),
	BODY_ROW("body-quoted-printable", RELAXED, "caf\xc3\xa9 = 1, more\r\nb\r\n", "caf=C3=A9 =3D 1, =\r\nmore\r\nb\r\n"),
	BODY_ROW("part-quoted-printable", RELAXED, PART "Content-Transfer-Encoding: 8bit\r\n\r\ncaf\xc3\xa9 au lait\r\n" LAST_PART,
	         PART "Content-Transfer-Encoding: quoted-printable\r\n\r\ncaf=C3=A9 au=\r\n lait\r\n" LAST_PART),
	BODY_ROW("body-base64", RELAXED, "caf\xc3\xa9\r\n", "Y2Fmw6kNCg==\r\n"),
	BODY_ROW("body-was-quoted-printable", RELAXED, "caf=C3=A9 =3D" WORDS5 " 123456789 1=\r\n23456789\r\n",
	         "caf\xc3\xa9 =" WORDS5 " 123456789 123456789\r\n"),
	BODY_ROW("body-was-base64", RELAXED, "Y2Fmw6kNCg==\r\n", "caf\xc3\xa9\r\n"),
	BODY_ROW("footer-in-part", RELAXED, PART "\r\nHello\r\n" LAST_PART, PART "\r\nHello\r\n__________\r\nthe list\r\n" LAST_PART),
	{ "footer-in-part: an empty line goes with it", "footer-in-part", RELAXED, FROM, PART "\r\nHello\r\n" LAST_PART, NULL,
	  PART "\r\nHello\r\n\r\n-- \r\nthe list\r\n" LAST_PART, NULL, 0 },
	BODY_ROW("wrapped", RELAXED, "Hello\r\n", WRAPPED_BODY),
	BODY_ROW("body-bare-lf", SIMPLE, "a\nb\n", "a\r\nb\r\n"),
	BODY_ROW("body-one-bare-lf", RELAXED, "a\r\nb\nc\r\nd\r\n", "a\r\nb\r\nc\r\nd\r\n"),
	BODY_ROW("body-lf-was-crlf", SIMPLE, "a\r\nb\r\n", "a\nb\r\n"),
	BODY_ROW("body-cr-was-crlf", SIMPLE, "a\r\nb\r\n", "a\rb\r\n"),
	BODY_ROW("body-crcrlf", SIMPLE, "a\r\nb\r\n", "a\r\r\nb\r\r\n"),
	BODY_ROW("dots-doubled", RELAXED, ".a\r\nb\r\n", "..a\r\nb\r\n"),
	BODY_ROW("dots-lost", RELAXED, "..a\r\nb\r\n", ".a\r\nb\r\n"),
	BODY_ROW("from-quoted", RELAXED, "Hi\r\nFrom me\r\n", "Hi\r\n>From me\r\n"),
	BODY_ROW("first-line-lost", RELAXED, "\r\nHello\r\n", "Hello\r\n"),
	BODY_ROW("first-line-added", RELAXED, "Hello\r\n", "\r\nHello\r\n"),

	{ "a list: tag, footer and re-encoding together", "encoding-8bit+subject-tag+body-quoted-printable+footer", RELAXED,
	  FROM "Subject: dinner?\r\nContent-Transfer-Encoding: 8bit\r\n", "caf\xc3\xa9\r\n",
	  FROM "Subject: [list] dinner?\r\nContent-Transfer-Encoding: quoted-printable\r\n", "caf=C3=A9\r\n____\r\nthe list\r\n",
	  NULL, 0 },
	{ "a changed word of the subject is no guess", "", RELAXED, FROM "Subject: dinner?\r\n", BODY, FROM "Subject: dinners?\r\n",
	  NULL, NULL, 0 },
	{ "another sender is no guess", "", SIMPLE, FROM, BODY, "From: Eve <eve@example.com>\r\n", NULL, NULL, 0 },
	{ "a changed word of the body is no guess", "", RELAXED, FROM, BODY, NULL, "Hello\r\n\r\nJim\r\n", NULL, 0 },
	{ "a body cut short is no guess", "", SIMPLE, FROM, BODY, NULL, "Hello\r\n", NULL, 0 },
	{ "what is as signed needs no guess", "", SIMPLE, FROM, BODY, NULL, NULL, NULL, 0 },
};

static const char *expand(void *mem, const char *text)
{
	struct buf out;

	buf_init(&out, mem, 65536);
	for (; *text; text++)
		if (*text == '\f')
			for (size_t i = 0; i < LONG_OCTETS; i++)
				buf_add_char(&out, 'x');
		else
			buf_add_char(&out, *text);
	assert_int_equal(buf_error(&out), 0);
	return buf_string(&out);
}

/* The signed message with other octets below its signature field. */
static struct view received(void *mem, const struct row *row)
{
	struct view header = view_of(expand(mem, row->header)), body = view_of(expand(mem, row->body));
	struct view message = forge(mem, key, row->tags, NULL, header, body, row->length ? row->length : DKIM_LENGTH_UNLIMITED);
	struct view field = view_slice(message, 0, message.n - header.n - 2 - body.n);
	static const size_t name = sizeof "DKIM-Signature:" - 1;
	struct buf out;

	buf_init(&out, mem, 65536);
	buf_add(&out, view_slice(field, 0, name));
	buf_add_string(&out, row->signature_blank ? row->signature_blank : " ");
	buf_add(&out, view_slice(field, name + 1, field.n));
	buf_add(&out, row->received_header ? view_of(expand(mem, row->received_header)) : header);
	buf_add_string(&out, "\r\n");
	buf_add(&out, row->received_body ? view_of(expand(mem, row->received_body)) : body);
	assert_int_equal(buf_error(&out), 0);
	return buf_view(&out);
}

/* Verified with a records file as the only DNS, then explained. */
struct bench {
	struct dkim_records *records;
	struct dkim_resolver *resolver;
	struct dkim_key_cache *cache;
	struct dkim_verify_params params;
	struct header_list *headers;
	struct view body;
	struct dkim_verify *verify;
	struct dkim_explain *explain;
};

static void explain_first(struct bench *bench)
{
	struct dkim_explain_input input = { .headers = bench->headers, .body = bench->body };

	assert_true(dkim_verify_count(bench->verify) > 0);
	input.result = dkim_verify_result(bench->verify, 0);
	input.keys = dkim_verify_keys(bench->verify, 0);
	assert_int_equal(dkim_explain(bench, &input, &bench->explain), 0);
}

static struct bench *bench_new(const char *records, struct view message)
{
	struct bench *bench = talloc_zero(NULL, struct bench);
	struct dkim_resolver_params params = { .records_only = true, .timeout_ms = 1000 };
	char *error = NULL;

	assert_int_equal(dkim_records_parse(bench, "test", view_of(records), &bench->records, &error), 0);
	params.records = bench->records;
	assert_int_equal(dkim_resolver_new(bench, &params, &bench->resolver, &error), 0);
	assert_int_equal(dkim_key_cache_new(bench->resolver, 100, DKIM_KEY_CACHE_OCTETS, &bench->cache), 0);
	bench->params = (struct dkim_verify_params){ .minimum_rsa_bits = 1024, .maximum_signatures = 8, .clock_skew = 300,
		                                     .budget_ms = 1000 };
	assert_int_equal(header_list_new(bench, NULL, &bench->headers), 0);
	assert_int_equal(header_list_parse(bench->headers, message, &bench->body), 0);
	assert_int_equal(dkim_verify_new(bench, &bench->params, bench->cache, 1000000, bench->headers, &bench->verify), 0);
	assert_int_equal(dkim_verify_body(bench->verify, bench->body), 0);
	assert_int_equal(dkim_verify_finish(bench->verify, 1000), 0);
	explain_first(bench);
	return bench;
}

static void bench_free(struct bench *bench)
{
	talloc_free(bench->explain);
	talloc_free(bench->verify);
	dkim_key_cache_free(bench->cache);
	dkim_resolver_free(bench->resolver);
	talloc_free(bench);
}

static const char *record(void *mem)
{
	struct buf public;

	buf_init(&public, mem, 8192);
	assert_int_equal(dkim_private_key_public_text(key, &public), 0);
	return talloc_asprintf(mem, "s._domainkey.example.com TXT \"v=DKIM1; k=ed25519; p=%s\"\n", buf_string(&public));
}

static const char *names(void *mem, const struct dkim_explain *explain)
{
	char *all = talloc_strdup(mem, "");

	for (size_t i = 0; i < explain->guess_count; i++)
		all = talloc_asprintf_append(all, "%s%s", i ? "+" : "", explain->guesses[i].name);
	return all;
}

static void test_row(void **state)
{
	const struct row *row = *state;
	void *mem = talloc_new(NULL);
	struct bench *bench = bench_new(record(mem), received(mem, row));
	const struct dkim_explain *explain = bench->explain;

	assert_string_equal(names(mem, explain), row->want);
	assert_true(explain->hashed);
	assert_null(explain->not_searched);
	assert_true(explain->tries < DKIM_EXPLAIN_TRIES_MAX);
	assert_int_equal(explain->header != DKIM_EXPLAIN_UNKNOWN && explain->body != DKIM_EXPLAIN_UNKNOWN, 1);
	if (explain->header == DKIM_EXPLAIN_GOOD && explain->body == DKIM_EXPLAIN_GOOD)
		assert_int_equal(dkim_verify_result(bench->verify, 0)->reason, DKIM_REASON_PASS);
	else
		assert_true(explain->tries > 0);
	assert_int_equal(explain->header_explained || explain->body_explained, *row->want != '\0');
	bench_free(bench);
	talloc_free(mem);
}

static void test_every_guess_has_a_message(void **state)
{
	const struct dkim_guess *guess;
	size_t count;

	(void)state;
	for (count = 0; (guess = dkim_explain_row(count)); count++) {
		bool tested = false;

		for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
			tested |= strcmp(rows[i].name, guess->name) == 0;
		if (!tested)
			fail_msg("no row for %s", guess->name);
	}
	assert_true(count > 50);
}

static struct bench *simple_bench(void *mem, const char *records, const char *tags, const char *changed_body)
{
	struct row row = { .tags = tags, .header = FROM, .body = BODY, .received_body = changed_body };

	return bench_new(records ? records : record(mem), received(mem, &row));
}

static void test_facts(void **state)
{
	void *mem = talloc_new(NULL);
	struct bench *bench = simple_bench(mem, NULL, "v=1; a=ed25519-sha256; c=relaxed/relaxed; d=example.com; s=s; h=from",
	                                   BODY "more\r\n");
	const struct dkim_explain *explain = bench->explain;
	const struct dkim_verify_result *result = dkim_verify_result(bench->verify, 0);

	(void)state;
	assert_int_equal(result->reason, DKIM_REASON_BODY_HASH_DIFFERS);
	assert_string_equal(explain->key_name, "s._domainkey.example.com");
	assert_int_equal(explain->tags.count, 8);
	assert_true(view_eq(explain->tags.tag[2].name, VIEW("c")));
	assert_true(view_eq(view_slice(explain->header_block, 0, 28), VIEW("from:Joe <joe@example.com>\r\n")));
	assert_int_equal(explain->body_octets, sizeof BODY "more\r\n" - 1);
	assert_int_equal(explain->body_octets_hashed, explain->body_octets);
	assert_int_equal(explain->header, DKIM_EXPLAIN_GOOD);
	assert_int_equal(explain->body, DKIM_EXPLAIN_DIFFERS);
	assert_memory_not_equal(explain->body_hash, result->signature.body_hash, DKIM_DIGEST_OCTETS);
	assert_string_equal(explain->guesses[0].detail, "the last 6 octets of its canonical form");
	bench_free(bench);
	talloc_free(mem);
}

static void test_without_key(void **state)
{
	void *mem = talloc_new(NULL);
	struct bench *bench = simple_bench(mem, "", RELAXED, BODY "more\r\n");

	(void)state;
	assert_int_equal(dkim_verify_result(bench->verify, 0)->reason, DKIM_REASON_NO_KEY);
	assert_int_equal(bench->explain->header, DKIM_EXPLAIN_UNKNOWN);
	assert_string_equal(names(mem, bench->explain), "footer");
	bench_free(bench);
	talloc_free(mem);
}

static void test_partial_body(void **state)
{
	void *mem = talloc_new(NULL);
	struct bench *bench = simple_bench(mem, NULL, RELAXED "; l=5", NULL);

	(void)state;
	assert_int_equal(bench->explain->body_octets_hashed, 5);
	assert_int_equal(bench->explain->body_octets, sizeof BODY - 1);
	bench_free(bench);
	bench = simple_bench(mem, NULL, RELAXED "; l=500", NULL);
	assert_int_equal(dkim_verify_result(bench->verify, 0)->reason, DKIM_REASON_BODY_SHORTER_THAN_L);
	assert_int_equal(bench->explain->body_octets_hashed, sizeof BODY - 1);
	assert_int_equal(bench->explain->body, DKIM_EXPLAIN_DIFFERS);
	bench_free(bench);
	talloc_free(mem);
}

static void test_unreadable(void **state)
{
	void *mem = talloc_new(NULL);
	struct bench *bench = simple_bench(mem, NULL, "v=1; a=ed25519-sha256; d=example.com; s=s; h=from; v=1", NULL);

	(void)state;
	assert_false(bench->explain->hashed);
	assert_int_equal(bench->explain->tags.count, 0);
	assert_true(bench->explain->bad_tag.n > 0);
	bench_free(bench);
	bench = simple_bench(mem, NULL, "v=1; a=ed25519-sha256; d=example.com; s=s; h=to", NULL);
	assert_false(bench->explain->hashed);
	assert_string_equal(bench->explain->key_name, "s._domainkey.example.com");
	assert_int_equal(bench->explain->tags.count, 7);
	bench_free(bench);
	talloc_free(mem);
}

/* One octet of a large body was changed: no guess, and no search at all above the limit. */
static void test_large_body(void **state)
{
	void *mem = talloc_new(NULL);
	char *body = talloc_size(mem, DKIM_EXPLAIN_BODY_MAX + 2);
	struct row row = { .tags = RELAXED, .header = FROM, .body = BODY };
	struct view signed_message = received(mem, &row);
	struct buf message;
	struct bench *bench;

	(void)state;
	memset(body, 'x', DKIM_EXPLAIN_BODY_MAX + 1);
	buf_init(&message, mem, DKIM_EXPLAIN_BODY_MAX + 65536);
	buf_add(&message, signed_message);
	buf_add(&message, (struct view){ body, DKIM_EXPLAIN_BODY_MAX });
	bench = bench_new(record(mem), buf_view(&message));
	assert_non_null(bench->explain->not_searched);
	assert_int_equal(bench->explain->tries, 0);
	bench_free(bench);
	talloc_free(mem);
}

static struct bench *bench_with_fields(void *mem, size_t count)
{
	struct row row = { .tags = SIMPLE, .header = FROM, .body = BODY };
	struct buf fields;

	buf_init(&fields, mem, 65536);
	for (size_t i = 0; i < count; i++)
		buf_add_string(&fields, "To: a\r\n b\r\n");
	buf_add_string(&fields, "From: Eve <eve@example.com>\r\n");
	row.received_header = buf_string(&fields);
	return bench_new(record(mem), received(mem, &row));
}

/* Many signed fields, each of which nearly every row can change. */
static void test_many_fields(void **state)
{
	void *mem = talloc_new(NULL);
	struct bench *bench = bench_with_fields(mem, DKIM_EXPLAIN_FIELDS_MAX - 2);

	(void)state;
	assert_int_equal(bench->explain->guess_count, 0);
	assert_int_equal(bench->explain->tries, DKIM_EXPLAIN_TRIES_MAX);
	assert_non_null(bench->explain->not_searched);
	bench_free(bench);
	bench = bench_with_fields(mem, DKIM_EXPLAIN_FIELDS_MAX);
	assert_int_equal(bench->explain->tries, 0);
	assert_non_null(bench->explain->not_searched);
	bench_free(bench);
	talloc_free(mem);
}

#define WORK_SECONDS_MAX 20 /* of the processor; far below one is usual, minutes when work grows with the square of the size */

/* A message of 60 KB that is made to be slow: much of one octet in one place. */
static void judge_slow(const char *tags, const char *piece, size_t count)
{
	void *mem = talloc_new(NULL);
	struct row row = { .tags = tags, .header = FROM, .body = BODY };
	clock_t start = clock();
	struct buf header;
	struct bench *bench;

	buf_init(&header, mem, DKIM_EXPLAIN_HEADER_MAX);
	buf_add_string(&header, "From: Eve <eve@example.com>\r\nTo: "); /* no guess ends the search early */
	for (size_t i = 0; i < count; i++)
		buf_add_string(&header, piece);
	buf_add_string(&header, "\r\n");
	row.received_header = buf_string(&header);
	bench = bench_new(record(mem), received(mem, &row));
	assert_int_equal(bench->explain->guess_count, 0);
	assert_true(clock() - start < WORK_SECONDS_MAX * CLOCKS_PER_SEC);
	bench_free(bench);
	talloc_free(mem);
}

static void test_many_commas(void **state)
{
	(void)state;
	judge_slow(SIMPLE, "a,", 25000);
}

static void test_many_names(void **state)
{
	struct buf tags;

	(void)state;
	buf_init(&tags, NULL, 65536);
	buf_add_string(&tags, SIMPLE);
	for (size_t i = 0; i < 8000; i++)
		buf_add_string(&tags, ":a");
	judge_slow(buf_string(&tags), "\r\nzz:", 6000);
	buf_free(&tags);
}

/* Octets that look like mail with everything in it that is looked for. */
static void test_noise_in_message(void **state)
{
	static const char *const words[] = {
		"\r\n", "\r\n ", "\r\n\t", "\r", "\n", " ", "\t", "=?UTF-8?B?", "=?utf-8?q?", "?=", "Sm/Dqw==", "=C3=", "=", "\"", "\\", "<",
		">", ",", "[", "]", "Subject: ", "To: ", "From: ", "Content-Type: text/plain; charset=", "\r\n\r\n", "--b\r\nContent-",
		"--b--", "-- \r\n", "__________\r\n", "Content-Transfer-Encoding: quoted-printable\r\n", "DKIM-Signature:", "\xc3\xa9", "..",
		">From ", ":", ";", NULL,
	};
	void *mem = talloc_new(NULL);
	uint32_t seed = 1;
	char room[600];

	(void)state;
	for (size_t i = 0; i < 150; i++) {
		void *each = talloc_new(mem);
		struct row row = { .tags = i % 2 ? RELAXED : SIMPLE, .header = FROM, .body = BODY };
		struct view noise = test_noise(&seed, words, room, sizeof room);
		struct view message = received(each, &row);
		struct buf all;

		buf_init(&all, each, 65536);
		buf_add(&all, view_slice(message, 0, message.n - (sizeof BODY - 1) - 2));
		buf_add(&all, noise);
		buf_add(&all, VIEW("\r\n\r\n"));
		buf_add(&all, test_noise(&seed, words, room, sizeof room));
		message = guarded(buf_view(&all));
		bench_free(bench_new(record(each), message));
		guarded_free(message);
		talloc_free(each);
	}
	talloc_free(mem);
}

int main(void)
{
	int r;

	if (dkim_private_key_init() < 0 || dkim_private_key_generate(DKIM_KEY_ED25519, 0, &key) < 0)
		return 1;
	TEST_ROWS(rows, test_row);
	test_add("every guess has a message here", test_every_guess_has_a_message);
	test_add("tags, key name, block, sizes and hashes", test_facts);
	test_add("without a key the body alone is judged", test_without_key);
	test_add("R26, R27 l=", test_partial_body);
	test_add("a signature that cannot be read", test_unreadable);
	test_add("a body above the limit is not guessed about", test_large_body);
	test_add("tries are bounded", test_many_fields);
	test_add("a list of very many addresses costs no more than its octets", test_many_commas);
	test_add("very many names in h= cost no more than its octets", test_many_names);
	test_add("a message of noise", test_noise_in_message);
	r = test_run("explain");
	dkim_private_key_free(key);
	return r;
}
