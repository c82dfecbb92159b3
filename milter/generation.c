#include "milter/generation.h"

#include "dkim/clock.h"
#include "milter/control.h"
#include "milter/log.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <talloc.h>
#include <unistd.h>

static unsigned worker_count(const struct conf_listener *listener)
{
	cpu_set_t cpus;
	int n;

	if (listener->workers)
		return listener->workers;
	n = sched_getaffinity(0, sizeof cpus, &cpus) < 0 ? 1 : CPU_COUNT(&cpus);
	return n < GENERATION_WORKERS_PER_CPU_MAX ? (unsigned)n : GENERATION_WORKERS_PER_CPU_MAX;
}

static void set_state(struct slot *slot, enum slot_state state, int64_t now_ms, int64_t due_ms)
{
	slot->state = state;
	slot->since_ms = now_ms;
	slot->due_ms = due_ms;
}

static int generation_destructor(struct generation *generation)
{
	for (size_t i = 0; i < generation->count; i++)
		shared_row_release(generation->rows, generation->slots[i].row);
	return 0;
}

static int add_slots(struct generation *generation, const struct conf_listener *listener, int socket)
{
	for (unsigned n = worker_count(listener); n; n--) {
		struct slot slot = { .generation = generation, .listener = listener, .socket = socket, .control = -1, .pid = -1 };
		int r = shared_row_take(generation->rows, &slot.row);

		if (r < 0)
			return r;
		generation->slots[generation->count++] = slot;
	}
	return 0;
}

int generation_new(void *mem, unsigned number, struct configuration *configuration, const int *sockets, struct shared_rows *rows,
                   struct tally *tally, struct generation **ret)
{
	const struct conf *conf = configuration->conf;
	struct generation *generation = talloc_zero(mem, struct generation);
	size_t count = 0;
	int r = 0;

	if (!generation)
		return -ENOMEM;
	generation->number = number;
	generation->rows = rows;
	generation->tally = tally;
	generation->jobs = -1;
	talloc_set_destructor(generation, generation_destructor);
	for (size_t i = 0; i < conf->listener_count; i++)
		count += worker_count(&conf->listeners[i]);
	generation->slots = talloc_zero_array(generation, struct slot, (unsigned)count);
	if (!generation->slots)
		r = -ENOMEM;
	for (size_t i = 0; r == 0 && i < conf->listener_count; i++)
		r = add_slots(generation, &conf->listeners[i], sockets[i]);
	if (r < 0) {
		talloc_free(generation);
		return r;
	}
	generation->configuration = talloc_steal(generation, configuration);
	*ret = generation;
	return 0;
}

static struct log_line *slot_line(const struct slot *slot, enum conf_log_level level, const char *event)
{
	struct log_line *line = log_begin(NULL, level, event);

	log_string(line, "listener", slot->listener->name);
	if (slot->pid > 0)
		log_number(line, "worker", slot->pid);
	return line;
}

/* Died, or could not even be forked. */
static void schedule_restart(struct slot *slot, int64_t now_ms)
{
	int64_t wait = 0;

	slot->deaths++;
	if (slot->deaths > 1) {
		wait = GENERATION_BACKOFF_FIRST_MS;
		for (unsigned i = 2; i < slot->deaths && wait < GENERATION_BACKOFF_MAX_MS; i++)
			wait *= 2;
		if (wait > GENERATION_BACKOFF_MAX_MS)
			wait = GENERATION_BACKOFF_MAX_MS;
	}
	set_state(slot, SLOT_DOWN, now_ms, now_ms + wait);
}

static int start_process(const struct generation *generation, struct slot *slot)
{
	const int inherited[CHILD_INHERITED] = {
		slot->socket, generation->configuration->fd, slot->listener->scan ? generation->jobs : -1, generation->rows->fd };
	char row[sizeof "4294967295"];
	const char *argv[] = { "postern", "worker", slot->listener->name, generation->configuration->file, row, NULL };

	(void)snprintf(row, sizeof row, "%u", slot->row);
	return child_start(generation->program, (char *const *)argv, inherited, &slot->pid, &slot->control);
}

static void start(const struct generation *generation, struct slot *slot, int64_t now_ms)
{
	int r;

	TALLOC_FREE(slot->error);
	r = start_process(generation, slot);
	if (r == 0) {
		set_state(slot, SLOT_STARTING, now_ms, now_ms + GENERATION_READY_MS);
		return;
	}
	log_text(CONF_LOG_ERROR, "worker-start", "wanted a new worker for listener %s, got \"%s\"", slot->listener->name, strerror(-r));
	schedule_restart(slot, now_ms);
	if (slot->due_ms == now_ms) /* the reason lies with the host: at once would be a busy loop */
		slot->due_ms += GENERATION_BACKOFF_FIRST_MS;
}

static void kill_late(struct slot *slot, int64_t now_ms)
{
	struct log_line *line = slot_line(slot, CONF_LOG_ERROR, "worker-late");

	log_format(line, "text", "wanted it ready within %d ms; killed", GENERATION_READY_MS);
	log_end(line);
	(void)kill(slot->pid, SIGKILL);
	slot->due_ms = now_ms + GENERATION_READY_MS; /* it is reaped long before */
}

