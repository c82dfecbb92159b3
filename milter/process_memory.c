#include "milter/process_memory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define KILO 1024

int process_memory(int pid, struct process_memory *ret)
{
	struct process_memory sum = { 0, 0 };
	char path[64], line[256], name[32];
	unsigned long long kilo;
	FILE *file;
	int r;

	(void)snprintf(path, sizeof path, "/proc/%d/smaps_rollup", pid);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	while (fgets(line, sizeof line, file)) {
		if (sscanf(line, "%31[^:]: %llu kB", name, &kilo) != 2)
			continue;
		if (strcmp(name, "Pss") == 0)
			sum.pss = kilo * KILO;
		else if (strncmp(name, "Private_", strlen("Private_")) == 0)
			sum.private_only += kilo * KILO;
	}
	r = ferror(file) ? -EIO : 0;
	(void)fclose(file); /* was only read */
	if (r == 0)
		*ret = sum;
	return r;
}
