/*
 * The loader: a process that holds the compiled engine, forks scan children from it (copy-on-write), watches the
 * database, and kills what runs late. It scans nothing itself, and has one thread but while it loads.
 *
 *     make room (temporary file systems) -> drop privileges -> load -> prove itself in a child -> fork children -> watch
 *
 * Whom it talks to is the caller's matter: av_loader_notify says what happened, av_loader_run() ends when told.
 */
#ifndef AV_LOADER_H
#define AV_LOADER_H

#include "av/inspect.h"

#define AV_SCANNERS_PER_CPU_MAX 8 /* `scanners = 0`: one per CPU, at most so many */

/* A scan child that did one scan at least is answered at once when it dies; so is a first one that did none. Each next wait is
 * twice as long. */
#define AV_BACKOFF_FIRST_MS 100
#define AV_BACKOFF_MAX_MS 5000

enum av_notice {
	AV_NOTICE_PROGRESS,  /* "loading: 45 %" */
	AV_NOTICE_READY,     /* proved itself, children take jobs: "ClamAV 1.4.6, database 27500, 8700000 signatures, loaded in 5200 ms" */
	AV_NOTICE_FAILED,    /* there will be no READY: why */
	AV_NOTICE_CHANGED,   /* another database lies there: "concurrent" or "sequential", then a blank and why. Once for each */
	AV_NOTICE_LOG_ERROR, /* for the administrator's log: a child was killed, a piece of the sandbox is missing, ... */
	AV_NOTICE_LOG_WARNING,
	AV_NOTICE_LOG_INFO,
	AV_NOTICE_CHILDREN,  /* process ids of the children, for `postern status`: "123 124" */
};

struct av_loader_settings {
	struct av_engine_settings engine; /* its proof is the loader's matter */
	struct av_inspect_settings inspect;
	unsigned scanners;           /* children; 0: one per CPU, at most AV_SCANNERS_PER_CPU_MAX */
	unsigned recycle;
	unsigned timeout_ms;         /* wall clock of one scan */
	size_t temp_size;
	const char *user;            /* to become when started as root */
	bool beside;                 /* an old one still scans: load with low priority */
	bool sequential, concurrent; /* reload; neither: see for yourself */
	unsigned reload_delay_ms;
	int jobs;                    /* receiving end of the job queue */
	int control;                 /* readable, or at its end: finish the scans in hand and return */
	void (*notify)(void *arg, enum av_notice notice, const char *text);
	void *arg;
};

/* Returns 0 when told to end; children have ended then. A failure is told as AV_NOTICE_FAILED. When the database is at fault
 * (missing, malformed, does not prove itself) the call lasts until its files change or it is told to end: -EINVAL, and it is worth
 * to try again at once. Other failures come back at once: -ENOMEM, -ENOENT (no such user) or another negative errno.
 * Told to end while loading, it returns with a thread still at it: the process must end then, by _exit(). */
int av_loader_run(const struct av_loader_settings *settings);

#endif
