/* Ask postconf(1). */
#ifndef MILTER_POSTFIX_RUN_H
#define MILTER_POSTFIX_RUN_H

#include "milter/postfix_conf.h"

#define POSTFIX_RUN_MS 20000 /* for one postconf; it takes a tenth of a second, more when a table of main.cf is behind a network */

/* run_program() of a program that must end well. */
int postfix_run(void *mem, const char *const *argv, int timeout_ms, char **ret, char **ret_error);

/* The configuration in `directory`, or the system's when that is NULL. ret and ret_error as in run_program(). */
int postfix_conf_read(void *mem, const char *directory, const struct postfix_conf **ret, char **ret_error);

#endif
