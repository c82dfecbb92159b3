/* What a process that was killed leaves behind of a unix socket: its file. */
#ifndef MILTER_LEFT_OVER_H
#define MILTER_LEFT_OVER_H

#include <sys/un.h>

/* Make way for bind(): remove the socket of that path when nobody answers on it. Nothing but a socket is ever removed.
 *   type  SOCK_STREAM, SOCK_SEQPACKET
 * Returns 0 (also when there was none), -EADDRINUSE (somebody is there), -EEXIST (it is no socket) or another negative errno. */
int left_over_remove(const struct sockaddr_un *address, int type);

#endif
