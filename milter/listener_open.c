/* The supervisor's half of a listener: the shared sockets. */
#include "milter/left_over.h"
#include "milter/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <talloc.h>
#include <unistd.h>

/* Connections that wait while all workers are busy or being restarted; the kernel cuts it to net.core.somaxconn. */
#define LISTENER_BACKLOG 1024
#define GROUP_BUFFER_MAX ((size_t)1024 * 1024) /* octets of one group's entry with all its members */

static int set_option(int fd, int level, int option)
{
	int on = 1;

	return setsockopt(fd, level, option, &on, sizeof on) < 0 ? -errno : 0;
}

/* Without TCP_NODELAY each message stalls for 44 ms (the header packet waits for an acknowledgement before the verdict
 * leaves); accepted sockets inherit it on Linux. */
static int prepare(int fd, sa_family_t family)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return -errno;
	return family == AF_UNIX ? 0 : set_option(fd, IPPROTO_TCP, TCP_NODELAY);
}

/* IPV6_V6ONLY so that inet: and inet6: can stand on one port side by side, whatever net.ipv6.bindv6only says. */
static int bind_and_listen(int fd, const struct socket_address *address)
{
	int r = 0;

	if (address->u.any.sa_family == AF_INET6)
		r = set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY);
	if (r == 0 && address->u.any.sa_family != AF_UNIX)
		r = set_option(fd, SOL_SOCKET, SO_REUSEADDR);
	if (r < 0)
		return r;
	if (bind(fd, &address->u.any, address->n) < 0 || listen(fd, LISTENER_BACKLOG) < 0)
		return -errno;
	return 0;
}

static int group_id(void *mem, const char *name, gid_t *ret)
{
	size_t n = 1024;
	struct group group, *found = NULL;
	int r;

	do {
		char *buffer = talloc_size(mem, n);

		if (!buffer)
			return -ENOMEM;
		r = getgrnam_r(name, &group, buffer, n, &found);
		if (r == 0 && found)
			*ret = found->gr_gid;
		talloc_free(buffer);
		n *= 2;
	} while (r == ERANGE && n <= GROUP_BUFFER_MAX);
	if (r)
		return -r;
	return found ? 0 : -ENOENT;
}

/* The group comes before the mode: nobody gets in whom the mode is not meant for. Through no symbolic link: the folder may be an
 * MTA's, and whoever can write to it must not choose which file of the host the mode and the group are for. */
int listener_set_access(void *mem, const struct socket_spec *spec, mode_t mode, const char *group, char **ret_error)
{
	gid_t gid = (gid_t)-1; /* chown() leaves that as it is */
	int r;

	if (spec->kind != SOCKET_UNIX)
		return 0;
	if (*group && (r = group_id(mem, group, &gid)) < 0) {
		*ret_error = talloc_asprintf(mem, "socket-group: wanted a group of this host, got \"%s\" (%s)", group, strerror(-r));
		return r;
	}
	if (fchownat(AT_FDCWD, spec->path, (uid_t)-1, gid, AT_SYMLINK_NOFOLLOW) == 0 &&
	    fchmodat(AT_FDCWD, spec->path, mode, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	r = -errno;
	*ret_error = talloc_asprintf(mem, "%s: wanted to set mode and group, got \"%s\"", spec->path, strerror(-r));
	return r;
}

/* The file is born with no right for others (umask). */
static int open_unix(void *mem, int fd, const struct socket_spec *spec, const struct socket_address *address, mode_t mode,
                     const char *group, char **ret_error)
{
	mode_t mask;
	int r;

	r = left_over_remove(&address->u.local, SOCK_STREAM);
	if (r < 0)
		return r;
	mask = umask(0177);
	r = bind_and_listen(fd, address);
	umask(mask);
	if (r < 0)
		return r;
	r = listener_set_access(mem, spec, mode, group, ret_error);
	if (r < 0)
		listener_remove(spec);
	return r;
}

static int open_own(void *mem, const struct socket_spec *spec, mode_t mode, const char *group, char **ret_error)
{
	struct socket_address address;
	int fd, r;

	r = socket_spec_resolve(mem, spec, SOCKET_LISTEN, &address, ret_error);
	if (r < 0)
		return r;
	fd = socket(address.u.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	r = prepare(fd, address.u.any.sa_family);
	if (r == 0)
		r = spec->kind == SOCKET_UNIX ? open_unix(mem, fd, spec, &address, mode, group, ret_error) : bind_and_listen(fd, &address);
	if (r == 0)
		return fd;
	close(fd);
	return r;
}

/* Is it what a milter can use? systemd hands over whatever the unit says. */
static int check_inherited(void *mem, int fd, const char *name, char **ret_error)
{
	static const int families[] = { AF_INET, AF_INET6, AF_UNIX };

	for (size_t i = 0; i < sizeof families / sizeof *families; i++)
		if (sd_is_socket(fd, families[i], SOCK_STREAM, 1) > 0)
			return prepare(fd, (sa_family_t)families[i]);
	*ret_error = talloc_asprintf(mem, "wanted a listening stream socket (inet, inet6 or unix) from systemd under the name \"%s\", "
	                             "got something else", name);
	return -ENOTSOCK;
}

static void free_names(char **names)
{
	for (size_t i = 0; names && names[i]; i++)
		free(names[i]);
	free(names);
}

/* A copy: a configuration may give the socket up, and a later one take it again, for which systemd's number must stay what it is. */
static int take_from_systemd(void *mem, const char *name, char **ret_error)
{
	char **names = NULL;
	int n = sd_listen_fds_with_names(0, &names), fd = -ENOENT, r;

	for (int i = 0; i < n && fd < 0; i++)
		if (strcmp(names[i], name) == 0)
			fd = SD_LISTEN_FDS_START + i;
	free_names(names);
	if (n < 0)
		return n;
	if (fd < 0) {
		*ret_error = talloc_asprintf(mem, "wanted a socket from systemd under the name \"%s\" (FileDescriptorName=), got %d sockets of other names",
		                             name, n);
		return -ENOENT;
	}
	r = check_inherited(mem, fd, name, ret_error);
	if (r == 0) {
		r = fcntl(fd, F_DUPFD_CLOEXEC, SD_LISTEN_FDS_START);
		r = r < 0 ? -errno : r;
	}
	return r;
}

int listener_open(void *mem, const struct socket_spec *spec, mode_t mode, const char *group, char **ret_error)
{
	int fd;

	*ret_error = NULL;
	if (spec->kind == SOCKET_SYSTEMD)
		fd = take_from_systemd(mem, spec->name, ret_error);
	else
		fd = open_own(mem, spec, mode, group, ret_error);
	if (fd < 0 && !*ret_error)
		*ret_error = talloc_asprintf(mem, "wanted a listening socket, got \"%s\"", strerror(-fd));
	return fd;
}

void listener_remove(const struct socket_spec *spec)
{
	if (spec->kind == SOCKET_UNIX)
		(void)unlink(spec->path); /* gone already, or in a folder that has become read-only: nothing hangs on it */
}
