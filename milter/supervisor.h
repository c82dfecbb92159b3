/*
 * The process that owns the listening sockets and keeps workers behind them. It handles no mail, reads no key and
 * parses nothing that comes from outside.
 */
#ifndef MILTER_SUPERVISOR_H
#define MILTER_SUPERVISOR_H

#include "conf/conf.h"

/* Beyond drain-timeout, after which workers end by themselves. */
#define SUPERVISOR_STOP_MARGIN_MS 2000

/* To bind a socket that is in use, and between two of these tries: together longer than the 5 s for which libmilter's poll()
 * holds a socket while sessions are open. */
#define SUPERVISOR_BIND_TRIES 13
#define SUPERVISOR_BIND_PAUSE_MS 500

struct supervisor_params {
	const struct conf *conf;
	const char *text;    /* the octets that conf was parsed from: every worker gets these */
	size_t n;
	const char *file;    /* the configuration's name, for errors */
	const char *program; /* what workers execute: `program worker LISTENER FILE` */
};

/* Open the sockets, start the workers, restart those that die, until told to stop; single-threaded.
 *   SIGTERM, SIGINT  the sockets close, workers finish their messages (at most drain-timeout), then it returns; a second one ends all at once
 *   SIGHUP           ignored
 * systemd is told when all workers are ready, and when they stop. Returns an exit code: EX_OK; EX_CONFIG when a worker
 * says at first start that the configuration cannot work; EX_UNAVAILABLE without a socket; EX_TEMPFAIL when workers
 * had to be killed; EX_OSERR. The reason is in the log. */
int supervisor_run(const struct supervisor_params *params);

#endif
