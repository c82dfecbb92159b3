#include "milter/privileges.h"

#include "milter/log.h"

#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <talloc.h>
#include <unistd.h>

#define PASSWD_BUFFER_FIRST 1024
#define PASSWD_BUFFER_MAX ((size_t)1024 * 1024) /* octets of one user's entry */

/* Returns 0, -ENOENT, -ENOMEM or another negative errno. */
static int look_up(void *mem, const char *user, uid_t *ret_uid, gid_t *ret_gid)
{
	size_t n = PASSWD_BUFFER_FIRST;
	struct passwd entry, *found = NULL;
	int r;

	do {
		char *buffer = talloc_size(mem, n);

		if (!buffer)
			return -ENOMEM;
		r = getpwnam_r(user, &entry, buffer, n, &found);
		if (r == 0 && found) {
			*ret_uid = found->pw_uid;
			*ret_gid = found->pw_gid;
		}
		talloc_free(buffer);
		n *= 2;
	} while (r == ERANGE && n <= PASSWD_BUFFER_MAX);
	if (r)
		return -r;
	return found ? 0 : -ENOENT;
}

/* The bounding set goes before the user id, which takes the capability for it away. A container may have left us
 * without it: no_new_privs then does the same work alone. */
static int become(const char *user, uid_t uid, gid_t gid)
{
	if (initgroups(user, gid) < 0 || setresgid(gid, gid, gid) < 0)
		return -errno;
	capng_clear(CAPNG_SELECT_BOTH);
	if (capng_apply(CAPNG_SELECT_BOUNDS) != 0)
		log_text(CONF_LOG_DEBUG, "privileges", "the bounding set of capabilities stays as it is: no CAP_SETPCAP");
	if (setresuid(uid, uid, uid) < 0)
		return -errno;
	return 0;
}

/* Believe nothing: libraries and kernels have had faults here. */
static bool can_come_back(void)
{
	return geteuid() == 0 || setresuid(0, 0, 0) == 0 || setresgid(0, 0, 0) == 0;
}

static int become_user(void *mem, const char *user, char **ret_error)
{
	uid_t uid = (uid_t)-1;
	gid_t gid = (gid_t)-1;
	int r = look_up(mem, user, &uid, &gid);

	if (r == 0)
		r = become(user, uid, gid);
	if (r < 0) {
		*ret_error = r == -ENOENT ? talloc_asprintf(mem, "user: wanted a user of this host to run as, got \"%s\"", user)
		                          : talloc_asprintf(mem, "user: wanted to become \"%s\", got \"%s\"", user, strerror(-r));
		return r;
	}
	if (uid == 0) {
		log_text(CONF_LOG_WARNING, "privileges", "running as root, because user is \"%s\": better an account of its own", user);
		return 0;
	}
	if (!can_come_back())
		return 0;
	*ret_error = talloc_asprintf(mem, "user: wanted to be \"%s\" for good, got root back", user);
	return -EPERM;
}

/* Also for those who never were root: their permitted and ambient sets may have been filled by whoever started us. */
static int seal(void *mem, char **ret_error)
{
	capng_clear(CAPNG_SELECT_CAPS);
	if (capng_apply(CAPNG_SELECT_CAPS) != 0) {
		*ret_error = talloc_strdup(mem, "wanted to drop all capabilities, got a refusal");
		return -EPERM;
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_DUMPABLE, 0) == 0)
		return 0;
	*ret_error = talloc_asprintf(mem, "wanted no_new_privs, got \"%s\"", strerror(errno));
	return -EPERM;
}

int privileges_drop(void *mem, const char *user, char **ret_error)
{
	int r;

	*ret_error = NULL;
	r = geteuid() == 0 ? become_user(mem, user, ret_error) : 0;
	return r < 0 ? r : seal(mem, ret_error);
}
