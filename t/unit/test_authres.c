#include "milter/authres.h"
#include "t/unit/support.h"

#include <errno.h>
#include <talloc.h>

#define RESULTS_MAX 4

struct build_row {
	const char *name;
	struct dkim_verify_result results[RESULTS_MAX];
	size_t count;
	const char *authserv_id, *not_verified; /* NULL: mx.example.net, NULL */
	bool smtputf8;
	const char *want;
};

/* The tags that nearly every row has. */
#define TAGS(b) \
	.signing_domain = VIEW_INIT("example.com"), .selector = VIEW_INIT("sel"), .algorithm_name = VIEW_INIT("rsa-sha256"), \
	.signature_data = VIEW_INIT(b)
#define LONG_A "xn--tdaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" /* 55 times U+00FC */
#define ID " mx.example.net;\r\n\t"

static const struct build_row build_rows[] = {
	{ "R84 a pass in full", .count = 1,
	  .results = { { .reason = DKIM_REASON_PASS, .key_bits = 2048,
	                 .signature = { .signing_domain = VIEW_INIT("example.com"), .identity = VIEW_INIT("@example.com"),
	                                .selector = VIEW_INIT("sel2026"), .algorithm_name = VIEW_INIT("rsa-sha256"),
	                                .signature_data = VIEW_INIT("JNPIkKCNx+y/z=") } } },
	  .want = ID "dkim=pass (2048-bit rsa) header.d=example.com header.i=@example.com\r\n"
	          "\theader.s=sel2026 header.a=rsa-sha256 header.b=JNPIkKCN" },
	{ "R84 reason stands before the properties", .count = 1,
	  .results = { { .reason = DKIM_REASON_BODY_HASH_DIFFERS, .signature = { TAGS("ABCDEFGHIJ") } } },
	  .want = ID "dkim=fail reason=\"body hash did not verify\" header.d=example.com\r\n"
	          "\theader.i=@example.com header.s=sel header.a=rsa-sha256\r\n\theader.b=ABCDEFGH" },
	{ "R84 ed25519 in the comment", .count = 1,
	  .results = { { .reason = DKIM_REASON_PASS, .key_bits = 256,
	                 .signature = { TAGS("ABCDEFGHIJ"), .algorithm = DKIM_ED25519_SHA256 } } },
	  .want = ID "dkim=pass (256-bit ed25519) header.d=example.com\r\n"
	          "\theader.i=@example.com header.s=sel header.a=rsa-sha256\r\n\theader.b=ABCDEFGH" },
	{ "R61 test mode and DNSSEC are told in the comment", .count = 1,
	  .results = { { .reason = DKIM_REASON_SIGNATURE_DIFFERS, .key_bits = 1024, .test_mode = true, .secure = true,
	                 .signature = { TAGS("ABCDEFGHIJ") } } },
	  .want = ID "dkim=fail (1024-bit rsa, test mode, secure key)\r\n"
	          "\treason=\"signature did not verify\" header.d=example.com\r\n"
	          "\theader.i=@example.com header.s=sel header.a=rsa-sha256\r\n\theader.b=ABCDEFGH" },
	{ "R61 test mode without a usable key", .count = 1,
	  .results = { { .reason = DKIM_REASON_KEY_REVOKED, .test_mode = true, .signature = { TAGS("ABCDEFGHIJ") } } },
	  .want = ID "dkim=permerror (test mode) reason=\"key revoked\" header.d=example.com\r\n"
	          "\theader.i=@example.com header.s=sel header.a=rsa-sha256\r\n\theader.b=ABCDEFGH" },
	{ "R83 an unreadable signature is neutral and has no properties", .count = 1,
	  .results = { { .reason = DKIM_REASON_TAG_SYNTAX } },
	  .want = ID "dkim=neutral reason=\"tag list is malformed\"" },
	{ "R83 no key is permerror", .count = 1,
	  .results = { { .reason = DKIM_REASON_NO_KEY, .signature = { .signing_domain = VIEW_INIT("a.example") } } },
	  .want = ID "dkim=permerror reason=\"no key for signature\" header.d=a.example\r\n\theader.i=@a.example" },
	{ "R83 a slow DNS is temperror", .count = 1,
	  .results = { { .reason = DKIM_REASON_KEY_TIMEOUT } },
	  .want = ID "dkim=temperror reason=\"key query timed out\"" },
	{ "R83 a weak key is policy", .count = 1,
	  .results = { { .reason = DKIM_REASON_WEAK_KEY, .key_bits = 512 } },
	  .want = ID "dkim=policy (512-bit rsa)\r\n\treason=\"RSA key is shorter than the minimum\"" },
	{ "R85 quotes and backslashes of a reason are escaped", .count = 1,
	  .results = { { .reason = DKIM_REASON_KEY_ESCAPED_SEMICOLON } },
	  .want = ID "dkim=permerror\r\n\treason=\"key record has \\\"\\\\;\\\": zone file escape leaked\"" },
	{ "R85 a value that is no token is quoted", .count = 1,
	  .results = { { .reason = DKIM_REASON_PASS,
	                 .signature = { .selector = VIEW_INIT("a b\"c\\d;e"), .signature_data = VIEW_INIT("a/b+c=") } } },
	  .want = ID "dkim=pass header.s=\"a b\\\"c\\\\d;e\" header.b=\"a/b+c=\"" },
	{ "R85 controls become question marks", .count = 1,
	  .results = { { .reason = DKIM_REASON_PASS, .signature = { .selector = VIEW_INIT("a\0b\r\n\tc\x7f") } } },
	  .want = ID "dkim=pass header.s=\"a?b???c?\"" },
	{ "R85 a dot-atom before @ needs no quotes", .count = 1,
	  .results = { { .reason = DKIM_REASON_PASS, .signature = { .identity = VIEW_INIT("j.q+tag=20/x@sub.example.com") } } },
	  .want = ID "dkim=pass header.i=j.q+tag=20/x@sub.example.com" },
	{ "R85 a local part that is no dot-atom does", .count = 1,
	  .results = { { .reason = DKIM_REASON_PASS, .signature = { .identity = VIEW_INIT("j..q@example.com") } } },
	  .want = ID "dkim=pass header.i=\"j..q@example.com\"" },
	{ "R85 two @ are quoted", .count = 1,
	  .results = { { .reason = DKIM_REASON_PASS, .signature = { .identity = VIEW_INIT("a@b@example.com") } } },
	  .want = ID "dkim=pass header.i=\"a@b@example.com\"" },
	{ "R85 a comment in i= stays inside quotes", .count = 1,
	  .results = { { .reason = DKIM_REASON_PASS, .signature = { .identity = VIEW_INIT("(x@example.com") } } },
	  .want = ID "dkim=pass header.i=\"(x@example.com\"" },
	{ "R85 a domain that is none is quoted behind @", .count = 1,
	  .results = { { .reason = DKIM_REASON_PASS, .signature = { .signing_domain = VIEW_INIT("_x.example.com") } } },
	  .want = ID "dkim=pass header.d=_x.example.com header.i=\"@_x.example.com\"" },
	{ "R85 a label with a hyphen at its end is quoted behind @", .count = 1,
	  .results = { { .reason = DKIM_REASON_PASS, .signature = { .identity = VIEW_INIT("@a-.example") } } },
	  .want = ID "dkim=pass header.i=\"@a-.example\"" },
	{ "R85 a label with a hyphen at its beginning is quoted behind @", .count = 1,
	  .results = { { .reason = DKIM_REASON_PASS, .signature = { .identity = VIEW_INIT("@-a.example") } } },
	  .want = ID "dkim=pass header.i=\"@-a.example\"" },
	{ "R85 nothing behind @ is quoted", .count = 1,
	  .results = { { .reason = DKIM_REASON_PASS, .signature = { .identity = VIEW_INIT("a@") } } },
	  .want = ID "dkim=pass header.i=\"a@\"" },
	{ "R15 an i= that cannot be read does not become the default", .count = 1,
	  .results = { { .reason = DKIM_REASON_BAD_IDENTITY, .signature = { .signing_domain = VIEW_INIT("example.com") } } },
	  .want = ID "dkim=permerror reason=\"i= is malformed\" header.d=example.com" },
	{ "R15 FWS inside i= is left out", .count = 1,
	  .results = { { .reason = DKIM_REASON_PASS, .signature = { .identity = VIEW_INIT("j\r\n\t@example.com") } } },
	  .want = ID "dkim=pass header.i=j@example.com" },
	{ "R108 8-bit octets become question marks", .count = 1,
	  .results = { { .reason = DKIM_REASON_PASS, .signature = { .signing_domain = VIEW_INIT("b\xc3\xbc.example") } } },
	  .want = ID "dkim=pass header.d=\"b??.example\" header.i=\"@b??.example\"" },
	{ "R108 UTF-8 stays in SMTPUTF8 mail", .count = 1, .smtputf8 = true,
	  .results = { { .reason = DKIM_REASON_PASS, .signature = { .signing_domain = VIEW_INIT("b\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80") } } },
	  .want = ID "dkim=pass header.d=\"b\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80\" header.i=\"@b\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80\"" },
	{ "R108 what is not UTF-8 does not, not even there", .count = 1, .smtputf8 = true,
	  .results = { { .reason = DKIM_REASON_PASS,
	                 .signature = { .selector = VIEW_INIT("\xc3\xbc \xc3") } } },
	  .want = ID "dkim=pass header.s=\"?? ?\"" },
	{ "R108 SMTPUTF8 mail shows A-labels as U-labels", .count = 1, .smtputf8 = true,
	  .results = { { .reason = DKIM_REASON_PASS,
	                 .signature = { .signing_domain = VIEW_INIT("xn--bcher-kva.example"),
	                                .identity = VIEW_INIT("j\xc3\xb6rg@post.xn--bcher-kva.example"), .selector = VIEW_INIT("xn--schlssel-95a") } } },
	  .want = ID "dkim=pass header.d=\"b\xc3\xbc" "cher.example\"\r\n\theader.i=\"j\xc3\xb6rg@post.b\xc3\xbc" "cher.example\" header.s=\"schl\xc3\xbcssel\"" },
	{ "R100 other mail shows A-labels", .count = 1,
	  .results = { { .reason = DKIM_REASON_PASS,
	                 .signature = { .signing_domain = VIEW_INIT("xn--bcher-kva.example"),
	                                .identity = VIEW_INIT("j\xc3\xb6rg@xn--bcher-kva.example") } } },
	  .want = ID "dkim=pass header.d=xn--bcher-kva.example\r\n\theader.i=\"j??rg@xn--bcher-kva.example\"" },
	{ "R108 a name whose U-labels are too long for a property keeps its A-labels", .count = 1, .smtputf8 = true,
	  .results = { { .reason = DKIM_REASON_PASS, .signature = { .selector = VIEW_INIT(LONG_A "." LONG_A "." LONG_A) } } },
	  .want = ID "dkim=pass\r\n\theader.s=" LONG_A "." LONG_A "." LONG_A },
	{ "R110 bad IDNA in i= does not become the default", .count = 1,
	  .results = { { .reason = DKIM_REASON_BAD_IDNA, .signature = { .signing_domain = VIEW_INIT("example.com") } } },
	  .want = ID "dkim=permerror\r\n\treason=\"a domain name or selector has a label that is no U-label\"\r\n\theader.d=example.com" },
	{ "R86 eight octets of b=, FWS left out", .count = 1,
	  .results = { { .reason = DKIM_REASON_PASS, .signature = { .signature_data = VIEW_INIT("AB\r\n\tCD EFG\tHIJ") } } },
	  .want = ID "dkim=pass header.b=ABCDEFGH" },
	{ "R86 a shorter b= is shown whole", .count = 1,
	  .results = { { .reason = DKIM_REASON_PASS, .signature = { .signature_data = VIEW_INIT("ABC") } } },
	  .want = ID "dkim=pass header.b=ABC" },
	{ "R86 lengthened until unique, FWS does not count", .count = 3,
	  .results = { { .reason = DKIM_REASON_PASS, .signature = { .signature_data = VIEW_INIT("ABCDEFGHIJKLMN") } },
	               { .reason = DKIM_REASON_PASS, .signature = { .signature_data = VIEW_INIT("ABCD EFGHIJ\r\n xLMN") } },
	               { .reason = DKIM_REASON_PASS, .signature = { .signature_data = VIEW_INIT("zBCDEFGHIJKLMN") } } },
	  .want = ID "dkim=pass header.b=ABCDEFGHIJK;\r\n\tdkim=pass header.b=ABCDEFGHIJx;\r\n\tdkim=pass header.b=zBCDEFGH" },
	{ "R86 one octet more is enough", .count = 2,
	  .results = { { .reason = DKIM_REASON_PASS, .signature = { .signature_data = VIEW_INIT("ABCDEFGHIJ") } },
	               { .reason = DKIM_REASON_PASS, .signature = { .signature_data = VIEW_INIT("ABCDEFGHJI") } } },
	  .want = ID "dkim=pass header.b=ABCDEFGHI;\r\n\tdkim=pass header.b=ABCDEFGHJ" },
	{ "R86 one b= begins the other", .count = 2,
	  .results = { { .reason = DKIM_REASON_PASS, .signature = { .signature_data = VIEW_INIT("ABCDEFGHIJ") } },
	               { .reason = DKIM_REASON_PASS, .signature = { .signature_data = VIEW_INIT("ABCDEFGHIJKLM") } } },
	  .want = ID "dkim=pass header.b=ABCDEFGHIJ;\r\n\tdkim=pass header.b=ABCDEFGHIJK" },
	{ "R86 the same b= twice cannot be told apart", .count = 2,
	  .results = { { .reason = DKIM_REASON_PASS, .signature = { .signature_data = VIEW_INIT("ABCDEFGHIJ") } },
	               { .reason = DKIM_REASON_PASS, .signature = { .signature_data = VIEW_INIT("ABCDEFGHI J") } } },
	  .want = ID "dkim=pass header.b=ABCDEFGH;\r\n\tdkim=pass header.b=ABCDEFGH" },
	{ "R86 letters of another case are other letters", .count = 2,
	  .results = { { .reason = DKIM_REASON_PASS, .signature = { .signature_data = VIEW_INIT("ABCDEFGHIJ") } },
	               { .reason = DKIM_REASON_PASS, .signature = { .signature_data = VIEW_INIT("abcdefghij") } } },
	  .want = ID "dkim=pass header.b=ABCDEFGH;\r\n\tdkim=pass header.b=abcdefgh" },
	{ "R87 no signature", .want = ID "dkim=none" },
	{ "R87 not looked at", .not_verified = "header exceeds header-size-limit",
	  .want = ID "dkim=neutral reason=\"header exceeds header-size-limit\"" },
	{ "R84 an authserv-id that is no token is quoted", .authserv_id = "mail \"gate\" 1",
	  .want = " \"mail \\\"gate\\\" 1\";\r\n\tdkim=none" },
	{ "R84 an empty authserv-id is quoted", .authserv_id = "", .want = " \"\";\r\n\tdkim=none" },
	{ "R88 a long value stands alone on its line", .count = 1,
	  .results = { { .reason = DKIM_REASON_PASS,
	                 .signature = { .signing_domain = VIEW_INIT("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
	                                                            "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb.example.com"),
	                                .selector = VIEW_INIT("sel") } } },
	  .want = ID "dkim=pass\r\n"
	          "\theader.d=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb.example.com\r\n"
	          "\theader.i=@aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb.example.com\r\n"
	          "\theader.s=sel" },
};

