/* What an event loop waits for (milter/poll_set.h). */
#include "milter/poll_set.h"
#include "t/unit/support.h"

#include <talloc.h>
#include <unistd.h>

#define MANY 200 /* more than it has room for at first */

static int called[MANY];

static void count(void *arg)
{
	++*(int *)arg;
}

static void test_ready_ones_are_called(void **state)
{
	struct poll_set set = { .mem = talloc_new(NULL) };
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	for (int round = 1; round <= 2; round++) {
		poll_set_begin(&set);
		poll_set_add(&set, -1, POLLIN, count, &called[0]);
		for (int i = 1; i < MANY; i++)
			poll_set_add(&set, ends[i % 2], i % 2 ? POLLOUT : POLLIN, count, &called[i]);
		assert_int_equal(poll_set_wait(&set, -1), 0);
		for (int i = 0; i < MANY; i++)
			assert_int_equal(called[i], i % 2 ? round : 0);
	}
	close(ends[0]);
	close(ends[1]);
	talloc_free(set.mem);
}

static void test_nobody_is_ready(void **state)
{
	struct poll_set set = { .mem = talloc_new(NULL) };
	int ends[2], calls = 0;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	poll_set_begin(&set);
	poll_set_add(&set, ends[0], POLLIN, count, &calls);
	assert_int_equal(poll_set_wait(&set, 10), 0);
	assert_int_equal(calls, 0);
	close(ends[1]);
	assert_int_equal(poll_set_wait(&set, -1), 0); /* its end is an event too */
	assert_int_equal(calls, 1);
	close(ends[0]);
	talloc_free(set.mem);
}

int main(void)
{
	test_add("whoever is ready is called, each round anew", test_ready_ones_are_called);
	test_add("nobody is ready, and then one has ended", test_nobody_is_ready);
	return test_run("poll_set");
}
