/* Memory of a process, as the kernel counts it. */
#ifndef MILTER_PROCESS_MEMORY_H
#define MILTER_PROCESS_MEMORY_H

#include <stdint.h>

struct process_memory {
	uint64_t pss;          /* octets: its own, and its share of what it shares with others */
	uint64_t private_only; /* octets that its end would give back */
};

/* From /proc/PID/smaps_rollup, which root may read, and the process's own user where it may be traced. Returns 0 or a negative errno. */
int process_memory(int pid, struct process_memory *ret);

#endif
