/* dkim/regular_file.c: what is opened and read, and what is refused without being waited for. */
#include "support.h"

#include "dkim/regular_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <talloc.h>
#include <unistd.h>

static char folder[] = "/tmp/test_regular_file.XXXXXX";

static const char *path_of(void *mem, const char *name)
{
	return name[0] == '/' ? name : talloc_asprintf(mem, "%s/%s", folder, name);
}

static void write_text(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

struct row {
	const char *name, *path;
	int r;
	const char *error;
};

static const struct row rows[] = {
	{ "a file", "file", 0, NULL },
	{ "a link to a file", "link", 0, NULL },
	{ "a directory", "directory", -EISDIR, "wanted a regular file, got a directory" },
	{ "a fifo that nobody writes to", "fifo", -EINVAL, "wanted a regular file, got a fifo" },
	{ "a device", "/dev/zero", -EINVAL, "wanted a regular file, got a device" },
	{ "nothing", "nothing", -ENOENT, "No such file or directory" },
	{ "below a file", "file/x", -ENOTDIR, "Not a directory" },
	{ "a socket", "socket", -ENXIO, "No such device or address" },
};

static void test_open(void **state)
{
	const struct row *row = *state;
	void *mem = talloc_new(NULL);
	const char *path = path_of(mem, row->path);
	char *error = NULL;
	struct stat st;
	int fd = -1;

	assert_int_equal(regular_file_open(mem, path, &fd, &st, &error), row->r);
	assert_int_equal(fd >= 0, row->r == 0);
	if (row->error)
		assert_string_equal(error, talloc_asprintf(mem, "%s: %s", path, row->error));
	if (fd >= 0) {
		assert_int_equal(st.st_size, 5);
		assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
		assert_int_equal(close(fd), 0);
	}
	talloc_free(mem);
}

static void test_read(void **state)
{
	void *mem = talloc_new(NULL);
	const char *path = path_of(mem, "file");
	char octets[8], *error = NULL;
	struct stat st;
	size_t n = 0;
	int fd;

	(void)state;
	assert_int_equal(regular_file_open(mem, path, &fd, &st, &error), 0);
	assert_int_equal(regular_file_read(mem, path, fd, octets, 2, &n, &error), 0);
	assert_int_equal(n, 2);
	assert_memory_equal(octets, "he", 2);
	/* shorter than it was thought to be */
	assert_int_equal(regular_file_read(mem, path, fd, octets, sizeof octets, &n, &error), 0);
	assert_int_equal(n, 3);
	assert_memory_equal(octets, "llo", 3);
	assert_int_equal(regular_file_read(mem, path, fd, octets, sizeof octets, &n, &error), 0);
	assert_int_equal(n, 0);
	assert_int_equal(close(fd), 0);
	assert_int_equal(regular_file_read(mem, path, fd, octets, 1, &n, &error), -EBADF);
	assert_string_equal(error, talloc_asprintf(mem, "%s: Bad file descriptor", path));
	talloc_free(mem);
}

static int make_socket(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (fd < 0)
		return -1;
	snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	if (bind(fd, (const struct sockaddr *)&address, sizeof address) < 0)
		return -1;
	return close(fd);
}

static int set_up(void **state)
{
	void *mem = talloc_new(NULL);
	int r;

	(void)state;
	if (!mkdtemp(folder))
		return -1;
	write_text(path_of(mem, "file"), "hello");
	r = symlink("file", path_of(mem, "link")) | mkdir(path_of(mem, "directory"), 0700) | mkfifo(path_of(mem, "fifo"), 0600) |
	    make_socket(path_of(mem, "socket"));
	talloc_free(mem);
	return r;
}

static int tear_down(void **state)
{
	static const char *const names[] = { "file", "link", "directory", "fifo", "socket" };
	void *mem = talloc_new(NULL);
	int r = 0;

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		r |= remove(path_of(mem, names[i]));
	talloc_free(mem);
	return r | rmdir(folder);
}

int main(void)
{
	TEST_ROWS(rows, test_open);
	test_add("read in parts, to the end, and not at all", test_read);
	return test_run_with("regular_file", set_up, tear_down);
}
