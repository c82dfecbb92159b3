/* The connections of av/clamd.c: made, kept, given back. */
#ifndef AV_CLAMD_POOL_H
#define AV_CLAMD_POOL_H

#include "av/clamd.h"

struct clamd_connection {
	int fd;              /* non-blocking, close-on-exec */
	unsigned server;     /* number in the list */
	bool kept;           /* has answered before */
	bool connecting;
	unsigned last_id;    /* of the commands sent */
	struct av_facts facts;
	int64_t facts_ms;    /* when they came; 0: never */
};

/* A kept connection, or a new one that may still be connecting, to the first server that is not down; when all are, to the one that has been
 * so for the longest time. The caller's until
 * it is kept or dropped. Returns 0, -ENOTCONN (none can be reached), or an error of our own. */
int clamd_pool_take(struct clamd *clamd, struct clamd_connection **ret);

/* Keep it for the next call. */
void clamd_pool_keep(struct clamd *clamd, struct clamd_connection *connection);

/* Close and free it. Takes NULL.
 *   down  its server could not be reached, or broke off */
void clamd_pool_drop(struct clamd *clamd, struct clamd_connection *connection, bool down);

const char *clamd_pool_name(const struct clamd *clamd, const struct clamd_connection *connection);

#endif
