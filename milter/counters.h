/*
 * What one worker has done, counted for `postern status`. The counters lie in memory that the workers share with the
 * supervisor: one row per worker, which that worker alone writes to (with all its threads).
 */
#ifndef MILTER_COUNTERS_H
#define MILTER_COUNTERS_H

#include "av/classify.h"

#include <stdatomic.h>
#include <stdint.h>

/* Name, and what `postern status` calls it. */
#define COUNTERS(X) \
	X(CONNECTIONS,      "connections")      /* of an MTA */ \
	X(MESSAGES,         "messages")         /* to their end, whatever became of them */ \
	X(VERIFIED_PASS,    "verified-pass")    /* messages with a signature that passed */ \
	X(VERIFIED_FAIL,    "verified-fail")    /* with signatures, none of which passed */ \
	X(VERIFIED_NONE,    "verified-none")    /* without any */ \
	X(SIGNED,           "signed")           \
	X(NOT_SIGNED,       "not-signed")       /* messages of a signing listener that no key is for */ \
	X(SCAN_SKIPPED,     "scan-skipped")     /* by policy: av.skip-... */ \
	X(REJECTED,         "rejected")         \
	X(TEMPFAILED,       "tempfailed")       \
	X(DISCARDED,        "discarded")        \
	X(QUARANTINED,      "quarantined")

enum counter {
#define X(name, text) COUNTER_##name,
	COUNTERS(X)
#undef X
	COUNTER_SCAN_CLASS, /* the first of AV_CLASS_COUNT: messages by the class that decided, in the order of enum av_class */
};
#define COUNTER_COUNT (COUNTER_SCAN_CLASS + AV_CLASS_COUNT)

struct counters {
	_Atomic uint64_t value[COUNTER_COUNT];
};

/* "connections", "scan-infected". For COUNTER_COUNT numbers from 0. */
const char *counter_text(unsigned counter);

/* Add one; nothing where counters is NULL (a filter without a supervisor). Costs no more than the memory access. */
void counters_add(struct counters *counters, unsigned counter);
void counters_add_class(struct counters *counters, enum av_class class);

/* Add all of one to another, which nobody else writes to. */
void counters_sum(struct counters *total, const struct counters *more);

/* Add all of a dead worker's to a total, and zero them for the next one. The caller is alone with both. */
void counters_move(struct counters *total, struct counters *from);

#endif
