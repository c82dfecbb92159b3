/*
 * Start one of our own processes: fork and exec, so that it has an address space of its own and inherits
 * nothing but the standard streams and the descriptors named here.
 */
#ifndef MILTER_CHILD_H
#define MILTER_CHILD_H

#include <stddef.h>
#include <sys/types.h>

/* What a child finds where. A number that its kind of child has no use for is closed. */
enum child_descriptor {
	CHILD_CONTROL = 3,       /* its end of a SOCK_SEQPACKET pair (control.h); end of file there: the supervisor is gone */
	CHILD_SOCKET = 4,        /* worker: the listening socket */
	CHILD_CONFIGURATION = 5, /* worker, scanner: sealed memory with the configuration's octets; read it with pread() */
	CHILD_JOBS = 6,          /* an end of the job queue (queue.h). Scanner: the receiving one. Worker: the sending one, where its
	                            listener scans and no clamd does it */
	CHILD_SHARED = 7,        /* worker: memory with struct shared (shared.h), to be mapped */
};
#define CHILD_INHERITED 4 /* descriptors from CHILD_SOCKET on */

/* Command lines, configuration FILE being a name for errors:
 *     postern worker LISTENER FILE ROW      ROW: its own of struct shared, in decimal
 *     postern-scanner [--beside] FILE       --beside: while an old one still scans
 */

/* Start a child.
 *   program      path for execve()
 *   argv         its arguments, argv[0] included, NULL-terminated
 *   inherited    become CHILD_SOCKET and those that follow in the child; they stay open here; -1: closed there
 *   ret_pid, ret_control  the process, and our end of its control socket (close-on-exec, non-blocking); written only on success
 * The child has default signal dispositions, no blocked signals, /dev/null as standard input. A program that cannot be
 * executed shows as a child that ends with EX_OSERR after a line on standard error.
 * Returns 0 or a negative errno. */
int child_start(const char *program, char *const *argv, const int inherited[CHILD_INHERITED], pid_t *ret_pid, int *ret_control);

/* In a child: read what lies at CHILD_CONFIGURATION, without moving the offset that all children share.
 *   ret_text  a talloc array of mem; no NUL ends it. Returns 0, -ENOMEM or another negative errno. */
int child_configuration(void *mem, char **ret_text, size_t *ret_n);

#endif
