/*
 * Loading takes seconds to minutes, in a thread of its own: the first one listens whether it is still wanted, and keeps
 * its priority, since a lowered one could not be raised again without privileges (fork() copies that of the caller).
 */
#include "av/loader_part.h"

#include "av/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <talloc.h>
#include <unistd.h>

#define PROGRESS_MS 500
#define LOW_PRIORITY 19

struct load {
	struct av_engine_settings settings;
	bool beside;
	_Atomic unsigned percent;
	int done[2];      /* a pipe, closed when it is over */
	int r;
	struct av_engine *engine;
	char *error;      /* malloc()ed */
};

static void note_percent(void *arg, unsigned percent)
{
	struct load *load = arg;

	atomic_store(&load->percent, percent);
}

/* On Linux both are a thread's own. Without them it loads all the same. */
static void lower_priority(void)
{
	const struct sched_param none = { 0 };

	(void)setpriority(PRIO_PROCESS, 0, LOW_PRIORITY);
	(void)sched_setscheduler(0, SCHED_BATCH, &none);
}

static void *run(void *arg)
{
	struct load *load = arg;

	if (load->beside)
		lower_priority();
	load->r = av_engine_load(&load->settings, note_percent, load, &load->engine, &load->error);
	close(load->done[1]);
	return NULL;
}

/* Returns 0 when it is over, 1 when told to end. */
static int wait_for(struct loader *loader, struct load *load)
{
	struct pollfd polled[] = { { .fd = load->done[0], .events = POLLIN }, { .fd = loader->settings->control, .events = POLLIN } };
	unsigned told = 0, percent;

	loader_notice(loader, AV_NOTICE_PROGRESS, "loading: 0 %%");
	for (;;) {
		(void)poll(polled, 2, PROGRESS_MS); /* a failure is a shorter wait */
		if (polled[0].revents)
			return 0;
		if (polled[1].revents)
			return 1;
		percent = atomic_load(&load->percent);
		if (percent != told)
			loader_notice(loader, AV_NOTICE_PROGRESS, "loading: %u %%", percent);
		told = percent;
	}
}

/* Takes the result over. Returns 0 or a negative errno with loader->error. */
static int finish(struct loader *loader, struct load *load)
{
	loader->engine = load->engine;
	if (load->r < 0)
		loader->error = talloc_strdup(loader, load->error ? load->error : strerror(-load->r));
	loader->database_at_fault = load->r < 0 && load->r != -ENOMEM;
	free(load->error);
	close(load->done[0]);
	return load->r;
}

/* The signature of the proof lies in the room of the proof, which is the current directory meanwhile. */
static int prepare(struct loader *loader, struct load *load)
{
	int r = av_room_enter(loader->rooms, loader->count);

	if (r == 0)
		r = av_proof_new(&loader->proof);
	if (r < 0) {
		loader->error = talloc_asprintf(loader, "wanted to write a signature for the self-test, got \"%s\"", strerror(-r));
		return r;
	}
	load->settings = loader->settings->engine;
	load->settings.proof = AV_PROOF_FILE;
	load->beside = loader->settings->beside;
	return pipe2(load->done, O_CLOEXEC) < 0 ? -errno : 0;
}

/* With `load` left to a thread that goes on, it is nobody's child. */
static int run_thread(struct loader *loader, struct load *load)
{
	pthread_t thread;
	int r = pthread_create(&thread, NULL, run, load);

	if (r)
		return -r;
	if (wait_for(loader, load) == 1)
		return 1;
	r = pthread_join(thread, NULL);
	return r ? -r : finish(loader, load);
}

int loader_load(struct loader *loader)
{
	struct load *load = talloc_zero(NULL, struct load);
	uint64_t before = av_memory_resident(), after;
	int64_t began_ms = av_now_ms();
	int r;

	if (!load)
		return -ENOMEM;
	r = prepare(loader, load);
	if (r == 0)
		r = run_thread(loader, load);
	if (r == 1)
		return 1;
	talloc_free(load);
	after = av_memory_resident();
	loader->engine_octets = after > before ? after - before : 0;
	loader->load_ms = (unsigned)(av_now_ms() - began_ms);
	return r == 0 && chdir("/") < 0 ? -errno : r;
}
