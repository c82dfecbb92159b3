#include "av/loader_part.h"

#include "av/memory.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/signalfd.h>
#include <talloc.h>
#include <unistd.h>

#define MEGABYTE ((uint64_t)1024 * 1024)

void loader_notice(struct loader *loader, enum av_notice notice, const char *format, ...)
{
	va_list arguments;
	char *text;

	va_start(arguments, format);
	text = talloc_vasprintf(loader, format, arguments);
	va_end(arguments);
	loader->settings->notify(loader->settings->arg, notice, text ? text : "memory is out");
	talloc_free(text);
}

static unsigned child_count(const struct av_loader_settings *settings)
{
	cpu_set_t cpus;
	int n;

	if (settings->scanners)
		return settings->scanners;
	n = sched_getaffinity(0, sizeof cpus, &cpus) < 0 ? 1 : CPU_COUNT(&cpus);
	return n < AV_SCANNERS_PER_CPU_MAX ? (unsigned)n : AV_SCANNERS_PER_CPU_MAX;
}

static int take_signals(struct loader *loader)
{
	sigset_t mask;

	if (sigemptyset(&mask) < 0 || sigaddset(&mask, SIGCHLD) < 0 || sigprocmask(SIG_BLOCK, &mask, NULL) < 0)
		return -errno;
	loader->signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	return loader->signals < 0 ? -errno : 0;
}

/* The network is closed by seccomp anyway; this is the second lock on it, which root alone can have. */
static void leave_network(struct loader *loader)
{
	int r = loader->user.change ? av_leave_network() : 0;

	if (r < 0)
		loader_notice(loader, AV_NOTICE_LOG_INFO, "sandbox: wanted a network namespace without a network, got \"%s\"", strerror(-r));
}

static int make_rooms(struct loader *loader)
{
	int r = av_rooms_make(loader->rooms, av_rooms_base());

	if (r < 0)
		loader->error = talloc_strdup(loader, loader->rooms->why);
	else
		loader_notice(loader, AV_NOTICE_LOG_WARNING, "sandbox: %s: temporary files go to %s, and temp-size is no limit for all of them "
		              "together", loader->rooms->why, loader->rooms->path);
	return r;
}

/* From who started us to who scans. */
static int settle(struct loader *loader)
{
	const struct av_loader_settings *settings = loader->settings;
	int r, mounted = 0;

	r = av_user_find(loader, settings->user, &loader->user, &loader->error);
	if (r == 0)
		mounted = av_rooms_mount(loader, loader->count + 1, settings->temp_size, loader->user.uid, loader->user.gid, &loader->rooms);
	if (r < 0 || mounted < 0)
		return r < 0 ? r : mounted;
	leave_network(loader);
	r = av_become(loader, &loader->user, &loader->error);
	return r < 0 || mounted == 0 ? r : make_rooms(loader);
}

/* One arena: children allocate in one thread, and blocks that lie together are shared longer. Another malloc() (that of a
 * sanitizer, say) does not know the option, and is no worse for it. */
static int prepare(struct loader *loader)
{
	const struct av_loader_settings *settings = loader->settings;
	int r;

	(void)mallopt(M_ARENA_MAX, 1);
	if ((r = take_signals(loader)) < 0 || (r = settle(loader)) < 0 || (r = loader_children_new(loader)) < 0)
		return r;
	r = av_watch_new(loader, settings->engine.database, settings->reload_delay_ms, &loader->watch);
	if (r < 0)
		return r;
	if (av_watch_fd(loader->watch) < 0)
		loader_notice(loader, AV_NOTICE_LOG_INFO, "%s is looked at every %d s: no notification of changes", settings->engine.database,
		              AV_WATCH_POLL_MS / 1000);
	loader->loaded = *av_watch_known(loader->watch);
	return av_inspect_begin();
}

static void tell_ready(struct loader *loader)
{
	struct av_facts facts;

	av_engine_facts(loader->engine, &facts);
	loader_notice(loader, AV_NOTICE_READY, "ClamAV %s, database %u, %llu signatures, loaded in %u ms", facts.engine,
	              (unsigned)facts.database, (unsigned long long)facts.signatures, loader->load_ms);
}

