#include "av/loader_part.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <talloc.h>
#include <unistd.h>

static int children_destructor(struct child *children)
{
	for (size_t i = 0; i < talloc_array_length(children); i++)
		if (children[i].slot)
			(void)munmap(children[i].slot, sizeof *children[i].slot); /* was mapped */
	return 0;
}

int loader_children_new(struct loader *loader)
{
	loader->children = talloc_zero_array(loader, struct child, loader->count + 1);
	if (!loader->children)
		return -ENOMEM;
	talloc_set_destructor(loader->children, children_destructor);
	for (unsigned i = 0; i <= loader->count; i++) {
		void *slot = mmap(NULL, sizeof *loader->children->slot, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

		if (slot == MAP_FAILED)
			return -errno;
		loader->children[i].slot = slot;
	}
	return 0;
}

static void run_child(const struct loader *loader, unsigned place, int jobs, pid_t pid) __attribute__((noreturn));

/* What a child writes to be read by the loader is its own slot alone. */
static void run_child(const struct loader *loader, unsigned place, int jobs, pid_t pid)
{
	const struct av_loader_settings *settings = loader->settings;
	const struct av_scan_child_params params = {
		.engine = loader->engine, .inspect = &settings->inspect, .rooms = loader->rooms, .room = place,
		.temp_size = settings->temp_size, .memory = AV_SEAL_MEMORY + 2 * settings->engine.max_scan_size,
		.timeout_ms = settings->timeout_ms, .recycle = place < loader->count ? settings->recycle : 0, .jobs = jobs, .loader = pid,
		.slot = loader->children[place].slot,
	};

	for (unsigned i = 0; i <= loader->count; i++)
		if (i != place)
			(void)munmap(loader->children[i].slot, sizeof *loader->children[i].slot); /* was mapped */
	av_scan_child(&params);
}

int loader_fork(struct loader *loader, unsigned place, int jobs)
{
	struct child *child = &loader->children[place];
	pid_t loader_pid = getpid(), pid;

	memset(child->slot, 0, sizeof *child->slot);
	child->late = false;
	pid = fork();
	if (pid == 0)
		run_child(loader, place, jobs, loader_pid);
	if (pid < 0)
		return -errno;
	child->pid = pid;
	return 0;
}

static int64_t backoff_ms(unsigned deaths)
{
	int64_t wait = deaths > 1 ? AV_BACKOFF_FIRST_MS : 0;

	for (unsigned i = 2; i < deaths && wait < AV_BACKOFF_MAX_MS; i++)
		wait *= 2;
	return wait < AV_BACKOFF_MAX_MS ? wait : AV_BACKOFF_MAX_MS;
}

static void tell_children(struct loader *loader)
{
	char *text = talloc_strdup(loader, "");

	for (unsigned i = 0; text && i < loader->count; i++)
		if (loader->children[i].pid > 0)
			text = talloc_asprintf_append(text, "%s%d", *text ? " " : "", (int)loader->children[i].pid);
	if (text)
		loader_notice(loader, AV_NOTICE_CHILDREN, "%s", text);
	talloc_free(text);
}

/* The reason lies with the host: at once would be a busy loop. */
static void start(struct loader *loader, unsigned place, int64_t now_ms)
{
	struct child *child = &loader->children[place];
	int r = loader_fork(loader, place, loader->settings->jobs);

	if (r == 0)
		return;
	loader_notice(loader, AV_NOTICE_LOG_ERROR, "wanted a new scan process, got \"%s\"", strerror(-r));
	child->deaths++;
	child->due_ms = now_ms + AV_BACKOFF_FIRST_MS + backoff_ms(child->deaths);
}

void loader_start_due(struct loader *loader, int64_t now_ms)
{
	bool started = false;

	for (unsigned i = 0; i < loader->count; i++) {
		struct child *child = &loader->children[i];

		if (child->pid > 0 || child->due_ms > now_ms)
			continue;
		start(loader, i, now_ms);
		started = started || child->pid > 0;
	}
	if (started)
		tell_children(loader);
}

static const char *why(const struct loader *loader, const struct child *child, int status, char **ret_memory)
{
	int fault = atomic_load(&child->slot->fault);

	*ret_memory = NULL;
	if (child->late)
		*ret_memory = talloc_asprintf(NULL, "was killed: its scan took longer than timeout (%u ms)", loader->settings->timeout_ms);
	else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		return "was killed by seccomp: it made a system call that no scan needs";
	else if (WIFSIGNALED(status))
		*ret_memory = talloc_asprintf(NULL, "died of \"%s\"", strsignal(WTERMSIG(status)));
	else
		*ret_memory = talloc_asprintf(NULL, "ended with \"%s\"", fault < 0 ? strerror(-fault) : "a failure");
	return *ret_memory ? *ret_memory : "died";
}

/* A child that did its share, or was told to end, ends with 0. */
static void note_end(struct loader *loader, struct child *child, int status, int64_t now_ms)
{
	uint64_t scans = atomic_load(&child->slot->scans);
	bool well = WIFEXITED(status) && WEXITSTATUS(status) == 0;
	char *memory = NULL;

	if (!well)
		loader_notice(loader, child->late ? AV_NOTICE_LOG_WARNING : AV_NOTICE_LOG_ERROR, "scan process %d %s%s, after %llu scans",
		              (int)child->pid, why(loader, child, status, &memory),
		              atomic_load(&child->slot->began_ms) > 0 ? " while it scanned" : "", (unsigned long long)scans);
	talloc_free(memory);
	child->pid = 0;
	child->deaths = scans > 0 ? 0 : child->deaths + 1;
	child->due_ms = now_ms + backoff_ms(child->deaths);
}

void loader_reap(struct loader *loader, int64_t now_ms)
{
	struct signalfd_siginfo signal;
	int status;
	pid_t pid;

	while (read(loader->signals, &signal, sizeof signal) > 0)
		continue;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (unsigned i = 0; i < loader->count; i++)
			if (loader->children[i].pid == pid)
				note_end(loader, &loader->children[i], status, now_ms);
}

/* Milliseconds until its scan is late. A job that begins right after this look is due later than a whole timeout from now. */
static int64_t left_ms(const struct loader *loader, const struct child *child, int64_t now_ms)
{
	int64_t began_ms = atomic_load(&child->slot->began_ms);

	if (child->pid <= 0 || child->late || began_ms <= 0 || began_ms > now_ms)
		return loader->settings->timeout_ms;
	return began_ms + loader->settings->timeout_ms - now_ms;
}

void loader_kill_late(struct loader *loader, int64_t now_ms)
{
	for (unsigned i = 0; i < loader->count; i++) {
		struct child *child = &loader->children[i];

		if (left_ms(loader, child, now_ms) > 0)
			continue;
		child->late = true;
		(void)kill(child->pid, SIGKILL); /* it is ours, and not reaped yet */
	}
}

void loader_tell_to_end(struct loader *loader)
{
	for (unsigned i = 0; i < loader->count; i++)
		if (loader->children[i].pid > 0)
			(void)kill(loader->children[i].pid, SIGTERM); /* it is ours, and not reaped yet */
}

int64_t loader_children_wait_ms(const struct loader *loader, int64_t now_ms)
{
	int64_t wait = loader->settings->timeout_ms;

	for (unsigned i = 0; i < loader->count; i++) {
		const struct child *child = &loader->children[i];
		int64_t left = child->pid > 0 ? left_ms(loader, child, now_ms) : child->due_ms - now_ms;

		wait = left < wait ? left : wait;
	}
	return wait;
}

bool loader_has_children(const struct loader *loader)
{
	for (unsigned i = 0; i < loader->count; i++)
		if (loader->children[i].pid > 0)
			return true;
	return false;
}