/* What holds for every value: a leading blank, folds of CRLF TAB only, nothing that no field may hold, lines of 998 at most;
 * it is recognised as ours. */
static void check_form(struct view value, const char *authserv_id)
{
	size_t line = sizeof("Authentication-Results:") - 1;

	assert_int_equal(value.p[0], ' ');
	for (size_t i = 0; i < value.n; i++, line++) {
		if (value.p[i] == '\r') {
			assert_true(i + 3 < value.n && memcmp(value.p + i, "\r\n\t", 3) == 0);
			i += 2;
			line = 0;
		} else {
			assert_true((unsigned char)value.p[i] >= 32 && value.p[i] != 127);
		}
		assert_true(line < 998);
	}
	if (*authserv_id)
		assert_true(authres_claims(value, view_of(authserv_id)));
}

static void test_build(void **state)
{
	const struct build_row *row = *state;
	const struct dkim_verify_result *results[RESULTS_MAX];
	struct authres authres = { .authserv_id = row->authserv_id ? row->authserv_id : "mx.example.net", .results = results,
	                           .count = row->count, .not_verified = row->not_verified, .smtputf8 = row->smtputf8 };
	void *mem = talloc_new(NULL);
	struct buf out;

	for (size_t i = 0; i < row->count; i++)
		results[i] = &row->results[i];
	buf_init(&out, mem, AUTHRES_VALUE_MAX);
	authres_build(&authres, &out);
	assert_int_equal(buf_error(&out), 0);
	assert_string_equal(buf_string(&out), row->want);
	check_form(buf_view(&out), authres.authserv_id);
	talloc_free(mem);
}

