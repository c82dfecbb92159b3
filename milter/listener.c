/* The worker's half of a listener: libmilter on a shared socket. */
#include "milter/listener.h"

#include "dkim/clock.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define LISTENER_POLL_MS 20    /* between two looks at the sessions while draining */
#define LISTENER_SETTLE_MS 100 /* an accept() that was under way in the kernel shows its descriptor within this */

/* Set by listener_take(), before there are threads. */
static int listening_fd = -1; /* libmilter's descriptor, with the shared socket in it */
static int dead_fd = -1;      /* a listening socket that nobody can reach */
static struct sockaddr_storage listening_address;
static socklen_t listening_address_n;

/* libmilter's reader of one packet: its data is a malloc()ed block of *ret_n octets, or NULL. */
typedef char *read_packet(int fd, struct timeval *timeout, char *ret_command, size_t *ret_n, char *filter);
read_packet mi_rd_cmd;
static read_packet *libmilter_read_packet; /* the one below; set by listener_take() */

/* The octets of a macro packet (a stage, then name and value in turn) up to its last whole pair. */
static size_t whole_pairs(const char *data, size_t n)
{
	size_t strings = 0, end = n > 0 ? 1 : 0;

	for (size_t i = 1; i < n; i++)
		if (data[i] == '\0' && ++strings % 2 == 0)
			end = i + 1;
	return strings % 2 == 0 ? n : end;
}

/* smfi_getsymval() takes macros for pairs: a last name without a value leads it beyond the end of its table, to what the
 * peer may have left in that memory, and it follows that as a pointer. The linker takes a program's definition of a
 * function before a library's, so packets come through here, and such a name is left out. */
char *mi_rd_cmd(int fd, struct timeval *timeout, char *ret_command, size_t *ret_n, char *filter)
{
	char *data = libmilter_read_packet(fd, timeout, ret_command, ret_n, filter);

	if (data && *ret_command == SMFIC_MACRO)
		*ret_n = whole_pairs(data, *ret_n);
	return data;
}

/* A libmilter without that function never calls ours. */
static void find_read_packet(void)
{
	void *found = dlsym(RTLD_NEXT, "mi_rd_cmd");

	memcpy(&libmilter_read_packet, &found, sizeof found);
}

int listener_limits(unsigned idle_timeout_s)
{
	if (idle_timeout_s > INT_MAX || smfi_settimeout((int)idle_timeout_s) != MI_SUCCESS)
		return -EINVAL;
	(void)smfi_setmaxdatasize(LISTENER_PACKET_MAX); /* returns the former value */
	return 0;
}

/* A folder of our own for a moment, in the first of these that the worker's user may write to. A service manager's
 * file system protection can close all but the last. */
static int private_folder(char *folder, size_t n)
{
	const char *bases[] = { getenv("TMPDIR"), "/tmp", "/dev/shm" };
	int r = -ENOENT;

	for (size_t i = 0; i < sizeof bases / sizeof *bases; i++) {
		int length = bases[i] ? snprintf(folder, n, "%s/postern-XXXXXX", bases[i]) : -1;

		if (length < 0 || (size_t)length >= n)
			continue;
		if (mkdtemp(folder))
			return 0;
		r = -errno;
	}
	return r;
}

/* Make the dead socket: its file is gone when this returns, so poll() never finds a connection on it and accept()
 * gives EAGAIN. */
static int open_dead_socket(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), r;

	if (fd < 0)
		return -errno;
	r = bind(fd, (const struct sockaddr *)address, sizeof *address) < 0 || listen(fd, 1) < 0 ? -errno : 0;
	(void)unlink(address->sun_path);
	if (r == 0)
		return fd;
	close(fd);
	return r;
}

static bool is_listening(int fd, sa_family_t family)
{
	int accepts = 0, domain = 0;
	socklen_t n = sizeof accepts, m = sizeof domain;

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &accepts, &n) == 0 && accepts &&
	       getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &m) == 0 && domain == family;
}

