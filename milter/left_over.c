#include "milter/left_over.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* Asking a file that is no socket ends with ECONNREFUSED too: lstat() tells them apart. */
int left_over_remove(const struct sockaddr_un *address, int type)
{
	struct stat st;
	int fd, r;

	if (lstat(address->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	r = connect(fd, (const struct sockaddr *)address, sizeof *address) < 0 ? -errno : -EADDRINUSE;
	close(fd);
	if (r == -EAGAIN) /* its backlog is full: somebody is there */
		return -EADDRINUSE;
	if (r != -ECONNREFUSED)
		return r;
	return unlink(address->sun_path) < 0 ? -errno : 0;
}
