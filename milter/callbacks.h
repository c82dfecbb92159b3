/* libmilter's side of a session: thin functions that hand over to session.c. */
#ifndef MILTER_CALLBACKS_H
#define MILTER_CALLBACKS_H

#include <libmilter/mfapi.h>

#include <stddef.h>

struct gate;

/* Tell libmilter what to call (smfi_register). gate is used by every session; once per process, before smfi_main().
 * Returns 0 or -EIO. */
int callbacks_register(const struct gate *gate);

/* Sessions negotiated and not yet closed: what a draining worker waits for. Any thread. */
size_t callbacks_open_sessions(void);

#endif
