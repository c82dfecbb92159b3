/* Where log lines go. Only log.c and tests include this. */
#ifndef MILTER_LOG_WRITE_H
#define MILTER_LOG_WRITE_H

#include "conf/conf.h"

#include <stddef.h>

/* Turn CONF_LOG_AUTO into the target that stands (see log_open()); the others stay. */
enum conf_log_target log_target_choose(enum conf_log_target wanted);

/* Connect to the target before a sandbox or a changed user stands in the way. Returns 0 or a negative errno. */
int log_target_open(enum conf_log_target target);

/* Write one line, `n` octets without a line end, NUL-terminated. A line that cannot be written is lost: there is no
 * other place to say so. */
void log_target_write(enum conf_log_target target, enum conf_log_level level, const char *line, size_t n);

/* The syslog priority of a level, and back (anything above a warning counts as an error). */
int log_priority(enum conf_log_level level);
enum conf_log_level log_level_of_priority(int priority);

#endif
