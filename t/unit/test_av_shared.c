#include "av/shared.h"
#include "t/unit/support.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static struct av_shared *shared;

static int set_up(void **state)
{
	(void)state;
	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return shared == MAP_FAILED || av_shared_init(shared) < 0;
}

static void forget(void)
{
	memset(shared->remembered, 0, sizeof shared->remembered);
	shared->remembered_until_s = 0;
}

static const uint8_t *digest_of(unsigned number)
{
	static uint8_t digest[AV_DIGEST_OCTETS];

	memset(digest, 0, sizeof digest);
	memcpy(digest, &number, sizeof number);
	return digest;
}

static void test_remembered_until(void **state)
{
	(void)state;
	forget();
	assert_false(av_shared_remembers_any(shared, 1));
	av_shared_remember(shared, digest_of(1), 100);
	assert_true(av_shared_remembers_any(shared, 99));
	assert_true(av_shared_is_remembered(shared, digest_of(1), 99));
	assert_false(av_shared_is_remembered(shared, digest_of(2), 99));
	assert_false(av_shared_is_remembered(shared, digest_of(1), 100));
	assert_false(av_shared_remembers_any(shared, 100));
}

static void test_again_takes_no_second_row(void **state)
{
	(void)state;
	forget();
	for (int i = 0; i < 3; i++)
		av_shared_remember(shared, digest_of(1), 100 + i);
	assert_true(av_shared_is_remembered(shared, digest_of(1), 101));
	assert_int_equal(shared->remembered[1].until_s, 0);
}

static void test_oldest_goes_first(void **state)
{
	(void)state;
	forget();
	for (unsigned i = 0; i <= AV_REMEMBERED_MAX; i++)
		av_shared_remember(shared, digest_of(i), 100 + (int64_t)i);
	assert_false(av_shared_is_remembered(shared, digest_of(0), 1));
	for (unsigned i = 1; i <= AV_REMEMBERED_MAX; i++)
		assert_true(av_shared_is_remembered(shared, digest_of(i), 1));
}

static void test_worker_forgotten(void **state)
{
	(void)state;
	shared->usage[3].jobs = 2;
	shared->usage[3].octets = 1000;
	shared->usage[4].jobs = 1;
	av_shared_forget_worker(shared, 3);
	assert_int_equal(shared->usage[3].jobs + shared->usage[3].octets, 0);
	assert_int_equal(shared->usage[4].jobs, 1);
}

/* A worker that dies with the lock in its hand does not stop the others. */
static void test_death_with_the_lock(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	forget();
	pid = fork();
	if (pid == 0)
		_exit(pthread_mutex_lock(&shared->lock));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	av_shared_remember(shared, digest_of(7), 50);
	assert_true(av_shared_is_remembered(shared, digest_of(7), 1));
}

int main(void)
{
	test_add("a digest is remembered until its time", test_remembered_until);
	test_add("the same digest again takes no second row", test_again_takes_no_second_row);
	test_add("the oldest is forgotten first", test_oldest_goes_first);
	test_add("a dead worker's usage is forgotten, no other", test_worker_forgotten);
	test_add("a worker that dies with the lock", test_death_with_the_lock);
	return test_run_with("av_shared", set_up, NULL);
}
