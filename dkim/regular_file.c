#include "dkim/regular_file.h"

#include "dkim/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static const char *file_type_text(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return "a directory";
	case S_IFIFO:
		return "a fifo";
	default:
		return "a device";
	}
}

static int check_type(void *mem, const char *path, int fd, struct stat *ret_st, char **ret_error)
{
	if (fstat(fd, ret_st))
		return fault(mem, ret_error, -errno, "%s: %s", path, strerror(errno));
	if (S_ISREG(ret_st->st_mode))
		return 0;
	return fault(mem, ret_error, S_ISDIR(ret_st->st_mode) ? -EISDIR : -EINVAL, "%s: wanted a regular file, got %s", path,
	             file_type_text(ret_st->st_mode));
}

int regular_file_open(void *mem, const char *path, int *ret_fd, struct stat *ret_st, char **ret_error)
{
	int fd, r;

	/* O_NONBLOCK: a fifo or a device must not hold us up before fstat() has seen what it is. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return fault(mem, ret_error, -errno, "%s: %s", path, strerror(errno));
	r = check_type(mem, path, fd, ret_st, ret_error);
	if (r) {
		close(fd);
		return r;
	}
	*ret_fd = fd;
	return 0;
}

int regular_file_read(void *mem, const char *path, int fd, char *octets, size_t n, size_t *ret_n, char **ret_error)
{
	size_t filled = 0;
	ssize_t got;

	while (filled < n) {
		got = read(fd, octets + filled, n - filled);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return fault(mem, ret_error, -errno, "%s: %s", path, strerror(errno));
		if (got == 0)
			break;
		filled += (size_t)got;
	}
	*ret_n = filled;
	return 0;
}
