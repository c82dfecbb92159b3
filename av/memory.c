#include "av/memory.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FACTOR_TEXT 3.5
#define FACTOR_PACKED 6.0
#define FACTOR_SPARE 1.2 /* a database grows from day to day */

#define LINE_OCTETS 4096 /* of a file of the kernel's; PATH_MAX and a word fit */

uint64_t av_memory_estimate(const struct av_fingerprint *database)
{
	return (uint64_t)(FACTOR_TEXT * (double)(database->octets - database->packed) + FACTOR_PACKED * (double)database->packed);
}

uint64_t av_memory_scale(uint64_t engine, const struct av_fingerprint *old, const struct av_fingerprint *now)
{
	uint64_t before = av_memory_estimate(old), after = av_memory_estimate(now);

	return before == 0 || after <= before ? engine : (uint64_t)((double)engine * ((double)after / (double)before));
}

bool av_memory_suffices(uint64_t engine, uint64_t available)
{
	return (double)available >= FACTOR_SPARE * (double)engine + (double)AV_MEMORY_RESERVE;
}

uint64_t av_memory_resident(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	uint64_t pages = 0;

	if (!file)
		return 0;
	if (fscanf(file, "%*u %" SCNu64, &pages) != 1)
		pages = 0;
	(void)fclose(file); /* was read only */
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static FILE *open_below(const char *root, const char *path, const char *name)
{
	char full[LINE_OCTETS];
	int n = snprintf(full, sizeof full, "%s%s%s", root, path, name);

	return n < 0 || (size_t)n >= sizeof full ? NULL : fopen(full, "re");
}

/* The number behind a word at the start of a line, or with no word the number that the file begins with. */
static bool read_number(const char *root, const char *path, const char *name, const char *word, uint64_t *ret)
{
	FILE *file = open_below(root, path, name);
	char line[LINE_OCTETS];
	bool found = false;

	while (file && !found && fgets(line, sizeof line, file))
		if (strncmp(line, word, strlen(word)) == 0)
			found = sscanf(line + strlen(word), " %" SCNu64, ret) == 1; /* "max" is no number: no limit */
	if (file)
		(void)fclose(file); /* was read only */
	return found;
}

struct group_files {
	const char *mount, *limit, *usage, *reclaimable;
};

static const struct group_files version_2 = { "/sys/fs/cgroup", "/memory.max", "/memory.current", "inactive_file " };
static const struct group_files version_1 = { "/sys/fs/cgroup/memory", "/memory.limit_in_bytes", "/memory.usage_in_bytes",
	                                      "total_inactive_file " };

static uint64_t group_available(const char *root, const struct group_files *files, const char *group)
{
	uint64_t limit = 0, usage = 0, reclaimable = 0;
	char path[LINE_OCTETS];
	int n = snprintf(path, sizeof path, "%s%s", files->mount, group);

	if (n < 0 || (size_t)n >= sizeof path)
		return UINT64_MAX;
	if (!read_number(root, path, files->limit, "", &limit) || !read_number(root, path, files->usage, "", &usage))
		return UINT64_MAX;
	(void)read_number(root, path, "/memory.stat", files->reclaimable, &reclaimable); /* 0 when it is not told */
	usage = usage > reclaimable ? usage - reclaimable : 0;
	return limit > usage ? limit - usage : 0;
}

/* From the innermost group outwards; in a container the mount shows only what lies at and below its own. */
static uint64_t groups_available(const char *root, const struct group_files *files, char *group)
{
	uint64_t least = UINT64_MAX, here;

	for (;;) {
		char *slash = strrchr(group, '/');

		here = group_available(root, files, group);
		least = here < least ? here : least;
		if (!slash)
			return least;
		*slash = '\0';
	}
}

/* "0::/path" is of version 2, "4:memory:/path" of version 1. */
static uint64_t line_available(const char *root, char *line)
{
	char *controllers = strchr(line, ':'), *group = controllers ? strchr(controllers + 1, ':') : NULL;

	if (!group)
		return UINT64_MAX;
	*group++ = '\0';
	group[strcspn(group, "\n")] = '\0';
	if (strcmp(line, "0:") == 0)
		return groups_available(root, &version_2, group);
	return strstr(controllers + 1, "memory") ? groups_available(root, &version_1, group) : UINT64_MAX;
}

uint64_t av_memory_available_below(const char *root)
{
	FILE *file = open_below(root, "/proc/self", "/cgroup");
	uint64_t least = UINT64_MAX, kilobytes, here;
	char line[LINE_OCTETS];

	if (read_number(root, "/proc", "/meminfo", "MemAvailable:", &kilobytes))
		least = kilobytes * 1024;
	while (file && fgets(line, sizeof line, file)) {
		here = line_available(root, line);
		least = here < least ? here : least;
	}
	if (file)
		(void)fclose(file); /* was read only */
	return least;
}

uint64_t av_memory_available(void)
{
	return av_memory_available_below("");
}
