/* What the files of the engine share. */
#ifndef AV_ENGINE_PART_H
#define AV_ENGINE_PART_H

#include "av/engine.h"

#include <clamav.h>

struct av_engine {
	struct cl_engine *cl;
	struct av_facts facts;
	size_t max_octets; /* of what is scanned */
	struct cl_scan_options options;
	bool cache_off;    /* see av_engine_scan() */
};

/* What is known of a database once it is compiled.
 *   signatures  that cl_load() counted */
void av_engine_learn_facts(struct av_engine *engine, const char *database, unsigned signatures);

/* Time of the youngest file of a database, for one that has no version of its own. */
int64_t av_engine_youngest(const char *database);

/* To be set before the first scan. */
void av_engine_set_callbacks(struct cl_engine *cl);

/* libclamav has said something, with errno as it left it, about the scan that was named to av_engine_listen_scan(). */
void av_engine_scan_message(void *scan, const char *text);
void av_engine_listen_scan(void *scan); /* NULL: none */

/* libclamav's messages have one place in the process. Its errors are added to *ret, "; " before each, a
 * malloc()ed string made anew by each of them (NULL at first); NULL: they go nowhere again. */
void av_engine_listen(char **ret);

#endif
