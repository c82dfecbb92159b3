/* What the supervisor tells: systemd, and whoever asks at the status socket. */
#include "milter/supervisor_parts.h"

#include "dkim/clock.h"
#include "milter/log.h"

#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <talloc.h>
#include <unistd.h>

void supervisor_tell(struct supervisor *supervisor)
{
	const char *scanner = scanner_text(supervisor->scanner);
	char *text = talloc_asprintf(supervisor, "%zu workers%s%s", supervisor->generation->count, *scanner ? "; scanner: " : "", scanner);

	if (!text || (supervisor->told && strcmp(text, supervisor->told) == 0)) {
		talloc_free(text);
		return;
	}
	(void)sd_notifyf(0, "STATUS=%s", text); /* without systemd there is nobody to tell */
	talloc_free(supervisor->told);
	supervisor->told = text;
}

static void tell_configuration(struct status_client *client, const struct configuration *configuration, unsigned generation)
{
	status_client_line(client, STATUS_LINE, "configuration\tfile=%s\tloaded=%lld\tgeneration=%u", configuration->file,
	                   (long long)configuration->loaded, generation);
}

static const char *slot_state_text(enum slot_state state)
{
	static const char *const texts[] = { [SLOT_DOWN] = "down", [SLOT_STARTING] = "starting", [SLOT_READY] = "ready",
		                             [SLOT_DRAINING] = "draining", [SLOT_ENDED] = "ended" };

	return texts[state];
}

#define PID_TEXT_SIZE sizeof "\tpid=-2147483648"

/* Left out where there is no process: whoever passes a -1 on to kill(1) kills everything. */
static const char *pid_text(pid_t pid, char ret[PID_TEXT_SIZE])
{
	ret[0] = '\0';
	if (pid > 0)
		(void)snprintf(ret, PID_TEXT_SIZE, "\tpid=%d", (int)pid);
	return ret;
}

static void tell_workers(struct status_client *client, const struct generation *generation, int64_t now_ms)
{
	for (size_t i = 0; i < generation->count; i++) {
		const struct slot *slot = &generation->slots[i];
		char pid[PID_TEXT_SIZE];

		if (slot->state != SLOT_ENDED)
			status_client_line(client, STATUS_LINE, "process\trole=worker\tname=%s%s\tstate=%s\tsince-s=%lld\trestarts=%u\tgeneration=%u",
			                   slot->listener->name, pid_text(slot->pid, pid), slot_state_text(slot->state), (long long)(now_ms - slot->since_ms) / 1000,
			                   slot->restarts, generation->number);
	}
}

static void tell_children(struct status_client *client, const char *pids)
{
	struct view rest = view_of(pids), pid;

	while (view_next(&rest, ' ', &pid))
		if (pid.n)
			status_client_line(client, STATUS_LINE, "process\trole=scan\tpid=%.*s", (int)pid.n, pid.p);
}

static void tell_loader(struct status_client *client, const struct loader *loader, const char *name, int64_t now_ms)
{
	char pid[PID_TEXT_SIZE];

	if (!loader || loader->state == LOADER_ENDED)
		return;
	status_client_line(client, STATUS_LINE, "process\trole=scanner\tname=%s%s\tstate=%s\tsince-s=%lld", name, pid_text(loader->pid, pid),
	                   loader_state_text(loader->state), (long long)(now_ms - loader->since_ms) / 1000);
	tell_children(client, loader->children ? loader->children : "");
}

static void tell_scanner(struct status_client *client, const struct scanner *scanner, int64_t now_ms)
{
	if (scanner->configuration < 0 && !scanner->leaving)
		return;
	tell_loader(client, scanner->serving, "serving", now_ms);
	tell_loader(client, scanner->coming, "coming", now_ms);
	for (const struct loader *loader = scanner->leaving; loader; loader = loader->next)
		tell_loader(client, loader, "leaving", now_ms);
	status_client_line(client, STATUS_LINE, "scanner\tstate=%s\trestarts=%u\ttext=%s",
	                   scanner->serving ? loader_state_text(scanner->serving->state) : "down", scanner->restarts, scanner_text(scanner));
}

static void add_counts(struct counters *total, const struct supervisor *supervisor, const struct generation *generation, const char *listener)
{
	for (size_t i = 0; generation && i < generation->count; i++) {
		const struct slot *slot = &generation->slots[i];

		if (strcmp(slot->listener->name, listener) == 0)
			counters_sum(total, &supervisor->rows.shared->row[slot->row].counters);
	}
}

