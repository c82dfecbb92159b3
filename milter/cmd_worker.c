/*
 * `postern worker LISTENER FILE ROW`: one process that serves the MTAs of one listener. The supervisor starts it with what
 * child.h lists; FILE is the configuration's name, for errors, ROW its own of struct shared. It stops when its control socket says so, or ends.
 */
#include "milter/callbacks.h"
#include "milter/child.h"
#include "milter/cmd.h"
#include "milter/control.h"
#include "milter/gate.h"
#include "milter/listener.h"
#include "milter/log.h"
#include "milter/privileges.h"
#include "milter/prompt_ack.h"
#include "milter/sandbox.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <talloc.h>
#include <unistd.h>

/* One session takes one descriptor: far more than libmilter's threads can serve, and few enough to look through when
 * draining. */
#define WORKER_DESCRIPTORS_MAX 65536

struct worker {
	const char *file; /* the configuration's name */
	const struct conf *conf;
	const struct conf_listener *listener;
	unsigned row;     /* of struct shared */
	struct gate *gate;
	char *error;      /* why it cannot start: wanted and got */
};

/* A fault that the next start would meet again is one of the configuration; the rest may pass. */
static int exit_code(int r)
{
	return r == -ENOMEM || r == -EAGAIN || r == -EMFILE || r == -ENFILE ? EX_TEMPFAIL : EX_CONFIG;
}

static int parse_configuration(struct worker *worker)
{
	struct conf_errors errors;
	char *text = NULL;
	size_t n = 0;
	int r;

	r = child_configuration(worker, &text, &n);
	if (r < 0)
		return r;
	r = conf_parse(worker, text, n, worker->file, &worker->conf, &errors);
	if (r < 0 && errors.count)
		worker->error = errors.text[0];
	close(CHILD_CONFIGURATION);
	return r;
}

static int find_listener(struct worker *worker, const char *name)
{
	for (size_t i = 0; i < worker->conf->listener_count; i++)
		if (strcmp(worker->conf->listeners[i].name, name) == 0) {
			worker->listener = &worker->conf->listeners[i];
			return 0;
		}
	worker->error = talloc_asprintf(worker, "wanted a listener of %s, got \"%s\"", worker->file, name);
	return -ENOENT;
}

static int set_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return -errno;
	limit.rlim_cur = limit.rlim_max < WORKER_DESCRIPTORS_MAX ? limit.rlim_max : WORKER_DESCRIPTORS_MAX;
	return setrlimit(RLIMIT_NOFILE, &limit) < 0 ? -errno : 0;
}

/* A service manager or a terminal signals all processes of a group, and libmilter would cut its sessions. Ignored in
 * the main thread, which does not block them, these signals never reach libmilter's own signal thread; the supervisor
 * gets them too and drains us. */
static int ignore_signals(void)
{
	static const int ignored[] = { SIGHUP, SIGINT, SIGTERM, SIGPIPE };

	for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
		if (signal(ignored[i], SIG_IGN) == SIG_ERR)
			return -errno;
	return 0;
}

/* While still who started us: keys are read here and nowhere else. */
static int load_gate(struct worker *worker)
{
	struct sockaddr_storage address;
	socklen_t n = sizeof address;

	if (getsockname(CHILD_SOCKET, (struct sockaddr *)&address, &n) < 0)
		return -errno;
	return gate_new(worker, worker->conf, worker->listener, address.ss_family != AF_UNIX, &worker->gate, &worker->error);
}

static int map_shared(struct worker *worker)
{
	struct shared *shared;
	int r;

	r = shared_map(CHILD_SHARED, &shared);
	if (r < 0)
		return r;
	close(CHILD_SHARED);
	worker->gate->shared = shared;
	worker->gate->row = worker->row;
	worker->gate->counters = &shared->row[worker->row].counters;
	return 0;
}

