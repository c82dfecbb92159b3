#include "milter/supervisor.h"

#include "dkim/clock.h"
#include "milter/log.h"
#include "milter/program.h"
#include "milter/supervisor_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sysexits.h>
#include <systemd/sd-daemon.h>
#include <talloc.h>
#include <unistd.h>

static int supervisor_destructor(struct supervisor *supervisor)
{
	queue_close(&supervisor->queue);
	shared_unmap(supervisor->rows.shared);
	supervisor->rows.shared = NULL; /* generations end after this and give their rows back: those are kept elsewhere */
	if (supervisor->rows.fd >= 0)
		close(supervisor->rows.fd);
	if (supervisor->signals >= 0) {
		close(supervisor->signals);
		(void)sigprocmask(SIG_SETMASK, &supervisor->former_mask, NULL);
	}
	return 0;
}

static void log_lines(const char *lines)
{
	struct view rest = view_of(lines), line;

	while (view_next(&rest, '\n', &line) && line.n)
		log_text(CONF_LOG_ERROR, "start", "%.*s", (int)line.n, line.p);
}

int supervisor_prepare_scanner(struct supervisor *supervisor, const struct conf *conf, char **errors)
{
	char *error = NULL;
	int r = 0;

	if (!conf_uses_scanner(conf))
		return EX_OK;
	TALLOC_FREE(supervisor->scanner_program);
	r = program_scanner(supervisor, supervisor->params->program, &supervisor->scanner_program, &error);
	if (r == 0 && supervisor->queue.send < 0)
		r = queue_open(&supervisor->queue);
	if (r < 0)
		*errors = talloc_asprintf_append(*errors, "a listener has scan = yes: %s\n", error ? error : strerror(-r));
	talloc_free(error);
	return r == 0 ? EX_OK : r == -ENOENT ? EX_CONFIG : EX_OSERR;
}

static int take_signals(struct supervisor *supervisor)
{
	sigset_t taken;

	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR || sigemptyset(&taken) < 0 || sigaddset(&taken, SIGTERM) < 0 ||
	    sigaddset(&taken, SIGINT) < 0 || sigaddset(&taken, SIGHUP) < 0 || sigaddset(&taken, SIGCHLD) < 0)
		return -errno;
	supervisor->signals = signalfd(-1, &taken, SFD_CLOEXEC | SFD_NONBLOCK);
	if (supervisor->signals < 0)
		return -errno;
	return sigprocmask(SIG_BLOCK, &taken, &supervisor->former_mask) < 0 ? -errno : 0;
}

static int make_generation(struct supervisor *supervisor, const int *fds)
{
	const struct supervisor_params *params = supervisor->params;
	struct configuration *configuration;
	int r;

	r = configuration_new(supervisor, params->file, params->text, params->n, &configuration);
	if (r < 0)
		return r;
	configuration->conf = params->conf;
	r = generation_new(supervisor, 1, configuration, fds, &supervisor->rows, supervisor->tally, &supervisor->generation);
	if (r < 0)
		return r;
	supervisor->generation->program = params->program;
	supervisor->generation->jobs = supervisor->queue.send;
	if (!conf_uses_scanner(params->conf))
		return 0;
	return scanner_want(supervisor->scanner, supervisor->scanner_program, supervisor->queue.receive, configuration, clock_monotonic_ms());
}

static void announce(struct supervisor *supervisor)
{
	struct log_line *line = log_begin(supervisor, CONF_LOG_INFO, "ready");

	log_number(line, "listeners", (long long)supervisor->params->conf->listener_count);
	log_number(line, "workers", (long long)supervisor->generation->count);
	log_end(line);
	supervisor->announced = true;
	(void)sd_notify(0, "READY=1"); /* without systemd there is nobody to tell */
}

void supervisor_retire(struct supervisor *supervisor, struct generation *generation, int64_t now_ms)
{
	generation_drain(generation, now_ms);
	generation->end_by_ms = now_ms + generation->configuration->conf->drain_timeout_ms + SUPERVISOR_STOP_MARGIN_MS;
	generation->next = supervisor->draining;
	supervisor->draining = generation;
}

/* The sockets close first, so that an MTA that comes now is turned away: at once, or over TCP when libmilter's poll()
 * lets go of its socket, which takes up to 5 s while sessions are open. Where systemd holds the socket too, the MTA
 * waits for the next start. The scanner stays until the workers have ended. */
