/*
 * The scanner as the supervisor sees it: one loader process (postern-scanner) that serves the job queue, a second one beside it
 * while a changed database or configuration is loaded, and those that finish their last scans. Never do two load at a time.
 *
 *     serving    loads, then takes jobs; started again when it dies. Nothing waits for it: mail does so in the queue
 *     coming     loads beside it; when it is ready the serving one leaves and it takes the place; when it fails, that stays
 *     leaving    told to end
 */
#ifndef MILTER_SCANNER_H
#define MILTER_SCANNER_H

#include "milter/configuration.h"
#include "milter/control.h"
#include "milter/poll_set.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* The largest databases load within a minute or two, at low priority on a busy host in ten. */
#define SCANNER_LOAD_MS (30 * 60 * 1000)
#define SCANNER_STABLE_MS 10000          /* as GENERATION_STABLE_MS */
#define SCANNER_BACKOFF_FIRST_MS 100     /* after the second death in a row; doubled after each further one */
#define SCANNER_BACKOFF_MAX_MS 30000
#define SCANNER_COMING_TRIES 3           /* for one change: a loader that dies while loading will not do better for ever */
#define SCANNER_LEAVE_MARGIN_MS 5000     /* beyond av.timeout, in which scans in hand end */

enum loader_state {
	LOADER_DOWN,    /* no process; to be started at `due` */
	LOADER_LOADING,
	LOADER_READY,
	LOADER_BROKEN,  /* said FAILED: waits for a better database, then ends */
	LOADER_LEAVING,
	LOADER_ENDED,
};

/* "loading", ... */
const char *loader_state_text(enum loader_state state);

struct loader {
	struct scanner *scanner;
	struct loader *next;        /* of those that leave */
	enum loader_state state;
	pid_t pid;                  /* -1: none */
	int control;                /* -1: none */
	int64_t since_ms, due_ms;
	unsigned deaths;            /* in a row */
	char *facts;                /* of READY; NULL: none yet */
	char *progress;             /* what it last said of loading; NULL: nothing */
	char *children;             /* process ids, blanks between; NULL: none */
	char *error;                /* of FAILED; NULL: none */
};

struct scanner {
	char *program;              /* a copy of our own: the caller may look for it anew */
	int jobs;                   /* receiving end of the queue; the caller's */
	int configuration;          /* a descriptor of our own; -1: no scanner is wanted */
	char *file;                 /* the configuration's name */
	unsigned leave_ms;          /* how long a leaving one may take */
	bool sequential;            /* av.reload = sequential */
	struct loader *serving;     /* NULL: none wanted, or the former one must leave first */
	struct loader *coming;      /* NULL: none */
	struct loader *leaving;
	bool again;                 /* a change came while another was loaded */
	unsigned restarts;          /* deaths of a serving one that nobody asked for */
	bool stopping;
};

/* Nothing runs before scanner_want().
 *   ret  a talloc child of mem. Returns 0 or -ENOMEM. */
int scanner_new(void *mem, struct scanner **ret);

/* From now on scan with this configuration: what runs makes way for a new one, beside it when it can. NULL: no scanner.
 *   program, jobs  used from the next start on
 * Returns 0 or a negative errno; then nothing has changed. */
int scanner_want(struct scanner *scanner, const char *program, int jobs, const struct configuration *configuration, int64_t now_ms);

/* Start what is due, kill what is late. Returns the time until this must be called again, in ms; -1: nothing waits. */
int scanner_tick(struct scanner *scanner, int64_t now_ms);

void scanner_watch(struct scanner *scanner, struct poll_set *set);

/* Note the deaths of its processes (after SIGCHLD). */
void scanner_reap(struct scanner *scanner, int64_t now_ms);

/* Tell all to finish and start none again; or end them at once. */
void scanner_stop(struct scanner *scanner, int64_t now_ms);
void scanner_kill(struct scanner *scanner);
bool scanner_has_ended(const struct scanner *scanner);

/* One line for people: "ready: ClamAV 1.4.6, ...", "loading: 45 %". "" without a scanner. Never NULL; valid until the next call of
 * any function above. */
const char *scanner_text(const struct scanner *scanner);

#endif