/* Where copies of messages are written; "" for a worker that makes none. */
static const char *copy_directory(const struct worker *worker)
{
	return worker->gate->copies ? worker->conf->av.copy_directory : "";
}

static int take_socket(struct worker *worker)
{
	int r;

	if (worker->gate->tcp)
		prompt_ack_enable();
	r = callbacks_register(worker->gate);
	if (r == 0)
		r = listener_limits(worker->conf->idle_timeout_s);
	if (r == 0)
		r = listener_take(CHILD_SOCKET);
	if (r < 0)
		worker->error = talloc_asprintf(worker, "wanted libmilter on the socket of listener %s, got \"%s\"",
		                                worker->listener->name, strerror(-r));
	return r;
}

/* The steps of a start in their only order. */
static int prepare(struct worker *worker, const char *listener)
{
	int r;

	if ((r = ignore_signals()) < 0 || (r = set_descriptor_limit()) < 0)
		return r;
	if ((r = parse_configuration(worker)) < 0 || (r = find_listener(worker, listener)) < 0)
		return r;
	if ((r = log_open(&worker->conf->log, worker->listener->name)) < 0 || (r = load_gate(worker)) < 0 ||
	    (r = map_shared(worker)) < 0)
		return r;
	if ((r = privileges_drop(worker, worker->conf->user, &worker->error)) < 0 || (r = take_socket(worker)) < 0)
		return r;
	if ((r = gate_start_scanning(worker->gate, CHILD_JOBS, &worker->error)) < 0)
		return r;
	sandbox_enter((const char *[]){ worker->conf->dns.trust_anchor, NULL }, (const char *[]){ copy_directory(worker), NULL });
	return gate_start(worker->gate, &worker->error);
}

static void *serve(void *arg) __attribute__((noreturn));

static void *serve(void *arg)
{
	(void)arg;
	(void)listener_serve();
	log_text(CONF_LOG_ERROR, "libmilter", "wanted libmilter to serve until told otherwise, got its end");
	_exit(EX_SOFTWARE);
}

static void stop(const struct worker *worker) __attribute__((noreturn));

/* _exit(): libmilter's threads still run, and so would atexit() functions below them. */
static void stop(const struct worker *worker)
{
	size_t left = listener_drain(callbacks_open_sessions, worker->conf->drain_timeout_ms);

	if (left)
		log_text(CONF_LOG_WARNING, "drained", "%zu sessions were still open after drain-timeout", left);
	_exit(EX_OK);
}

static int run(struct worker *worker)
{
	struct control_message message;
	pthread_t thread;
	int r;

	r = pthread_create(&thread, NULL, serve, NULL);
	if (r)
		return -r;
	r = control_send(CHILD_CONTROL, CONTROL_READY, "");
	while (r >= 0) {
		r = control_receive(CHILD_CONTROL, &message);
		if (r == 0 || (r == 1 && message.kind == CONTROL_DRAIN))
			break;
	}
	stop(worker);
}

int cmd_worker(int argc, char **argv)
{
	struct worker *worker;
	const char *error;
	long long row;
	int r;

	if (argc != 4 || cmd_number(argv[3], 0, SHARED_ROWS - 1, &row) < 0)
		return cmd_fail("worker", EX_USAGE, "this command is the supervisor's; `postern run` starts it");
	worker = talloc_zero(NULL, struct worker);
	if (!worker)
		return EX_TEMPFAIL;
	worker->file = argv[2];
	worker->row = (unsigned)row;
	r = prepare(worker, argv[1]);
	if (r == 0)
		r = run(worker);
	error = worker->error ? worker->error : strerror(-r);
	if (control_send(CHILD_CONTROL, CONTROL_FAILED, error) < 0)
		log_text(CONF_LOG_ERROR, "start", "%s", error);
	talloc_free(worker);
	_exit(exit_code(r)); /* no atexit() functions in the sandbox: a leak checker's would fail there and change the code */
}
