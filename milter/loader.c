#include "milter/loader.h"

#include "milter/child.h"
#include "milter/log.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <talloc.h>
#include <unistd.h>

static const char *const state_texts[] = {
	[LOADER_DOWN] = "down",     [LOADER_LOADING] = "loading", [LOADER_READY] = "ready",
	[LOADER_BROKEN] = "broken", [LOADER_LEAVING] = "leaving", [LOADER_ENDED] = "ended",
};

const char *loader_state_text(enum loader_state state)
{
	return state_texts[state];
}

static void close_control(struct loader *loader)
{
	if (loader->control >= 0)
		close(loader->control);
	loader->control = -1;
}

static int loader_destructor(struct loader *loader)
{
	close_control(loader);
	return 0;
}

struct loader *loader_new(struct scanner *scanner, int64_t now_ms)
{
	struct loader *loader = talloc_zero(scanner, struct loader);

	if (!loader)
		return NULL;
	loader->scanner = scanner;
	loader->pid = loader->control = -1;
	loader->since_ms = loader->due_ms = now_ms;
	talloc_set_destructor(loader, loader_destructor);
	return loader;
}

void loader_set_state(struct loader *loader, enum loader_state state, int64_t now_ms, int64_t due_ms)
{
	loader->state = state;
	loader->since_ms = now_ms;
	loader->due_ms = due_ms;
}

static struct log_line *begin_line(const struct loader *loader, enum conf_log_level level, const char *event)
{
	struct log_line *line = log_begin(NULL, level, event);

	if (loader->pid > 0)
		log_number(line, "scanner", loader->pid);
	return line;
}

static void log_said(const struct loader *loader, enum conf_log_level level, const char *event, const char *text)
{
	struct log_line *line = begin_line(loader, level, event);

	log_string(line, "text", text);
	log_end(line);
}

static void schedule_restart(struct loader *loader, int64_t now_ms)
{
	int64_t wait = 0;

	loader->deaths++;
	if (loader->deaths > 1) {
		wait = SCANNER_BACKOFF_FIRST_MS;
		for (unsigned i = 2; i < loader->deaths && wait < SCANNER_BACKOFF_MAX_MS; i++)
			wait *= 2;
		if (wait > SCANNER_BACKOFF_MAX_MS)
			wait = SCANNER_BACKOFF_MAX_MS;
	}
	loader_set_state(loader, LOADER_DOWN, now_ms, now_ms + wait);
}

static void forget_texts(struct loader *loader)
{
	TALLOC_FREE(loader->facts);
	TALLOC_FREE(loader->progress);
	TALLOC_FREE(loader->children);
	TALLOC_FREE(loader->error);
}

void loader_start(struct loader *loader, bool beside, int64_t now_ms)
{
	const struct scanner *scanner = loader->scanner;
	const int inherited[CHILD_INHERITED] = { -1, scanner->configuration, scanner->jobs, -1 };
	const char *alone[] = { "postern-scanner", scanner->file, NULL };
	const char *second[] = { "postern-scanner", "--beside", scanner->file, NULL };
	int r;

	forget_texts(loader);
	r = child_start(scanner->program, (char *const *)(beside ? second : alone), inherited, &loader->pid, &loader->control);
	if (r == 0) {
		loader_set_state(loader, LOADER_LOADING, now_ms, now_ms + SCANNER_LOAD_MS);
		log_said(loader, CONF_LOG_INFO, "scanner-start", beside ? "loading beside the one that serves" : "loading");
		return;
	}
	log_text(CONF_LOG_ERROR, "scanner-start", "wanted to start %s, got \"%s\"", scanner->program, strerror(-r));
	schedule_restart(loader, now_ms);
	if (loader->due_ms == now_ms) /* the reason lies with the host: at once would be a busy loop */
		loader->due_ms += SCANNER_BACKOFF_FIRST_MS;
}

/* The text is kept for `postern status`; without memory for it, it is not shown. */
static void keep(struct loader *loader, char **place, const char *text)
{
	talloc_free(*place);
	*place = talloc_strdup(loader, text);
}

