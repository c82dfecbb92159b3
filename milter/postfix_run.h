/* Ask postconf(1). */
#ifndef MILTER_POSTFIX_RUN_H
#define MILTER_POSTFIX_RUN_H

#include "milter/postfix_conf.h"

#define POSTFIX_OUTPUT_MAX ((size_t)4 * 1024 * 1024) /* octets of one postconf; 60 KB are usual */
#define POSTFIX_RUN_MS 20000 /* for one postconf; it takes a tenth of a second, more when a table of main.cf is behind a network */

/* Run a program and keep what it prints. Its standard error is ours, its standard input is empty.
 *   argv       argv[0] is looked for in PATH, then in /usr/sbin; no shell has a part in it
 *   ret        a talloc string of mem; written only on success
 *   ret_error  on failure a talloc string of mem; NULL when memory was out
 * Returns 0 or a negative errno: -ENOENT no such program, -EIO it failed, -ETIME too slow (it is killed), -EMSGSIZE, -EINVAL a NUL. */
int postfix_run(void *mem, const char *const *argv, int timeout_ms, char **ret, char **ret_error);

/* The configuration in `directory`, or the system's when that is NULL. ret and ret_error as above. */
int postfix_conf_read(void *mem, const char *directory, const struct postfix_conf **ret, char **ret_error);

#endif
