#include "milter/scan_source.h"

#include "dkim/clock.h"
#include "dkim/digest.h"
#include "milter/child.h"
#include "milter/configuration.h"
#include "milter/control.h"
#include "milter/program.h"
#include "milter/queue.h"
#include "milter/status_client.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/wait.h>
#include <talloc.h>
#include <unistd.h>

/* Its inside: scan_source comes first. */
struct source {
	struct scan_source told;
	struct queue queue;
	pid_t pid;
	int control;
};

static int source_destructor(struct source *source)
{
	int status;

	TALLOC_FREE(source->told.client);
	if (source->control >= 0)
		close(source->control); /* tells it to end */
	if (source->pid > 0)
		(void)waitpid(source->pid, &status, 0);
	queue_close(&source->queue);
	return 0;
}

static struct source *source_new(void *mem)
{
	struct source *source = talloc_zero(mem, struct source);

	if (!source)
		return NULL;
	source->told.jobs = source->pid = source->control = -1;
	source->queue = (struct queue){ -1, -1 };
	talloc_set_destructor(source, source_destructor);
	return source;
}

static int sha256(struct view octets, uint8_t ret[AV_DIGEST_OCTETS])
{
	struct dkim_digest *digest;
	int r = dkim_digest_new(NULL, &digest);

	if (r < 0)
		return r;
	r = dkim_digest_update(digest, octets);
	if (r == 0)
		r = dkim_digest_finish(digest, ret);
	talloc_free(digest);
	return r;
}

/* Accounts of our own: what the daemon's workers have in flight is theirs to count. */
static int make_client(struct source *source, const struct conf_av *conf, char **ret_error)
{
	static const char *const no_clamd[] = { NULL };
	struct av_shared *shared = talloc_zero(source, struct av_shared);
	struct av_client_params *params = talloc(source, struct av_client_params);
	int r = shared && params ? av_shared_init(shared) : -ENOMEM;

	if (r < 0)
		return r;
	*params = (struct av_client_params){
		.jobs = source->told.jobs, .kind = AV_JOB_FILE, .shared = shared, .max_size = conf->max_size, .timeout_ms = conf->timeout_ms,
		.hold_ms = conf->load_hold_ms, .queue_jobs = conf->queue_jobs, .queue_size = conf->queue_size, .clamd = no_clamd,
		.digest = sha256,
	};
	return av_client_new(source, params, &source->told.client, ret_error);
}

static int finish(void *mem, struct source *source, int r, struct scan_source **ret, char **ret_error)
{
	if (r == 0) {
		*ret = &source->told;
		return 0;
	}
	*ret_error = talloc_strdup(mem, *ret_error ? *ret_error : strerror(-r)); /* it may be the source's */
	talloc_free(source);
	return r;
}

int scan_source_daemon(void *mem, const char *path, const struct conf *conf, struct scan_source **ret, char **ret_error)
{
	struct source *source = source_new(mem);
	int r;

	*ret_error = NULL;
	if (!source)
		return -ENOMEM;
	r = status_ask(source, path, "scan", NULL, NULL, &source->queue.send, ret_error);
	if (r == 0 && source->queue.send < 0)
		r = -EBADMSG;
	source->told.jobs = source->queue.send;
	if (r == 0)
		r = make_client(source, &conf->av, ret_error);
	return finish(mem, source, r, ret, ret_error);
}

static int start(struct source *source, const char *file, const char *text, size_t n, char **ret_error)
{
	int inherited[CHILD_INHERITED] = { -1, -1, -1, -1 }, r;
	const char *argv[] = { "postern-scanner", file, NULL };
	struct configuration *configuration;
	char *own, *program;

	r = program_own(source, &own);
	if (r == 0)
		r = program_scanner(source, own, &program, ret_error);
	if (r == 0)
		r = queue_open(&source->queue);
	if (r == 0)
		r = configuration_new(source, file, text, n, &configuration);
	if (r < 0)
		return r;
	inherited[CHILD_CONFIGURATION - CHILD_SOCKET] = configuration->fd;
	inherited[CHILD_JOBS - CHILD_SOCKET] = source->queue.receive;
	source->told.jobs = source->queue.send;
	return child_start(program, (char *const *)argv, inherited, &source->pid, &source->control);
}

/* One message. Returns 1: it is ready, 0: not yet, or a negative errno. */
static int take(struct source *source, void (*progress)(const char *text), char **ret_error)
{
	struct control_message message;
	int r = control_receive(source->control, &message);

	if (r == -EAGAIN)
		return 0;
	if (r <= 0) {
		*ret_error = talloc_strdup(source, "postern-scanner ended before it was ready");
		return r < 0 ? r : -ECHILD;
	}
	if (message.kind == CONTROL_READY)
		source->told.facts = talloc_strdup(source, message.text);
	else if (message.kind == CONTROL_PROGRESS && progress)
		progress(message.text);
	else if (message.kind == CONTROL_FAILED)
		*ret_error = talloc_strdup(source, message.text);
	return message.kind == CONTROL_READY ? 1 : message.kind == CONTROL_FAILED ? -EINVAL : 0;
}

static int await(struct source *source, void (*progress)(const char *text), char **ret_error)
{
	struct pollfd polled = { .fd = source->control, .events = POLLIN };
	const int64_t end_ms = clock_monotonic_ms() + SCAN_SOURCE_LOAD_MS;
	int r = 0;

	while (r == 0 && clock_monotonic_ms() < end_ms) {
		if (poll(&polled, 1, 1000) < 0 && errno != EINTR)
			return -errno;
		r = take(source, progress, ret_error);
	}
	return r > 0 ? 0 : r < 0 ? r : -ETIMEDOUT;
}

int scan_source_own(void *mem, const char *file, const char *text, size_t n, const struct conf *conf, void (*progress)(const char *text),
                    struct scan_source **ret, char **ret_error)
{
	struct source *source = source_new(mem);
	int r;

	*ret_error = NULL;
	if (!source)
		return -ENOMEM;
	r = start(source, file, text, n, ret_error);
	if (r == 0)
		r = await(source, progress, ret_error);
	if (r == 0)
		r = make_client(source, &conf->av, ret_error);
	return finish(mem, source, r, ret, ret_error);
}
