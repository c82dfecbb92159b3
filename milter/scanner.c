#include "milter/scanner.h"

#include "dkim/clock.h"
#include "milter/loader.h"
#include "milter/log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <talloc.h>
#include <unistd.h>

static int scanner_destructor(struct scanner *scanner)
{
	if (scanner->configuration >= 0)
		close(scanner->configuration);
	return 0;
}

int scanner_new(void *mem, struct scanner **ret)
{
	struct scanner *scanner = talloc_zero(mem, struct scanner);

	if (!scanner)
		return -ENOMEM;
	scanner->jobs = scanner->configuration = -1;
	talloc_set_destructor(scanner, scanner_destructor);
	*ret = scanner;
	return 0;
}

/* From a place to those that leave. One that serves nobody yet has nothing to finish. */
static void dismiss(struct scanner *scanner, struct loader **place, int64_t now_ms)
{
	struct loader *loader = *place;

	*place = NULL;
	if (!loader)
		return;
	if (loader->state == LOADER_LOADING)
		loader_kill(loader);
	loader_leave(loader, now_ms);
	loader->next = scanner->leaving;
	scanner->leaving = loader;
}

/* Beside the serving one, if that is worth waiting beside. Without memory the old one goes on; the next change tries again. */
static void replace(struct scanner *scanner, bool sequential, int64_t now_ms)
{
	if (sequential || !scanner->serving || scanner->serving->state != LOADER_READY) {
		dismiss(scanner, &scanner->coming, now_ms);
		dismiss(scanner, &scanner->serving, now_ms); /* scanner_tick() starts the next one when it has left */
		return;
	}
	if (scanner->coming) {
		scanner->again = true;
		return;
	}
	scanner->again = false;
	scanner->coming = loader_new(scanner, now_ms);
}

static int take_configuration(struct scanner *scanner, const char *own_program, const struct configuration *configuration)
{
	int fd = fcntl(configuration->fd, F_DUPFD_CLOEXEC, 0);
	char *file = talloc_strdup(scanner, configuration->file), *program = talloc_strdup(scanner, own_program);

	if (fd < 0 || !file || !program) {
		talloc_free(file);
		talloc_free(program);
		if (fd >= 0)
			close(fd);
		return -ENOMEM;
	}
	if (scanner->configuration >= 0)
		close(scanner->configuration);
	talloc_free(scanner->file);
	talloc_free(scanner->program);
	scanner->program = program;
	scanner->configuration = fd;
	scanner->file = file;
	scanner->leave_ms = configuration->conf->av.timeout_ms + SCANNER_LEAVE_MARGIN_MS;
	scanner->sequential = configuration->conf->av.reload == CONF_RELOAD_SEQUENTIAL;
	return 0;
}

int scanner_want(struct scanner *scanner, const char *program, int jobs, const struct configuration *configuration, int64_t now_ms)
{
	if (!configuration) {
		if (scanner->configuration >= 0)
			close(scanner->configuration);
		scanner->configuration = -1;
		dismiss(scanner, &scanner->coming, now_ms);
		dismiss(scanner, &scanner->serving, now_ms);
		return 0;
	}
	if (take_configuration(scanner, program, configuration) < 0)
		return -ENOMEM;
	scanner->jobs = jobs;
	dismiss(scanner, &scanner->coming, now_ms); /* it would come with the former options */
	if (scanner->serving)
		replace(scanner, scanner->sequential, now_ms);
	return 0;
}

static void changed(struct scanner *scanner, const char *how, int64_t now_ms)
{
	replace(scanner, strncmp(how, "sequential", strlen("sequential")) == 0, now_ms);
}

/* The new one stands: the old one leaves. What changed while it was loading it sees for itself. */
static void take_over(struct scanner *scanner, int64_t now_ms)
{
	dismiss(scanner, &scanner->serving, now_ms);
	scanner->serving = scanner->coming;
	scanner->coming = NULL;
	scanner->again = false;
}

/* The old one goes on, and says no more of this state of the database. */
static void give_up(struct scanner *scanner, int64_t now_ms)
{
	log_text(CONF_LOG_ERROR, "scanner-kept", "the new scanner is not used%s%s; the one before it goes on", scanner->coming->error ? ": " : "",
	         scanner->coming->error ? scanner->coming->error : "");
	dismiss(scanner, &scanner->coming, now_ms);
	if (scanner->again)
		replace(scanner, false, now_ms);
}

static void on_message(void *arg)
{
	struct loader *loader = arg;
	struct scanner *scanner = loader->scanner;
	struct control_message message;
	int64_t now_ms = clock_monotonic_ms();

	while (loader_receive(loader, &message, now_ms) == 1) {
		if (message.kind == CONTROL_CHANGED && loader == scanner->serving)
			changed(scanner, message.text, now_ms);
		else if (message.kind == CONTROL_READY && loader == scanner->coming)
			take_over(scanner, now_ms);
		else if (message.kind == CONTROL_FAILED && loader == scanner->coming)
			give_up(scanner, now_ms);
	}
}

