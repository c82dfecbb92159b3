#include "milter/supervisor.h"

#include "dkim/clock.h"
#include "milter/generation.h"
#include "milter/listener.h"
#include "milter/log.h"
#include "milter/queue.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sysexits.h>
#include <systemd/sd-daemon.h>
#include <talloc.h>
#include <time.h>
#include <unistd.h>

struct supervisor {
	const struct supervisor_params *params;
	struct socket_spec *specs; /* one per listener, like sockets */
	int *sockets;              /* -1: closed */
	int configuration;
	int signals;
	sigset_t former_mask;
	struct queue queue;        /* ends -1: no listener scans with it */
	struct shared_rows rows;
	struct generation *generation;
	struct pollfd *polled;     /* one per slot, the signals behind them */
	bool announced;            /* READY=1 was sent */
	bool stopping;
	bool killed;
	int64_t stop_by_ms;
	int code;
};

static int supervisor_destructor(struct supervisor *supervisor)
{
	for (size_t i = 0; supervisor->sockets && i < supervisor->params->conf->listener_count; i++)
		if (supervisor->sockets[i] >= 0)
			close(supervisor->sockets[i]);
	if (supervisor->configuration >= 0)
		close(supervisor->configuration);
	queue_close(&supervisor->queue);
	shared_unmap(supervisor->rows.shared);
	if (supervisor->rows.fd >= 0)
		close(supervisor->rows.fd);
	if (supervisor->signals >= 0) {
		close(supervisor->signals);
		(void)sigprocmask(SIG_SETMASK, &supervisor->former_mask, NULL);
	}
	return 0;
}

/* A daemon that was killed leaves workers that let go of their sockets within seconds: wait for them, as a restart would have to. */
static int open_when_free(struct supervisor *supervisor, const struct socket_spec *spec, const struct conf_listener *listener, char **ret_error)
{
	const struct timespec pause = { 0, SUPERVISOR_BIND_PAUSE_MS * 1000000L };
	int r = -EADDRINUSE;

	for (unsigned i = 0; r == -EADDRINUSE && i < SUPERVISOR_BIND_TRIES; i++) {
		if (i > 0)
			(void)nanosleep(&pause, NULL); /* cut short by a signal: tried again a little early */
		TALLOC_FREE(*ret_error);
		r = listener_open(supervisor, spec, listener->socket_mode, listener->socket_group, ret_error);
	}
	return r;
}

/* The first socket of a listener; every fault goes to the log, not the first alone. Returns an exit code. */
static int open_socket(struct supervisor *supervisor, size_t i)
{
	const struct conf_listener *listener = &supervisor->params->conf->listeners[i];
	struct socket_spec *spec = &supervisor->specs[i];
	char *error = NULL;
	int code = EX_CONFIG, r;

	r = socket_spec_parse(supervisor, listener->socket, spec, &error);
	if (r == 0) {
		code = EX_UNAVAILABLE;
		r = open_when_free(supervisor, spec, listener, &error);
	}
	if (r >= 0) {
		supervisor->sockets[i] = r;
		return EX_OK;
	}
	log_text(CONF_LOG_ERROR, "start", "%s:%u: listener %s: socket = \"%s\": %s", supervisor->params->file, listener->line, listener->name,
	         listener->socket, error ? error : strerror(-r));
	talloc_free(error);
	return code;
}

static int open_sockets(struct supervisor *supervisor)
{
	size_t count = supervisor->params->conf->listener_count;
	int worst = EX_OK;

	supervisor->specs = talloc_zero_array(supervisor, struct socket_spec, (unsigned)count);
	supervisor->sockets = talloc_array(supervisor, int, (unsigned)count);
	if (!supervisor->specs || !supervisor->sockets) {
		TALLOC_FREE(supervisor->sockets);
		return EX_TEMPFAIL;
	}
	memset(supervisor->sockets, 0xff, count * sizeof *supervisor->sockets); /* all -1 */
	for (size_t i = 0; i < count; i++) {
		int code = open_socket(supervisor, i);

		worst = code == EX_OK || worst == EX_CONFIG ? worst : code;
	}
	return worst;
}

static void close_sockets(struct supervisor *supervisor)
{
	for (size_t i = 0; i < supervisor->params->conf->listener_count; i++) {
		if (supervisor->sockets[i] < 0)
			continue;
		listener_remove(&supervisor->specs[i]);
		close(supervisor->sockets[i]);
		supervisor->sockets[i] = -1;
	}
}

