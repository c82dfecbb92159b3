/* Run a program of this host and keep what it prints. */
#ifndef MILTER_RUN_PROGRAM_H
#define MILTER_RUN_PROGRAM_H

#include <stddef.h>

#define RUN_PROGRAM_OUTPUT_MAX ((size_t)4 * 1024 * 1024) /* octets; one postconf has 60 KB */

/* Its standard error is ours, its standard input is empty.
 *   argv       argv[0] is looked for in PATH, then in /usr/sbin; no shell has a part in it
 *   ret        a talloc string of mem; written only on success
 *   ret_code   likewise, its exit code; NULL: any other than 0 is a failure
 *   ret_error  on failure a talloc string of mem; NULL when memory was out
 * Returns 0 or a negative errno: -ENOENT no such program, -EIO it failed or was killed, -ETIME too slow (it is killed),
 * -EMSGSIZE, -EINVAL a NUL. */
int run_program(void *mem, const char *const *argv, int timeout_ms, char **ret, int *ret_code, char **ret_error);

#endif
