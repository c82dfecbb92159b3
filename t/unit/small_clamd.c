#include "t/unit/small_clamd.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct small_clamd {
	pthread_t thread;
	int listening;
	atomic_bool end;
	const char *script;
	struct sockaddr_un address;
	struct small_clamd_seen seen;
};

static bool read_all(struct small_clamd *clamd, int fd, void *octets, size_t n)
{
	struct pollfd event = { .fd = fd, .events = POLLIN };

	while (n > 0 && !atomic_load(&clamd->end)) {
		ssize_t got = poll(&event, 1, 20) > 0 ? recv(fd, octets, n, MSG_DONTWAIT) : 0;

		if (got < 0 || (got == 0 && event.revents & (POLLIN | POLLHUP)))
			return false;
		octets = (char *)octets + got;
		n -= (size_t)got;
		event.revents = 0;
	}
	return n == 0;
}

static bool read_command(struct small_clamd *clamd, int fd, char command[32])
{
	size_t n = 0;

	do {
		if (n == 32 || !read_all(clamd, fd, command + n, 1))
			return false;
	} while (command[n++]);
	return true;
}

static bool read_stream(struct small_clamd *clamd, int fd)
{
	static char room[65536];
	unsigned char length[4];
	size_t left = 1;

	while (left > 0) {
		if (!read_all(clamd, fd, length, sizeof length))
			return false;
		left = (size_t)length[0] << 24 | (size_t)length[1] << 16 | (size_t)length[2] << 8 | length[3];
		clamd->seen.octets += left;
		for (size_t n = left; n > 0;) {
			size_t piece = n < sizeof room ? n : sizeof room;

			if (!read_all(clamd, fd, room, piece))
				return false;
			n -= piece;
		}
	}
	return true;
}

/* With its NUL. */
static void say(int fd, unsigned id, const char *text)
{
	char line[256];
	int n = snprintf(line, sizeof line, "%u: %s", id, text);

	(void)send(fd, line, (size_t)n + 1, MSG_NOSIGNAL);
}

static void say_in_pieces(int fd, unsigned id)
{
	char line[64];
	int n = snprintf(line, sizeof line, "%u: stream: OK", id) + 1;

	for (int i = 0; i < n; i += 6) {
		(void)send(fd, line + i, (size_t)(n - i < 6 ? n - i : 6), MSG_NOSIGNAL);
		(void)poll(NULL, 0, 5);
	}
}

/* Returns false when the connection ends. */
static bool scan(struct small_clamd *clamd, int fd, unsigned id)
{
	const char what = *clamd->script;

	clamd->seen.scans++;
	if (clamd->script[1])
		clamd->script++;
	if (what == 'l') {
		say(fd, id, "INSTREAM size limit exceeded. ERROR");
		return false;
	}
	if (!read_stream(clamd, fd) || what == 'h')
		return false;
	if (what == 's')
		say_in_pieces(fd, id);
	else
		say(fd, what == 'i' ? id + 7 : id, what == 'f' ? "stream: Eicar-Test-Signature FOUND" : what == 'n' ? "stream: (null) FOUND" :
		    what == 'e' ? "stream: Can't allocate memory ERROR" : what == 'g' ? "what?" : "stream: OK");
	return what != 'x';
}

static void serve(struct small_clamd *clamd, int fd)
{
	char command[32];
	unsigned id = 0;
	bool more = true;

	while (more && read_command(clamd, fd, command)) {
		if (strcmp(command, "zIDSESSION") == 0)
			continue;
		id++;
		if (strcmp(command, "zVERSION") == 0) {
			clamd->seen.versions++;
			say(fd, id, "ClamAV 1.4.6/27500/Sat Nov 21 08:00:00 2026");
		} else {
			more = strcmp(command, "zINSTREAM") == 0 && scan(clamd, fd, id);
		}
	}
}

static void *run(void *arg)
{
	struct small_clamd *clamd = arg;
	struct pollfd event = { .fd = clamd->listening, .events = POLLIN };

	while (!atomic_load(&clamd->end)) {
		int fd = poll(&event, 1, 20) > 0 ? accept(clamd->listening, NULL, NULL) : -1;

		if (fd < 0)
			continue;
		clamd->seen.connections++;
		serve(clamd, fd);
		close(fd);
	}
	return NULL;
}

struct small_clamd *small_clamd_start(const char *script, const char **ret_spec)
{
	static char spec[128];
	struct small_clamd *clamd = calloc(1, sizeof *clamd);

	if (!clamd)
		abort();
	clamd->script = script;
	clamd->address.sun_family = AF_UNIX;
	snprintf(clamd->address.sun_path, sizeof clamd->address.sun_path, "/tmp/postern-test-clamd-%ld", (long)getpid());
	(void)unlink(clamd->address.sun_path);
	snprintf(spec, sizeof spec, "unix:%s", clamd->address.sun_path);
	clamd->listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(clamd->listening, (struct sockaddr *)&clamd->address, sizeof clamd->address) < 0 || listen(clamd->listening, 10) < 0 ||
	    pthread_create(&clamd->thread, NULL, run, clamd))
		abort();
	*ret_spec = spec;
	return clamd;
}

struct small_clamd_seen small_clamd_stop(struct small_clamd *clamd)
{
	struct small_clamd_seen seen;

	atomic_store(&clamd->end, true);
	(void)pthread_join(clamd->thread, NULL);
	close(clamd->listening);
	(void)unlink(clamd->address.sun_path);
	seen = clamd->seen;
	free(clamd);
	return seen;
}