void scanner_watch(struct scanner *scanner, struct poll_set *set)
{
	if (scanner->serving)
		poll_set_add(set, scanner->serving->control, POLLIN, on_message, scanner->serving);
	if (scanner->coming)
		poll_set_add(set, scanner->coming->control, POLLIN, on_message, scanner->coming);
	for (struct loader *loader = scanner->leaving; loader; loader = loader->next)
		poll_set_add(set, loader->control, POLLIN, on_message, loader);
}

static void free_ended(struct scanner *scanner)
{
	struct loader **place = &scanner->leaving, *loader;

	while ((loader = *place)) {
		if (loader->state != LOADER_ENDED) {
			place = &loader->next;
			continue;
		}
		*place = loader->next;
		talloc_free(loader);
	}
}

/* Returns the time until it is due, in ms; -1: never. */
static int tick(struct scanner *scanner, struct loader *loader, int64_t now_ms)
{
	if (loader->state == LOADER_DOWN && loader->due_ms <= now_ms)
		loader_start(loader, loader == scanner->coming, now_ms);
	if ((loader->state == LOADER_LOADING || loader->state == LOADER_LEAVING) && loader->due_ms <= now_ms) {
		log_text(CONF_LOG_ERROR, "scanner-late", "wanted scanner %d to be %s by now; killed", (int)loader->pid,
		         loader->state == LOADER_LOADING ? "ready" : "gone");
		loader_kill(loader);
		loader->due_ms = now_ms + SCANNER_BACKOFF_MAX_MS; /* it is reaped long before */
	}
	if (loader->state != LOADER_DOWN && loader->state != LOADER_LOADING && loader->state != LOADER_LEAVING)
		return -1;
	return (int)(loader->due_ms - now_ms);
}

static int earlier(int a, int b)
{
	return a < 0 || (b >= 0 && b < a) ? b : a;
}

int scanner_tick(struct scanner *scanner, int64_t now_ms)
{
	int next = -1;

	free_ended(scanner);
	if (scanner->configuration >= 0 && !scanner->stopping && !scanner->serving && !scanner->leaving)
		scanner->serving = loader_new(scanner, now_ms); /* without memory: at the next event */
	if (scanner->serving)
		next = tick(scanner, scanner->serving, now_ms);
	if (scanner->coming)
		next = earlier(next, tick(scanner, scanner->coming, now_ms));
	for (struct loader *loader = scanner->leaving; loader; loader = loader->next)
		next = earlier(next, tick(scanner, loader, now_ms));
	return next;
}

static void serving_died(struct scanner *scanner)
{
	scanner->restarts++;
	if (!scanner->coming)
		return;
	talloc_free(scanner->serving); /* the next one is on its way already */
	scanner->serving = scanner->coming;
	scanner->coming = NULL;
}

void scanner_reap(struct scanner *scanner, int64_t now_ms)
{
	for (struct loader *loader = scanner->leaving; loader; loader = loader->next)
		(void)loader_reap(loader, now_ms);
	if (scanner->coming && loader_reap(scanner->coming, now_ms) && scanner->coming->deaths >= SCANNER_COMING_TRIES)
		give_up(scanner, now_ms);
	if (scanner->serving && loader_reap(scanner->serving, now_ms))
		serving_died(scanner);
}

void scanner_stop(struct scanner *scanner, int64_t now_ms)
{
	scanner->stopping = true;
	dismiss(scanner, &scanner->coming, now_ms);
	dismiss(scanner, &scanner->serving, now_ms);
}

void scanner_kill(struct scanner *scanner)
{
	if (scanner->serving)
		loader_kill(scanner->serving);
	if (scanner->coming)
		loader_kill(scanner->coming);
	for (struct loader *loader = scanner->leaving; loader; loader = loader->next)
		loader_kill(loader);
}

bool scanner_has_ended(const struct scanner *scanner)
{
	for (const struct loader *loader = scanner->leaving; loader; loader = loader->next)
		if (loader->state != LOADER_ENDED)
			return false;
	return !scanner->serving && !scanner->coming;
}

static const char *loader_text(const struct loader *loader)
{
	if (loader->state == LOADER_READY && loader->facts)
		return loader->facts;
	if (loader->state == LOADER_BROKEN && loader->error)
		return loader->error;
	return loader->progress ? loader->progress : loader_state_text(loader->state);
}

const char *scanner_text(const struct scanner *scanner)
{
	if (scanner->coming && scanner->coming->progress)
		return scanner->coming->progress;
	if (scanner->serving)
		return loader_text(scanner->serving);
	return scanner->configuration >= 0 ? "waiting for the former one to leave" : "";
}
