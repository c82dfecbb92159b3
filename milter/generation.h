/*
 * The workers that were started with one configuration. A reload makes another generation beside this one; when all of that
 * are ready, this one is told to drain.
 */
#ifndef MILTER_GENERATION_H
#define MILTER_GENERATION_H

#include "milter/child.h"
#include "milter/configuration.h"
#include "milter/poll_set.h"
#include "milter/shared.h"
#include "milter/tally.h"

#include <stdint.h>
#include <sys/types.h>

/* A worker that is not ready after this is killed; loading keys and starting a resolver takes milliseconds. */
#define GENERATION_READY_MS 30000
/* A worker that served this long was well: its death counts as a first one. */
#define GENERATION_STABLE_MS 10000
/* A first death is answered at once. From the second in a row on, each next wait is twice as long. */
#define GENERATION_BACKOFF_FIRST_MS 100
#define GENERATION_BACKOFF_MAX_MS 30000

#define GENERATION_WORKERS_PER_CPU_MAX 4 /* `workers = 0`: one per CPU, at most so many */

enum slot_state {
	SLOT_DOWN,     /* no process; to be started at `due` */
	SLOT_STARTING, /* ready wanted before `due` */
	SLOT_READY,
	SLOT_DRAINING, /* told to end; not started again */
	SLOT_ENDED,
};

/* The place of one worker: its processes come and go. */
struct slot {
	struct generation *generation;
	const struct conf_listener *listener;
	int socket;        /* the shared one */
	unsigned row;      /* of struct shared: of this slot as long as the generation lives */
	enum slot_state state;
	pid_t pid;
	int control;       /* our end; -1: none */
	int64_t since_ms;  /* when its state began */
	int64_t due_ms;
	unsigned deaths;   /* in a row */
	unsigned restarts; /* in all */
	char *error;       /* what its last process said about why it could not start */
};

struct generation {
	unsigned number;
	const char *program;
	struct configuration *configuration; /* its own child */
	int jobs;              /* sending end of the job queue; -1: none */
	struct shared_rows *rows;
	struct tally *tally;   /* where the counts of dead workers go */
	int64_t end_by_ms;     /* of one that drains: when it is killed */
	struct generation *next; /* of those that drain */
	struct slot *slots;
	size_t count;
	bool was_ready;        /* all were ready once */
	int fault;             /* EX_CONFIG of a worker before that; else 0 */
	char *fault_text;      /* what it said; NULL: nothing */
};

/* Prepare the slots; starts nothing. The caller fills in program and jobs.
 *   configuration  parsed; moves to the generation on success
 *   sockets  one per listener of conf, in its order; they stay the caller's
 *   rows     each slot takes one, until the generation is freed
 *   ret      a talloc child of mem. Returns 0, -ENOSPC without enough rows, or -ENOMEM. */
int generation_new(void *mem, unsigned number, struct configuration *configuration, const int *sockets, struct shared_rows *rows,
                   struct tally *tally, struct generation **ret);

/* Start what is due, kill what is late. Returns the time until this must be called again, in ms; -1: nothing waits. */
int generation_tick(struct generation *generation, int64_t now_ms);

/* Take what workers say. */
void generation_watch(struct generation *generation, struct poll_set *set);

/* Note the deaths of its processes (after SIGCHLD). */
void generation_reap(struct generation *generation, int64_t now_ms);

bool generation_is_ready(const struct generation *generation);
bool generation_has_ended(const struct generation *generation);

/* Tell all workers to finish and start none again; or end them at once. */
void generation_drain(struct generation *generation, int64_t now_ms);
void generation_kill(struct generation *generation);

#endif
