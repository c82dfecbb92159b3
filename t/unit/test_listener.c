/* libmilter on a shared socket (milter/listener.h): real libmilter in several processes, small MTAs towards it. */
#include "milter/listener.h"
#include "t/unit/small_mta.h"
#include "t/unit/stand_in.h"
#include "t/unit/support.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <talloc.h>
#include <time.h>
#include <unistd.h>

#define DRAIN_MS 20000
#define GENERATIONS 5
#define LOAD_THREADS 4

struct family_row {
	const char *name;
	sa_family_t family;
	struct socket_spec spec; /* path: filled in */
};

#define FAMILIES(what) { \
	{ "inet: " what, AF_INET, { .kind = SOCKET_INET, .host = "127.0.0.1" } }, \
	{ "inet6: " what, AF_INET6, { .kind = SOCKET_INET6, .host = "::1" } }, \
	{ "unix: " what, AF_UNIX, { .kind = SOCKET_UNIX } }, \
}
static const struct family_row sharing[] = FAMILIES("two processes serve one socket");
static const struct family_row generations[] = FAMILIES("five generations under load lose nothing");
static const struct family_row in_use[] = FAMILIES("a socket in use is left alone");

/* A shared socket, and where it is. */
struct common {
	void *mem;
	struct socket_spec spec;
	char *folder;
	int fd;
	struct sockaddr_storage address;
	socklen_t n;
};

static void make_path(struct common *shared)
{
	shared->folder = talloc_strdup(shared->mem, "/tmp/postern-test-XXXXXX");
	assert_non_null(mkdtemp(shared->folder));
	shared->spec.path = talloc_asprintf(shared->mem, "%s/socket", shared->folder);
}

static void open_shared(const struct family_row *row, struct common *ret)
{
	char *error = NULL;

	*ret = (struct common){ .mem = talloc_new(NULL), .spec = row->spec, .n = sizeof ret->address };
	if (row->family == AF_UNIX)
		make_path(ret);
	ret->fd = listener_open(ret->mem, &ret->spec, 0600, "", &error);
	if (ret->fd < 0)
		fail_msg("%s", error);
	assert_int_equal(getsockname(ret->fd, (struct sockaddr *)&ret->address, &ret->n), 0);
}

static void close_shared(struct common *shared)
{
	close(shared->fd);
	listener_remove(&shared->spec);
	if (shared->folder)
		assert_int_equal(rmdir(shared->folder), 0);
	talloc_free(shared->mem);
}

/* One worker process; an octet into `control` tells it to drain. */
struct process {
	pid_t pid;
	int control;
};

static void *serve(void *arg)
{
	(void)arg;
	(void)listener_serve();
	_exit(3);
}

static void be_worker(int shared_fd, int control, int ready) __attribute__((noreturn));

static void be_worker(int shared_fd, int control, int ready)
{
	pthread_t thread;
	char octet;

	if (callbacks_register(NULL) < 0 || listener_limits(60) < 0 || listener_take(shared_fd) < 0)
		_exit(1);
	if (pthread_create(&thread, NULL, serve, NULL) || write(ready, "", 1) != 1 || read(control, &octet, 1) < 0)
		_exit(2);
	_exit(listener_drain(callbacks_open_sessions, DRAIN_MS) == 0 ? 0 : 4);
}

static struct process start_worker(int shared_fd)
{
	int control[2], ready[2];
	struct process process;
	char octet;

	assert_int_equal(pipe(control), 0);
	assert_int_equal(pipe(ready), 0);
	process.pid = fork();
	assert_true(process.pid >= 0);
	if (process.pid == 0)
		be_worker(shared_fd, control[0], ready[1]);
	close(control[0]);
	close(ready[1]);
	assert_int_equal(read(ready[0], &octet, 1), 1);
	close(ready[0]);
	process.control = control[1];
	return process;
}

static void tell_to_drain(const struct process *process)
{
	assert_int_equal(write(process->control, "", 1), 1);
	close(process->control);
}