static void tell_listener(struct status_client *client, const struct supervisor *supervisor, const struct conf_listener *listener)
{
	struct counters total = { 0 };
	char *line = talloc_asprintf(client, "listener\tname=%s\tsocket=%s\trole=%s\tscan=%s", listener->name, listener->socket,
	                             conf_role_text(listener->role), listener->scan ? "yes" : "no");

	counters_sum(&total, tally_of(supervisor->tally, listener->name));
	add_counts(&total, supervisor, supervisor->generation, listener->name);
	add_counts(&total, supervisor, supervisor->reload.generation, listener->name);
	for (const struct generation *generation = supervisor->draining; generation; generation = generation->next)
		add_counts(&total, supervisor, generation, listener->name);
	for (unsigned i = 0; line && i < COUNTER_COUNT; i++)
		line = talloc_asprintf_append(line, "\t%s=%llu", counter_text(i), (unsigned long long)total.value[i]);
	status_client_line(client, STATUS_LINE, "%s", line ? line : "");
	talloc_free(line);
}

static void tell_queue(struct status_client *client, const struct supervisor *supervisor)
{
	unsigned long long jobs = 0, octets = 0;

	if (supervisor->queue.send < 0)
		return;
	for (unsigned i = 0; i < SHARED_ROWS; i++) {
		jobs += atomic_load(&supervisor->rows.shared->av.usage[i].jobs);
		octets += atomic_load(&supervisor->rows.shared->av.usage[i].octets);
	}
	status_client_line(client, STATUS_LINE, "queue\tjobs=%llu\toctets=%llu", jobs, octets);
}

static void tell_all(struct supervisor *supervisor, struct status_client *client, int64_t now_ms)
{
	const struct generation *generation = supervisor->generation;
	const struct conf *conf = generation->configuration->conf;

	tell_configuration(client, generation->configuration, generation->number);
	for (size_t i = 0; i < conf->listener_count; i++)
		tell_listener(client, supervisor, &conf->listeners[i]);
	tell_scanner(client, supervisor->scanner, now_ms);
	tell_queue(client, supervisor);
	status_client_line(client, STATUS_LINE, "process\trole=supervisor\tpid=%d\tstate=%s\tsince-s=%lld", (int)getpid(),
	                   supervisor->stopping ? "stopping" : supervisor->announced ? "ready" : "starting",
	                   (long long)(now_ms - supervisor->since_ms) / 1000);
	tell_workers(client, generation, now_ms);
	if (supervisor->reload.generation)
		tell_workers(client, supervisor->reload.generation, now_ms);
	for (const struct generation *old = supervisor->draining; old; old = old->next)
		tell_workers(client, old, now_ms);
	status_client_end(client, true, -1);
}

static void refuse(struct status_client *client, const char *why)
{
	status_client_line(client, STATUS_ERROR, "%s", why);
	status_client_end(client, false, -1);
}

/* The next one to begin answers: what is under way may have read the file before it was changed. The client waits before that begins,
 * for a reload that fails at once is answered at once. */
static void ask_reload(struct supervisor *supervisor, struct status_client *client, int64_t now_ms)
{
	status_client_wait(client, supervisor->reload.number + 1);
	reload_ask(supervisor, now_ms);
}

static void on_request(void *arg, struct status_client *client, const char *word)
{
	struct supervisor *supervisor = arg;
	int64_t now_ms = clock_monotonic_ms();

	if (strcmp(word, "status") == 0)
		tell_all(supervisor, client, now_ms);
	else if (supervisor->stopping)
		refuse(client, "the daemon stops");
	else if (strcmp(word, "reload") == 0)
		ask_reload(supervisor, client, now_ms);
	else if (strcmp(word, "scan") != 0)
		refuse(client, "wanted status, reload or scan");
	else if (supervisor->scanner->configuration < 0)
		refuse(client, "no listener of the running daemon scans with its own scanner");
	else
		status_client_end(client, true, supervisor->queue.send);
}

void supervisor_open_status(struct supervisor *supervisor)
{
	const char *path = supervisor->generation->configuration->conf->status.socket;
	char *error = NULL;

	if (supervisor->status && strcmp(path, status_server_path(supervisor->status)) == 0)
		return;
	supervisor->former_status = supervisor->status;
	supervisor->status = NULL;
	if (*path && status_server_open(supervisor, path, on_request, supervisor, &supervisor->status, &error) < 0)
		log_text(CONF_LOG_WARNING, "status", "status.socket: %s; postern status, reload and scan will not find this daemon",
		         error ? error : "out of memory");
	talloc_free(error);
}

void supervisor_answer_reload(struct supervisor *supervisor, bool good)
{
	struct status_server *servers[] = { supervisor->status, supervisor->former_status };

	for (size_t i = 0; i < sizeof servers / sizeof *servers; i++)
		if (servers[i])
			status_server_answer(servers[i], supervisor->reload.number, good, supervisor->reload.errors);
	TALLOC_FREE(supervisor->former_status);
}
