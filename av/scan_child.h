/*
 * A scan child: one process that scans one job after another, under the seal (av/seal.h), in a room of its own (av/room.h).
 * It ends when it has done its share, when it is told to (SIGTERM), when its queue ends, or with the loader.
 */
#ifndef AV_SCAN_CHILD_H
#define AV_SCAN_CHILD_H

#include "av/inspect.h"
#include "av/room.h"
#include "av/seal.h"

#include <stdatomic.h>
#include <stdint.h>

/* What a child tells its loader, in memory of the two alone. */
struct av_slot {
	_Atomic int64_t began_ms; /* of the scan in hand, av_now_ms(); 0: idle */
	_Atomic uint64_t scans;   /* done by this child */
	_Atomic bool sealed;      /* `seal` is written, jobs are taken */
	_Atomic int fault;        /* negative errno that ended it before that */
	struct av_seal_result seal;
};

struct av_scan_child_params {
	struct av_engine *engine;
	const struct av_inspect_settings *inspect;
	const struct av_rooms *rooms;
	unsigned room;
	size_t temp_size;     /* octets of one temporary file, too */
	size_t memory;        /* octets of address space beyond the engine's */
	unsigned timeout_ms;  /* of one scan */
	unsigned recycle;     /* scans; 0: without end */
	int jobs;             /* receiving end; the only descriptor that stays open beside standard error */
	pid_t loader;         /* ends with it */
	struct av_slot *slot;
};

/* In the forked process. Exits with 0 when all was well. */
void av_scan_child(const struct av_scan_child_params *params) __attribute__((noreturn));

/* Milliseconds of a clock that nobody sets; never 0. */
int64_t av_now_ms(void);

#endif
