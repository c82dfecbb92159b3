/* Starting a child (milter/child.h). The child is this program, which says what it found. */
#include "milter/child.h"
#include "t/unit/support.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#define DESCRIPTORS_LOOKED_AT 1024

static bool same_file(int fd, const char *path)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && stat(path, &b) == 0 && a.st_rdev == b.st_rdev && a.st_ino == b.st_ino;
}

static bool signals_are_default(void)
{
	sigset_t blocked;
	struct sigaction action;

	if (sigprocmask(SIG_SETMASK, NULL, &blocked) < 0 || sigismember(&blocked, SIGTERM) || sigismember(&blocked, SIGCHLD))
		return false;
	return sigaction(SIGPIPE, NULL, &action) == 0 && action.sa_handler == SIG_DFL && sigaction(SIGHUP, NULL, &action) == 0 &&
	       action.sa_handler == SIG_DFL;
}

/* What the child sees: 0, or the number of the step that was wrong. */
static int look_around(int argc, char **argv)
{
	char octet;

	if (argc != 3 || strcmp(argv[0], "child") || strcmp(argv[2], "argument with blanks"))
		return 1;
	for (int fd = STDERR_FILENO + 1; fd < DESCRIPTORS_LOOKED_AT; fd++)
		if ((fcntl(fd, F_GETFD) >= 0) != (fd >= CHILD_CONTROL && fd <= CHILD_JOBS))
			return 2;
	if (!same_file(STDIN_FILENO, "/dev/null"))
		return 3;
	if (read(CHILD_SOCKET, &octet, 1) != 1 || octet != 's' || read(CHILD_CONFIGURATION, &octet, 1) != 1 || octet != 'c')
		return 4;
	if (!signals_are_default())
		return 5;
	return send(CHILD_CONTROL, "hello", 5, 0) == 5 && read(CHILD_CONTROL, &octet, 1) == 0 ? 0 : 6;
}

/* A pipe with one octet in it. */
static int pipe_with(char octet)
{
	int ends[2];

	assert_int_equal(pipe(ends), 0); /* not close-on-exec: the child must close it all the same */
	assert_int_equal(write(ends[1], &octet, 1), 1);
	close(ends[1]);
	return ends[0];
}

static int exit_status(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Sources of the descriptors that stand in each other's targets. */
static const struct number_row {
	const char *name;
	int socket, configuration;
} numbers[] = {
	{ "descriptors far above their targets", 100, 200 },
	{ "descriptors in their targets", CHILD_SOCKET, CHILD_CONFIGURATION },
	{ "descriptors in each other's targets", CHILD_CONFIGURATION, CHILD_SOCKET },
	{ "a descriptor in the control socket's target", CHILD_CONTROL, 50 },
};

static void start(const int from[CHILD_INHERITED], pid_t *ret_pid, int *ret_control)
{
	char *argv[] = { (char *)"child", (char *)"look-around", (char *)"argument with blanks", NULL };

	assert_int_equal(child_start("/proc/self/exe", argv, from, ret_pid, ret_control), 0);
}

static void test_descriptors(void **state)
{
	const struct number_row *row = *state;
	int source[] = { pipe_with('s'), pipe_with('c') }, high[2], null = open("/dev/null", O_RDWR), control;
	char hello[8];
	pid_t pid;

	high[0] = fcntl(source[0], F_DUPFD, 300);
	high[1] = fcntl(source[1], F_DUPFD, 300);
	close(source[0]);
	close(source[1]);
	assert_int_equal(dup2(high[0], row->socket), row->socket);
	assert_int_equal(dup2(high[1], row->configuration), row->configuration);
	start((const int[CHILD_INHERITED]){ row->socket, row->configuration, null, -1 }, &pid, &control);
	assert_int_equal(fcntl(control, F_GETFD), FD_CLOEXEC);
	assert_true(fcntl(control, F_GETFL) & O_NONBLOCK);
	assert_int_equal(fcntl(control, F_SETFL, 0), 0);
	assert_int_equal(recv(control, hello, sizeof hello, 0), 5);
	close(control);
	assert_int_equal(exit_status(pid), 0);
	close(null);
	close(row->socket);
	close(row->configuration);
	close(high[0]);
	close(high[1]);
}

static void test_no_such_program(void **state)
{
	char *argv[] = { (char *)"child", NULL };
	int control, null = open("/dev/null", O_RDWR | O_CLOEXEC);
	pid_t pid;

	(void)state;
	assert_int_equal(child_start("/no/such/program", argv, (const int[CHILD_INHERITED]){ null, null, -1, -1 }, &pid, &control), 0);
	assert_int_equal(exit_status(pid), EX_OSERR);
	close(control);
	close(null);
}

static void test_no_descriptor_left(void **state)
{
	const struct rlimit few = { 16, 1024 }, many = { 1024, 1024 };
	char *argv[] = { (char *)"child", NULL };
	int taken[32], n = 0, control;
	pid_t pid;

	(void)state;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	while ((taken[n] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
		n++;
	assert_int_equal(child_start("/proc/self/exe", argv, (const int[CHILD_INHERITED]){ 0, 0, -1, -1 }, &pid, &control), -EMFILE);
	while (n)
		close(taken[--n]);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &many), 0);
}

int main(int argc, char **argv)
{
	sigset_t blocked;

	if (argc > 1 && strcmp(argv[1], "look-around") == 0)
		return look_around(argc, argv);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigaddset(&blocked, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &blocked, NULL) < 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR || signal(SIGHUP, SIG_IGN) == SIG_ERR)
		return 1;
	TEST_ROWS(numbers, test_descriptors);
	test_add("a program that does not exist", test_no_such_program);
	test_add("no descriptor left", test_no_descriptor_left);
	return test_run("child");
}
