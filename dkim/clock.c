#include "dkim/clock.h"

#include <time.h>

int64_t clock_monotonic_ms(void)
{
	struct timespec now = { 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail with this clock and a valid pointer */
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
