/* Time that never goes back, for time-outs and cache expiry. */
#ifndef DKIM_CLOCK_H
#define DKIM_CLOCK_H

#include <stdint.h>

/* Milliseconds since some moment in the past. */
int64_t clock_monotonic_ms(void);

#endif
