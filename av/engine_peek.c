#include "av/engine_part.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/* The database whose version and time count for all, in the forms that it may lie there. */
static const char *const daily[] = { "daily.cvd", "daily.cld", "daily.cud" };

static int read_header(const char *path, struct av_facts *facts)
{
	struct cl_cvd *header = cl_cvdhead(path);

	if (!header)
		return -EINVAL;
	facts->database = header->version;
	facts->database_time = header->stime;
	cl_cvdfree(header);
	return 0;
}

static int read_daily(const char *folder, struct av_facts *facts)
{
	for (size_t i = 0; i < sizeof daily / sizeof *daily; i++) {
		struct stat st;
		char *path;
		int r = 0;

		if (asprintf(&path, "%s/%s", folder, daily[i]) < 0)
			return -ENOMEM;
		if (stat(path, &st) == 0)
			r = read_header(path, facts);
		free(path);
		if (r < 0 || facts->database > 0)
			return r;
	}
	return 0;
}

int av_engine_peek(const char *database, struct av_facts *ret)
{
	const char *version = cl_retver();
	struct av_facts facts = { .database_time = av_engine_youngest(database) };
	unsigned signatures = 0;
	int r;

	if (cl_countsigs(database, CL_COUNTSIGS_ALL, &signatures) != CL_SUCCESS)
		return -EINVAL;
	if (signatures == 0)
		return -ENOENT;
	r = read_daily(database, &facts);
	if (r < 0)
		return r;
	av_wire_name(facts.engine, sizeof facts.engine, version, view_of(version).n);
	facts.signatures = signatures;
	*ret = facts;
	return 0;
}
