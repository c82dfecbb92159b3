#include "milter/counters.h"

#include <stdlib.h>

static const char *const texts[COUNTER_COUNT] = {
#define X(name, text) [COUNTER_##name] = text,
	COUNTERS(X)
#undef X
	[COUNTER_SCAN_CLASS + AV_CLASS_INFECTED] = "scan-infected",
	[COUNTER_SCAN_CLASS + AV_CLASS_BANNED] = "scan-banned",
	[COUNTER_SCAN_CLASS + AV_CLASS_ERROR] = "scan-error",
	[COUNTER_SCAN_CLASS + AV_CLASS_UNSCANNABLE] = "scan-unscannable",
	[COUNTER_SCAN_CLASS + AV_CLASS_SUSPECT] = "scan-suspect",
	[COUNTER_SCAN_CLASS + AV_CLASS_ENCRYPTED] = "scan-encrypted",
	[COUNTER_SCAN_CLASS + AV_CLASS_CLEAN] = "scan-clean",
};

const char *counter_text(unsigned counter)
{
	if (counter >= COUNTER_COUNT)
		abort();
	return texts[counter];
}

/* Relaxed: each number stands for itself. */
void counters_add(struct counters *counters, unsigned counter)
{
	if (counter >= COUNTER_COUNT)
		abort();
	if (counters)
		(void)atomic_fetch_add_explicit(&counters->value[counter], 1, memory_order_relaxed);
}

void counters_add_class(struct counters *counters, enum av_class class)
{
	counters_add(counters, COUNTER_SCAN_CLASS + (unsigned)class);
}

void counters_move(struct counters *total, struct counters *from)
{
	for (size_t i = 0; i < COUNTER_COUNT; i++)
		(void)atomic_fetch_add_explicit(&total->value[i], atomic_exchange_explicit(&from->value[i], 0, memory_order_relaxed),
		                                memory_order_relaxed);
}

void counters_sum(struct counters *total, const struct counters *more)
{
	for (size_t i = 0; i < COUNTER_COUNT; i++)
		(void)atomic_fetch_add_explicit(&total->value[i], atomic_load_explicit(&more->value[i], memory_order_relaxed), memory_order_relaxed);
}
