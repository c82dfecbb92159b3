/*
 * libmilter on a socket that it did not open. It has one listening socket per process, opens it itself, never sets
 * TCP_NODELAY, and its smfi_stop() cuts sessions: this file is the way around all of these.
 */
#ifndef MILTER_LISTENER_H
#define MILTER_LISTENER_H

#include "milter/socket_spec.h"

#include <stdbool.h>
#include <stddef.h>

/* Make the shared socket (supervisor): SO_REUSEADDR, TCP_NODELAY, non-blocking, close-on-exec, bound and listening;
 * for unix sockets a left-over file is removed when nobody answers on it, then mode and group are set.
 *   ret_error  talloc string of mem: wanted and got. Returns the descriptor or a negative errno. */
int listener_open(void *mem, const struct socket_spec *spec, mode_t mode, const char *group, char **ret_error);

/* Set mode and group of a unix socket's file; nothing for the others.
 *   ret_error  talloc string of mem. Returns 0 or a negative errno. */
int listener_set_access(void *mem, const struct socket_spec *spec, mode_t mode, const char *group, char **ret_error);

/* Remove the file of a unix socket that listener_open() made; nothing for the others. */
void listener_remove(const struct socket_spec *spec);

/* Largest packet that a worker takes from the MTA, in octets. libmilter's own limit of 64 KiB drops the connection for
 * one long header field, where Postfix takes up to 102,400 octets (header_size_limit) and Sendmail can be told to. This
 * lies above every header-size-limit that can be configured (16 MiB), so that a header which is too large is answered and
 * logged like any other message. A still longer packet ends the session: libmilter says nothing to the MTA or the log. */
#define LISTENER_PACKET_MAX ((size_t)17 * 1024 * 1024)

/* Limits of all sessions (before listener_serve()): how long an MTA may say nothing, and LISTENER_PACKET_MAX. Within a
 * packet the time-out is exact; between packets libmilter's worker pool looks for idle sessions every ten minutes.
 * Returns 0 or -EINVAL. */
int listener_limits(unsigned idle_timeout_s);

/* Let libmilter (after callbacks_register()) open a throw-away socket of the same family and put the shared one in its
 * place; shared_fd is closed on success. For a unix socket this needs a folder that it may write to for a moment
 * ($TMPDIR, /tmp or /dev/shm): before the sandbox. Returns 0 or a negative errno. */
int listener_take(int shared_fd);

/* smfi_main(); returns when libmilter ends by itself, which is a failure: -EIO. */
int listener_serve(void);

/* Stop accepting: a dead socket takes the place of the listening one; then wait until no session is open, at most
 * timeout_ms. A connection on which the MTA has not begun to negotiate is not waited for longer than
 * LISTENER_SILENT_MS. The caller then calls _exit(). Returns the number of sessions still open. From a thread other
 * than listener_serve()'s. */
#define LISTENER_SILENT_MS 1000 /* an MTA negotiates at once; who does not has no mail to lose */
size_t listener_drain(size_t (*open_sessions)(void), unsigned timeout_ms);

#endif