/* A second engine beside this one while it loads, or this one out of the way first? */
static void tell_change(struct loader *loader)
{
	const struct av_loader_settings *settings = loader->settings;
	uint64_t engine = av_memory_scale(loader->engine_octets, &loader->loaded, av_watch_known(loader->watch));
	uint64_t available = av_memory_available();
	bool concurrent = settings->concurrent || (!settings->sequential && av_memory_suffices(engine, available));

	if (settings->concurrent || settings->sequential)
		loader_notice(loader, AV_NOTICE_CHANGED, "%s as configured", concurrent ? "concurrent" : "sequential");
	else
		loader_notice(loader, AV_NOTICE_CHANGED, "%s because an engine takes about %llu MB and %llu MB are available",
		              concurrent ? "concurrent" : "sequential", (unsigned long long)(engine / MEGABYTE),
		              (unsigned long long)(available / MEGABYTE));
}

static int min_wait(int64_t a, int64_t b)
{
	int64_t wait = a < b ? a : b;

	return wait < 0 ? 0 : wait > INT32_MAX ? INT32_MAX : (int)wait;
}

/* Returns true when told to end. */
static bool wait_for_events(const struct loader *loader, int timeout_ms)
{
	struct pollfd polled[] = {
		{ .fd = loader->ending ? -1 : loader->settings->control, .events = POLLIN },
		{ .fd = loader->signals, .events = POLLIN },
		{ .fd = loader->ending ? -1 : av_watch_fd(loader->watch), .events = POLLIN },
	};

	return poll(polled, sizeof polled / sizeof *polled, timeout_ms) > 0 && polled[0].revents;
}

/* Until told to end. */
static void serve(struct loader *loader)
{
	int64_t watch_ms = 0, now_ms;

	while (!loader->ending) {
		now_ms = av_now_ms();
		loader_reap(loader, now_ms);
		loader_kill_late(loader, now_ms);
		loader_start_due(loader, now_ms);
		if (av_watch_look(loader->watch, now_ms, &watch_ms))
			tell_change(loader);
		loader->ending = wait_for_events(loader, min_wait(watch_ms, loader_children_wait_ms(loader, now_ms)));
	}
}

static void end_children(struct loader *loader)
{
	while (loader_has_children(loader)) {
		loader_tell_to_end(loader);
		(void)wait_for_events(loader, LOADER_END_AGAIN_MS);
		loader_kill_late(loader, av_now_ms());
		loader_reap(loader, av_now_ms());
	}
}

/* The same files would fail again. */
static void wait_for_change(struct loader *loader)
{
	int64_t wait_ms = 0;

	while (!loader->ending && !av_watch_look(loader->watch, av_now_ms(), &wait_ms))
		loader->ending = wait_for_events(loader, min_wait(wait_ms, AV_WATCH_POLL_MS));
}

static int load_and_prove(struct loader *loader)
{
	int r = loader_load(loader);

	return r == 0 ? loader_prove(loader) : r;
}

static int run(struct loader *loader)
{
	int r = prepare(loader);

	if (r == 0)
		r = load_and_prove(loader);
	if (r < 0) {
		loader_notice(loader, AV_NOTICE_FAILED, "%s", loader->error ? loader->error : strerror(-r));
		av_engine_free(loader->engine);
		loader->engine = NULL;
	}
	if (r < 0 && loader->database_at_fault) {
		wait_for_change(loader);
		return loader->ending ? 0 : -EINVAL;
	}
	if (r != 0)
		return r < 0 ? r : 0;
	loader_start_due(loader, av_now_ms());
	tell_ready(loader);
	serve(loader);
	end_children(loader);
	return 0;
}

int av_loader_run(const struct av_loader_settings *settings)
{
	struct loader *loader = talloc_zero(NULL, struct loader);
	int r;

	if (!loader)
		return -ENOMEM;
	loader->settings = settings;
	loader->count = child_count(settings);
	loader->signals = -1;
	r = run(loader);
	av_engine_free(loader->engine);
	if (loader->signals >= 0)
		close(loader->signals);
	talloc_free(loader);
	return r;
}
