#include "milter/scan_files.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Non-blocking until it is known to be a regular file: another may have taken its place. */
static int open_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	close(fd);
	return -ENOTSUP;
}

static int take_file(const char *path, scan_files_take *take, void *arg)
{
	int fd = open_file(path), r;

	if (fd < 0)
		return take(arg, path, -1, fd);
	r = take(arg, path, fd, 0);
	close(fd);
	return r;
}

static int take_entry(FTS *walk, FTSENT *entry, scan_files_take *take, void *arg)
{
	switch (entry->fts_info) {
	case FTS_F:
		return take_file(entry->fts_path, take, arg);
	case FTS_D:
		if (entry->fts_level <= SCAN_FILES_DEPTH_MAX)
			return 0;
		if (fts_set(walk, entry, FTS_SKIP) < 0)
			return -errno;
		return take(arg, entry->fts_path, -1, -ELOOP);
	case FTS_DNR:
	case FTS_ERR:
	case FTS_NS:
		return take(arg, entry->fts_path, -1, -entry->fts_errno);
	default: /* links, devices and the like count only where somebody named them */
		return entry->fts_level > 0 || entry->fts_info == FTS_DP ? 0 : take(arg, entry->fts_path, -1, -ENOTSUP);
	}
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static int walk_path(char *path, scan_files_take *take, void *arg)
{
	char *const paths[] = { path, NULL };
	FTS *walk = fts_open(paths, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, by_name);
	FTSENT *entry;
	int r = 0;

	if (!walk)
		return -errno;
	while (r == 0 && (errno = 0, entry = fts_read(walk)))
		r = take_entry(walk, entry, take, arg);
	if (r == 0 && errno)
		r = -errno;
	(void)fts_close(walk); /* what was read stays read */
	return r;
}

int scan_files(char *const *paths, scan_files_take *take, void *arg)
{
	int r = 0;

	for (; r == 0 && *paths; paths++)
		r = strcmp(*paths, "-") == 0 ? take(arg, "-", STDIN_FILENO, 0) : walk_path(*paths, take, arg);
	return r;
}
