/* Memory shared with workers (milter/shared.h). */
#include "milter/shared.h"
#include "t/unit/support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static void test_child_counts(void **state)
{
	struct shared *shared, *other;
	int fd, status;
	pid_t pid;

	(void)state;
	assert_int_equal(shared_new(&shared, &fd), 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (shared_map(fd, &other) < 0)
			_exit(1);
		counters_add(&other->row[7].counters, COUNTER_SIGNED);
		_exit(ftruncate(fd, 0) < 0 ? 0 : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(shared->row[7].counters.value[COUNTER_SIGNED], 1);
	shared_unmap(shared);
	close(fd);
}

static void test_other_memory(void **state)
{
	struct shared *shared;
	int fd = memfd_create("other", MFD_CLOEXEC);

	(void)state;
	assert_int_equal(ftruncate(fd, 4096), 0);
	assert_int_equal(shared_map(fd, &shared), -EINVAL);
	close(fd);
	assert_int_equal(shared_map(fd, &shared), -EBADF);
	shared_unmap(NULL);
}

static void test_all_rows(void **state)
{
	static struct shared_rows rows;
	unsigned row;

	(void)state;
	assert_int_equal(shared_new(&rows.shared, &rows.fd), 0);
	for (unsigned i = 0; i < SHARED_ROWS; i++) {
		assert_int_equal(shared_row_take(&rows, &row), 0);
		assert_int_equal(row, i);
	}
	assert_int_equal(shared_row_take(&rows, &row), -ENOSPC);
	counters_add(&rows.shared->row[300].counters, COUNTER_MESSAGES);
	shared_row_release(&rows, 300);
	assert_int_equal(shared_row_take(&rows, &row), 0);
	assert_int_equal(row, 300);
	assert_int_equal(rows.shared->row[300].counters.value[COUNTER_MESSAGES], 0);
	shared_unmap(rows.shared);
	close(rows.fd);
}

int main(void)
{
	test_add("another process counts in it, and cannot cut it", test_child_counts);
	test_add("memory of another size is not mapped", test_other_memory);
	test_add("rows are handed out once, zeroed", test_all_rows);
	return test_run("shared");
}
