/* Another configuration, while mail goes on. */
#include "milter/supervisor_parts.h"

#include "dkim/clock.h"
#include "milter/child.h"
#include "milter/control.h"
#include "milter/log.h"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <systemd/sd-daemon.h>
#include <talloc.h>
#include <unistd.h>

static void add_errors(struct supervisor *supervisor, const char *text)
{
	struct reload *reload = &supervisor->reload;

	if (reload->errors && strlen(reload->errors) > SUPERVISOR_ERRORS_MAX)
		return;
	reload->errors = talloc_asprintf_append(reload->errors ? reload->errors : talloc_strdup(supervisor, ""), "%s\n", text);
}

static void log_lines(const char *lines)
{
	struct view rest = view_of(lines), line;

	while (view_next(&rest, '\n', &line) && line.n)
		log_text(CONF_LOG_ERROR, "reload", "%.*s", (int)line.n, line.p);
}

static void end(struct supervisor *supervisor, bool good)
{
	struct reload *reload = &supervisor->reload;

	reload->step = RELOAD_NONE;
	if (good) {
		log_text(CONF_LOG_INFO, "reloaded", "%s is in force", supervisor->generation->configuration->file);
	} else {
		log_lines(reload->errors ? reload->errors : "");
		log_text(CONF_LOG_ERROR, "not-reloaded", "the configuration before stays in force");
	}
	(void)sd_notify(0, "READY=1");
	supervisor_answer_reload(supervisor, good);
	TALLOC_FREE(reload->errors);
}

/* Workers that serve already finish what they have begun. */
static void fail(struct supervisor *supervisor, const char *error, int64_t now_ms)
{
	struct reload *reload = &supervisor->reload;

	if (error)
		add_errors(supervisor, error);
	TALLOC_FREE(reload->configuration);
	if (reload->generation)
		supervisor_retire(supervisor, reload->generation, now_ms);
	reload->generation = NULL;
	sockets_keep(supervisor->sockets, supervisor->generation->configuration->conf);
	end(supervisor, false);
}

/* One that was made on the command line stays as it is; its key files, tables and programs are read anew. */
static int read_anew(struct supervisor *supervisor, char **ret_error)
{
	const struct configuration *now = supervisor->generation->configuration;
	struct configuration *configuration = NULL;
	char *text = NULL;
	size_t n = now->n;
	int r = 0;

	if (supervisor->params->from_file)
		r = conf_read_file(supervisor, now->file, &text, &n, ret_error);
	if (r == 0)
		r = configuration_new(supervisor, now->file, text ? text : now->text, n, &configuration);
	talloc_free(text);
	supervisor->reload.configuration = configuration;
	return r;
}

static void begin(struct supervisor *supervisor, int64_t now_ms)
{
	struct reload *reload = &supervisor->reload;
	const char *argv[] = { "postern", "vet", supervisor->generation->configuration->file, NULL };
	int inherited[CHILD_INHERITED] = { -1, -1, -1, -1 }, r;
	char *error = NULL;

	reload->step = RELOAD_VETTING;
	reload->number++;
	reload->again = reload->vetted = false;
	reload->end_by_ms = now_ms + SUPERVISOR_VET_MS;
	(void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)now_ms * 1000);
	r = read_anew(supervisor, &error);
	if (r == 0) {
		inherited[CHILD_CONFIGURATION - CHILD_SOCKET] = reload->configuration->fd;
		r = child_start(supervisor->params->program, (char *const *)argv, inherited, &reload->pid, &reload->control);
	}
	if (r < 0) {
		reload->pid = -1;
		fail(supervisor, error ? error : strerror(-r), now_ms);
	}
	talloc_free(error);
}

void reload_ask(struct supervisor *supervisor, int64_t now_ms)
{
	struct reload *reload = &supervisor->reload;

	if (reload->step != RELOAD_NONE) {
		reload->again = true;
		return;
	}
	begin(supervisor, now_ms);
}

static void take_messages(struct supervisor *supervisor)
{
	struct reload *reload = &supervisor->reload;
	struct control_message message;
	int r = 1;

	while (reload->control >= 0 && r == 1) {
		r = control_receive(reload->control, &message);
		if (r == 1 && message.kind == CONTROL_FAILED)
			add_errors(supervisor, message.text);
		else if (r == 1 && message.kind == CONTROL_READY)
			reload->vetted = true;
	}
	if (r != 1 && r != -EAGAIN && reload->control >= 0) {
		close(reload->control);
		reload->control = -1;
	}
}

static void on_message(void *arg)
{
	take_messages(arg);
}

void reload_watch(struct supervisor *supervisor, struct poll_set *set)
{
	poll_set_add(set, supervisor->reload.control, POLLIN, on_message, supervisor);
	if (supervisor->reload.generation)
		generation_watch(supervisor->reload.generation, set);
}

/* The child found nothing wrong with these octets, so they can be read here. */
static int parse(struct supervisor *supervisor)
{
	struct configuration *configuration = supervisor->reload.configuration;
	struct conf_errors errors;
	int r;

	r = conf_parse(configuration, configuration->text, configuration->n, configuration->file, &configuration->conf, &errors);
	for (size_t i = 0; r < 0 && i < errors.count; i++)
		add_errors(supervisor, errors.text[i]);
	return r;
}

