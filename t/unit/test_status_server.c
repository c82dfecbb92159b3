/* Both sides of the status socket (milter/status_server.h, milter/status_client.h). The server runs in a child. */
#include "dkim/clock.h"
#include "milter/status_client.h"
#include "milter/status_server.h"
#include "t/unit/support.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <talloc.h>
#include <unistd.h>

#define MANY_LINES 2000

static char folder[] = "/tmp/postern-test-XXXXXX";
static char path[sizeof folder + sizeof "/run/status"];
static struct status_server *server;
static pid_t pid;

static void answer(void *arg, struct status_client *client, const char *word)
{
	(void)arg;
	if (strcmp(word, "many") == 0)
		for (int i = 0; i < MANY_LINES; i++)
			status_client_line(client, STATUS_LINE, "line %d %0200d", i, 0);
	if (strcmp(word, "no") == 0) {
		status_client_line(client, STATUS_ERROR, "first fault");
		status_client_line(client, STATUS_ERROR, "second fault");
	}
	if (strcmp(word, "later") == 0)
		status_client_wait(client, 7);
	else
		status_client_end(client, strcmp(word, "no") != 0, strcmp(word, "fd") == 0 ? STDOUT_FILENO : -1);
	if (strcmp(word, "now") == 0) {
		status_server_answer(server, 6, true, NULL); /* not who waits for 7 */
		status_server_answer(server, 7, false, "a fault\nanother\n");
	}
}

static void serve(void *mem)
{
	struct poll_set set = { .mem = mem };
	char *error;

	if (status_server_open(mem, path, answer, NULL, &server, &error) < 0)
		_exit(1);
	for (;;) {
		int timeout = status_server_tick(server, clock_monotonic_ms());

		poll_set_begin(&set);
		status_server_watch(server, &set);
		if (poll_set_wait(&set, timeout) < 0)
			_exit(2);
	}
}

static int start(void **state)
{
	struct stat st;

	(void)state;
	if (!mkdtemp(folder))
		return -1;
	(void)snprintf(path, sizeof path, "%s/run/status", folder); /* it makes the folder too */
	pid = fork();
	if (pid == 0)
		serve(talloc_new(NULL));
	for (int i = 0; i < 1000 && stat(path, &st) < 0; i++)
		usleep(10000);
	return stat(path, &st) == 0 && (st.st_mode & 07777) == 0600 ? 0 : -1;
}

static int stop(void **state)
{
	char run[sizeof path];

	(void)state;
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	(void)snprintf(run, sizeof run, "%s/run", folder);
	return unlink(path) == 0 && rmdir(run) == 0 && rmdir(folder) == 0 ? 0 : -1;
}

static int count_line(void *arg, const char *line)
{
	int *count = arg, number;

	if (sscanf(line, "line %d ", &number) != 1 || number != *count)
		return -EBADMSG;
	++*count;
	return 0;
}

static void test_many_lines(void **state)
{
	void *mem = talloc_new(NULL);
	char *error;
	int count = 0;

	(void)state;
	assert_int_equal(status_ask(mem, path, "many", count_line, &count, NULL, &error), 0);
	assert_int_equal(count, MANY_LINES);
	assert_null(error);
	talloc_free(mem);
}

static void test_errors(void **state)
{
	void *mem = talloc_new(NULL);
	char *error;

	(void)state;
	assert_int_equal(status_ask(mem, path, "no", NULL, NULL, NULL, &error), -EBADMSG);
	assert_string_equal(error, "first fault\nsecond fault");
	talloc_free(mem);
}