/* All workers, whenever they start, read these same octets. Returns 0 or a negative errno. */
static int seal_configuration(struct supervisor *supervisor)
{
	const struct supervisor_params *params = supervisor->params;
	size_t done = 0;

	supervisor->configuration = memfd_create("postern.conf", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (supervisor->configuration < 0)
		return -errno;
	while (done < params->n) {
		ssize_t n = write(supervisor->configuration, params->text + done, params->n - done);

		if (n < 0 && errno != EINTR)
			return -errno;
		done += n > 0 ? (size_t)n : 0;
	}
	if (fcntl(supervisor->configuration, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		return -errno;
	return 0;
}

/* SIGHUP is ignored: an administrator's habit of sending it must not stop mail. */
static int take_signals(struct supervisor *supervisor)
{
	sigset_t taken;

	if (signal(SIGHUP, SIG_IGN) == SIG_ERR || signal(SIGPIPE, SIG_IGN) == SIG_ERR || sigemptyset(&taken) < 0 ||
	    sigaddset(&taken, SIGTERM) < 0 || sigaddset(&taken, SIGINT) < 0 || sigaddset(&taken, SIGCHLD) < 0)
		return -errno;
	supervisor->signals = signalfd(-1, &taken, SFD_CLOEXEC | SFD_NONBLOCK);
	if (supervisor->signals < 0)
		return -errno;
	return sigprocmask(SIG_BLOCK, &taken, &supervisor->former_mask) < 0 ? -errno : 0;
}

static int make_generation(struct supervisor *supervisor)
{
	struct generation *generation;
	int r;

	r = generation_new(supervisor, 1, supervisor->params->conf, supervisor->sockets, &supervisor->rows, &generation);
	if (r < 0)
		return r;
	generation->program = supervisor->params->program;
	generation->file = supervisor->params->file;
	generation->configuration = supervisor->configuration;
	generation->jobs = supervisor->queue.send;
	supervisor->generation = generation;
	supervisor->polled = talloc_zero_array(supervisor, struct pollfd, (unsigned)generation->count + 1);
	return supervisor->polled ? 0 : -ENOMEM;
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

/* The sockets close first, so that an MTA that comes now is turned away: at once, or over TCP when libmilter's poll()
 * lets go of its socket, which takes up to 5 s while sessions are open. Where systemd holds the socket too, the MTA
 * waits for the next start. */
static void stop(struct supervisor *supervisor, int code, int64_t now_ms)
{
	supervisor->stopping = true;
	supervisor->code = code;
	supervisor->stop_by_ms = now_ms + supervisor->params->conf->drain_timeout_ms + SUPERVISOR_STOP_MARGIN_MS;
	(void)sd_notify(0, "STOPPING=1");
	close_sockets(supervisor);
	generation_drain(supervisor->generation, now_ms);
}

static void end_at_once(struct supervisor *supervisor, const char *why)
{
	if (supervisor->killed)
		return;
	supervisor->killed = true;
	log_text(CONF_LOG_WARNING, "stop", "%s: workers are killed with their sessions", why);
	if (supervisor->code == EX_OK)
		supervisor->code = EX_TEMPFAIL;
	generation_kill(supervisor->generation);
}

static void handle_signal(struct supervisor *supervisor, int number, int64_t now_ms)
{
	if (number == SIGCHLD) {
		generation_reap(supervisor->generation, now_ms);
		return;
	}
	if (supervisor->stopping) {
		end_at_once(supervisor, "told to stop for the second time");
		return;
	}
	log_text(CONF_LOG_INFO, "stop", "told to stop (%s): workers finish their messages", strsignal(number));
	stop(supervisor, EX_OK, now_ms);
}

static void read_signals(struct supervisor *supervisor, int64_t now_ms)
{
	struct signalfd_siginfo info;

	while (read(supervisor->signals, &info, sizeof info) == sizeof info)
		handle_signal(supervisor, (int)info.ssi_signo, now_ms);
}

/* Everything that time or the last events ask for. Returns how long nothing more is due, in ms; -1: for ever. */
static int look_around(struct supervisor *supervisor, int64_t now_ms)
{
	struct generation *generation = supervisor->generation;
	int next;

	if (!supervisor->stopping && generation->fault)
		stop(supervisor, generation->fault, now_ms);
	if (!supervisor->announced && generation_is_ready(generation))
		announce(supervisor);
	if (!supervisor->stopping)
		return generation_tick(generation, now_ms);
	if (supervisor->stop_by_ms <= now_ms)
		end_at_once(supervisor, "drain-timeout is over");
	next = (int)(supervisor->stop_by_ms - now_ms);
	return next > 0 ? next : -1;
}

static int serve(struct supervisor *supervisor)
{
	struct generation *generation = supervisor->generation;
	struct pollfd *signals = &supervisor->polled[generation->count];
	int timeout;

	for (;;) {
		timeout = look_around(supervisor, clock_monotonic_ms());
		if (generation_has_ended(generation)) {
			log_text(CONF_LOG_INFO, "stopped", "all workers have ended");
			return supervisor->code;
		}
		generation_poll_set(generation, supervisor->polled);
		*signals = (struct pollfd){ .fd = supervisor->signals, .events = POLLIN };
		if (poll(supervisor->polled, generation->count + 1, timeout) < 0 && errno != EINTR)
			end_at_once(supervisor, strerror(errno));
		generation_receive(generation, supervisor->polled, clock_monotonic_ms());
		read_signals(supervisor, clock_monotonic_ms());
	}
}

static int prepare(struct supervisor *supervisor)
{
	int r;

	r = seal_configuration(supervisor);
	if (r == 0)
		r = shared_new(&supervisor->rows.shared, &supervisor->rows.fd);
	if (r == 0 && conf_uses_scanner(supervisor->params->conf))
		r = queue_open(&supervisor->queue);
	if (r == 0)
		r = take_signals(supervisor);
	if (r == 0)
		r = make_generation(supervisor);
	if (r < 0)
		log_text(CONF_LOG_ERROR, "start", "wanted to prepare workers, got \"%s\"", strerror(-r));
	return r < 0 ? EX_OSERR : EX_OK;
}

int supervisor_run(const struct supervisor_params *params)
{
	struct supervisor *supervisor = talloc_zero(NULL, struct supervisor);
	int code;

	if (!supervisor)
		return EX_OSERR;
	supervisor->params = params;
	supervisor->configuration = supervisor->signals = supervisor->rows.fd = -1;
	supervisor->queue = (struct queue){ -1, -1 };
	talloc_set_destructor(supervisor, supervisor_destructor);
	code = open_sockets(supervisor);
	if (code == EX_OK)
		code = prepare(supervisor);
	if (code == EX_OK)
		code = serve(supervisor);
	else if (supervisor->sockets)
		close_sockets(supervisor);
	talloc_free(supervisor);
	return code;
}
