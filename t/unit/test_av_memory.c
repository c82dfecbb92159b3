/* Memory for a second engine (av/memory.h): files of the kernel as they look on a host and in containers. */
#include "av/memory.h"
#include "t/unit/support.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define MEGABYTES(n) ((uint64_t)(n) * 1024 * 1024)
#define FILES_MAX 12

static const struct row {
	const char *name;
	struct { const char *path, *text; } files[FILES_MAX];
	uint64_t wanted;
} rows[] = {
	{ "nothing is known", { { NULL, NULL } }, UINT64_MAX },
	{ "the host alone", { { "proc/meminfo", "MemTotal: 4096 kB\nMemFree: 1024 kB\nMemAvailable:    2048 kB\n" } }, MEGABYTES(2) },
	{ "version 2: a group with a limit",
	  { { "proc/meminfo", "MemAvailable: 1048576 kB\n" },
	    { "proc/self/cgroup", "0::/system.slice/postern.service\n" },
	    { "sys/fs/cgroup/system.slice/postern.service/memory.max", "104857600\n" },
	    { "sys/fs/cgroup/system.slice/postern.service/memory.current", "52428800\n" } },
	  MEGABYTES(50) },
	{ "version 2: the page cache of the group can be taken back",
	  { { "proc/self/cgroup", "0::/a\n" },
	    { "sys/fs/cgroup/a/memory.max", "104857600\n" },
	    { "sys/fs/cgroup/a/memory.current", "104857600\n" },
	    { "sys/fs/cgroup/a/memory.stat", "anon 1\nfile 2\ninactive_file 20971520\n" } },
	  MEGABYTES(20) },
	{ "version 2: no limit but in the group above",
	  { { "proc/self/cgroup", "0::/a/b\n" },
	    { "sys/fs/cgroup/a/b/memory.max", "max\n" },
	    { "sys/fs/cgroup/a/b/memory.current", "1\n" },
	    { "sys/fs/cgroup/a/memory.max", "10485760\n" },
	    { "sys/fs/cgroup/a/memory.current", "0\n" } },
	  MEGABYTES(10) },
	{ "version 2: a container sees its own group at the top",
	  { { "proc/self/cgroup", "0::/\n" },
	    { "sys/fs/cgroup/memory.max", "10485760\n" },
	    { "sys/fs/cgroup/memory.current", "5242880\n" } },
	  MEGABYTES(5) },
	{ "version 1: the memory controller alone counts",
	  { { "proc/self/cgroup", "5:cpu,cpuacct:/x\n4:memory:/docker/1\n0::/\n" },
	    { "sys/fs/cgroup/memory/docker/1/memory.limit_in_bytes", "104857600\n" },
	    { "sys/fs/cgroup/memory/docker/1/memory.usage_in_bytes", "94371840\n" },
	    { "sys/fs/cgroup/memory/docker/1/memory.stat", "inactive_file 7\ntotal_inactive_file 10485760\n" } },
	  MEGABYTES(20) },
	{ "beyond the limit nothing is left",
	  { { "proc/self/cgroup", "0::/a\n" },
	    { "sys/fs/cgroup/a/memory.max", "1048576\n" },
	    { "sys/fs/cgroup/a/memory.current", "2097152\n" } },
	  0 },
	{ "lines that are none", { { "proc/self/cgroup", "\n:\nx\n0:\n" }, { "proc/meminfo", "MemAvailable: none\n" } }, UINT64_MAX },
};

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *walk)
{
	(void)st;
	(void)type;
	(void)walk;
	return remove(path);
}

static void write_file(const char *root, const char *path, const char *text)
{
	char full[256];
	FILE *file;

	(void)snprintf(full, sizeof full, "%s/%s", root, path);
	for (char *slash = strchr(full + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)mkdir(full, 0700); /* may be there */
		*slash = '/';
	}
	file = fopen(full, "we");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void available(void **state)
{
	const struct row *row = *state;
	char root[] = "/tmp/postern-memory-XXXXXX";

	assert_non_null(mkdtemp(root));
	for (size_t i = 0; i < FILES_MAX && row->files[i].path; i++)
		write_file(root, row->files[i].path, row->files[i].text);
	assert_int_equal(av_memory_available_below(root), row->wanted);
	assert_int_equal(nftw(root, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static void engine_is_estimated(void **state)
{
	const struct av_fingerprint text = { .octets = MEGABYTES(100) }, packed = { .octets = MEGABYTES(100), .packed = MEGABYTES(100) };
	const struct av_fingerprint twice = { .octets = MEGABYTES(200) }, none = { 0 };

	(void)state;
	assert_int_equal(av_memory_estimate(&text), MEGABYTES(350));
	assert_int_equal(av_memory_estimate(&packed), MEGABYTES(600));
	assert_int_equal(av_memory_scale(MEGABYTES(300), &text, &twice), MEGABYTES(600)); /* what one takes is known, and goes with size */
	assert_int_equal(av_memory_scale(MEGABYTES(300), &twice, &text), MEGABYTES(300)); /* never less: a small update is loaded too */
	assert_int_equal(av_memory_scale(MEGABYTES(300), &none, &text), MEGABYTES(300));
}

static void two_engines_must_fit(void **state)
{
	(void)state;
	assert_true(av_memory_suffices(MEGABYTES(1000), MEGABYTES(1401)));
	assert_false(av_memory_suffices(MEGABYTES(1000), MEGABYTES(1399)));
	assert_true(av_memory_suffices(MEGABYTES(1000), UINT64_MAX));
}

static void this_host_is_known(void **state)
{
	(void)state;
	assert_true(av_memory_resident() > 100000);
	assert_true(av_memory_available() > MEGABYTES(1) && av_memory_available() < UINT64_MAX);
}

int main(void)
{
	TEST_ROWS(rows, available);
	test_add("an engine is estimated from its files", engine_is_estimated);
	test_add("a second engine must fit with a reserve", two_engines_must_fit);
	test_add("this host tells", this_host_is_known);
	return test_run("av_memory");
}
