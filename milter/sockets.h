/* The listening sockets of the supervisor. They outlive configurations: what a new one names too stays open. */
#ifndef MILTER_SOCKETS_H
#define MILTER_SOCKETS_H

#include "conf/conf.h"

struct sockets;

/* A talloc child of mem, whose end closes the sockets (but leaves the files of unix sockets). NULL when memory is out. */
struct sockets *sockets_new(void *mem);

/* The sockets for a configuration: those that are open already, and new ones.
 *   file       the configuration's name, for errors
 *   tries      how often to try to bind one that is in use, SOCKETS_PAUSE_MS apart; 1 does not wait
 *   ret        a talloc array of mem: one descriptor per listener, in their order; the sockets stay ours
 *   ret_errors on failure: a line for each fault, a talloc string of mem
 * Returns an exit code: EX_OK, EX_CONFIG (what is written cannot be a socket), EX_UNAVAILABLE (it cannot be had now), EX_OSERR. On
 * failure what was new is closed again. */
#define SOCKETS_PAUSE_MS 500
int sockets_open(void *mem, struct sockets *sockets, const struct conf *conf, const char *file, unsigned tries, int **ret,
                 char **ret_errors);

/* The configuration counts from now on: sockets that it does not name are closed (files of unix sockets removed), changed
 * permissions are set. With NULL all are closed. */
void sockets_keep(struct sockets *sockets, const struct conf *conf);

#endif
