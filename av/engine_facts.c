#include "av/engine_part.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static int64_t file_time(int folder, const char *name)
{
	struct stat status;

	if (fstatat(folder, name, &status, 0) || !S_ISREG(status.st_mode))
		return 0;
	return status.st_mtim.tv_sec;
}

int64_t av_engine_youngest(const char *database)
{
	DIR *folder = opendir(database);
	struct dirent *entry;
	int64_t time = 0;

	if (!folder)
		return file_time(AT_FDCWD, database);
	while ((entry = readdir(folder))) {
		int64_t t = file_time(dirfd(folder), entry->d_name);

		if (t > time)
			time = t;
	}
	closedir(folder);
	return time;
}

void av_engine_learn_facts(struct av_engine *engine, const char *database, unsigned signatures)
{
	const char *version = cl_retver();
	long long number = cl_engine_get_num(engine->cl, CL_ENGINE_DB_VERSION, NULL);
	long long time = cl_engine_get_num(engine->cl, CL_ENGINE_DB_TIME, NULL);

	av_wire_name(engine->facts.engine, sizeof engine->facts.engine, version, view_of(version).n);
	engine->facts.database = number > 0 ? (uint32_t)number : 0;
	engine->facts.database_time = number > 0 && time > 0 ? time : av_engine_youngest(database);
	engine->facts.signatures = signatures;
}
