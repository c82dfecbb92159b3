#include "milter/policy.h"
#include "t/unit/support.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <talloc.h>

#define RESULTS_MAX 4

struct verdict_row {
	const char *name;
	struct conf_verify conf; /* all that is not said: accept */
	struct {
		enum dkim_reason reason;
		bool test_mode;
	} results[RESULTS_MAX];
	size_t count;
	struct policy_verdict want;
};

#define ACCEPTED(by) { CONF_ACCEPT, NULL, NULL, (by) }
#define REJECTED(enhanced, by) { CONF_REJECT, "550", (enhanced), (by) }
#define DEFERRED(by) { CONF_TEMPFAIL, "451", "4.7.5", (by) }
#define ALL(action) { .on_fail = (action), .on_none = (action), .on_permerror = (action), .on_temperror = (action), .on_policy = (action) }

static const struct verdict_row verdict_rows[] = {
	{ "R92 nothing is refused unless it is configured", .results = { { DKIM_REASON_BODY_HASH_DIFFERS, false } }, .count = 1,
	  .want = ACCEPTED(0) },
	{ "R92 no signature is accepted unless it is configured", .count = 0, .want = ACCEPTED(0) },
	{ "R92 a pass is accepted", .conf = ALL(CONF_REJECT), .results = { { DKIM_REASON_PASS, false } }, .count = 1, .want = ACCEPTED(1) },
	{ "R30 one pass is enough, wherever it stands", .conf = ALL(CONF_REJECT),
	  .results = { { DKIM_REASON_KEY_TIMEOUT, false }, { DKIM_REASON_SIGNATURE_DIFFERS, false }, { DKIM_REASON_PASS, false } },
	  .count = 3, .want = ACCEPTED(3) },
	{ "R61 a pass in test mode is a pass", .conf = ALL(CONF_REJECT), .results = { { DKIM_REASON_PASS, true } }, .count = 1,
	  .want = ACCEPTED(1) },
	{ "R92 no signature: 5.7.20", .conf = { .on_none = CONF_REJECT }, .count = 0, .want = REJECTED("5.7.20", 0) },
	{ "R92 no signature: 4.7.5", .conf = { .on_none = CONF_TEMPFAIL }, .count = 0, .want = DEFERRED(0) },
	{ "R92 no signature: quarantine has no code", .conf = { .on_none = CONF_QUARANTINE }, .count = 0,
	  .want = { CONF_QUARANTINE, NULL, NULL, 0 } },
	{ "R92 fail: 5.7.20", .conf = { .on_fail = CONF_REJECT }, .results = { { DKIM_REASON_SIGNATURE_DIFFERS, false } }, .count = 1,
	  .want = REJECTED("5.7.20", 0) },
	{ "R92 permerror: 5.7.20", .conf = { .on_permerror = CONF_REJECT }, .results = { { DKIM_REASON_NO_KEY, false } }, .count = 1,
	  .want = REJECTED("5.7.20", 0) },
	{ "R92 neutral counts as permerror", .conf = { .on_permerror = CONF_REJECT }, .results = { { DKIM_REASON_TAG_SYNTAX, false } },
	  .count = 1, .want = REJECTED("5.7.20", 0) },
	{ "R92 policy: 5.7.21", .conf = { .on_policy = CONF_REJECT }, .results = { { DKIM_REASON_WEAK_KEY, false } }, .count = 1,
	  .want = REJECTED("5.7.21", 0) },
	{ "R92 policy: 4.7.5", .conf = { .on_policy = CONF_TEMPFAIL }, .results = { { DKIM_REASON_WEAK_KEY, false } }, .count = 1,
	  .want = DEFERRED(0) },
	{ "R92 temperror: 4.7.5", .conf = { .on_temperror = CONF_TEMPFAIL }, .results = { { DKIM_REASON_KEY_TIMEOUT, false } }, .count = 1,
	  .want = DEFERRED(0) },
	{ "R92 temperror rejected: a class 5 code", .conf = { .on_temperror = CONF_REJECT },
	  .results = { { DKIM_REASON_KEY_TIMEOUT, false } }, .count = 1, .want = REJECTED("5.7.20", 0) },
	{ "R92 fail: quarantine has no code", .conf = { .on_fail = CONF_QUARANTINE },
	  .results = { { DKIM_REASON_SIGNATURE_DIFFERS, false } }, .count = 1, .want = { CONF_QUARANTINE, NULL, NULL, 0 } },
	{ "R92 temperror decides before policy", .conf = ALL(CONF_REJECT),
	  .results = { { DKIM_REASON_WEAK_KEY, false }, { DKIM_REASON_KEY_TIMEOUT, false } }, .count = 2, .want = REJECTED("5.7.20", 1) },
	{ "R92 policy decides before fail", .conf = ALL(CONF_REJECT),
	  .results = { { DKIM_REASON_SIGNATURE_DIFFERS, false }, { DKIM_REASON_WEAK_KEY, false } }, .count = 2,
	  .want = REJECTED("5.7.21", 1) },
	{ "R92 fail decides before permerror", .conf = ALL(CONF_REJECT),
	  .results = { { DKIM_REASON_NO_KEY, false }, { DKIM_REASON_SIGNATURE_DIFFERS, false } }, .count = 2,
	  .want = REJECTED("5.7.20", 1) },
	{ "R92 of two alike the upper one decides", .conf = ALL(CONF_REJECT),
	  .results = { { DKIM_REASON_TAG_SYNTAX, false }, { DKIM_REASON_NO_KEY, false } }, .count = 2, .want = REJECTED("5.7.20", 0) },
	{ "R92 what decides may accept what another result would reject", .conf = { .on_fail = CONF_REJECT },
	  .results = { { DKIM_REASON_SIGNATURE_DIFFERS, false }, { DKIM_REASON_KEY_TIMEOUT, false } }, .count = 2, .want = ACCEPTED(1) },
	{ "R61 a failure in test mode is accepted", .conf = ALL(CONF_REJECT), .results = { { DKIM_REASON_SIGNATURE_DIFFERS, true } },
	  .count = 1, .want = ACCEPTED(1) },
	{ "R61 a failure in test mode leaves the decision to the others", .conf = ALL(CONF_REJECT),
	  .results = { { DKIM_REASON_KEY_TIMEOUT, true }, { DKIM_REASON_NO_KEY, false } }, .count = 2, .want = REJECTED("5.7.20", 1) },
};