static void become_ready(struct loader *loader, const char *facts, int64_t now_ms)
{
	struct log_line *line;

	if (loader->state != LOADER_LOADING && loader->state != LOADER_BROKEN)
		return;
	line = begin_line(loader, CONF_LOG_INFO, "scanner-ready");
	log_string(line, "text", facts);
	log_number(line, "ms", now_ms - loader->since_ms);
	log_end(line);
	keep(loader, &loader->facts, facts);
	TALLOC_FREE(loader->error);
	TALLOC_FREE(loader->progress);
	loader_set_state(loader, LOADER_READY, now_ms, 0);
}

static void become_broken(struct loader *loader, const char *error, int64_t now_ms)
{
	log_said(loader, CONF_LOG_ERROR, "scanner-failed", error);
	keep(loader, &loader->error, error);
	if (loader->state == LOADER_LOADING)
		loader_set_state(loader, LOADER_BROKEN, now_ms, 0);
}

static void handle(struct loader *loader, const struct control_message *message, int64_t now_ms)
{
	switch (message->kind) {
	case CONTROL_READY:
		become_ready(loader, message->text, now_ms);
		break;
	case CONTROL_FAILED:
		become_broken(loader, message->text, now_ms);
		break;
	case CONTROL_PROGRESS:
		keep(loader, &loader->progress, message->text);
		break;
	case CONTROL_CHILDREN:
		keep(loader, &loader->children, message->text);
		break;
	case CONTROL_LOG_ERROR:
		log_said(loader, CONF_LOG_ERROR, "scanner", message->text);
		break;
	case CONTROL_LOG_WARNING:
		log_said(loader, CONF_LOG_WARNING, "scanner", message->text);
		break;
	case CONTROL_LOG_INFO:
		log_said(loader, CONF_LOG_INFO, "scanner", message->text);
		break;
	case CONTROL_CHANGED:
		log_said(loader, CONF_LOG_INFO, "database-changed", message->text);
		break;
	case CONTROL_DRAIN: /* ours to say */
		break;
	}
}

int loader_receive(struct loader *loader, struct control_message *ret, int64_t now_ms)
{
	int r;

	if (loader->control < 0)
		return 0;
	r = control_receive(loader->control, ret);
	if (r == 1) {
		handle(loader, ret, now_ms);
		return 1;
	}
	if (r != -EAGAIN)
		close_control(loader); /* it ended, or talks nonsense: closing tells it to end */
	return 0;
}

void loader_leave(struct loader *loader, int64_t now_ms)
{
	if (loader->control >= 0 && control_send(loader->control, CONTROL_DRAIN, "") < 0)
		close_control(loader); /* means the same to it */
	if (loader->pid > 0)
		loader_set_state(loader, LOADER_LEAVING, now_ms, now_ms + loader->scanner->leave_ms);
	else
		loader_set_state(loader, LOADER_ENDED, now_ms, 0);
}

void loader_kill(struct loader *loader)
{
	if (loader->pid > 0)
		(void)kill(loader->pid, SIGKILL);
}

static void log_death(const struct loader *loader, int status)
{
	bool wanted = loader->state == LOADER_LEAVING || (loader->state == LOADER_BROKEN && WIFEXITED(status) && WEXITSTATUS(status) == EX_CONFIG);
	struct log_line *line = begin_line(loader, wanted ? CONF_LOG_INFO : CONF_LOG_ERROR, wanted ? "scanner-end" : "scanner-died");

	if (WIFSIGNALED(status))
		log_string(line, "signal", strsignal(WTERMSIG(status)));
	else
		log_number(line, "exit", WEXITSTATUS(status));
	log_end(line);
}

bool loader_reap(struct loader *loader, int64_t now_ms)
{
	struct control_message message;
	int status;

	if (loader->pid <= 0 || waitpid(loader->pid, &status, WNOHANG) != loader->pid)
		return false;
	while (loader_receive(loader, &message, now_ms) == 1) /* its last words: what they ask for is over */
		;
	close_control(loader);
	log_death(loader, status);
	loader->pid = -1;
	TALLOC_FREE(loader->children);
	if (loader->state == LOADER_LEAVING) {
		loader_set_state(loader, LOADER_ENDED, now_ms, 0);
		return true;
	}
	if (loader->state != LOADER_LOADING && now_ms - loader->since_ms >= SCANNER_STABLE_MS)
		loader->deaths = 0;
	schedule_restart(loader, now_ms);
	return true;
}
