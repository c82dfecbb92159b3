#include "av/findings.h"
#include "t/unit/support.h"

#include <stdio.h>

static bool has(const struct av_reply *reply, enum av_finding_kind kind, const char *name)
{
	for (uint32_t i = 0; i < reply->finding_count; i++)
		if (reply->findings[i].kind == kind && strcmp(reply->findings[i].name, name) == 0)
			return true;
	return false;
}

static void add_many(struct av_reply *reply, enum av_finding_kind kind, const char *prefix)
{
	for (unsigned i = 0; i < 2 * AV_FINDINGS_MAX; i++) {
		char name[40];

		snprintf(name, sizeof name, "%s%u", prefix, i);
		av_finding_add(reply, kind, view_of(name), "part");
	}
}

static void test_once(void **state)
{
	struct av_reply reply = { .version = AV_WIRE_VERSION, .kind = AV_RESULT };

	(void)state;
	av_finding_add(&reply, AV_BANNED, VIEW("exe"), "a");
	av_finding_add(&reply, AV_BANNED, VIEW("exe"), "b");
	av_finding_add(&reply, AV_LIMIT, VIEW("exe"), "b");
	av_finding_add(&reply, AV_FAILURE, VIEW("  "), "\xff");
	assert_int_equal(reply.finding_count, 3);
	assert_true(has(&reply, AV_FAILURE, "unknown"));
	assert_true(av_reply_is_valid(&reply, sizeof reply));
}

/* Whatever fills the places: a virus, and the first of each other kind, still find one. */
static void test_crowd(void **state)
{
	static const struct { enum av_finding_kind kind; const char *prefix; } crowds[] = {
		{ AV_SIGNATURE, "PUA.Test." }, { AV_SIGNATURE, "Heuristics.Test." }, { AV_SIGNATURE, "Heuristics.Limits.Exceeded." },
		{ AV_BANNED, "x" }, { AV_AMBIGUOUS, "x" }, { AV_LIMIT, "x" }, { AV_FAILURE, "x" }, { AV_ENCRYPTED, "x" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof crowds / sizeof crowds[0]; i++) {
		struct av_reply reply = { .version = AV_WIRE_VERSION, .kind = AV_RESULT };

		add_many(&reply, crowds[i].kind, crowds[i].prefix);
		av_finding_add(&reply, AV_SIGNATURE, VIEW("Real"), "a");
		av_finding_add(&reply, AV_BANNED, VIEW("exe"), "a");
		av_finding_add(&reply, AV_FAILURE, VIEW("full"), "a");
		add_many(&reply, crowds[i].kind, crowds[i].prefix);
		assert_true(has(&reply, AV_SIGNATURE, "Real"));
		assert_true(has(&reply, AV_BANNED, "exe") || crowds[i].kind == AV_BANNED);
		assert_true(has(&reply, AV_FAILURE, "full") || crowds[i].kind == AV_FAILURE);
		assert_int_equal(reply.finding_count, AV_FINDINGS_MAX);
		assert_true(reply.findings_left_out > 0);
		assert_true(av_reply_is_valid(&reply, sizeof reply));
	}
}

int main(void)
{
	test_add("the same finding once", test_once);
	test_add("no crowd hides what is graver", test_crowd);
	return test_run("findings");
}
