/* Supervisor and real worker processes (this program again, with the stand-in filter), small MTAs in front. */
#include "dkim/clock.h"
#include "milter/cmd.h"
#include "milter/generation.h"
#include "milter/supervisor.h"
#include "t/unit/small_mta.h"
#include "t/unit/stand_in.h"
#include "t/unit/support.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <talloc.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_MS 20000

/* One running supervisor, in a process of its own. */
struct running {
	void *mem;
	char *folder;
	struct sockaddr_un address, notify;
	int notified; /* plays systemd */
	pid_t pid;
};

static void nap_ms(long ms)
{
	(void)nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000 }, NULL);
}

static const struct conf *parse(void *mem, const char *text)
{
	const struct conf *conf = NULL;
	struct conf_errors errors;

	if (conf_parse(mem, text, strlen(text), "test.conf", &conf, &errors) < 0)
		fail_msg("%s", errors.count ? errors.text[0] : "no memory");
	return conf;
}

static char *configuration(const struct running *running, const char *listener, const char *more)
{
	return talloc_asprintf(running->mem, "user = nobody\nstatus { socket = \"\" }\nlistener %s { socket = \"unix:%s\" socket-mode = 0666 role = verify workers = 1 }\n%s\n",
	                       listener, running->address.sun_path, more);
}

static int run_supervisor(const struct running *running, const char *text)
{
	const struct supervisor_params params = { parse(running->mem, text), text, strlen(text), "test.conf", "/proc/self/exe", false };

	return supervisor_run(&params);
}

static void make_address(struct sockaddr_un *address, const struct running *running, const char *name)
{
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	(void)snprintf(address->sun_path, sizeof address->sun_path, "%s/%s", running->folder, name);
}

static void prepare(struct running *ret)
{
	*ret = (struct running){ .mem = talloc_new(NULL), .pid = -1 };
	ret->folder = talloc_strdup(ret->mem, "/tmp/postern-test-XXXXXX");
	assert_non_null(mkdtemp(ret->folder));
	assert_int_equal(chmod(ret->folder, 0755), 0);
	make_address(&ret->address, ret, "milter");
	make_address(&ret->notify, ret, "notify");
	ret->notified = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(ret->notified, (struct sockaddr *)&ret->notify, sizeof ret->notify), 0);
	assert_int_equal(setenv("NOTIFY_SOCKET", ret->notify.sun_path, 1), 0);
}

static void start(struct running *ret, const char *listener, const char *more)
{
	prepare(ret);
	ret->pid = fork();
	assert_true(ret->pid >= 0);
	if (ret->pid == 0)
		_exit(run_supervisor(ret, configuration(ret, listener, more)));
}

static void finish(struct running *running)
{
	close(running->notified);
	assert_int_equal(unlink(running->notify.sun_path), 0);
	(void)unlink(running->address.sun_path); /* a supervisor that was killed leaves it */
	assert_int_equal(rmdir(running->folder), 0);
	talloc_free(running->mem);
}

/* Wait for what systemd would be told; STATUS= may come at any time. */
static void await(const struct running *running, const char *state)
{
	struct pollfd polled = { .fd = running->notified, .events = POLLIN };
	char text[256];
	ssize_t n;

	do {
		assert_int_equal(poll(&polled, 1, PATIENCE_MS), 1);
		n = recv(running->notified, text, sizeof text - 1, 0);
		assert_true(n > 0);
		text[n] = '\0';
	} while (strncmp(text, "STATUS=", strlen("STATUS=")) == 0);
	text[strcspn(text, "\n")] = '\0';
	assert_string_equal(text, state);
}

