/*
 * Start one of our own processes: fork and exec, so that it has an address space of its own and inherits
 * nothing but the standard streams and the descriptors named here.
 */
#ifndef MILTER_CHILD_H
#define MILTER_CHILD_H

#include <stddef.h>
#include <sys/types.h>

/* What a child finds where. */
enum child_descriptor {
	CHILD_CONTROL = 3,       /* its end of a SOCK_SEQPACKET pair (control.h); end of file there: the supervisor is gone */
	CHILD_SOCKET = 4,        /* the listening socket */
	CHILD_CONFIGURATION = 5, /* sealed memory with the configuration's octets */
};
#define CHILD_INHERITED 2 /* descriptors from CHILD_SOCKET on */

/* Start a child.
 *   program      path for execve()
 *   argv         its arguments, argv[0] included, NULL-terminated
 *   inherited    become CHILD_SOCKET and CHILD_CONFIGURATION in the child; they stay open here
 *   ret_pid, ret_control  the process, and our end of its control socket (close-on-exec, non-blocking); written only on success
 * The child has default signal dispositions, no blocked signals, /dev/null as standard input. A program that cannot be
 * executed shows as a child that ends with EX_OSERR after a line on standard error.
 * Returns 0 or a negative errno. */
int child_start(const char *program, char *const *argv, const int inherited[CHILD_INHERITED], pid_t *ret_pid, int *ret_control);

#endif