static int make_generation(struct supervisor *supervisor, const int *fds)
{
	struct reload *reload = &supervisor->reload;
	int r;

	r = generation_new(supervisor, supervisor->generation->number + 1, reload->configuration, fds, &supervisor->rows, supervisor->tally,
	                   &reload->generation);
	if (r < 0)
		return r;
	reload->configuration = NULL; /* it moved */
	reload->generation->program = supervisor->params->program;
	reload->generation->jobs = supervisor->queue.send;
	return 0;
}

static void start_workers(struct supervisor *supervisor, int64_t now_ms)
{
	struct reload *reload = &supervisor->reload;
	char *errors = NULL;
	int *fds = NULL, code, r = 0;

	if (parse(supervisor) < 0) {
		fail(supervisor, NULL, now_ms);
		return;
	}
	code = sockets_open(supervisor, supervisor->sockets, reload->configuration->conf, reload->configuration->file, 1, &fds, &errors);
	if (code == EX_OK)
		code = supervisor_prepare_scanner(supervisor, reload->configuration->conf, &errors);
	if (code == EX_OK)
		r = make_generation(supervisor, fds);
	talloc_free(fds);
	if (code != EX_OK || r < 0) {
		if (r < 0)
			errors = talloc_asprintf_append(errors, "wanted to prepare workers, got \"%s\"\n", strerror(-r));
		if (errors && *errors)
			errors[strlen(errors) - 1] = '\0';
		fail(supervisor, errors, now_ms);
	} else {
		reload->step = RELOAD_STARTING;
		reload->end_by_ms = now_ms + SUPERVISOR_WORKERS_MS;
	}
	talloc_free(errors);
}

void reload_reap(struct supervisor *supervisor, int64_t now_ms)
{
	struct reload *reload = &supervisor->reload;
	int status;

	if (reload->generation)
		generation_reap(reload->generation, now_ms);
	if (reload->pid <= 0 || waitpid(reload->pid, &status, WNOHANG) != reload->pid)
		return;
	take_messages(supervisor);
	if (reload->control >= 0)
		close(reload->control);
	reload->pid = reload->control = -1;
	if (reload->step != RELOAD_VETTING)
		return;
	if (reload->vetted && WIFEXITED(status) && WEXITSTATUS(status) == EX_OK)
		start_workers(supervisor, now_ms);
	else
		fail(supervisor, reload->errors ? NULL : "the child that looked at the configuration died", now_ms);
}

static void change_scanner(struct supervisor *supervisor, const struct conf *old, int64_t now_ms)
{
	const struct configuration *configuration = supervisor->generation->configuration;
	const bool wanted = conf_uses_scanner(configuration->conf);
	int r;

	if (wanted && conf_uses_scanner(old) && conf_scanner_equal(old, configuration->conf))
		return;
	r = scanner_want(supervisor->scanner, supervisor->scanner_program, supervisor->queue.receive, wanted ? configuration : NULL, now_ms);
	if (r < 0)
		log_text(CONF_LOG_ERROR, "scanner-kept", "wanted a scanner with the new options, got \"%s\"", strerror(-r));
}

static void put_in_force(struct supervisor *supervisor, int64_t now_ms)
{
	struct generation *old = supervisor->generation;
	const struct conf *conf;

	supervisor->generation = supervisor->reload.generation;
	supervisor->reload.generation = NULL;
	conf = supervisor->generation->configuration->conf;
	sockets_keep(supervisor->sockets, conf);
	if (log_open(&conf->log, "supervisor") < 0)
		log_text(CONF_LOG_ERROR, "log", "wanted to open the log's new target, got none; the one before stays");
	change_scanner(supervisor, old->configuration->conf, now_ms);
	supervisor_open_status(supervisor);
	supervisor_retire(supervisor, old, now_ms);
	end(supervisor, true);
}

static int look_at_workers(struct supervisor *supervisor, int64_t now_ms)
{
	struct reload *reload = &supervisor->reload;
	struct generation *generation = reload->generation;
	int next;

	if (generation->fault) {
		fail(supervisor, generation->fault_text, now_ms);
		return 0;
	}
	if (generation_is_ready(generation)) {
		put_in_force(supervisor, now_ms);
		return 0;
	}
	if (reload->end_by_ms <= now_ms) {
		fail(supervisor, "wanted the new workers to be ready within a minute", now_ms);
		return 0;
	}
	next = generation_tick(generation, now_ms);
	return next < 0 || reload->end_by_ms - now_ms < next ? (int)(reload->end_by_ms - now_ms) : next;
}

int reload_tick(struct supervisor *supervisor, int64_t now_ms)
{
	struct reload *reload = &supervisor->reload;

	if (reload->step == RELOAD_STARTING)
		return look_at_workers(supervisor, now_ms);
	if (reload->step == RELOAD_NONE && reload->again)
		begin(supervisor, now_ms);
	if (reload->step != RELOAD_VETTING)
		return reload->again ? 0 : -1;
	if (reload->end_by_ms <= now_ms) {
		(void)kill(reload->pid, SIGKILL); /* its end is what follows */
		reload->end_by_ms = now_ms + SUPERVISOR_VET_MS;
	}
	return (int)(reload->end_by_ms - now_ms);
}

void reload_abandon(struct supervisor *supervisor, int64_t now_ms)
{
	struct reload *reload = &supervisor->reload;

	if (reload->step == RELOAD_NONE)
		return;
	if (reload->pid > 0)
		(void)kill(reload->pid, SIGKILL);
	reload->again = false;
	fail(supervisor, "the daemon was told to stop", now_ms);
}
