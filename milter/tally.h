/* What all workers of a listener have counted, dead ones included; by the listener's name, so that it outlives reloads. */
#ifndef MILTER_TALLY_H
#define MILTER_TALLY_H

#include "milter/counters.h"

#define TALLY_MAX 1000 /* listeners of different names since the start; later ones share the last row */

struct tally;

/* A talloc child of mem. NULL when memory is out. */
struct tally *tally_new(void *mem);

/* The total of a listener's dead workers; that of all whose name found no place when memory is out. */
struct counters *tally_of(struct tally *tally, const char *listener);

#endif