static const enum dkim_reason every_reason[] = {
#define X(reason, result, rule, clause, text) DKIM_REASON_##reason,
	DKIM_REASONS(X)
#undef X
};

static void test_every_reason(void **state)
{
	void *mem = talloc_new(NULL);
	struct buf out;

	(void)state;
	for (size_t i = 0; i < sizeof every_reason / sizeof every_reason[0]; i++) {
		const struct dkim_verify_result result = { .reason = every_reason[i], .signature = { TAGS("ABCDEFGHIJ") } };
		const struct dkim_verify_result *results[] = { &result };
		const struct authres authres = { .authserv_id = "mx.example.net", .results = results, .count = 1 };
		size_t line = 0;

		buf_init(&out, mem, AUTHRES_VALUE_MAX);
		authres_build(&authres, &out);
		assert_int_equal(buf_error(&out), 0);
		check_form(buf_view(&out), authres.authserv_id);
		assert_int_equal(strstr(buf_string(&out), "reason=") == NULL, i == 0);
		for (size_t k = 0; k < out.n; k++) {
			line = out.p[k] == '\n' ? 0 : line + 1;
			assert_true(line <= 79); /* CR included */
		}
	}
	talloc_free(mem);
}

#define HOSTILE_OCTETS 65000

/* Eight signatures whose tags are as long and as much in need of quoting as a header field allows. */
static void test_hostile_tags(void **state)
{
	struct dkim_verify_result result = { .reason = DKIM_REASON_NO_KEY };
	const struct dkim_verify_result *results[8];
	struct authres authres = { .authserv_id = "mx.example.net", .results = results, .count = 8 };
	void *mem = talloc_new(NULL);
	char *octets = talloc_size(mem, HOSTILE_OCTETS);
	struct buf out;

	(void)state;
	for (size_t i = 0; i < 8; i++)
		results[i] = &result;
	memset(octets, '"', HOSTILE_OCTETS);
	for (size_t n = AUTHRES_PROPERTY_MAX; n <= HOSTILE_OCTETS; n += HOSTILE_OCTETS - AUTHRES_PROPERTY_MAX) {
		struct view v = { octets, n };

		result.signature = (struct dkim_signature){ .signing_domain = v, .selector = v, .identity = v, .algorithm_name = v,
		                                            .signature_data = v };
		buf_init(&out, mem, AUTHRES_VALUE_MAX);
		authres_build(&authres, &out);
		assert_int_equal(buf_error(&out), 0);
		check_form(buf_view(&out), authres.authserv_id);
		assert_int_equal(strstr(buf_string(&out), "header.d") == NULL, n > AUTHRES_PROPERTY_MAX);
		assert_non_null(strstr(buf_string(&out), "header.b=\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\""));
	}
	talloc_free(mem);
}