static int exit_status(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int open_session(const struct running *running)
{
	return small_mta_open((const struct sockaddr *)&running->address, sizeof running->address);
}

/* Send a message; the process that handled it, or 0. */
static pid_t message(int fd)
{
	char field[SMALL_MTA_FIELD_MAX];

	return fd >= 0 && small_mta_message(fd, 10, field) ? atoi(field) : 0;
}

static pid_t one_message(const struct running *running)
{
	int fd = open_session(running);
	pid_t pid = message(fd);

	if (fd >= 0)
		small_mta_quit(fd);
	return pid;
}

static void stop(struct running *running)
{
	assert_int_equal(kill(running->pid, SIGTERM), 0);
	assert_int_equal(exit_status(running->pid), EX_OK);
	finish(running);
}

static void test_serves_and_stops(void **state)
{
	struct running running;

	(void)state;
	start(&running, "inbound", "");
	await(&running, "READY=1");
	assert_true(one_message(&running) > 0);
	assert_int_equal(kill(running.pid, SIGTERM), 0);
	await(&running, "STOPPING=1");
	assert_int_equal(exit_status(running.pid), EX_OK);
	assert_int_equal(access(running.address.sun_path, F_OK), -1); /* nothing is left behind */
	finish(&running);
}

static void test_killed_worker_is_replaced(void **state)
{
	struct running running;
	pid_t first, second;
	int64_t start_ms;

	(void)state;
	start(&running, "inbound", "");
	await(&running, "READY=1");
	first = one_message(&running);
	start_ms = clock_monotonic_ms();
	assert_int_equal(kill(first, SIGKILL), 0);
	second = one_message(&running); /* the socket is open all the time: the session waits in its backlog */
	print_message("# served again after %d ms\n", (int)(clock_monotonic_ms() - start_ms));
	assert_true(second > 0 && second != first);
	assert_true(clock_monotonic_ms() - start_ms < 1000);
	stop(&running);
}

static void test_stop_waits_for_session(void **state)
{
	struct running running;
	int fd;

	(void)state;
	start(&running, "inbound", "");
	await(&running, "READY=1");
	fd = open_session(&running);
	assert_true(message(fd) > 0);
	assert_int_equal(kill(running.pid, SIGTERM), 0);
	await(&running, "STOPPING=1");
	nap_ms(500);
	assert_int_equal(open_session(&running), -1); /* nobody new */
	assert_true(message(fd) > 0);
	small_mta_quit(fd);
	assert_int_equal(exit_status(running.pid), EX_OK);
	finish(&running);
}

static void test_drain_timeout(void **state)
{
	struct running running;
	int64_t start_ms;
	int fd;

	(void)state;
	start(&running, "inbound", "drain-timeout = 500ms");
	await(&running, "READY=1");
	fd = open_session(&running);
	assert_true(message(fd) > 0);
	start_ms = clock_monotonic_ms();
	assert_int_equal(kill(running.pid, SIGTERM), 0);
	assert_int_equal(exit_status(running.pid), EX_OK);
	assert_true(clock_monotonic_ms() - start_ms >= 500 && clock_monotonic_ms() - start_ms < SUPERVISOR_STOP_MARGIN_MS);
	assert_int_equal(message(fd), 0);
	close(fd);
	finish(&running);
}

static void test_second_stop(void **state)
{
	struct running running;
	int64_t start_ms;
	int fd;

	(void)state;
	start(&running, "inbound", "");
	await(&running, "READY=1");
	fd = open_session(&running);
	assert_true(message(fd) > 0);
	assert_int_equal(kill(running.pid, SIGINT), 0);
	await(&running, "STOPPING=1");
	start_ms = clock_monotonic_ms();
	assert_int_equal(kill(running.pid, SIGTERM), 0);
	assert_int_equal(exit_status(running.pid), EX_TEMPFAIL);
	assert_true(clock_monotonic_ms() - start_ms < 1000);
	assert_int_equal(message(fd), 0);
	close(fd);
	finish(&running);
}

/* To a worker, what a service manager or a terminal sends to a whole group. */
static void test_ignored_signals(void **state)
{
	static const int ignored[] = { SIGHUP, SIGTERM, SIGINT };
	struct running running;
	pid_t worker;

	(void)state;
	start(&running, "inbound", "");
	await(&running, "READY=1");
	worker = one_message(&running);
	for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
		assert_int_equal(kill(worker, ignored[i]), 0);
	nap_ms(200);
	assert_int_equal(one_message(&running), worker);
	stop(&running);
}

/* A session that is open stays where it is; the next one meets a new worker. */
static void test_reload(void **state)
{
	struct running running;
	pid_t before, after = -1;
	int fd;

	(void)state;
	start(&running, "inbound", "");
	await(&running, "READY=1");
	fd = open_session(&running);
	before = message(fd);
	assert_true(before > 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(kill(running.pid, SIGHUP), 0);
		await(&running, "RELOADING=1");
		await(&running, "READY=1");
		nap_ms(300); /* the old worker has let go of the socket */
		after = one_message(&running);
		assert_true(after > 0 && after != before);
	}
	assert_int_equal(message(fd), before);
	small_mta_quit(fd);
	stop(&running);
}

static void test_supervisor_killed(void **state)
{
	struct running running;
	int fd, last = 0;

	(void)state;
	start(&running, "inbound", "");
	await(&running, "READY=1");
	fd = open_session(&running);
	assert_true(message(fd) > 0);
	assert_int_equal(kill(running.pid, SIGKILL), 0);
	assert_int_equal(exit_status(running.pid), 128 + SIGKILL);
	for (int i = 0; i < 100 && last >= 0; i++) { /* the worker sees it, and accepts nobody any more */
		nap_ms(50);
		last = open_session(&running);
		if (last >= 0)
			small_mta_quit(last);
	}
	assert_int_equal(last, -1);
	assert_true(message(fd) > 0); /* what was open goes on to its end */
	small_mta_quit(fd);
	finish(&running);
}

static void test_bad_configuration(void **state)
{
	struct running running;

	(void)state;
	start(&running, STAND_IN_BAD_CONFIGURATION, "");
	assert_int_equal(exit_status(running.pid), EX_CONFIG);
	finish(&running);
}

static void test_unknown_user(void **state)
{
	struct running running;
	char *text;

	(void)state;
	if (geteuid() != 0)
		skip(); /* nobody else can become another user */
	prepare(&running);
	text = configuration(&running, "inbound", "");
	running.pid = fork();
	if (running.pid == 0)
		_exit(run_supervisor(&running, talloc_asprintf(running.mem, "user = no-such-user%s", strchr(text, '\n'))));
	assert_int_equal(exit_status(running.pid), EX_CONFIG);
	finish(&running);
}

static void test_socket_in_use(void **state)
{
	struct running running;
	pid_t second;

	(void)state;
	start(&running, "inbound", "");
	await(&running, "READY=1");
	second = fork();
	if (second == 0)
		_exit(run_supervisor(&running, configuration(&running, "inbound", "")));
	assert_int_equal(exit_status(second), EX_UNAVAILABLE);
	assert_true(one_message(&running) > 0); /* the first one is untouched */
	stop(&running);
}

static void test_dying_worker(void **state)
{
	struct running running;

	(void)state;
	start(&running, STAND_IN_DIES, "");
	nap_ms(1000);
	assert_int_equal(waitpid(running.pid, NULL, WNOHANG), 0); /* it may be the host's fault: keep trying */
	stop(&running);
}

/* A generation by itself, with a clock of the test's own. */
static struct generation *make_generation(void *mem, const char *listener)
{
	static char text[256];
	static struct shared_rows rows;
	struct configuration *configuration;
	struct generation *generation;
	const struct conf *conf;
	static int sockets[1];

	(void)snprintf(text, sizeof text, "user = nobody\nlistener %s { socket = \"unix:/not/used\" role = verify workers = 1 }\n", listener);
	conf = parse(mem, text);
	assert_int_equal(configuration_new(mem, "test.conf", text, strlen(text), &configuration), 0);
	configuration->conf = conf;
	sockets[0] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	rows = (struct shared_rows){ 0 };
	assert_int_equal(shared_new(&rows.shared, &rows.fd), 0);
	assert_int_equal(generation_new(mem, 1, configuration, sockets, &rows, tally_new(mem), &generation), 0);
	generation->program = "/proc/self/exe";
	return generation;
}

static void free_generation(void *mem, struct generation *generation)
{
	close(generation->slots[0].socket);
	close(generation->rows->fd);
	shared_unmap(generation->rows->shared);
	talloc_free(mem);
}

/* Wait for the end of the process that is there now, and let the generation see it. */
static void reap(struct generation *generation, int64_t now_ms)
{
	siginfo_t info;

	assert_int_equal(waitid(P_PID, (id_t)generation->slots[0].pid, &info, WEXITED | WNOWAIT), 0);
	generation_reap(generation, now_ms);
}

static void test_backoff(void **state)
{
	static const int64_t waits[] = { 0, 100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 30000, 30000 };
	void *mem = talloc_new(NULL);
	struct generation *generation = make_generation(mem, STAND_IN_DIES);
	int64_t now_ms = 1000000;

	(void)state;
	for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
		assert_int_equal(generation_tick(generation, now_ms), GENERATION_READY_MS);
		reap(generation, now_ms);
		assert_int_equal(generation->slots[0].state, SLOT_DOWN);
		assert_int_equal(generation->slots[0].due_ms - now_ms, waits[i]);
		assert_true(waits[i] == 0 || generation_tick(generation, now_ms + waits[i] - 1) == 1);
		now_ms += waits[i];
	}
	assert_int_equal(generation->fault, 0);
	free_generation(mem, generation);
}

