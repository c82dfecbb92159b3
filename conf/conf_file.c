#include "conf/conf.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <talloc.h>
#include <unistd.h>

static int fail(void *mem, const char *path, const char *wanted, const char *got, int error, char **ret_error)
{
	*ret_error = talloc_asprintf(mem, "%s: wanted %s, got %s", path, wanted, got);
	return *ret_error ? error : -ENOMEM;
}

/* Until the end of the file, or one octet more than may be. */
static int read_all(int fd, char *text, size_t *ret_n)
{
	size_t n = 0;

	for (;;) {
		ssize_t got = read(fd, text + n, CONF_FILE_MAX + 1 - n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		n += (size_t)got;
		if (got == 0 || n > CONF_FILE_MAX)
			break;
	}
	*ret_n = n;
	return 0;
}

static int read_open_file(void *mem, int fd, const char *path, char **ret_text, size_t *ret_n, char **ret_error)
{
	char *text = talloc_array(mem, char, CONF_FILE_MAX + 1);
	size_t n = 0;
	int r;

	if (!text)
		return -ENOMEM;
	r = read_all(fd, text, &n);
	if (r)
		r = fail(mem, path, "a readable file", strerror(-r), r, ret_error);
	else if (n > CONF_FILE_MAX)
		r = fail(mem, path, "at most 4 MB", "more", -EFBIG, ret_error);
	if (r) {
		talloc_free(text);
		return r;
	}
	*ret_text = text;
	*ret_n = n;
	return 0;
}

int conf_read_file(void *mem, const char *path, char **ret_text, size_t *ret_n, char **ret_error)
{
	int fd, r;

	*ret_error = NULL;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0) {
		r = -errno;
		return fail(mem, path, "a readable file", strerror(-r), r, ret_error);
	}
	r = read_open_file(mem, fd, path, ret_text, ret_n, ret_error);
	(void)close(fd);
	return r;
}
