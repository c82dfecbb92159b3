/* Counting (milter/counters.h). */
#include "milter/counters.h"
#include "t/unit/support.h"

#include <pthread.h>

#define THREADS 4
#define TIMES 10000

static struct counters counters;

static void test_names(void **state)
{
	(void)state;
	for (unsigned i = 0; i < COUNTER_COUNT; i++)
		for (unsigned k = 0; k < i; k++)
			assert_string_not_equal(counter_text(i), counter_text(k));
	assert_string_equal(counter_text(COUNTER_CONNECTIONS), "connections");
	for (enum av_class class = 0; class < AV_CLASS_COUNT; class++)
		assert_memory_equal(counter_text(COUNTER_SCAN_CLASS + class), "scan-", 5);
	assert_string_equal(counter_text(COUNTER_SCAN_CLASS + AV_CLASS_CLEAN), "scan-clean");
}

static void *count(void *arg)
{
	for (int i = 0; i < TIMES; i++) {
		counters_add(arg, COUNTER_MESSAGES);
		counters_add_class(arg, AV_CLASS_INFECTED);
	}
	return NULL;
}

static void test_threads(void **state)
{
	struct counters total = { 0 };
	pthread_t thread[THREADS];

	(void)state;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, count, &counters), 0);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(thread[i], NULL), 0);
	counters_move(&total, &counters);
	counters_add(&counters, COUNTER_MESSAGES);
	counters_move(&total, &counters);
	assert_int_equal(total.value[COUNTER_MESSAGES], THREADS * TIMES + 1);
	assert_int_equal(total.value[COUNTER_SCAN_CLASS + AV_CLASS_INFECTED], THREADS * TIMES);
	for (unsigned i = 0; i < COUNTER_COUNT; i++)
		assert_int_equal(counters.value[i], 0);
}

static void test_nobody_counts(void **state)
{
	(void)state;
	counters_add(NULL, COUNTER_MESSAGES);
	counters_add_class(NULL, AV_CLASS_CLEAN);
}

int main(void)
{
	test_add("each has a name of its own", test_names);
	test_add("threads count together, and a dead worker's counts move", test_threads);
	test_add("without a row nothing is counted", test_nobody_counts);
	return test_run("counters");
}
