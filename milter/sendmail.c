#include "milter/sendmail.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <talloc.h>
#include <unistd.h>

#define ARGUMENTS 6

/* The message as a file, so that nobody waits for anybody while it is read. Returns a descriptor or a negative errno. */
static int message_file(struct view message)
{
	int fd = memfd_create("postern-answer", MFD_CLOEXEC);

	if (fd < 0)
		return -errno;
	while (message.n > 0) {
		ssize_t n = write(fd, message.p, message.n);

		if (n < 0 && errno != EINTR) {
			int r = -errno;

			(void)close(fd); /* of no use any more */
			return r;
		}
		if (n > 0)
			message = view_slice(message, (size_t)n, message.n);
	}
	if (lseek(fd, 0, SEEK_SET) < 0) {
		(void)close(fd);
		return -ESPIPE;
	}
	return fd;
}

/* In the child: what goes wrong travels through `report`, which a successful exec closes. */
static _Noreturn void execute(const char *program, char *const *argv, int input, int report)
{
	int error = 0;

	if (signal(SIGPIPE, SIG_DFL) == SIG_ERR || dup2(input, STDIN_FILENO) < 0)
		error = errno;
	if (!error) {
		(void)execv(program, argv); /* returns only when it fails */
		error = errno;
	}
	(void)!write(report, &error, sizeof error); /* nobody is left to be told */
	_exit(EX_OSERR);
}

static int start(const char *program, const char *recipient, int input, pid_t *ret)
{
	const char *const arguments[ARGUMENTS + 1] = { program, "-i", "-f", "<>", "--", recipient, NULL };
	int report[2], error = 0;
	ssize_t n;
	pid_t pid;

	if (pipe2(report, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid == 0)
		execute(program, (char *const *)arguments, input, report[1]);
	if (pid < 0)
		error = errno;
	(void)close(report[1]);
	do
		n = pid < 0 ? 0 : read(report[0], &error, sizeof error);
	while (n < 0 && errno == EINTR);
	(void)close(report[0]);
	if (n != 0)
		(void)waitpid(pid, NULL, 0); /* it has ended already */
	if (pid > 0 && n == 0)
		*ret = pid;
	return -error;
}

/* Returns 0 with the wait status, or a negative errno. */
static int wait_for(pid_t pid, unsigned timeout_ms, int *ret_status)
{
	struct pollfd end = { .fd = pidfd_open(pid, 0), .events = POLLIN };
	int r = end.fd < 0 ? -errno : 0, n;

	if (r == 0) {
		do
			n = poll(&end, 1, (int)timeout_ms);
		while (n < 0 && errno == EINTR);
		r = n > 0 ? 0 : n < 0 ? -errno : -ETIMEDOUT;
		(void)close(end.fd);
	}
	if (r < 0)
		(void)kill(pid, SIGKILL); /* a child of ours that nobody has waited for: it is there */
	while (waitpid(pid, ret_status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return r;
}

static int judge(void *mem, const char *program, int status, char **ret_error)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (WIFEXITED(status))
		*ret_error = talloc_asprintf(mem, "%s: wanted exit code 0, got %d", program, WEXITSTATUS(status));
	else
		*ret_error = talloc_asprintf(mem, "%s: wanted exit code 0, got signal %d", program, WTERMSIG(status));
	return -EPROTO;
}

int sendmail_run(void *mem, const char *program, const char *recipient, struct view message, unsigned timeout_ms, char **ret_error)
{
	int input = message_file(message), status = 0, r = input;
	pid_t pid = -1;

	*ret_error = NULL;
	if (r >= 0) {
		r = start(program, recipient, input, &pid);
		(void)close(input); /* only read from */
	}
	if (r == 0)
		r = wait_for(pid, timeout_ms, &status);
	if (r == -ETIMEDOUT)
		*ret_error = talloc_asprintf(mem, "%s: wanted it to end within %u s", program, timeout_ms / 1000);
	else if (r < 0)
		*ret_error = talloc_asprintf(mem, "%s: %s", program, strerror(-r));
	return r < 0 ? r : judge(mem, program, status, ret_error);
}
