#include "milter/poll_set.h"

#include <errno.h>
#include <stdbool.h>
#include <talloc.h>

void poll_set_begin(struct poll_set *set)
{
	set->count = 0;
}

static bool grow(struct poll_set *set)
{
	size_t size = set->size ? 2 * set->size : 64;
	struct pollfd *fds = talloc_realloc(set->mem, set->fds, struct pollfd, (unsigned)size);
	struct poll_entry *entries;

	if (!fds)
		return false;
	set->fds = fds;
	entries = talloc_realloc(set->mem, set->entries, struct poll_entry, (unsigned)size);
	if (!entries)
		return false;
	set->entries = entries;
	set->size = size;
	return true;
}

void poll_set_add(struct poll_set *set, int fd, short events, void (*ready)(void *arg), void *arg)
{
	if (fd < 0)
		return;
	if (set->count == set->size && !grow(set))
		return;
	set->fds[set->count] = (struct pollfd){ .fd = fd, .events = events };
	set->entries[set->count++] = (struct poll_entry){ ready, arg };
}

int poll_set_wait(struct poll_set *set, int timeout_ms)
{
	if (set->count == set->size && (timeout_ms < 0 || timeout_ms > POLL_SET_RETRY_MS))
		timeout_ms = POLL_SET_RETRY_MS; /* something may not have found its place */
	if (poll(set->fds, set->count, timeout_ms) < 0)
		return errno == EINTR ? 0 : -errno;
	for (size_t i = 0; i < set->count; i++)
		if (set->fds[i].revents)
			set->entries[i].ready(set->entries[i].arg);
	return 0;
}