static void test_verdict(void **state)
{
	const struct verdict_row *row = *state;
	struct dkim_verify_result made[RESULTS_MAX];
	const struct dkim_verify_result *results[RESULTS_MAX];
	struct policy_verdict got;

	for (size_t i = 0; i < row->count; i++) {
		made[i] = (struct dkim_verify_result){ .reason = row->results[i].reason, .test_mode = row->results[i].test_mode };
		results[i] = &made[i];
	}
	got = policy_verify(&row->conf, results, row->count);
	assert_int_equal(got.action, row->want.action);
	assert_int_equal(got.decided_by, row->want.decided_by);
	assert_int_equal(got.code == NULL, row->want.code == NULL);
	assert_int_equal(got.enhanced_code == NULL, row->want.enhanced_code == NULL);
	if (got.code && row->want.code)
		assert_string_equal(got.code, row->want.code);
	if (got.enhanced_code && row->want.enhanced_code) {
		assert_string_equal(got.enhanced_code, row->want.enhanced_code);
		assert_int_equal(got.enhanced_code[0], got.code[0]);
	}
}

struct text_row {
	const char *name;
	struct dkim_verify_result result;
	size_t count;
	const char *want;
};

static const struct text_row text_rows[] = {
	{ "R92 the text names the signature and the reason",
	  { .reason = DKIM_REASON_BODY_HASH_DIFFERS,
	    .signature = { .signing_domain = VIEW_INIT("example.com"), .selector = VIEW_INIT("sel2026") } },
	  1, "signature of example.com (selector sel2026) not accepted: body hash did not verify" },
	{ "R92 an unreadable signature has no name", { .reason = DKIM_REASON_TAG_SYNTAX }, 1,
	  "signature not accepted: tag list is malformed" },
	{ "R92 a domain alone", { .reason = DKIM_REASON_BAD_SELECTOR, .signature = { .signing_domain = VIEW_INIT("example.com") } }, 1,
	  "signature of example.com not accepted: s= is not a selector" },
	{ "R92 no signature", { .reason = DKIM_REASON_PASS }, 0, "message has no DKIM signature" },
	{ "R92 printable ASCII alone, the percent sign once",
	  { .reason = DKIM_REASON_NO_KEY,
	    .signature = { .signing_domain = VIEW_INIT("a\r\nb%s\xc3\xbc \0.example"), .selector = VIEW_INIT("\x7f") } },
	  1, "signature of a??b%s????.example (selector ?) not accepted: no key for signature" },
};