int generation_tick(struct generation *generation, int64_t now_ms)
{
	int64_t next = -1;

	for (size_t i = 0; i < generation->count; i++) {
		struct slot *slot = &generation->slots[i];

		if (slot->state == SLOT_DOWN && slot->due_ms <= now_ms)
			start(generation, slot, now_ms);
		else if (slot->state == SLOT_STARTING && slot->due_ms <= now_ms)
			kill_late(slot, now_ms);
		if ((slot->state == SLOT_DOWN || slot->state == SLOT_STARTING) && (next < 0 || slot->due_ms - now_ms < next))
			next = slot->due_ms - now_ms;
	}
	return (int)next;
}

static void close_control(struct slot *slot)
{
	if (slot->control >= 0)
		close(slot->control);
	slot->control = -1;
}

static void handle(struct generation *generation, struct slot *slot, const struct control_message *message, int64_t now_ms)
{
	struct log_line *line;

	if (message->kind == CONTROL_FAILED) {
		talloc_free(slot->error);
		slot->error = talloc_strdup(generation, message->text);
	}
	if (message->kind != CONTROL_READY || slot->state != SLOT_STARTING)
		return;
	line = slot_line(slot, CONF_LOG_INFO, "worker-ready");
	log_number(line, "ms", now_ms - slot->since_ms);
	log_end(line);
	set_state(slot, SLOT_READY, now_ms, 0);
}

/* Take all that a worker said, until there is no more. */
static void receive(struct generation *generation, struct slot *slot, int64_t now_ms)
{
	struct control_message message;
	int r = 1;

	while (slot->control >= 0 && r == 1) {
		r = control_receive(slot->control, &message);
		if (r == 1)
			handle(generation, slot, &message, now_ms);
		else if (r != -EAGAIN)
			close_control(slot); /* it ended, or talks nonsense: closing tells it to end */
	}
}

static void on_message(void *arg)
{
	struct slot *slot = arg;

	receive(slot->generation, slot, clock_monotonic_ms());
	slot->generation->was_ready = slot->generation->was_ready || generation_is_ready(slot->generation);
}

void generation_watch(struct generation *generation, struct poll_set *set)
{
	for (size_t i = 0; i < generation->count; i++)
		poll_set_add(set, generation->slots[i].control, POLLIN, on_message, &generation->slots[i]);
}

static void log_death(const struct slot *slot, int status)
{
	bool wanted = slot->state == SLOT_DRAINING && WIFEXITED(status) && WEXITSTATUS(status) == EX_OK;
	struct log_line *line = slot_line(slot, wanted ? CONF_LOG_DEBUG : CONF_LOG_ERROR, wanted ? "worker-end" : "worker-died");

	if (WIFSIGNALED(status))
		log_string(line, "signal", strsignal(WTERMSIG(status)));
	else
		log_number(line, "exit", WEXITSTATUS(status));
	if (slot->error)
		log_string(line, "text", slot->error);
	log_end(line);
}

/* The first one is as good as another. */
static void note_fault(struct generation *generation, const struct slot *slot)
{
	if (generation->fault)
		return;
	generation->fault = EX_CONFIG;
	generation->fault_text = talloc_asprintf(generation, "listener %s: %s", slot->listener->name,
	                                         slot->error ? slot->error : "its worker cannot start");
}

static void died(struct generation *generation, struct slot *slot, int status, int64_t now_ms)
{
	receive(generation, slot, now_ms); /* its last words */
	close_control(slot);
	log_death(slot, status);
	slot->pid = -1;
	shared_row_clear(generation->rows, slot->row, tally_of(generation->tally, slot->listener->name));
	if (slot->state == SLOT_DRAINING) {
		set_state(slot, SLOT_ENDED, now_ms, 0);
		return;
	}
	slot->restarts++;
	if (!generation->was_ready && WIFEXITED(status) && WEXITSTATUS(status) == EX_CONFIG)
		note_fault(generation, slot);
	if (slot->state == SLOT_READY && now_ms - slot->since_ms >= GENERATION_STABLE_MS)
		slot->deaths = 0;
	schedule_restart(slot, now_ms);
}

void generation_reap(struct generation *generation, int64_t now_ms)
{
	int status;

	for (size_t i = 0; i < generation->count; i++)
		if (generation->slots[i].pid > 0 && waitpid(generation->slots[i].pid, &status, WNOHANG) == generation->slots[i].pid)
			died(generation, &generation->slots[i], status, now_ms);
}

static bool all_in(const struct generation *generation, enum slot_state state)
{
	for (size_t i = 0; i < generation->count; i++)
		if (generation->slots[i].state != state)
			return false;
	return true;
}

bool generation_is_ready(const struct generation *generation)
{
	return all_in(generation, SLOT_READY);
}

bool generation_has_ended(const struct generation *generation)
{
	return all_in(generation, SLOT_ENDED);
}

void generation_drain(struct generation *generation, int64_t now_ms)
{
	for (size_t i = 0; i < generation->count; i++) {
		struct slot *slot = &generation->slots[i];

		if (slot->control >= 0 && control_send(slot->control, CONTROL_DRAIN, "") < 0)
			close_control(slot); /* means the same to it */
		if (slot->state != SLOT_ENDED)
			set_state(slot, slot->pid > 0 ? SLOT_DRAINING : SLOT_ENDED, now_ms, 0);
	}
}

void generation_kill(struct generation *generation)
{
	for (size_t i = 0; i < generation->count; i++)
		if (generation->slots[i].pid > 0)
			(void)kill(generation->slots[i].pid, SIGKILL);
}
