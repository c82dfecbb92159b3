/*
 * Rooms: where scan children put temporary files. One child at a time lives in one, its quota is its own, and nothing
 * else can be seen from it. Best is a file system in memory that is mounted nowhere: no path leads to it, and it ends
 * with the last process that holds it, however that ends. It takes the right to mount, or a user namespace. Where a host
 * gives neither, rooms are folders below /dev/shm or TMPDIR, without a quota of their own.
 */
#ifndef AV_ROOM_H
#define AV_ROOM_H

#include <stddef.h>
#include <sys/types.h>

#define AV_ROOM_INODES 20000 /* files and folders in one: an archive may have max-files entries, each with a folder */

struct av_rooms {
	unsigned count;
	int *directory;  /* one descriptor each */
	char *path;      /* of the folder that holds them; NULL: they are mounted nowhere */
	int lock;        /* on that folder */
	char *why;       /* on success: why there is a path. On failure: wanted and got */
};

/* Mount `count` rooms of at most `octets` each, which belong to a user. Before privileges go and before there are threads.
 *   ret  a talloc child of mem, whose end closes (and, for folders, removes) them
 * Returns 0; 1 when this process may not (ret->why says it; call av_rooms_make() when privileges are gone); -ENOMEM or -EMFILE. */
int av_rooms_mount(void *mem, unsigned count, size_t octets, uid_t uid, gid_t gid, struct av_rooms **ret);

/* Folders instead, below `base`, as the user whose they shall be. What earlier processes that were killed left there is
 * removed. Returns 0 or a negative errno (rooms->why). */
int av_rooms_make(struct av_rooms *rooms, const char *base);

/* Where they lie best: in memory if this host has such a place. */
const char *av_rooms_base(void);

/* Make a room the current directory and empty it. Returns 0 or a negative errno. */
int av_room_enter(const struct av_rooms *rooms, unsigned room);

/* Empty the current directory; cheap when it is empty. Works under the seal. */
int av_room_wipe(void);

#endif