/* libmilter does not tell the number of its socket, but POSIX does: the lowest that is free. */
static int open_throw_away(sa_family_t family, const struct sockaddr_un *address)
{
	char connection[sizeof address->sun_path + sizeof "unix:"];
	int fd;

	if (family == AF_UNIX)
		(void)snprintf(connection, sizeof connection, "unix:%s", address->sun_path);
	else
		(void)snprintf(connection, sizeof connection, "%s", family == AF_INET ? "inet:0@127.0.0.1" : "inet6:0@[::1]");
	fd = dup(STDERR_FILENO);
	if (fd < 0)
		return -errno;
	close(fd);
	if (smfi_setconn(connection) != MI_SUCCESS || smfi_opensocket(false) != MI_SUCCESS)
		return -EIO;
	return is_listening(fd, family) ? fd : -EIO;
}

/* libmilter compares an accepted peer's family with that of the socket it opened: hence the same family. */
static int put_in_place(int shared_fd, const struct sockaddr_un *address)
{
	sa_family_t family = listening_address.ss_family;
	int fd = open_throw_away(family, address);

	if (family == AF_UNIX)
		(void)unlink(address->sun_path);
	if (fd < 0)
		return fd;
	if (dup3(shared_fd, fd, O_CLOEXEC) < 0)
		return -errno;
	close(shared_fd);
	listening_fd = fd;
	return 0;
}

int listener_take(int shared_fd)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char folder[sizeof address.sun_path - sizeof "/s"];
	int r;

	find_read_packet();
	listening_address_n = sizeof listening_address;
	if (getsockname(shared_fd, (struct sockaddr *)&listening_address, &listening_address_n) < 0)
		return -errno;
	r = private_folder(folder, sizeof folder);
	if (r < 0)
		return r;
	(void)snprintf(address.sun_path, sizeof address.sun_path, "%s/s", folder);
	r = open_dead_socket(&address);
	if (r >= 0) {
		dead_fd = r;
		r = put_in_place(shared_fd, &address);
	}
	(void)rmdir(folder);
	return r;
}

int listener_serve(void)
{
	(void)smfi_main(); /* success or not: nobody asked it to end */
	return -EIO;
}

static void wait_a_little(unsigned ms)
{
	struct timespec pause = { ms / 1000, (long)(ms % 1000) * 1000000 };

	(void)nanosleep(&pause, NULL); /* cut short by a signal: looked again a little early */
}

/* Was this descriptor accepted from the shared socket? It then has the same local port (inet) or path (unix). */
static bool is_connection(int fd)
{
	struct sockaddr_storage local;
	socklen_t n = sizeof local;

	if (fd == listening_fd || getsockname(fd, (struct sockaddr *)&local, &n) < 0 || local.ss_family != listening_address.ss_family)
		return false;
	if (local.ss_family == AF_INET)
		return ((struct sockaddr_in *)&local)->sin_port == ((struct sockaddr_in *)&listening_address)->sin_port;
	if (local.ss_family == AF_INET6)
		return ((struct sockaddr_in6 *)&local)->sin6_port == ((struct sockaddr_in6 *)&listening_address)->sin6_port;
	return n == listening_address_n && memcmp(&local, &listening_address, n) == 0;
}

/* Connections that libmilter has accepted, whether the MTA has begun to negotiate or not. */
static bool any_connection(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return false;
	for (int fd = STDERR_FILENO + 1; (rlim_t)fd < limit.rlim_cur; fd++)
		if (is_connection(fd))
			return true;
	return false;
}

/* smfi_stop() is no way to drain: under libmilter's worker pool it closes sessions below running threads. A session
 * counts itself when it negotiates; before that, only its descriptor shows that it is there. */
size_t listener_drain(size_t (*open_sessions)(void), unsigned timeout_ms)
{
	int64_t start = clock_monotonic_ms(), end = start + timeout_ms;
	size_t open;

	if (dup3(dead_fd, listening_fd, O_CLOEXEC) < 0)
		return open_sessions();
	wait_a_little(LISTENER_SETTLE_MS);
	for (;;) {
		open = open_sessions();
		if (clock_monotonic_ms() >= end || (open == 0 && (clock_monotonic_ms() >= start + LISTENER_SILENT_MS || !any_connection())))
			return open;
		wait_a_little(LISTENER_POLL_MS);
	}
}