static int exit_status(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static double seconds(void)
{
	struct timespec now;

	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int open_session(const struct common *shared)
{
	return small_mta_open((const struct sockaddr *)&shared->address, shared->n);
}

/* One message in a session of its own; the field that the stand-in added. */
static void one_message(const struct common *shared, size_t octets, char ret_field[SMALL_MTA_FIELD_MAX])
{
	int fd = open_session(shared);

	assert_true(fd >= 0);
	assert_true(small_mta_message(fd, octets, ret_field));
	small_mta_quit(fd);
}

/* While one of two processes is stopped, every session is the other's. */
static void sessions_are_all_of(const struct common *shared, const struct process *one, const struct process *stopped)
{
	char field[SMALL_MTA_FIELD_MAX];

	assert_int_equal(kill(stopped->pid, SIGSTOP), 0);
	assert_int_equal(waitpid(stopped->pid, NULL, WUNTRACED), stopped->pid);
	for (int i = 0; i < 20; i++) {
		one_message(shared, 10, field);
		assert_int_equal(atoi(field), one->pid);
		assert_non_null(strstr(field, "nodelay=1"));
	}
	assert_int_equal(kill(stopped->pid, SIGCONT), 0);
}

static void test_two_processes_share(void **state)
{
	const struct family_row *row = *state;
	struct process process[2];
	struct common shared;

	open_shared(row, &shared);
	for (int i = 0; i < 2; i++)
		process[i] = start_worker(shared.fd);
	sessions_are_all_of(&shared, &process[0], &process[1]);
	sessions_are_all_of(&shared, &process[1], &process[0]);
	for (int i = 0; i < 2; i++)
		tell_to_drain(&process[i]);
	for (int i = 0; i < 2; i++)
		assert_int_equal(exit_status(process[i].pid), 0);
	close_shared(&shared);
}

/* The load: threads that send messages without a pause, in a process of their own, because the test's process forks. */
struct load {
	const struct common *shared;
	atomic_bool stop;
	atomic_uint messages, errors;
};

static void load_session(struct load *load)
{
	char field[SMALL_MTA_FIELD_MAX];
	int fd = open_session(load->shared);

	if (fd < 0) {
		atomic_fetch_add(&load->errors, 1);
		return;
	}
	for (int i = 0; i < 5; i++)
		atomic_fetch_add(small_mta_message(fd, 100, field) && *field ? &load->messages : &load->errors, 1);
	small_mta_quit(fd);
}

static void *load_thread(void *arg)
{
	struct load *load = arg;

	while (!atomic_load(&load->stop))
		load_session(load);
	return NULL;
}

struct load_result {
	unsigned messages, errors;
};

static void be_load(const struct common *shared, int control, int result) __attribute__((noreturn));

static void be_load(const struct common *shared, int control, int result)
{
	struct load load = { .shared = shared };
	pthread_t threads[LOAD_THREADS];
	struct load_result sum;
	char octet;

	for (int i = 0; i < LOAD_THREADS; i++)
		if (pthread_create(&threads[i], NULL, load_thread, &load))
			_exit(1);
	if (read(control, &octet, 1) < 0)
		_exit(2);
	atomic_store(&load.stop, true);
	for (int i = 0; i < LOAD_THREADS; i++)
		(void)pthread_join(threads[i], NULL);
	sum = (struct load_result){ atomic_load(&load.messages), atomic_load(&load.errors) };
	_exit(write(result, &sum, sizeof sum) == sizeof sum ? 0 : 3);
}

static void nap_ms(long ms)
{
	(void)nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000 }, NULL);
}

static void drain_pair(const struct process pair[2])
{
	for (int i = 0; i < 2; i++)
		tell_to_drain(&pair[i]);
	for (int i = 0; i < 2; i++)
		assert_int_equal(exit_status(pair[i].pid), 0);
}

/* Each new generation serves before the old one is told to drain, as a reload will do it. */
static void replace_five_times(const struct common *shared, struct process pair[2])
{
	struct process young[2];

	for (int generation = 0; generation < GENERATIONS; generation++) {
		nap_ms(200);
		for (int i = 0; i < 2; i++)
			young[i] = start_worker(shared->fd);
		drain_pair(pair);
		memcpy(pair, young, sizeof young);
	}
}