static size_t occurrences(const char *text, const char *part)
{
	size_t n = 0;

	for (; (text = strstr(text, part)); text += strlen(part))
		n++;
	return n;
}

#define SIGNATURES_MAX 100 /* verify.max-signatures may be no larger */

/* As many signatures as can be configured, with the largest properties and with usual ones. */
static void test_many(void **state)
{
	char octets[AUTHRES_PROPERTY_MAX];
	const struct view large = { octets, sizeof octets };
	const struct dkim_verify_result hostile = {
		.reason = DKIM_REASON_KEY_ESCAPED_SEMICOLON, .key_bits = 16384, .test_mode = true, .secure = true,
		.signature = { .signing_domain = large, .identity = large, .selector = large, .algorithm_name = large, .signature_data = large },
	};
	const struct dkim_verify_result usual = { .reason = DKIM_REASON_PASS, .key_bits = 2048, .signature = { TAGS("ABCDEFGHIJ") } };
	const struct dkim_verify_result *results[SIGNATURES_MAX];
	const struct authres authres = { .authserv_id = "mx.example.net", .results = results, .count = SIGNATURES_MAX };
	void *mem = talloc_new(NULL);
	struct buf out;

	(void)state;
	memset(octets, '"', sizeof octets);
	for (size_t i = 0; i < SIGNATURES_MAX; i++)
		results[i] = i % 2 ? &usual : &hostile;
	buf_init(&out, mem, AUTHRES_VALUE_MAX);
	authres_build(&authres, &out);
	assert_int_equal(buf_error(&out), 0);
	check_form(buf_view(&out), authres.authserv_id);
	assert_int_equal(occurrences(buf_string(&out), "dkim="), SIGNATURES_MAX);
	assert_int_equal(occurrences(buf_string(&out), "header.b=ABCDEFGH"), SIGNATURES_MAX / 2);
	talloc_free(mem);
}

