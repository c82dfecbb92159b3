/* Totals by listener (milter/tally.h). */
#include "milter/tally.h"
#include "t/unit/support.h"

#include <stdio.h>
#include <talloc.h>

static void test_names(void **state)
{
	struct tally *tally = tally_new(NULL);
	char name[32];

	(void)state;
	counters_add(tally_of(tally, "inbound"), COUNTER_MESSAGES);
	counters_add(tally_of(tally, "originating"), COUNTER_SIGNED);
	counters_add(tally_of(tally, "inbound"), COUNTER_MESSAGES);
	assert_int_equal(tally_of(tally, "inbound")->value[COUNTER_MESSAGES], 2);
	assert_int_equal(tally_of(tally, "inbound")->value[COUNTER_SIGNED], 0);
	assert_int_equal(tally_of(tally, "originating")->value[COUNTER_SIGNED], 1);
	for (int i = 0; i < TALLY_MAX + 10; i++) {
		(void)snprintf(name, sizeof name, "listener-%d", i);
		assert_non_null(tally_of(tally, name));
	}
	assert_ptr_equal(tally_of(tally, "one too many"), tally_of(tally, "another"));
	assert_int_equal(tally_of(tally, "inbound")->value[COUNTER_MESSAGES], 2);
	talloc_free(tally);
}

int main(void)
{
	test_add("each listener has its own, to a limit", test_names);
	return test_run("tally");
}
