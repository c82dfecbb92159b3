/*
 * Memory that the supervisor shares with all workers. A row of it belongs to one worker process at a time; the supervisor hands
 * the rows out and takes them back. Workers may write to all of it, so nothing in it is believed beyond its being numbers.
 */
#ifndef MILTER_SHARED_H
#define MILTER_SHARED_H

#include "av/shared.h"
#include "milter/counters.h"

#define SHARED_ROWS AV_WORKERS_MAX
#define SHARED_LINE 64 /* octets of a cache line: workers do not slow each other down by counting */

struct shared {
	struct av_shared av;
	struct shared_row {
		_Alignas(SHARED_LINE) struct counters counters;
	} row[SHARED_ROWS];
};

/* Make it, zeroed, of a size that nobody can change any more.
 *   ret_fd  close-on-exec; the caller's. Returns 0 or a negative errno. */
int shared_new(struct shared **ret, int *ret_fd);

/* The supervisor's view: which rows are in use. */
struct shared_rows {
	struct shared *shared;
	int fd;
	bool taken[SHARED_ROWS];
};

/* A row that is free, zeroed. Returns 0, or -ENOSPC when all are taken. A worker that died leaves its row to the next one of
 * its slot: shared_row_clear(). */
int shared_row_take(struct shared_rows *rows, unsigned *ret);
void shared_row_release(struct shared_rows *rows, unsigned row);

/* What a dead worker had in hand counts no more; what it has done is added to a total. */
void shared_row_clear(struct shared_rows *rows, unsigned row, struct counters *total);

/* Map what another process made. Returns 0, -EINVAL for memory of another size, or another negative errno. */
int shared_map(int fd, struct shared **ret);

void shared_unmap(struct shared *shared); /* takes NULL */

#endif