static void test_late_worker(void **state)
{
	void *mem = talloc_new(NULL);
	struct generation *generation = make_generation(mem, STAND_IN_NEVER_READY);
	int64_t now_ms = 1000000;
	pid_t pid;

	(void)state;
	assert_int_equal(generation_tick(generation, now_ms), GENERATION_READY_MS);
	pid = generation->slots[0].pid;
	assert_int_equal(generation_tick(generation, now_ms + GENERATION_READY_MS - 1), 1);
	assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
	now_ms += GENERATION_READY_MS;
	(void)generation_tick(generation, now_ms);
	reap(generation, now_ms);
	assert_int_equal(generation->slots[0].state, SLOT_DOWN);
	assert_int_equal(generation->slots[0].pid, -1);
	free_generation(mem, generation);
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "worker") == 0)
		return cmd_worker(argc - 1, argv + 1);
	if (argc > 1 && strcmp(argv[1], "vet") == 0)
		return cmd_vet(argc - 1, argv + 1);
	test_add("it serves, tells systemd, and stops without a trace", test_serves_and_stops);
	test_add("a killed worker is replaced at once, the socket stays", test_killed_worker_is_replaced);
	test_add("SIGTERM waits for open sessions and takes no new ones", test_stop_waits_for_session);
	test_add("SIGTERM waits no longer than drain-timeout", test_drain_timeout);
	test_add("a second signal ends at once", test_second_stop);
	test_add("signals that must not stop mail", test_ignored_signals);
	test_add("SIGHUP: new workers take over, open sessions stay", test_reload);
	test_add("workers finish and end when the supervisor is killed", test_supervisor_killed);
	test_add("a fault of the configuration at first start stops it", test_bad_configuration);
	test_add("a user that does not exist stops it", test_unknown_user);
	test_add("a socket in use stops it", test_socket_in_use);
	test_add("a worker that keeps dying does not stop it", test_dying_worker);
	test_add("the wait before a restart doubles, to a limit", test_backoff);
	test_add("a worker that does not get ready is killed", test_late_worker);
	return test_run("supervisor");
}