static void test_maximum(void **state)
{
	const struct dkim_verify_result result = { .reason = DKIM_REASON_PASS, .signature = { TAGS("ABCDEFGHIJ") } };
	const struct dkim_verify_result *results[] = { &result };
	const struct authres authres = { .authserv_id = "mx.example.net", .results = results, .count = 1 };
	void *mem = talloc_new(NULL);
	struct buf out;

	(void)state;
	for (size_t maximum = 0; maximum < 200; maximum++) {
		buf_init(&out, mem, maximum);
		authres_build(&authres, &out);
		assert_int_equal(buf_error(&out), maximum < strlen(ID "dkim=pass") ? -EMSGSIZE : 0);
		if (maximum == strlen(ID "dkim=pass header.s=sel;\r\n\t")) /* d= and i= are longer */
			assert_string_equal(buf_string(&out), ID "dkim=pass header.s=sel");
		buf_free(&out);
	}
	talloc_free(mem);
}

static void test_large_id(void **state)
{
	void *mem = talloc_new(NULL);
	char *id = talloc_zero_size(mem, AUTHRES_VALUE_MAX + 1);
	const struct authres authres = { .authserv_id = id };
	struct buf out;

	(void)state;
	memset(id, 'a', AUTHRES_VALUE_MAX);
	buf_init(&out, mem, 2 * AUTHRES_VALUE_MAX);
	authres_build(&authres, &out);
	assert_int_equal(buf_error(&out), -EMSGSIZE);
	talloc_free(mem);
}

int main(void)
{
	TEST_ROWS(build_rows, test_build);
	test_add("R82 every reason has its result, its reason= and lines of 78", test_every_reason);
	test_add("R88 hostile tags stay below the limits of line and field", test_hostile_tags);
	test_add("R88 a hundred signatures fit into one field", test_many);
	test_add("R88 the maximum of the buffer is kept", test_maximum);
	test_add("R88 an authserv-id that fills the field", test_large_id);
	return test_run("authres");
}