static void test_drain_under_load(void **state)
{
	const struct family_row *row = *state;
	struct process pair[2], load;
	struct load_result sum;
	int control[2], result[2];
	struct common shared;

	open_shared(row, &shared);
	for (int i = 0; i < 2; i++)
		pair[i] = start_worker(shared.fd);
	assert_int_equal(pipe(control), 0);
	assert_int_equal(pipe(result), 0);
	load = (struct process){ fork(), control[1] };
	assert_true(load.pid >= 0);
	if (load.pid == 0)
		be_load(&shared, control[0], result[1]);
	replace_five_times(&shared, pair);
	tell_to_drain(&load);
	assert_int_equal(read(result[0], &sum, sizeof sum), sizeof sum);
	assert_int_equal(exit_status(load.pid), 0);
	drain_pair(pair);
	print_message("# %s: %u messages, %u errors\n", row->name, sum.messages, sum.errors);
	assert_true(sum.messages > 100);
	assert_int_equal(sum.errors, 0);
	close(control[0]);
	close(result[0]);
	close(result[1]);
	close_shared(&shared);
}

/* A session that was open before goes on to its end, however long that takes. */
static void test_drain_waits_for_session(void **state)
{
	char field[SMALL_MTA_FIELD_MAX];
	struct process worker;
	struct common shared;
	int fd;

	(void)state;
	open_shared(&sharing[0], &shared);
	worker = start_worker(shared.fd);
	fd = open_session(&shared);
	assert_true(fd >= 0);
	tell_to_drain(&worker);
	nap_ms(LISTENER_SILENT_MS * 3 / 2);
	assert_int_equal(waitpid(worker.pid, NULL, WNOHANG), 0);
	assert_true(small_mta_message(fd, 10, field));
	small_mta_quit(fd);
	assert_int_equal(exit_status(worker.pid), 0);
	close_shared(&shared);
}

/* A health check, a scanner: connected, and not a word. */
static void test_drain_leaves_silent_connection(void **state)
{
	struct process worker;
	struct common shared;
	double start;
	int fd;

	(void)state;
	open_shared(&sharing[0], &shared);
	worker = start_worker(shared.fd);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&shared.address, shared.n), 0);
	nap_ms(100);
	start = seconds();
	tell_to_drain(&worker);
	assert_int_equal(exit_status(worker.pid), 0);
	assert_true(seconds() - start < DRAIN_MS / 1000.0 / 2);
	close(fd);
	close_shared(&shared);
}

static const struct packet_row {
	const char *name;
	size_t octets; /* of one header field */
	bool passes;
} packets[] = {
	{ "a field of 65,535 octets, where libmilter gives up by default", 65535, true },
	{ "a field of 102,400 octets, Postfix's header_size_limit", 102400, true },
	{ "a field of 1 MB", 1024 * 1024, true },
	{ "a field of 10 MB", 10 * 1024 * 1024, true },
	{ "a field that fills LISTENER_PACKET_MAX", LISTENER_PACKET_MAX - sizeof "Subject" - 1, true },
	{ "one octet more ends the session", LISTENER_PACKET_MAX - sizeof "Subject", false },
};

static void test_packet(void **state)
{
	const struct packet_row *row = *state;
	char field[SMALL_MTA_FIELD_MAX], wanted[64];
	struct process worker;
	struct common shared;
	int bystander, fd;

	open_shared(&sharing[0], &shared);
	worker = start_worker(shared.fd);
	bystander = open_session(&shared);
	fd = open_session(&shared);
	assert_true(bystander >= 0 && fd >= 0);
	assert_int_equal(small_mta_message(fd, row->octets, field), row->passes);
	(void)snprintf(wanted, sizeof wanted, "header=%zu ", row->octets + strlen("Subject"));
	assert_true(!row->passes || strstr(field, wanted));
	small_mta_quit(fd);
	assert_true(small_mta_message(bystander, 10, field));
	small_mta_quit(bystander);
	tell_to_drain(&worker);
	assert_int_equal(exit_status(worker.pid), 0);
	close_shared(&shared);
}

