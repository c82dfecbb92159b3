/* Running sendmail(1): here programs of the test's own, written for each row. */
#include "milter/sendmail.h"

#include "t/unit/support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <talloc.h>
#include <unistd.h>

#define TIMEOUT_MS 2000

static const struct row {
	const char *name;
	const char *script; /* NULL: there is no program */
	int result;
	const char *error;
} rows[] = {
	{ "taken", "cat > \"$0.out\"; printf '%s|' \"$@\" > \"$0.args\"", 0, NULL },
	{ "a program that does not read", "exit 0", 0, NULL },
	{ "no program", NULL, -ENOENT, ": No such file or directory" },
	{ "refused", "cat > /dev/null; exit 75", -EPROTO, ": wanted exit code 0, got 75" },
	{ "killed", "kill -9 $$", -EPROTO, ": wanted exit code 0, got signal 9" },
	{ "hangs", "exec sleep 60", -ETIMEDOUT, ": wanted it to end within 2 s" },
};

static char *write_program(void *mem, const char *script)
{
	char *directory = talloc_strdup(mem, "/tmp/test_sendmail.XXXXXX"), *path;
	FILE *file;

	assert_non_null(mkdtemp(directory));
	path = talloc_asprintf(mem, "%s/sendmail", directory);
	if (!script)
		return path;
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fprintf(file, "#!/bin/sh\n%s\n", script) > 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path, 0700), 0);
	return path;
}

static char *read_file(void *mem, const char *path)
{
	char text[256];
	ssize_t n;
	int fd = open(path, O_RDONLY);

	assert_true(fd >= 0);
	n = read(fd, text, sizeof text);
	assert_true(n >= 0);
	assert_int_equal(close(fd), 0);
	return talloc_strndup(mem, text, (size_t)n);
}

static void test_run_program(void **state)
{
	const struct row *row = *state;
	void *mem = talloc_new(NULL);
	char *program = write_program(mem, row->script), *error;
	char *sweep = talloc_asprintf(mem, "rm -r $(dirname %s)", program);

	assert_int_equal(sendmail_run(mem, program, "joe@example.com", VIEW("A: b\n\nc\n"), TIMEOUT_MS, &error), row->result);
	if (row->error)
		assert_string_equal(error, talloc_asprintf(mem, "%s%s", program, row->error));
	else
		assert_null(error);
	if (row->result == 0 && strstr(row->script, "out")) {
		assert_string_equal(read_file(mem, talloc_asprintf(mem, "%s.out", program)), "A: b\n\nc\n");
		assert_string_equal(read_file(mem, talloc_asprintf(mem, "%s.args", program)), "-i|-f|<>|--|joe@example.com|");
	}
	assert_int_equal(system(sweep), 0);
	talloc_free(mem);
}

int main(void)
{
	TEST_ROWS(rows, test_run_program);
	return test_run("sendmail");
}
