#include "dkim/reason.h"

#include <assert.h>
#include <stddef.h>

static const struct {
	enum dkim_result result;
	const char *rule, *clause, *text;
} reasons[] = {
#define X(reason, result, rule, clause, text) [DKIM_REASON_##reason] = { DKIM_##result, rule, clause, text },
	DKIM_REASONS(X)
#undef X
};

static const char *const results[] = {
	[DKIM_NONE] = "none",
	[DKIM_PASS] = "pass",
	[DKIM_FAIL] = "fail",
	[DKIM_POLICY] = "policy",
	[DKIM_NEUTRAL] = "neutral",
	[DKIM_TEMPERROR] = "temperror",
	[DKIM_PERMERROR] = "permerror",
};

enum dkim_result dkim_reason_result(enum dkim_reason reason)
{
	assert((size_t)reason < sizeof reasons / sizeof reasons[0]);
	return reasons[reason].result;
}

const char *dkim_reason_text(enum dkim_reason reason)
{
	assert((size_t)reason < sizeof reasons / sizeof reasons[0]);
	return reasons[reason].text;
}

const char *dkim_reason_rule(enum dkim_reason reason)
{
	assert((size_t)reason < sizeof reasons / sizeof reasons[0]);
	return reasons[reason].rule;
}

const char *dkim_reason_clause(enum dkim_reason reason)
{
	assert((size_t)reason < sizeof reasons / sizeof reasons[0]);
	return reasons[reason].clause;
}

const char *dkim_result_text(enum dkim_result result)
{
	assert((size_t)result < sizeof results / sizeof results[0]);
	return results[result];
}