static void test_unix_left_over_is_removed(void **state)
{
	struct common shared;
	char *error = NULL;
	struct stat st;

	(void)state;
	open_shared(&sharing[2], &shared);
	assert_int_equal(stat(shared.spec.path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	close(shared.fd); /* as a process that was killed does it */
	shared.fd = listener_open(shared.mem, &shared.spec, 0660, "", &error);
	assert_true(shared.fd >= 0);
	assert_int_equal(stat(shared.spec.path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
	close_shared(&shared);
}

static void test_no_mode_through_a_link(void **state)
{
	struct common shared;
	char *error = NULL, *other;
	struct stat st;

	(void)state;
	open_shared(&sharing[2], &shared);
	other = talloc_asprintf(shared.mem, "%s.other", shared.spec.path);
	assert_int_equal(rename(shared.spec.path, other), 0);
	assert_int_equal(symlink(other, shared.spec.path), 0);
	assert_true(listener_set_access(shared.mem, &shared.spec, 0666, "", &error) < 0);
	assert_non_null(strstr(error, shared.spec.path));
	assert_int_equal(stat(other, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(rename(other, shared.spec.path), 0);
	close_shared(&shared);
}

static void test_socket_in_use_is_left_alone(void **state)
{
	const struct family_row *row = *state;
	struct socket_spec spec;
	struct common shared;
	char *error = NULL;

	open_shared(row, &shared);
	spec = shared.spec;
	if (row->family == AF_INET)
		spec.port = ntohs(((struct sockaddr_in *)&shared.address)->sin_port);
	else if (row->family == AF_INET6)
		spec.port = ntohs(((struct sockaddr_in6 *)&shared.address)->sin6_port);
	assert_int_equal(listener_open(shared.mem, &spec, 0600, "", &error), -EADDRINUSE);
	assert_non_null(error);
	close_shared(&shared);
}

static void test_other_file_is_left_alone(void **state)
{
	struct common shared = { .mem = talloc_new(NULL), .spec = { .kind = SOCKET_UNIX } };
	char *error = NULL;
	int fd;

	(void)state;
	make_path(&shared);
	fd = open(shared.spec.path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(listener_open(shared.mem, &shared.spec, 0600, "", &error), -EEXIST);
	assert_int_equal(unlink(shared.spec.path), 0);
	assert_int_equal(listener_open(shared.mem, &shared.spec, 0600, "no-such-group", &error), -ENOENT);
	assert_non_null(strstr(error, "no-such-group"));
	assert_int_equal(rmdir(shared.folder), 0);
	talloc_free(shared.mem);
}

/* systemd hands its sockets over from descriptor 3 on, names and number in the environment (sd_listen_fds(3)). */
static void test_systemd(void **state)
{
	const struct socket_spec known = { .kind = SOCKET_SYSTEMD, .name = "inbound" };
	const struct socket_spec unknown = { .kind = SOCKET_SYSTEMD, .name = "other" };
	struct common shared;
	char pid[32], *error = NULL;
	int fd, status;

	(void)state;
	open_shared(&sharing[0], &shared);
	if (fork() == 0) {
		(void)snprintf(pid, sizeof pid, "%d", (int)getpid());
		if (dup2(shared.fd, 3) != 3 || dup2(STDERR_FILENO, 4) != 4 || setenv("LISTEN_PID", pid, 1) || setenv("LISTEN_FDS", "2", 1) ||
		    setenv("LISTEN_FDNAMES", "inbound:no-socket", 1))
			_exit(1);
		fd = listener_open(shared.mem, &known, 0600, "", &error);
		if (fd <= 4 || fcntl(fd, F_GETFD) != FD_CLOEXEC || fcntl(3, F_GETFD) != FD_CLOEXEC)
			_exit(2);
		close(fd); /* given up by one configuration, wanted by the next */
		if (listener_open(shared.mem, &known, 0600, "", &error) < 0)
			_exit(5);
		if (listener_open(shared.mem, &unknown, 0600, "", &error) != -ENOENT || !strstr(error, "\"other\""))
			_exit(3);
		if (listener_open(shared.mem, &(struct socket_spec){ .kind = SOCKET_SYSTEMD, .name = "no-socket" }, 0600, "", &error) != -ENOTSOCK)
			_exit(4);
		_exit(0);
	}
	assert_true(wait(&status) > 0);
	assert_int_equal(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 0);
	close_shared(&shared);
}

int main(void)
{
	TEST_ROWS(sharing, test_two_processes_share);
	TEST_ROWS(generations, test_drain_under_load);
	test_add("a draining worker waits for a session", test_drain_waits_for_session);
	test_add("a draining worker does not wait for a silent connection", test_drain_leaves_silent_connection);
	TEST_ROWS(packets, test_packet);
	test_add("a unix socket that was left over is replaced", test_unix_left_over_is_removed);
	test_add("mode and group go through no symbolic link", test_no_mode_through_a_link);
	TEST_ROWS(in_use, test_socket_in_use_is_left_alone);
	test_add("another file in the place of a unix socket stays", test_other_file_is_left_alone);
	test_add("a socket from systemd, by name", test_systemd);
	return test_run("listener");
}
