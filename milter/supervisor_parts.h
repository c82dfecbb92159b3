/* What the files of the supervisor share: supervisor.c (life), supervisor_reload.c (another configuration), supervisor_status.c
 * (what it tells). */
#ifndef MILTER_SUPERVISOR_PARTS_H
#define MILTER_SUPERVISOR_PARTS_H

#include "milter/generation.h"
#include "milter/poll_set.h"
#include "milter/queue.h"
#include "milter/scanner.h"
#include "milter/shared.h"
#include "milter/sockets.h"
#include "milter/status_server.h"
#include "milter/supervisor.h"
#include "milter/tally.h"

#include <signal.h>

/* A new configuration: read -> looked at in a child -> its sockets opened -> its workers started -> in force. */
enum reload_step { RELOAD_NONE, RELOAD_VETTING, RELOAD_STARTING };

struct reload {
	enum reload_step step;
	bool again;                /* asked for while another is under way */
	unsigned number;           /* of the one under way, or of the last */
	struct configuration *configuration;
	pid_t pid;                 /* of the child that looks at it; -1: none */
	int control;               /* its end of file is no message of its own: its exit counts */
	bool vetted;               /* it said that all is well */
	int64_t end_by_ms;
	struct generation *generation; /* whose workers start */
	char *errors;              /* lines; NULL: none */
};

struct supervisor {
	const struct supervisor_params *params;
	struct sockets *sockets;
	struct queue queue;        /* ends -1: no listener has scanned with it yet */
	struct shared_rows rows;
	struct tally *tally;
	struct scanner *scanner;
	struct status_server *status;  /* NULL: none */
	struct status_server *former_status; /* of the configuration before, until those who wait there for the reload are answered; else NULL */
	char *scanner_program;     /* NULL: not looked for, or not found */
	struct generation *generation; /* in force */
	struct generation *draining;
	struct reload reload;
	struct poll_set polled;
	int signals;
	sigset_t former_mask;
	bool child_ended;          /* SIGCHLD came: to be looked at when no handler runs */
	int64_t since_ms;
	bool announced;            /* READY=1 was sent */
	char *told;                /* the last STATUS= for systemd */
	bool stopping, killed;
	int64_t stop_by_ms;
	int code;
};

/* Ask for a reload, whose number is one above the last; one that is under way is finished first. */
void reload_ask(struct supervisor *supervisor, int64_t now_ms);

/* Go on where possible. Returns the time until this must be called again, in ms; -1: nothing waits. */
int reload_tick(struct supervisor *supervisor, int64_t now_ms);
void reload_watch(struct supervisor *supervisor, struct poll_set *set);
void reload_reap(struct supervisor *supervisor, int64_t now_ms);

/* Forget it: the daemon stops. */
void reload_abandon(struct supervisor *supervisor, int64_t now_ms);

/* Does it scan with a scanner of our own: have queue and program. Errors are a line each, appended to *errors. Returns an exit code. */
int supervisor_prepare_scanner(struct supervisor *supervisor, const struct conf *conf, char **errors);

/* Say to systemd how things stand, when that has changed. */
void supervisor_tell(struct supervisor *supervisor);

/* The status socket that the configuration in force wants. Without one the daemon serves all the same. */
void supervisor_open_status(struct supervisor *supervisor);
void supervisor_answer_reload(struct supervisor *supervisor, bool good);

/* Another generation is told to drain. */
void supervisor_retire(struct supervisor *supervisor, struct generation *generation, int64_t now_ms);

#endif