static void test_descriptor(void **state)
{
	void *mem = talloc_new(NULL);
	struct stat here, there;
	char *error;
	int fd = -1;

	(void)state;
	assert_int_equal(status_ask(mem, path, "fd", NULL, NULL, &fd, &error), 0);
	assert_true(fd >= 0 && fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_true(fstat(fd, &there) == 0 && fstat(STDOUT_FILENO, &here) == 0 && here.st_ino == there.st_ino);
	close(fd);
	assert_int_equal(status_ask(mem, path, "plain", NULL, NULL, &fd, &error), 0);
	assert_int_equal(fd, -1);
	talloc_free(mem);
}

static void test_later(void **state)
{
	void *mem = talloc_new(NULL);
	pid_t waiting = fork();
	char *error;
	int status;

	(void)state;
	if (waiting == 0)
		_exit(status_ask(mem, path, "later", NULL, NULL, NULL, &error) == -EBADMSG && strcmp(error, "a fault\nanother") == 0 ? 0 : 1);
	usleep(200000);
	assert_int_equal(waitpid(waiting, &status, WNOHANG), 0);
	assert_int_equal(status_ask(mem, path, "now", NULL, NULL, NULL, &error), 0);
	assert_int_equal(waitpid(waiting, &status, 0), waiting);
	assert_int_equal(status, 0);
	talloc_free(mem);
}

static int connect_raw(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	(void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
	return fd;
}

/* Whoever says nothing for too long is let go, and those who came meanwhile are answered then. */
static void test_silent_clients(void **state)
{
	void *mem = talloc_new(NULL);
	int fds[STATUS_CLIENTS_MAX];
	int64_t start_ms = clock_monotonic_ms();
	char *error, octet;

	(void)state;
	for (int i = 0; i < STATUS_CLIENTS_MAX; i++)
		fds[i] = connect_raw();
	assert_int_equal(status_ask(mem, path, "plain", NULL, NULL, NULL, &error), 0);
	assert_true(clock_monotonic_ms() - start_ms >= STATUS_REQUEST_MS - 100);
	for (int i = 0; i < STATUS_CLIENTS_MAX; i++) {
		assert_int_equal(recv(fds[i], &octet, 1, 0), 0);
		close(fds[i]);
	}
	talloc_free(mem);
}

static void test_second_word(void **state)
{
	int fd = connect_raw();
	char octet;

	(void)state;
	assert_int_equal(send(fd, "later", 5, 0), 5);
	assert_int_equal(send(fd, "again", 5, MSG_NOSIGNAL), 5);
	assert_int_equal(recv(fd, &octet, 1, 0), 0);
	close(fd);
}

static void test_taken(void **state)
{
	void *mem = talloc_new(NULL);
	struct status_server *second;
	char *error;

	(void)state;
	assert_int_equal(status_server_open(mem, path, answer, NULL, &second, &error), -EADDRINUSE);
	assert_non_null(strstr(error, path));
	assert_int_equal(status_ask(mem, path, "plain", NULL, NULL, NULL, &error), 0); /* the first one is untouched */
	assert_int_equal(status_ask(mem, "/no/such/socket", "plain", NULL, NULL, NULL, &error), -ENOENT);
	talloc_free(mem);
}

static void test_left_over(void **state)
{
	void *mem = talloc_new(NULL);
	struct status_server *own;
	char *left = talloc_asprintf(mem, "%s.left", path), *error;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	(void)state;
	(void)snprintf(address.sun_path, sizeof address.sun_path, "%s", left);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	close(fd);
	assert_int_equal(status_server_open(mem, left, answer, NULL, &own, &error), 0);
	talloc_free(own);
	assert_int_equal(access(left, F_OK), -1);
	talloc_free(mem);
}

/* A slip of the pen in the configuration must not cost a file. */
static void test_no_socket(void **state)
{
	void *mem = talloc_new(NULL);
	struct status_server *own;
	char *file = talloc_asprintf(mem, "%s.conf", path), *error;
	int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(status_server_open(mem, file, answer, NULL, &own, &error), -EEXIST);
	assert_int_equal(unlink(file), 0);
	talloc_free(mem);
}

int main(void)
{
	test_add("an answer longer than the socket's room", test_many_lines);
	test_add("a refusal comes with its lines", test_errors);
	test_add("a descriptor comes along", test_descriptor);
	test_add("an answer that comes later", test_later);
	test_add("silent clients are let go", test_silent_clients);
	test_add("who speaks twice is let go", test_second_word);
	test_add("a socket where somebody answers is not taken", test_taken);
	test_add("what a dead daemon left is replaced", test_left_over);
	test_add("a file that is no socket stays", test_no_socket);
	return test_run_with("status_server", start, stop);
}
