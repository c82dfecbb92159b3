/* Rooms for temporary files (av/room.h): as root, in a user namespace, and as folders. Each row runs in a process of its own. */
#include "av/become.h"
#include "av/room.h"
#include "t/unit/support.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <talloc.h>
#include <unistd.h>

#define ROOMS 3
#define OCTETS ((size_t)1024 * 1024)
#define ORDINARY_USER "nobody" /* stands in every passwd file */
#define TMPFS_MAGIC_NUMBER 0x01021994

static struct passwd nobody;
static char folder[] = "/tmp/postern-room-XXXXXX"; /* nobody's */

static bool fill(const char *name, size_t octets)
{
	static char block[4096];
	int fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ssize_t n = fd < 0 ? -1 : 0;

	for (size_t done = 0; n >= 0 && done < octets; done += sizeof block)
		n = write(fd, block, sizeof block);
	if (fd >= 0)
		close(fd);
	return n >= 0;
}

static bool is_empty(void)
{
	DIR *here = opendir(".");
	int entries = 0;

	while (here && readdir(here))
		entries++;
	if (here)
		(void)closedir(here);
	return entries == 2;
}

/* As if started by that user: exec makes a process dumpable, a change of user not. */
static bool become_nobody(void)
{
	return setresgid(nobody.pw_gid, nobody.pw_gid, nobody.pw_gid) == 0 && setresuid(nobody.pw_uid, nobody.pw_uid, nobody.pw_uid) == 0 &&
	       prctl(PR_SET_DUMPABLE, 1) == 0;
}

/* Each returns 0, or the number of the step that was wrong. */
static int uses_rooms(const struct av_rooms *rooms)
{
	for (unsigned i = 0; i < ROOMS; i++) {
		if (av_room_enter(rooms, i) < 0 || !is_empty())
			return 10;
		if (mkdir("deep", 0700) < 0 || mkdir("deep/deeper", 0700) < 0 || !fill("deep/deeper/file", 4096) || !fill("file", 4096))
			return 11;
	}
	for (unsigned i = 0; i < ROOMS; i++)
		if (av_room_enter(rooms, i) < 0 || !is_empty()) /* what the first round left is gone */
			return 12;
	return 0;
}

static int has_quota(const struct av_rooms *rooms)
{
	struct statfs fs;

	if (av_room_enter(rooms, 0) < 0 || statfs(".", &fs) < 0 || fs.f_type != TMPFS_MAGIC_NUMBER)
		return 20;
	if (!fill("fits", OCTETS / 2) || fill("too-large", OCTETS) || errno != ENOSPC)
		return 21;
	if (av_room_enter(rooms, 1) < 0 || !fill("fits", OCTETS / 2)) /* a full room is no matter of the next one */
		return 22;
	return 0;
}

static int root_mounts(void)
{
	struct av_rooms *rooms;
	int r;

	if (av_rooms_mount(NULL, ROOMS, OCTETS, nobody.pw_uid, nobody.pw_gid, &rooms) != 0 || rooms->path || !become_nobody())
		return 1;
	r = uses_rooms(rooms);
	return r ? r : has_quota(rooms);
}

static int user_mounts_in_a_namespace(void)
{
	struct av_rooms *rooms;
	int r;

	if (!become_nobody() || av_rooms_mount(NULL, ROOMS, OCTETS, nobody.pw_uid, nobody.pw_gid, &rooms) != 0 || rooms->path)
		return 1;
	if (getuid() != nobody.pw_uid || access("/etc/passwd", R_OK) < 0)
		return 2; /* only a helper went into the namespace */
	r = uses_rooms(rooms);
	return r ? r : has_quota(rooms);
}

/* A host without that right: as if no namespace could be made. */
static int folders_instead(void)
{
	struct av_rooms *rooms;
	struct stat st;
	char *path;
	int r;

	if (!become_nobody() || av_rooms_mount(NULL, ROOMS, OCTETS, nobody.pw_uid + 1, nobody.pw_gid, &rooms) != 1 || !rooms->why)
		return 1;
	if (av_rooms_make(rooms, folder) < 0 || !rooms->path || stat(rooms->path, &st) < 0 || (st.st_mode & 077) != 0)
		return 2;
	r = uses_rooms(rooms);
	if (r)
		return r;
	path = talloc_strdup(NULL, rooms->path);
	if (!fill("left", 4096) || chdir("/") < 0)
		return 3;
	talloc_free(rooms);
	return path && stat(path, &st) < 0 && errno == ENOENT ? 0 : 4;
}

static int killed_process_leaves_folders(char ret_path[64])
{
	struct av_rooms *rooms;

	if (av_rooms_mount(NULL, ROOMS, OCTETS, nobody.pw_uid + 1, nobody.pw_gid, &rooms) != 1 || av_rooms_make(rooms, folder) < 0)
		return 1;
	if (av_room_enter(rooms, 1) < 0 || !fill("left", 4096) || chdir("/") < 0)
		return 2;
	(void)snprintf(ret_path, 64, "%s", rooms->path);
	close(rooms->lock); /* as the kernel does when it ends */
	return 0;
}

static int next_process_removes_stale_folders(void)
{
	struct av_rooms *rooms, *neighbour;
	char stale[64], *held;
	struct stat st;

	if (!become_nobody() || killed_process_leaves_folders(stale) || stat(stale, &st) < 0)
		return 1;
	if (av_rooms_mount(NULL, 1, OCTETS, nobody.pw_uid + 1, nobody.pw_gid, &neighbour) != 1 || av_rooms_make(neighbour, folder) < 0)
		return 2;
	if (stat(stale, &st) == 0)
		return 3;
	held = neighbour->path;
	if (av_rooms_mount(NULL, 1, OCTETS, nobody.pw_uid + 1, nobody.pw_gid, &rooms) != 1 || av_rooms_make(rooms, folder) < 0)
		return 4;
	if (stat(held, &st) < 0) /* who still lives keeps his */
		return 5;
	talloc_free(rooms);
	talloc_free(neighbour);
	return 0;
}

static const struct row {
	const char *name;
	int (*function)(void);
} rows[] = {
	{ "root mounts them for the user who scans", root_mounts },
	{ "an unprivileged user mounts them in a user namespace", user_mounts_in_a_namespace },
	{ "where nothing can be mounted they are folders, gone at the end", folders_instead },
	{ "folders that a killed process left are removed by the next", next_process_removes_stale_folders },
};

static void run_row(void **state)
{
	const struct row *row = *state;
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(row->function());
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static int set_up(void **state)
{
	const struct passwd *entry = getpwnam(ORDINARY_USER);

	(void)state;
	if (!entry || !mkdtemp(folder))
		return -1;
	nobody = *entry;
	return chown(folder, nobody.pw_uid, nobody.pw_gid);
}

/* Fails when a row left something. */
static int tear_down(void **state)
{
	(void)state;
	return rmdir(folder);
}

int main(void)
{
	TEST_ROWS(rows, run_row);
	return test_run_with("room", set_up, tear_down);
}