static void stop(struct supervisor *supervisor, int code, int64_t now_ms)
{
	supervisor->stopping = true;
	supervisor->code = code;
	supervisor->stop_by_ms = now_ms + supervisor->generation->configuration->conf->drain_timeout_ms + SUPERVISOR_STOP_MARGIN_MS;
	(void)sd_notify(0, "STOPPING=1");
	reload_abandon(supervisor, now_ms);
	sockets_keep(supervisor->sockets, NULL);
	generation_drain(supervisor->generation, now_ms);
}

static void kill_all(struct supervisor *supervisor)
{
	generation_kill(supervisor->generation);
	for (struct generation *old = supervisor->draining; old; old = old->next)
		generation_kill(old);
	scanner_kill(supervisor->scanner);
}

static void end_at_once(struct supervisor *supervisor, const char *why)
{
	if (supervisor->killed)
		return;
	supervisor->killed = true;
	log_text(CONF_LOG_WARNING, "stop", "%s: workers are killed with their sessions", why);
	if (supervisor->code == EX_OK)
		supervisor->code = EX_TEMPFAIL;
	kill_all(supervisor);
}

static void handle_signal(struct supervisor *supervisor, int number, int64_t now_ms)
{
	if (number == SIGCHLD) {
		supervisor->child_ended = true;
		return;
	}
	if (number == SIGHUP) {
		if (supervisor->announced && !supervisor->stopping)
			reload_ask(supervisor, now_ms);
		return;
	}
	if (supervisor->stopping) {
		end_at_once(supervisor, "told to stop for the second time");
		return;
	}
	log_text(CONF_LOG_INFO, "stop", "told to stop (%s): workers finish their messages", strsignal(number));
	stop(supervisor, EX_OK, now_ms);
}

static void on_signal(void *arg)
{
	struct supervisor *supervisor = arg;
	struct signalfd_siginfo info;

	while (read(supervisor->signals, &info, sizeof info) == sizeof info)
		handle_signal(supervisor, (int)info.ssi_signo, clock_monotonic_ms());
}

static void reap(struct supervisor *supervisor, int64_t now_ms)
{
	supervisor->child_ended = false;
	generation_reap(supervisor->generation, now_ms);
	for (struct generation *old = supervisor->draining; old; old = old->next)
		generation_reap(old, now_ms);
	scanner_reap(supervisor->scanner, now_ms);
	reload_reap(supervisor, now_ms);
}

static int earlier(int a, int b)
{
	return a < 0 || (b >= 0 && b < a) ? b : a;
}

/* Returns when one of those that drain is late, in ms; -1: none. */
static int free_drained(struct supervisor *supervisor, int64_t now_ms)
{
	struct generation **place = &supervisor->draining, *old;
	int next = -1;

	while ((old = *place)) {
		if (generation_has_ended(old)) {
			*place = old->next;
			talloc_free(old);
			continue;
		}
		if (old->end_by_ms <= now_ms) {
			log_text(CONF_LOG_WARNING, "drained", "workers of generation %u were not done in time; killed with their sessions", old->number);
			generation_kill(old);
			old->end_by_ms = now_ms + SUPERVISOR_STOP_MARGIN_MS; /* they are reaped long before */
		}
		next = earlier(next, (int)(old->end_by_ms - now_ms));
		place = &old->next;
	}
	return next;
}

/* Returns how long nothing more is due, in ms; -1: for ever. */
static int look_around_stopping(struct supervisor *supervisor, int64_t now_ms)
{
	if (generation_has_ended(supervisor->generation) && !supervisor->draining && !supervisor->scanner->stopping)
		scanner_stop(supervisor->scanner, now_ms);
	if (supervisor->stop_by_ms <= now_ms)
		end_at_once(supervisor, "drain-timeout is over");
	return supervisor->stop_by_ms > now_ms ? (int)(supervisor->stop_by_ms - now_ms) : -1;
}

