/* Rooms that are folders, and the emptying of all rooms. */
#include "av/room.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <talloc.h>
#include <unistd.h>

#define FOLDER_PREFIX "postern-scanner."
#define WALK_DESCRIPTORS 16 /* of nftw(): deeper folders are opened again */

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *walk)
{
	(void)st;
	(void)type;
	if (walk->level == 0)
		return 0;
	return remove(path) < 0 && errno != ENOENT ? -errno : 0;
}

static int remove_below(const char *path)
{
	int r = nftw(path, remove_entry, WALK_DESCRIPTORS, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);

	return r == -1 ? -errno : r;
}

int av_room_wipe(void)
{
	return remove_below(".");
}

int av_room_enter(const struct av_rooms *rooms, unsigned room)
{
	return fchdir(rooms->directory[room]) < 0 ? -errno : av_room_wipe();
}

static int folder_destructor(struct av_rooms *rooms)
{
	for (unsigned i = 0; i < rooms->count; i++)
		if (rooms->directory[i] >= 0)
			close(rooms->directory[i]);
	if (rooms->path && remove_below(rooms->path) == 0)
		(void)rmdir(rooms->path); /* what stays is removed by the next one */
	if (rooms->lock >= 0)
		close(rooms->lock);
	return 0;
}

/* A folder of ours that nobody has locked: its process was killed. */
static void remove_stale(const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0 && st.st_uid == geteuid() && flock(fd, LOCK_EX | LOCK_NB) == 0 && remove_below(path) == 0)
		(void)rmdir(path); /* another process may have been quicker */
	close(fd);
}

static void remove_all_stale(void *mem, const char *base)
{
	DIR *folder = opendir(base);
	struct dirent *entry;

	while (folder && (entry = readdir(folder))) {
		char *path;

		if (strncmp(entry->d_name, FOLDER_PREFIX, strlen(FOLDER_PREFIX)) != 0)
			continue;
		path = talloc_asprintf(mem, "%s/%s", base, entry->d_name);
		if (path)
			remove_stale(path);
		talloc_free(path);
	}
	if (folder)
		(void)closedir(folder); /* was read only */
}

const char *av_rooms_base(void)
{
	const char *temporary = getenv("TMPDIR");

	if (access("/dev/shm", W_OK | X_OK) == 0)
		return "/dev/shm";
	return temporary && *temporary ? temporary : "/tmp";
}

static int make_folder(struct av_rooms *rooms, const char *base)
{
	char *path = talloc_asprintf(rooms, "%s/" FOLDER_PREFIX "XXXXXX", base);

	if (!path)
		return -ENOMEM;
	if (!mkdtemp(path))
		return -errno;
	rooms->path = path;
	rooms->lock = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return rooms->lock < 0 || flock(rooms->lock, LOCK_EX | LOCK_NB) < 0 ? -errno : 0;
}

static int make_room(struct av_rooms *rooms, unsigned i)
{
	char name[sizeof "4294967295"];

	(void)snprintf(name, sizeof name, "%u", i);
	if (mkdirat(rooms->lock, name, 0700) < 0)
		return -errno;
	rooms->directory[i] = openat(rooms->lock, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return rooms->directory[i] < 0 ? -errno : 0;
}

int av_rooms_make(struct av_rooms *rooms, const char *base)
{
	int r;

	talloc_set_destructor(rooms, folder_destructor);
	remove_all_stale(rooms, base);
	r = make_folder(rooms, base);
	for (unsigned i = 0; r == 0 && i < rooms->count; i++)
		r = make_room(rooms, i);
	if (r < 0) {
		talloc_free(rooms->why);
		rooms->why = talloc_asprintf(rooms, "wanted a folder for temporary files in %s, got \"%s\"", base, strerror(-r));
	}
	return r;
}
