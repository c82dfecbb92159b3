/*
 * The loader: a process that holds the compiled engine, forks scan children from it (copy-on-write), watches the
 * database, and kills what runs late. Single-threaded. It scans nothing itself.
 *
 *     load -> make room (temporary file systems) -> drop privileges -> self-test in a child -> fork children -> watch
 *
 * Whom it talks to is the caller's matter: av_loader_notify says what happened, av_loader_run() ends when told.
 */
#ifndef AV_LOADER_H
#define AV_LOADER_H

#include "av/inspect.h"

enum av_notice {
	AV_NOTICE_PROGRESS,  /* "loading: 45 %" */
	AV_NOTICE_READY,     /* self-test passed, children take jobs: "ClamAV 1.4.6, database 27500, 8700000 signatures, 5200 ms" */
	AV_NOTICE_CHANGED,   /* another database lies there: "concurrent" or "sequential", then why */
	AV_NOTICE_LOG_ERROR, /* for the administrator's log: a child was killed, a piece of the sandbox is missing, ... */
	AV_NOTICE_LOG_WARNING,
	AV_NOTICE_LOG_INFO,
	AV_NOTICE_CHILDREN,  /* process ids of the children, for `postern status`: "123 124" */
};

struct av_loader_settings {
	struct av_engine_settings engine;
	struct av_inspect_settings inspect;
	unsigned scanners;           /* children; 0: one per CPU, at most 8 */
	unsigned recycle;
	unsigned timeout_ms;         /* wall clock of one scan */
	size_t temp_size;
	const char *user;            /* to become when started as root */
	bool sequential, concurrent; /* reload; neither: see for yourself */
	unsigned reload_delay_ms;
	int jobs;                    /* receiving end of the job queue */
	int control;                 /* readable, or at its end: finish the scans in hand and return */
	void (*notify)(void *arg, enum av_notice notice, const char *text);
	void *arg;
};

/* Returns 0 when told to end; -EINVAL or -ENOENT for a database that cannot be loaded or does not prove itself, or another negative
 * errno, with *ret_error as in av_engine_load(). Children have ended when it returns. */
int av_loader_run(const struct av_loader_settings *settings, char **ret_error);

#endif
