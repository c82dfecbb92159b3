/* What one round of an event loop waits for. It is filled anew for each round, so that nothing needs to be taken out of it. */
#ifndef MILTER_POLL_SET_H
#define MILTER_POLL_SET_H

#include <poll.h>
#include <stddef.h>

struct poll_set {
	struct pollfd *fds; /* talloc arrays, as long as each other */
	struct poll_entry {
		void (*ready)(void *arg);
		void *arg;
	} *entries;
	size_t count, size;
	void *mem;          /* talloc parent of both */
};

void poll_set_begin(struct poll_set *set);

/* Add a descriptor; none when fd is negative. Whoever has no memory for it is looked at in a later round: poll_set_wait() then
 * waits POLL_SET_RETRY_MS at most.
 *   ready  called when an event is there; what other entries refer to must stay until poll_set_wait() has returned */
#define POLL_SET_RETRY_MS 100
void poll_set_add(struct poll_set *set, int fd, short events, void (*ready)(void *arg), void *arg);

/* Wait, and call whoever is ready.
 *   timeout_ms  -1: for ever
 * Returns 0 (also for a signal), or a negative errno. */
int poll_set_wait(struct poll_set *set, int timeout_ms);

#endif
