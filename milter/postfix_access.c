#include "milter/postfix_access.h"

#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <talloc.h>
#include <unistd.h>

#define GROUPS_MAX 1000 /* of Postfix's user; it has one or two */

struct identity {
	const char *name;
	uid_t uid;
	gid_t groups[GROUPS_MAX];
	int group_count;
};

static bool find_identity(const char *user, struct identity *ret)
{
	const struct passwd *entry = getpwnam(user);

	if (!entry)
		return false;
	ret->name = user;
	ret->uid = entry->pw_uid;
	ret->group_count = GROUPS_MAX;
	return getgrouplist(user, entry->pw_gid, ret->groups, &ret->group_count) >= 0;
}

static bool is_in_group(const struct identity *who, gid_t group)
{
	for (int i = 0; i < who->group_count; i++)
		if (who->groups[i] == group)
			return true;
	return false;
}

/* bits: of others (S_IXOTH); owner and group have theirs further up. */
static bool may(const struct identity *who, const struct stat *status, mode_t bits)
{
	if (who->uid == 0)
		return true;
	if (who->uid == status->st_uid)
		bits <<= 6;
	else if (is_in_group(who, status->st_gid))
		bits <<= 3;
	return (status->st_mode & bits) == bits;
}

static void describe(struct buf *got, const struct identity *who, const char *path, const struct stat *status, const char *right)
{
	const struct passwd *owner = getpwuid(status->st_uid);
	const struct group *group = getgrgid(status->st_gid);

	buf_printf(got, "user %s may not %s %s, which has mode %04o, owner %s, group %s", who->name, right, path,
	           (unsigned)(status->st_mode & 07777), owner ? owner->pw_name : "unknown", group ? group->gr_name : "unknown");
}

/* What the daemon would make. */
static void socket_to_be(const struct conf_listener *listener, struct stat *ret)
{
	const struct group *group = *listener->socket_group ? getgrnam(listener->socket_group) : NULL;

	*ret = (struct stat){ .st_mode = listener->socket_mode, .st_uid = geteuid(), .st_gid = group ? group->gr_gid : getegid() };
}

static bool folder_denied(const struct identity *who, const char *path, struct buf *got)
{
	char *folder = talloc_strdup(got->mem, path);
	struct stat status;
	bool denied = false;

	if (!folder)
		return false;
	for (char *slash = strchr(folder + 1, '/'); slash && !denied; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		denied = stat(folder, &status) == 0 && !may(who, &status, S_IXOTH);
		if (denied)
			describe(got, who, folder, &status, "search");
		*slash = '/';
	}
	talloc_free(folder);
	return denied;
}

bool postfix_access_denied(const char *path, const char *user, const struct conf_listener *listener, struct buf *got)
{
	struct identity who;
	struct stat status;

	if (!find_identity(user, &who))
		return false;
	if (folder_denied(&who, path, got))
		return true;
	if (stat(path, &status) < 0)
		socket_to_be(listener, &status);
	if (may(&who, &status, S_IWOTH))
		return false;
	describe(got, &who, path, &status, "write to");
	return true;
}
