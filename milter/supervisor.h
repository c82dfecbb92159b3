/*
 * The process that owns the listening sockets and keeps workers behind them. It handles no mail, reads no key and
 * parses nothing that comes from outside.
 */
#ifndef MILTER_SUPERVISOR_H
#define MILTER_SUPERVISOR_H

#include "conf/conf.h"

/* Beyond drain-timeout, after which workers end by themselves. */
#define SUPERVISOR_STOP_MARGIN_MS 2000

/* To bind a socket that is in use at start: together with SOCKETS_PAUSE_MS longer than the 5 s for which libmilter's poll()
 * holds a socket while sessions are open. */
#define SUPERVISOR_BIND_TRIES 13

/* Of a reload. Reading a configuration takes milliseconds, loading ten thousand keys seconds. */
#define SUPERVISOR_VET_MS 10000
#define SUPERVISOR_WORKERS_MS 60000
#define SUPERVISOR_ERRORS_MAX 100000 /* octets of its errors, which are told to whoever asked */

struct supervisor_params {
	const struct conf *conf;
	const char *text;    /* the octets that conf was parsed from: every worker gets these */
	size_t n;
	const char *file;    /* the configuration's name, for errors */
	const char *program; /* what workers execute: child.h */
	bool from_file;      /* a reload reads `file` anew; else it starts new workers with the same text */
};

/* Open the sockets, start the workers and the scanner, restart those that die, until told to stop; single-threaded.
 *   SIGTERM, SIGINT  the sockets close, workers finish their messages (at most drain-timeout), then it returns; a second one ends all at once
 *   SIGHUP           the configuration is read anew: when nothing is wrong with it, new workers take over, and the old ones finish
 * systemd is told when all workers are ready (the scanner may load longer), when they are replaced, and when they stop. Returns an exit code: EX_OK; EX_CONFIG when a worker
 * says at first start that the configuration cannot work; EX_UNAVAILABLE without a socket; EX_TEMPFAIL when workers
 * had to be killed; EX_OSERR. The reason is in the log. */
int supervisor_run(const struct supervisor_params *params);

#endif
