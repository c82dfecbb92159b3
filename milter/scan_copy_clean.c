#include "milter/scan_copy_clean.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <talloc.h>
#include <unistd.h>

struct file {
	char *path; /* below the directory */
	int64_t changed_s;
	uint64_t octets;
};

struct list {
	struct file *file; /* talloc array */
	size_t count;
	uint64_t octets;
};

static int add(struct list *list, const char *folder, const char *name, const struct stat *st)
{
	size_t room = talloc_array_length(list->file);

	if (list->count == room) {
		struct file *more = talloc_realloc(list, list->file, struct file, (unsigned)(room ? 2 * room : 64));

		if (!more)
			return -ENOMEM;
		list->file = more;
	}
	list->file[list->count] = (struct file){ talloc_asprintf(list->file, "%s/%s", folder, name), st->st_mtime, (uint64_t)st->st_size };
	if (!list->file[list->count].path)
		return -ENOMEM;
	list->count++;
	list->octets += (uint64_t)st->st_size;
	return 0;
}

/* DIRECTORY/XX, and below it NAME.eml, NAME.json, and what they were before they were whole. */
static bool is_our_folder(const char *name)
{
	return strspn(name, "0123456789abcdef") == 2 && name[2] == '\0';
}

static bool is_our_file(const char *name)
{
	return strstr(name, ".eml") || strstr(name, ".json");
}

/* The stream owns fd. */
static int list_folder(struct list *list, const char *folder, int fd)
{
	DIR *stream = fdopendir(fd);
	struct dirent *entry;
	struct stat st;
	int r = 0;

	if (!stream) {
		close(fd);
		return -ENOMEM;
	}
	while (r == 0 && (entry = readdir(stream)))
		if (is_our_file(entry->d_name) && fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
			r = add(list, folder, entry->d_name, &st);
	closedir(stream);
	return r;
}

static int list_all(struct list *list, int directory)
{
	int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), folder, r = 0;
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!stream) {
		r = -errno;
		if (fd >= 0)
			close(fd);
		return r;
	}
	while (r == 0 && (entry = readdir(stream))) {
		if (!is_our_folder(entry->d_name))
			continue;
		folder = openat(directory, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (folder >= 0)
			r = list_folder(list, entry->d_name, folder);
	}
	closedir(stream);
	return r;
}

static int compare_age(const void *a, const void *b)
{
	const struct file *x = a, *y = b;

	if (x->changed_s != y->changed_s)
		return x->changed_s < y->changed_s ? -1 : 1;
	return strcmp(x->path, y->path);
}

int64_t scan_copy_clean(int directory, int64_t since_s, uint64_t octets)
{
	struct list *list = talloc_zero(NULL, struct list);
	int64_t r = list ? list_all(list, directory) : -ENOMEM;

	if (r == 0 && list->count > 0)
		qsort(list->file, list->count, sizeof *list->file, compare_age);
	for (size_t i = 0; r == 0 && i < list->count; i++) {
		const struct file *file = &list->file[i];

		if (file->changed_s >= since_s && list->octets <= octets)
			break;
		if (unlinkat(directory, file->path, 0) < 0 && errno != ENOENT)
			r = -errno;
		list->octets -= file->octets;
	}
	if (r == 0)
		r = (int64_t)list->octets;
	talloc_free(list);
	return r;
}
