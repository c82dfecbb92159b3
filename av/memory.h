/* How much memory an engine takes, and whether two fit. */
#ifndef AV_MEMORY_H
#define AV_MEMORY_H

#include "av/watch.h"

#include <stdbool.h>
#include <stdint.h>

/* Wanted free beyond twice the engine: scan children, mail in flight, the page cache. */
#define AV_MEMORY_RESERVE ((uint64_t)200 * 1024 * 1024)

/* Octets that an engine of these files will take, before one was loaded: 2.9 times the octets of text files were measured,
 * and compressed ones hold about twice as much. */
uint64_t av_memory_estimate(const struct av_fingerprint *database);

/* The same, from an engine that was loaded: `engine` octets for `old`. */
uint64_t av_memory_scale(uint64_t engine, const struct av_fingerprint *old, const struct av_fingerprint *now);

/* Resident octets of this process; 0: unknown. */
uint64_t av_memory_resident(void);

/* Octets that this process may still take: of the host (MemAvailable) and of each control group around it (version 2 or 1).
 * UINT64_MAX when nothing tells. */
uint64_t av_memory_available(void);

/* The same, with files below another root; for tests. */
uint64_t av_memory_available_below(const char *root);

/* Is there room for a second engine of so many octets? */
bool av_memory_suffices(uint64_t engine, uint64_t available);

#endif
