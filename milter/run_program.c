#include "milter/run_program.h"

#include "dkim/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <talloc.h>
#include <time.h>
#include <unistd.h>

#define CHUNK 65536

extern char **environ;

static int refuse(void *mem, int error, char **ret_error, const char *program, const char *got)
{
	*ret_error = talloc_asprintf(mem, "%s: wanted its output, got %s", program, got);
	return *ret_error ? error : -ENOMEM;
}

static int spawn(const char *const *argv, int output, pid_t *ret)
{
	char *const *arguments = (char *const *)(uintptr_t)argv; /* posix_spawn() changes none of them */
	posix_spawn_file_actions_t actions;
	char *path = talloc_asprintf(NULL, "/usr/sbin/%s", argv[0]);
	int r = path ? posix_spawn_file_actions_init(&actions) : ENOMEM;

	if (r == 0) {
		r = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
		if (r == 0)
			r = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
		if (r == 0)
			r = posix_spawnp(ret, argv[0], &actions, NULL, arguments, environ);
		if (r == ENOENT && !strchr(argv[0], '/')) /* PATH of a user who is not root often lacks it */
			r = posix_spawn(ret, path, &actions, NULL, arguments, environ);
		(void)posix_spawn_file_actions_destroy(&actions);
	}
	talloc_free(path);
	return -r;
}

static int milliseconds_left(const struct timespec *start, int timeout_ms)
{
	struct timespec now;
	long passed;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* fails for no clock that exists */
	passed = (now.tv_sec - start->tv_sec) * 1000L + (now.tv_nsec - start->tv_nsec) / 1000000L;
	return passed >= timeout_ms ? 0 : (int)(timeout_ms - passed);
}

/* All that comes until the other end is closed. */
static int read_all(int fd, int timeout_ms, struct buf *out)
{
	struct timespec start;
	char chunk[CHUNK];

	(void)clock_gettime(CLOCK_MONOTONIC, &start);
	for (;;) {
		struct pollfd ready = { .fd = fd, .events = POLLIN };
		int r = poll(&ready, 1, milliseconds_left(&start, timeout_ms));
		ssize_t n;

		if (r == 0)
			return -ETIME;
		n = r < 0 ? -1 : read(fd, chunk, sizeof chunk);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			return buf_error(out);
		if (n > 0)
			buf_add(out, (struct view){ chunk, (size_t)n });
		if (buf_error(out))
			return buf_error(out);
	}
}

/* The end of the program. What was not read to its end is killed: nobody wants the rest. */
static int reap(pid_t pid, bool whole, int *ret_code)
{
	int status;

	if (!whole)
		(void)kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	*ret_code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
	return WIFEXITED(status) ? 0 : -EIO;
}

int run_program(void *mem, const char *const *argv, int timeout_ms, char **ret, int *ret_code, char **ret_error)
{
	int ends[2], code = 0, r, ended;
	struct buf out;
	pid_t pid;

	*ret_error = NULL;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return refuse(mem, -errno, ret_error, argv[0], strerror(errno));
	r = spawn(argv, ends[1], &pid);
	(void)close(ends[1]);
	if (r < 0) {
		(void)close(ends[0]);
		return refuse(mem, r, ret_error, argv[0], strerror(-r));
	}
	buf_init(&out, mem, RUN_PROGRAM_OUTPUT_MAX);
	r = read_all(ends[0], timeout_ms, &out);
	(void)close(ends[0]);
	ended = reap(pid, r == 0, &code);
	if (r == 0 && (ended < 0 || (code != 0 && !ret_code)))
		r = refuse(mem, ended < 0 ? ended : -EIO, ret_error, argv[0], "its failure");
	else if (r == 0 && view_find(buf_view(&out), '\0') < out.n)
		r = refuse(mem, -EINVAL, ret_error, argv[0], "a NUL in it");
	else if (r < 0)
		r = refuse(mem, r, ret_error, argv[0], strerror(-r));
	if (r == 0)
		*ret = talloc_strdup(mem, buf_string(&out));
	if (r == 0 && ret_code)
		*ret_code = code;
	buf_free(&out);
	return r < 0 || *ret ? r : -ENOMEM;
}
