#include "milter/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <talloc.h>
#include <unistd.h>

#define CHILD_DESCRIPTORS (1 + CHILD_INHERITED)
#define CHILD_ABOVE (CHILD_CONTROL + CHILD_DESCRIPTORS)

/* What was ignored or blocked in the parent would stay so across exec. */
static int reset_signals(void)
{
	sigset_t none;

	for (int number = 1; number < NSIG; number++)
		(void)signal(number, SIG_DFL); /* SIGKILL, SIGSTOP and the C library's own refuse; they never changed */
	return sigemptyset(&none) < 0 || sigprocmask(SIG_SETMASK, &none, NULL) < 0 ? -errno : 0;
}

/* First out of the way of the numbers that will be overwritten, then into place; dup2() clears close-on-exec. */
static int place_descriptors(const int from[CHILD_DESCRIPTORS])
{
	int high[CHILD_DESCRIPTORS], null;

	for (int i = 0; i < CHILD_DESCRIPTORS; i++) {
		high[i] = from[i] < 0 ? -1 : fcntl(from[i], F_DUPFD, CHILD_ABOVE);
		if (from[i] >= 0 && high[i] < 0)
			return -errno;
	}
	for (int i = 0; i < CHILD_DESCRIPTORS; i++) {
		if (high[i] < 0)
			(void)close(CHILD_CONTROL + i); /* open or not */
		else if (dup2(high[i], CHILD_CONTROL + i) < 0)
			return -errno;
	}
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0)
		return -errno;
	closefrom(CHILD_ABOVE);
	return 0;
}

static void become(const char *program, char *const *argv, const int from[CHILD_DESCRIPTORS]) __attribute__((noreturn));

static void become(const char *program, char *const *argv, const int from[CHILD_DESCRIPTORS])
{
	int r = reset_signals();

	if (r == 0)
		r = place_descriptors(from);
	if (r == 0) {
		execv(program, argv);
		r = -errno;
	}
	(void)dprintf(STDERR_FILENO, "postern: wanted to start %s, got \"%s\"\n", program, strerror(-r));
	_exit(EX_OSERR);
}

int child_start(const char *program, char *const *argv, const int inherited[CHILD_INHERITED], pid_t *ret_pid, int *ret_control)
{
	int from[CHILD_DESCRIPTORS], pair[2], r = 0;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	if (fcntl(pair[0], F_SETFL, O_NONBLOCK) < 0)
		r = -errno;
	from[0] = pair[1];
	memcpy(&from[1], inherited, CHILD_INHERITED * sizeof *inherited);
	pid = r < 0 ? -1 : fork();
	if (pid == 0)
		become(program, argv, from);
	if (pid < 0 && r == 0)
		r = -errno;
	close(pair[1]);
	if (r < 0) {
		close(pair[0]);
		return r;
	}
	*ret_pid = pid;
	*ret_control = pair[0];
	return 0;
}

int child_configuration(void *mem, char **ret_text, size_t *ret_n)
{
	struct stat st;
	size_t done = 0;
	ssize_t n = 1;
	char *text;

	if (fstat(CHILD_CONFIGURATION, &st) < 0)
		return -errno;
	text = talloc_array(mem, char, (unsigned)st.st_size + 1);
	if (!text)
		return -ENOMEM;
	while (n != 0 && done < (size_t)st.st_size) { /* pread(): all workers share one file offset */
		n = pread(CHILD_CONFIGURATION, text + done, (size_t)st.st_size - done, (off_t)done);
		if (n < 0 && errno != EINTR)
			return -errno;
		done += n > 0 ? (size_t)n : 0;
	}
	*ret_text = text;
	*ret_n = done;
	return 0;
}
