/* The option table as configuration text. */
#ifndef CONF_DEFAULTS_H
#define CONF_DEFAULTS_H

#include "conf/source.h"

/* All defaults, read from text as a file is read: source.section[] has one section of each kind.
 * Returns 0 or -ENOMEM. */
int defaults_read(void *mem, struct source **ret);

#endif
