#include "av/room.h"

#include "av/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <talloc.h>
#include <unistd.h>

#define OPTION_MAX 32 /* octets of a number */

struct room_owner {
	size_t octets;
	uid_t uid;
	gid_t gid;
};

static int rooms_destructor(struct av_rooms *rooms)
{
	for (unsigned i = 0; i < rooms->count; i++)
		if (rooms->directory[i] >= 0)
			close(rooms->directory[i]);
	if (rooms->lock >= 0)
		close(rooms->lock);
	return 0;
}

static int set_number(int fs, const char *option, const char *format, unsigned long value)
{
	char text[OPTION_MAX];

	(void)snprintf(text, sizeof text, format, value);
	return fsconfig(fs, FSCONFIG_SET_STRING, option, text, 0) < 0 ? -errno : 0;
}

static int describe(int fs, const struct room_owner *owner)
{
	int r = set_number(fs, "size", "%lu", owner->octets);

	if (r == 0)
		r = set_number(fs, "nr_inodes", "%lu", AV_ROOM_INODES);
	if (r == 0)
		r = set_number(fs, "mode", "%lo", 0700);
	if (r == 0)
		r = set_number(fs, "uid", "%lu", owner->uid);
	if (r == 0)
		r = set_number(fs, "gid", "%lu", owner->gid);
	if (r == 0 && fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		r = -errno;
	return r;
}

/* Returns a descriptor or a negative errno. */
static int mount_room(const struct room_owner *owner)
{
	int fs = fsopen("tmpfs", FSOPEN_CLOEXEC), room, r;

	if (fs < 0)
		return -errno;
	r = describe(fs, owner);
	room = r < 0 ? r : fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	if (r == 0 && room < 0)
		room = -errno;
	close(fs);
	return room;
}

static int mount_all(struct av_rooms *rooms, const struct room_owner *owner)
{
	for (unsigned i = 0; i < rooms->count; i++) {
		rooms->directory[i] = mount_room(owner);
		if (rooms->directory[i] < 0)
			return rooms->directory[i];
	}
	return 0;
}

static int write_text(const char *path, const char *format, unsigned id)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), r;

	if (fd < 0)
		return -errno;
	r = dprintf(fd, format, id, id) < 0 ? -errno : 0;
	close(fd);
	return r;
}

/* In it we have the right to mount, and are who we were. */
static int enter_user_namespace(const struct room_owner *owner)
{
	int r;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		return -errno;
	r = write_text("/proc/self/setgroups", "deny", 0);
	if (r == 0)
		r = write_text("/proc/self/uid_map", "%u %u 1", owner->uid);
	return r == 0 ? write_text("/proc/self/gid_map", "%u %u 1", owner->gid) : r;
}

/* The helper: sends each room, or the errno that it met. */
static void send_rooms(int to, unsigned count, const struct room_owner *owner) __attribute__((noreturn));

static void send_rooms(int to, unsigned count, const struct room_owner *owner)
{
	int32_t r = enter_user_namespace(owner);

	for (unsigned i = 0; i < count; i++) {
		int room = r < 0 ? r : mount_room(owner);

		r = room < 0 ? room : 0;
		if (av_wire_send(to, &r, sizeof r, &room, room < 0 ? 0 : 1) < 0 || r < 0)
			break;
		close(room);
	}
	_exit(0);
}

static int receive_rooms(struct av_rooms *rooms, int from)
{
	for (unsigned i = 0; i < rooms->count; i++) {
		int fds[AV_WIRE_DESCRIPTORS];
		int32_t r = 0;
		int64_t n;

		do {
			n = av_wire_receive(from, &r, sizeof r, fds);
		} while (n == -EINTR);
		if (n != sizeof r)
			return n < 0 ? (int)n : -EPIPE;
		rooms->directory[i] = fds[0];
		if (fds[0] < 0)
			return r < 0 ? r : -EBADMSG;
	}
	return 0;
}

/* In a process of its own, since a user namespace cannot be left. */
static int mount_in_user_namespace(struct av_rooms *rooms, const struct room_owner *owner)
{
	int pair[2], r;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	pid = fork();
	if (pid == 0)
		send_rooms(pair[1], rooms->count, owner);
	r = pid < 0 ? -errno : 0;
	close(pair[1]);
	if (r == 0)
		r = receive_rooms(rooms, pair[0]);
	close(pair[0]);
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	return r;
}

static struct av_rooms *rooms_new(void *mem, unsigned count)
{
	struct av_rooms *rooms = talloc_zero(mem, struct av_rooms);

	if (!rooms)
		return NULL;
	rooms->lock = -1;
	rooms->directory = talloc_array(rooms, int, count);
	if (!rooms->directory) {
		talloc_free(rooms);
		return NULL;
	}
	memset(rooms->directory, 0xff, count * sizeof *rooms->directory); /* all -1 */
	rooms->count = count;
	talloc_set_destructor(rooms, rooms_destructor);
	return rooms;
}

int av_rooms_mount(void *mem, unsigned count, size_t octets, uid_t uid, gid_t gid, struct av_rooms **ret)
{
	const struct room_owner owner = { octets, uid, gid };
	struct av_rooms *rooms = rooms_new(mem, count);
	int first, second = 0;

	if (!rooms)
		return -ENOMEM;
	first = mount_all(rooms, &owner);
	if (first < 0 && geteuid() == uid)
		second = mount_in_user_namespace(rooms, &owner);
	else
		second = first;
	if (second < 0) {
		rooms->why = talloc_asprintf(rooms, "wanted a private file system in memory, got \"%s\", and in a user namespace \"%s\"",
		                             strerror(-first), strerror(-second));
		if (!rooms->why) {
			talloc_free(rooms);
			return -ENOMEM;
		}
	}
	*ret = rooms;
	return second < 0 ? 1 : 0;
}
