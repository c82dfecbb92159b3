/* From root to the user that scans, with no way back. */
#ifndef AV_BECOME_H
#define AV_BECOME_H

#include <stdbool.h>
#include <sys/types.h>

struct av_user {
	const char *name;
	bool change;      /* started as root: become somebody else */
	uid_t uid;
	gid_t gid;
};

/* Who scans: `name` when started as root, else who we are.
 *   ret_error  on failure: a talloc string of mem, wanted and got
 * Returns 0, -ENOENT (no such user), -ENOMEM or another negative errno. */
int av_user_find(void *mem, const char *name, struct av_user *ret, char **ret_error);

/* Leave the network (as root only: -EPERM else), then become the user: its groups and ids, no capabilities, none to be had
 * again. Before there are threads. Returns 0 or a negative errno. */
int av_leave_network(void);
int av_become(void *mem, const struct av_user *user, char **ret_error);

#endif
