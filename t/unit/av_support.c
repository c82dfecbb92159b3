#include "t/unit/av_support.h"

#include "t/unit/support.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Both halves are harmless. */
struct view eicar(void)
{
	static char text[69];

	snprintf(text, sizeof text, "%s%s", "X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STAND", "ARD-ANTIVIRUS-TEST-FILE!$H+H*");
	return view_of(text);
}

char *database_new(void)
{
	char *folder = strdup("/tmp/postern-av-XXXXXX");

	assert_non_null(folder);
	assert_non_null(mkdtemp(folder));
	return folder;
}

void database_remove(char *folder)
{
	DIR *listing = opendir(folder);
	struct dirent *entry;

	assert_non_null(listing);
	while ((entry = readdir(listing)))
		if (entry->d_name[0] != '.')
			assert_int_equal(unlinkat(dirfd(listing), entry->d_name, 0), 0);
	closedir(listing);
	assert_int_equal(rmdir(folder), 0);
	free(folder);
}

void database_file(const char *folder, const char *name, const char *text)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void add_hex(char *to, struct view octets)
{
	for (size_t i = 0; i < octets.n; i++)
		sprintf(to + 2 * i, "%02x", (unsigned char)octets.p[i]);
}

void database_usual(const char *folder)
{
	char hex[160], text[512];

	add_hex(hex, eicar());
	snprintf(text, sizeof text, "Eicar-Pattern:0:*:%s\nHtml-Pattern:3:*:%s\n", hex, "3c69667261" "6d652064616e676572");
	database_file(folder, "test.ndb", text);
}

struct av_engine_settings usual_settings(const char *folder)
{
	return (struct av_engine_settings){ .database = folder, .max_size = 50 << 20, .max_scan_size = 200 << 20, .max_files = 2000,
		                            .max_recursion = 12, .scan_ms = 20000 };
}

struct av_engine *usual_engine(const char *folder)
{
	struct av_engine_settings settings = usual_settings(folder);
	struct av_engine *engine = NULL;
	char *error = NULL;
	int r = av_engine_load(&settings, NULL, NULL, &engine, &error);

	if (r)
		fail_msg("%d: %s", r, error ? error : "no text");
	assert_int_equal(av_engine_begin(engine, folder), 0);
	return engine;
}

bool has_finding(const struct av_reply *reply, enum av_finding_kind kind, const char *name)
{
	for (uint32_t i = 0; i < reply->finding_count; i++)
		if (reply->findings[i].kind == kind && (!name || strcmp(reply->findings[i].name, name) == 0))
			return true;
	return false;
}

const char *findings_text(const struct av_reply *reply)
{
	static const char *const kinds[] = { "none", "signature", "encrypted", "banned", "limit", "ambiguous", "failure" };
	static char text[8192];
	size_t n = 0;

	text[0] = '\0';
	for (uint32_t i = 0; i < reply->finding_count; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, "%s%s %s (%s)", i ? ", " : "", kinds[reply->findings[i].kind],
		                      reply->findings[i].name, reply->findings[i].part);
	return n ? text : "nothing";
}
