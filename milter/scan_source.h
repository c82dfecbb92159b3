/* Who scans for `postern scan`: the running daemon's scanner, or one of our own for the time of the command. */
#ifndef MILTER_SCAN_SOURCE_H
#define MILTER_SCAN_SOURCE_H

#include "av/client.h"
#include "conf/conf.h"

/* Loading takes seconds to minutes; a larger database than any of today would be needed to reach this. */
#define SCAN_SOURCE_LOAD_MS (30 * 60 * 1000)

struct scan_source {
	int jobs;                /* sending end of a job queue */
	struct av_client *client; /* with the limits of conf */
	const char *facts;       /* what the own scanner said when it was ready; NULL: the daemon's scans */
};

/* Ask the daemon at a status socket for its job queue.
 *   ret        a talloc child of mem
 *   ret_error  a talloc string of mem. Returns 0 or a negative errno. */
int scan_source_daemon(void *mem, const char *path, const struct conf *conf, struct scan_source **ret, char **ret_error);

/* Start postern-scanner with a configuration, and wait until it has loaded; it ends with the talloc object.
 *   progress  called with what it says while loading; may be NULL
 * Otherwise as above. */
int scan_source_own(void *mem, const char *file, const char *text, size_t n, const struct conf *conf, void (*progress)(const char *text),
                    struct scan_source **ret, char **ret_error);

#endif
