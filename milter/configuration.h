/* One configuration in force: its octets, what they mean, and the sealed memory that children read them from. */
#ifndef MILTER_CONFIGURATION_H
#define MILTER_CONFIGURATION_H

#include "conf/conf.h"

#include <time.h>

struct configuration {
	const char *file;        /* its name, for errors */
	const char *text;
	size_t n;
	const struct conf *conf; /* NULL until somebody has parsed it */
	int fd;                  /* sealed memory with these octets, close-on-exec */
	time_t loaded;           /* when this was made */
};

/* Copy the octets and seal them.
 *   ret  a talloc child of mem. Returns 0, -ENOMEM or another negative errno. */
int configuration_new(void *mem, const char *file, const char *text, size_t n, struct configuration **ret);

#endif
