#include "dkim/reason.h"
#include "t/unit/support.h"

#include <stdio.h>

static const enum dkim_reason all[] = {
#define X(reason, result, rule, clause, text) DKIM_REASON_##reason,
	DKIM_REASONS(X)
#undef X
};

static void test_words(void **state)
{
	static const char *const words[] = { "none", "pass", "fail", "policy", "neutral", "temperror", "permerror" };

	(void)state;
	for (enum dkim_result result = DKIM_NONE; result <= DKIM_PERMERROR; result++)
		assert_string_equal(dkim_result_text(result), words[result]);
}

static void test_only_pass_passes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		assert_int_equal(dkim_reason_result(all[i]) == DKIM_PASS, all[i] == DKIM_REASON_PASS);
}

/* The text goes into a comment or a quoted string of a header field. */
static void test_texts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		const char *text = dkim_reason_text(all[i]);

		assert_non_null(text);
		assert_true(strlen(text) > 0 && strlen(text) < 70);
		for (; *text; text++)
			assert_true(*text >= ' ' && *text <= '~' && !strchr("()", *text));
	}
}

/* "R" and a number; "RFC number section numbers". */
static void test_clauses(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		const char *rule = dkim_reason_rule(all[i]);
		unsigned rfc, section;

		assert_int_equal(rule[0], 'R');
		assert_int_equal(strspn(rule + 1, "0123456789"), strlen(rule + 1));
		assert_true(strlen(rule) >= 2);
		assert_int_equal(sscanf(dkim_reason_clause(all[i]), "RFC %u section %u", &rfc, &section), 2);
	}
}

struct row {
	const char *name;
	enum dkim_reason reason;
	enum dkim_result want;
};

static const struct row rows[] = {
	{ "R83 a wrong body hash is fail", DKIM_REASON_BODY_HASH_DIFFERS, DKIM_FAIL },
	{ "R83 a wrong signature is fail", DKIM_REASON_SIGNATURE_DIFFERS, DKIM_FAIL },
	{ "R83 a bad tag list is neutral: d= is unknown", DKIM_REASON_TAG_SYNTAX, DKIM_NEUTRAL },
	{ "R83 a revoked key is permerror", DKIM_REASON_KEY_REVOKED, DKIM_PERMERROR },
	{ "R83 no key is permerror", DKIM_REASON_NO_KEY, DKIM_PERMERROR },
	{ "R65 a failed query is temperror", DKIM_REASON_KEY_UNAVAILABLE, DKIM_TEMPERROR },
	{ "R65 a late answer is temperror", DKIM_REASON_KEY_TIMEOUT, DKIM_TEMPERROR },
	{ "R93 a spent budget is temperror", DKIM_REASON_BUDGET_SPENT, DKIM_TEMPERROR },
	{ "R83 our own want of memory is temperror", DKIM_REASON_OUT_OF_MEMORY, DKIM_TEMPERROR },
	{ "R74 rsa-sha1 is policy", DKIM_REASON_SHA1, DKIM_POLICY },
	{ "R75 a short key is policy", DKIM_REASON_WEAK_KEY, DKIM_POLICY },
	{ "R24 expired is fail", DKIM_REASON_EXPIRED, DKIM_FAIL },
	{ "R24 expired is policy where configured", DKIM_REASON_EXPIRED_POLICY, DKIM_POLICY },
	{ "R27 a body in part unsigned is policy", DKIM_REASON_BODY_NOT_COVERED, DKIM_POLICY },
};

static void test_result(void **state)
{
	const struct row *row = *state;

	assert_int_equal(dkim_reason_result(row->reason), row->want);
}

int main(void)
{
	test_add("R82 the words of RFC 8601", test_words);
	test_add("R82 one reason alone is pass", test_only_pass_passes);
	test_add("R85 every reason has a text that needs no care", test_texts);
	test_add("every reason has a rule and a clause", test_clauses);
	TEST_ROWS(rows, test_result);
	return test_run("reason");
}
