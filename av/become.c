#include "av/become.h"

#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <talloc.h>
#include <unistd.h>

#define PASSWD_BUFFER_FIRST 1024
#define PASSWD_BUFFER_MAX ((size_t)1024 * 1024) /* octets of one user's entry */

/* Returns 0, -ENOENT, -ENOMEM or another negative errno. */
static int look_up(void *mem, struct av_user *user)
{
	size_t n = PASSWD_BUFFER_FIRST;
	struct passwd entry, *found = NULL;
	int r;

	do {
		char *buffer = talloc_size(mem, n);

		if (!buffer)
			return -ENOMEM;
		r = getpwnam_r(user->name, &entry, buffer, n, &found);
		if (r == 0 && found) {
			user->uid = found->pw_uid;
			user->gid = found->pw_gid;
		}
		talloc_free(buffer);
		n *= 2;
	} while (r == ERANGE && n <= PASSWD_BUFFER_MAX);
	if (r)
		return -r;
	return found ? 0 : -ENOENT;
}

int av_user_find(void *mem, const char *name, struct av_user *ret, char **ret_error)
{
	struct av_user user = { .name = name, .uid = geteuid(), .gid = getegid() };
	int r = 0;

	if (user.uid == 0) {
		r = look_up(mem, &user);
		user.change = user.uid != 0;
	}
	if (r == 0) {
		*ret = user;
		return 0;
	}
	*ret_error = r == -ENOENT ? talloc_asprintf(mem, "user: wanted a user of this host to scan as, got \"%s\"", name)
	                          : talloc_asprintf(mem, "user: wanted to look up \"%s\", got \"%s\"", name, strerror(-r));
	return r;
}

int av_leave_network(void)
{
	return unshare(CLONE_NEWNET | CLONE_NEWIPC) < 0 ? -errno : 0;
}

/* A container may have left us without the right to empty the bounding set: no_new_privs then does the same work alone. */
static int change(const struct av_user *user)
{
	if (initgroups(user->name, user->gid) < 0 || setresgid(user->gid, user->gid, user->gid) < 0)
		return -errno;
	capng_clear(CAPNG_SELECT_BOTH);
	(void)capng_apply(CAPNG_SELECT_BOUNDS);
	if (setresuid(user->uid, user->uid, user->uid) < 0)
		return -errno;
	return setresuid(0, 0, 0) == 0 || setresgid(0, 0, 0) == 0 ? -EPERM : 0; /* believe nothing: it has failed before */
}

static int seal(void)
{
	capng_clear(CAPNG_SELECT_CAPS);
	if (capng_apply(CAPNG_SELECT_CAPS) != 0)
		return -EPERM;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0 ? -errno : 0;
}

int av_become(void *mem, const struct av_user *user, char **ret_error)
{
	int r = user->change ? change(user) : 0;

	if (r == 0)
		r = seal();
	if (r < 0)
		*ret_error = talloc_asprintf(mem, "user: wanted to be \"%s\" for good and without privileges, got \"%s\"", user->name,
		                             strerror(-r));
	return r;
}
