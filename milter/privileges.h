/* From root to the configured user, with no way back. */
#ifndef MILTER_PRIVILEGES_H
#define MILTER_PRIVILEGES_H

/* Before there are threads. Started as root: become `user` (its groups, group, user id), drop every capability. Not
 * started as root: stay who we are; `user` is not looked at. A user with id 0 is obeyed, with a warning in the log and
 * no capability left. In each case nothing can be gained again: no_new_privs is set, and what belongs to us cannot be
 * traced or dumped.
 *   ret_error  on failure: a talloc string of mem, wanted and got
 * Returns 0, -ENOENT (no such user), -ENOMEM or another negative errno: the process must then end. */
int privileges_drop(void *mem, const char *user, char **ret_error);

#endif