/* Everything that time or the last events ask for. Returns as above. */
static int look_around(struct supervisor *supervisor, int64_t now_ms)
{
	int next;

	if (supervisor->child_ended)
		reap(supervisor, now_ms);
	if (!supervisor->stopping && supervisor->generation->fault && !supervisor->announced)
		stop(supervisor, supervisor->generation->fault, now_ms);
	if (!supervisor->announced && generation_is_ready(supervisor->generation))
		announce(supervisor);
	next = free_drained(supervisor, now_ms);
	if (supervisor->stopping)
		next = earlier(next, look_around_stopping(supervisor, now_ms));
	else
		next = earlier(earlier(next, reload_tick(supervisor, now_ms)), generation_tick(supervisor->generation, now_ms));
	next = earlier(next, scanner_tick(supervisor->scanner, now_ms));
	if (supervisor->status)
		next = earlier(next, status_server_tick(supervisor->status, now_ms));
	return next;
}

static bool has_ended(const struct supervisor *supervisor)
{
	return supervisor->stopping && generation_has_ended(supervisor->generation) && !supervisor->draining &&
	       supervisor->scanner->stopping && scanner_has_ended(supervisor->scanner) && supervisor->reload.pid < 0;
}

static void watch(struct supervisor *supervisor)
{
	struct poll_set *set = &supervisor->polled;

	poll_set_begin(set);
	poll_set_add(set, supervisor->signals, POLLIN, on_signal, supervisor);
	generation_watch(supervisor->generation, set);
	for (struct generation *old = supervisor->draining; old; old = old->next)
		generation_watch(old, set);
	reload_watch(supervisor, set);
	scanner_watch(supervisor->scanner, set);
	if (supervisor->status)
		status_server_watch(supervisor->status, set);
}

static int serve(struct supervisor *supervisor)
{
	int timeout, r;

	for (;;) {
		timeout = look_around(supervisor, clock_monotonic_ms());
		if (has_ended(supervisor)) {
			log_text(CONF_LOG_INFO, "stopped", "all workers have ended");
			return supervisor->code;
		}
		if (supervisor->announced && !supervisor->stopping)
			supervisor_tell(supervisor);
		watch(supervisor);
		r = poll_set_wait(&supervisor->polled, timeout);
		if (r < 0)
			end_at_once(supervisor, strerror(-r));
	}
}

static int prepare(struct supervisor *supervisor, const int *fds)
{
	int r;

	r = shared_new(&supervisor->rows.shared, &supervisor->rows.fd);
	if (r == 0)
		r = scanner_new(supervisor, &supervisor->scanner);
	if (r == 0 && !(supervisor->tally = tally_new(supervisor)))
		r = -ENOMEM;
	if (r == 0)
		r = take_signals(supervisor);
	if (r == 0)
		r = make_generation(supervisor, fds);
	if (r < 0)
		log_text(CONF_LOG_ERROR, "start", "wanted to prepare workers, got \"%s\"", strerror(-r));
	else
		supervisor_open_status(supervisor);
	return r < 0 ? EX_OSERR : EX_OK;
}

static int open_and_serve(struct supervisor *supervisor)
{
	const struct supervisor_params *params = supervisor->params;
	char *errors = NULL;
	int *fds = NULL, code;

	supervisor->sockets = sockets_new(supervisor);
	if (!supervisor->sockets)
		return EX_OSERR;
	code = sockets_open(supervisor, supervisor->sockets, params->conf, params->file, SUPERVISOR_BIND_TRIES, &fds, &errors);
	if (code == EX_OK)
		code = supervisor_prepare_scanner(supervisor, params->conf, &errors);
	log_lines(errors ? errors : "");
	if (code == EX_OK)
		code = prepare(supervisor, fds);
	if (code == EX_OK) {
		sockets_keep(supervisor->sockets, params->conf);
		code = serve(supervisor);
	}
	sockets_keep(supervisor->sockets, NULL);
	return code;
}

int supervisor_run(const struct supervisor_params *params)
{
	struct supervisor *supervisor = talloc_zero(NULL, struct supervisor);
	int code;

	if (!supervisor)
		return EX_OSERR;
	supervisor->params = params;
	supervisor->since_ms = clock_monotonic_ms();
	supervisor->signals = supervisor->rows.fd = -1;
	supervisor->reload.pid = supervisor->reload.control = -1;
	supervisor->queue = (struct queue){ -1, -1 };
	supervisor->polled.mem = supervisor;
	talloc_set_destructor(supervisor, supervisor_destructor);
	code = open_and_serve(supervisor);
	talloc_free(supervisor);
	return code;
}