static void test_text(void **state)
{
	const struct text_row *row = *state;
	const struct dkim_verify_result *results[] = { &row->result };
	const struct policy_verdict verdict = { .action = CONF_REJECT, .decided_by = 0 };
	void *mem = talloc_new(NULL);

	assert_string_equal(policy_verdict_text(mem, &verdict, results, row->count), row->want);
	talloc_free(mem);
}

static void test_text_length(void **state)
{
	void *mem = talloc_new(NULL);
	char octets[5000];
	struct view name = { octets, sizeof octets };
	const struct dkim_verify_result result = { .reason = DKIM_REASON_KEY_ESCAPED_SEMICOLON,
	                                           .signature = { .signing_domain = name, .selector = name } };
	const struct dkim_verify_result *results[] = { &result };
	const struct policy_verdict verdict = { .action = CONF_REJECT, .decided_by = 0 };
	const char *text;

	(void)state;
	memset(octets, 'a', sizeof octets);
	text = policy_verdict_text(mem, &verdict, results, 1);
	assert_non_null(text);
	assert_true(strlen(text) < 512 - strlen("550 5.7.20 \r\n"));
	assert_non_null(strstr(text, "aaa... (selector aaa"));
	assert_non_null(strstr(text, "leaked"));
	talloc_free(mem);
}

struct role_row {
	const char *name;
	enum conf_role role;
	const char *address, *auth_type, *daemon_name;
	enum conf_role want;
	enum policy_role_reason want_reason;
};

static const struct role_row role_rows[] = {
	{ "fixed role: verifies whoever it is", CONF_VERIFY, "192.0.2.1", "PLAIN", "ORIGINATING", CONF_VERIFY, POLICY_ROLE_FIXED },
	{ "fixed role: signs whoever it is", CONF_SIGN, "203.0.113.9", NULL, "MTA", CONF_SIGN, POLICY_ROLE_FIXED },
	{ "auto: authenticated", CONF_AUTO, "203.0.113.9", "PLAIN", "MTA", CONF_SIGN, POLICY_ROLE_AUTHENTICATED },
	{ "auto: an empty {auth_type} is none", CONF_AUTO, "203.0.113.9", "", "MTA", CONF_VERIFY, POLICY_ROLE_OUTSIDE },
	{ "auto: authenticated goes before the client's network", CONF_AUTO, "192.0.2.1", "PLAIN", NULL, CONF_SIGN,
	  POLICY_ROLE_AUTHENTICATED },
	{ "auto: the daemon's name", CONF_AUTO, "203.0.113.9", NULL, "ORIGINATING", CONF_SIGN, POLICY_ROLE_DAEMON_NAME },
	{ "auto: the daemon's name in another case", CONF_AUTO, "203.0.113.9", NULL, "submission", CONF_SIGN, POLICY_ROLE_DAEMON_NAME },
	{ "auto: another daemon", CONF_AUTO, "203.0.113.9", NULL, "ORIGINATING2", CONF_VERIFY, POLICY_ROLE_OUTSIDE },
	{ "auto: a client in internal-hosts", CONF_AUTO, "192.0.2.1", NULL, "MTA", CONF_SIGN, POLICY_ROLE_INTERNAL_HOST },
	{ "auto: an IPv6 client in internal-hosts", CONF_AUTO, "2001:db8::25", NULL, "MTA", CONF_SIGN, POLICY_ROLE_INTERNAL_HOST },
	{ "auto: a client from outside", CONF_AUTO, "198.51.100.1", NULL, "MTA", CONF_VERIFY, POLICY_ROLE_OUTSIDE },
	{ "auto: nothing is known", CONF_AUTO, NULL, NULL, NULL, CONF_VERIFY, POLICY_ROLE_OUTSIDE },
};

