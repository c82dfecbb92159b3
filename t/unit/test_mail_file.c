/* A message file and its line ends. */
#include "milter/mail_file.h"

#include "t/unit/support.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <talloc.h>
#include <unistd.h>

struct row {
	const char *name;
	struct view in, out;
};

static const struct row rows[] = {
	{ "CRLF stays", VIEW_INIT("a: b\r\n\r\nc\r\n"), VIEW_INIT("a: b\r\n\r\nc\r\n") },
	{ "a bare LF below a CRLF is data", VIEW_INIT("a: b\r\n\r\nc\nd\r\n"), VIEW_INIT("a: b\r\n\r\nc\nd\r\n") },
	{ "LF text becomes CRLF", VIEW_INIT("a: b\n\nc\nd"), VIEW_INIT("a: b\r\n\r\nc\r\nd") },
	{ "a CRLF inside LF text stays one", VIEW_INIT("a: b\n\nc\r\nd\n"), VIEW_INIT("a: b\r\n\r\nc\r\nd\r\n") },
	{ "a first line that is empty", VIEW_INIT("\nc\n"), VIEW_INIT("\r\nc\r\n") },
	{ "bare CR is data", VIEW_INIT("a: b\n\nc\rd\n"), VIEW_INIT("a: b\r\n\r\nc\rd\r\n") },
	{ "NUL and 8-bit octets stay", VIEW_INIT("a: \0\xff\n"), VIEW_INIT("a: \0\xff\r\n") },
	{ "no line end at all", VIEW_INIT("abc"), VIEW_INIT("abc") },
	{ "nothing", VIEW_INIT(""), VIEW_INIT("") },
};

static void same(struct view got, struct view wanted)
{
	assert_int_equal(got.n, wanted.n);
	assert_true(view_eq(got, wanted));
}

static void test_to_crlf(void **state)
{
	const struct row *row = *state;
	struct view in = guarded(row->in), got;
	void *mem = talloc_new(NULL);

	assert_int_equal(mail_file_to_crlf(mem, in, &got), 0);
	same(got, row->out);
	talloc_free(mem);
	guarded_free(in);
}

static void write_file(char *path, struct view octets)
{
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, octets.p, octets.n), (ssize_t)octets.n);
	assert_int_equal(close(fd), 0);
}

static void test_read(void **state)
{
	const struct row *row = *state;
	char path[] = "/tmp/test_mail_file.XXXXXX";
	void *mem = talloc_new(NULL);
	struct view got;
	char *error;

	write_file(path, row->in);
	assert_int_equal(mail_file_read(mem, path, &got, &error), 0);
	assert_null(error);
	same(got, row->out);
	assert_int_equal(unlink(path), 0);
	talloc_free(mem);
}

static void test_standard_input(void **state)
{
	void *mem = talloc_new(NULL);
	struct view got;
	char *error;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], "a: b\n", 5), 5);
	assert_int_equal(close(ends[1]), 0);
	assert_int_equal(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
	assert_int_equal(mail_file_read(mem, "-", &got, &error), 0);
	same(got, VIEW("a: b\r\n"));
	assert_int_equal(close(ends[0]), 0);
	talloc_free(mem);
}

static void test_maximum(void **state)
{
	char path[] = "/tmp/test_mail_file.XXXXXX";
	void *mem = talloc_new(NULL);
	struct view got;
	char *error;

	(void)state;
	write_file(path, VIEW("12345"));
	assert_int_equal(mail_file_read_octets(mem, path, 5, &got, &error), 0);
	same(got, VIEW("12345"));
	assert_int_equal(mail_file_read_octets(mem, path, 4, &got, &error), -EMSGSIZE);
	assert_non_null(strstr(error, ": wanted at most 4 octets, got more"));
	assert_int_equal(unlink(path), 0);
	talloc_free(mem);
}

static void test_missing(void **state)
{
	void *mem = talloc_new(NULL);
	struct view got;
	char *error;

	(void)state;
	assert_int_equal(mail_file_read(mem, "/nonexistent/mail", &got, &error), -ENOENT);
	assert_string_equal(error, "/nonexistent/mail: No such file or directory");
	assert_int_equal(mail_file_read(mem, "/", &got, &error), -EISDIR);
	talloc_free(mem);
}

int main(void)
{
	TEST_ROWS(rows, test_to_crlf);
	TEST_ROWS(rows, test_read);
	test_add("standard input", test_standard_input);
	test_add("a file above the maximum", test_maximum);
	test_add("a file that cannot be read", test_missing);
	return test_run("mail_file");
}