static void test_role(void **state)
{
	const struct role_row *row = *state;
	const char *daemons[] = { "ORIGINATING", "Submission", NULL };
	struct conf_network networks[] = {
		{ .family = AF_INET, .address = { 192, 0, 2, 0 }, .prefix = 24 },
		{ .family = AF_INET6, .address = { 0x20, 0x01, 0x0d, 0xb8 }, .prefix = 32 },
	};
	const struct conf_listener listener = { .role = row->role, .originating_daemons = daemons, .internal_hosts = { networks, 2 } };
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	struct policy_client client = { .auth_type = row->auth_type, .daemon_name = row->daemon_name };
	enum policy_role_reason reason = POLICY_ROLE_FIXED;

	if (row->address && inet_pton(AF_INET, row->address, &in.sin_addr) == 1)
		client.address = (const struct sockaddr *)&in;
	else if (row->address && inet_pton(AF_INET6, row->address, &in6.sin6_addr) == 1)
		client.address = (const struct sockaddr *)&in6;
	assert_int_equal(policy_role(&listener, &client, &reason), row->want);
	assert_int_equal(reason, row->want_reason);
	assert_true(strlen(policy_role_reason_text(reason)) > 0);
}

static void test_role_without_lists(void **state)
{
	const struct conf_listener listener = { .role = CONF_AUTO };
	const struct policy_client client = { .daemon_name = "ORIGINATING" };
	enum policy_role_reason reason;

	(void)state;
	assert_int_equal(policy_role(&listener, &client, &reason), CONF_VERIFY);
	assert_int_equal(reason, POLICY_ROLE_OUTSIDE);
}

struct key_row {
	const char *name;
	struct view key_domain, from_domain;
	bool subdomains, want;
};

static const struct key_row key_rows[] = {
	{ "R107 the same domain", VIEW_INIT("example.com"), VIEW_INIT("example.com"), false, true },
	{ "R107 the same domain in another case", VIEW_INIT("example.com"), VIEW_INIT("EXAMPLE.Com"), false, true },
	{ "R107 a subdomain, not configured", VIEW_INIT("example.com"), VIEW_INIT("a.example.com"), false, false },
	{ "R107 a subdomain", VIEW_INIT("example.com"), VIEW_INIT("a.b.Example.com"), true, true },
	{ "R107 the same domain with subdomains", VIEW_INIT("example.com"), VIEW_INIT("example.com"), true, true },
	{ "R107 not on a label boundary", VIEW_INIT("example.com"), VIEW_INIT("badexample.com"), true, false },
	{ "R107 the parent of the key's domain", VIEW_INIT("a.example.com"), VIEW_INIT("example.com"), true, false },
	{ "R107 another's From", VIEW_INIT("example.com"), VIEW_INIT("example.org"), true, false },
	{ "R107 no domain at all", VIEW_INIT(""), VIEW_INIT(""), true, false },
};

static void test_key(void **state)
{
	const struct key_row *row = *state;

	assert_int_equal(policy_key_signs(row->key_domain, row->from_domain, row->subdomains), row->want);
}

static void test_not_verified(void **state)
{
	const struct conf_verify conf = { .on_permerror = CONF_REJECT, .on_none = CONF_ACCEPT };
	struct policy_verdict verdict = policy_not_verified(&conf);

	(void)state;
	assert_int_equal(verdict.action, CONF_REJECT);
	assert_string_equal(verdict.code, "550");
	assert_string_equal(verdict.enhanced_code, "5.7.20");
}

int main(void)
{
	test_add("a header beyond the limits is no way around on-permerror", test_not_verified);
	TEST_ROWS(verdict_rows, test_verdict);
	TEST_ROWS(text_rows, test_text);
	test_add("R92 the text fits into one reply line", test_text_length);
	TEST_ROWS(role_rows, test_role);
	test_add("auto: without lists", test_role_without_lists);
	TEST_ROWS(key_rows, test_key);
	return test_run("policy");
}
