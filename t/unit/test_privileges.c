/* From root to a user, with no way back (milter/privileges.h). Each case runs in a process of its own. */
#include "milter/privileges.h"
#include "t/unit/support.h"

#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <talloc.h>
#include <unistd.h>

#define ORDINARY_USER "nobody" /* stands in every passwd file */

static bool has_no_capability(void)
{
	capng_clear(CAPNG_SELECT_BOTH);
	return capng_get_caps_process() == 0 && capng_have_capabilities(CAPNG_SELECT_CAPS) == CAPNG_NONE;
}

static bool is_sealed(void)
{
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 && prctl(PR_GET_DUMPABLE) == 0 && has_no_capability();
}

/* Each returns 0, or the number of the step that was wrong. */
static int become_ordinary(void)
{
	const struct passwd *user = getpwnam(ORDINARY_USER);
	char *error;

	if (!user || privileges_drop(NULL, ORDINARY_USER, &error) < 0)
		return 1;
	if (getuid() != user->pw_uid || geteuid() != user->pw_uid || getgid() != user->pw_gid || getegid() != user->pw_gid)
		return 2;
	if (setuid(0) == 0 || seteuid(0) == 0 || setresuid(0, 0, 0) == 0 || setgid(0) == 0 || setgroups(0, NULL) == 0)
		return 3;
	if (access("/etc/shadow", R_OK) == 0)
		return 4;
	return is_sealed() ? 0 : 5;
}

/* Groups that root had are gone. */
static int lose_groups(void)
{
	const gid_t many[] = { 0, 1, 2, 3 };
	gid_t left[64];
	char *error;
	int n;

	if (setgroups(4, many) < 0 || privileges_drop(NULL, ORDINARY_USER, &error) < 0)
		return 1;
	n = getgroups(64, left);
	for (int i = 0; i < n; i++)
		if (left[i] <= 3)
			return 2;
	return n < 0 ? 3 : 0;
}

static int stay_root(void)
{
	char *error;

	if (privileges_drop(NULL, "root", &error) < 0)
		return 1;
	/* not setuid(): glibc asks all threads, and a sanitizer's own thread keeps the capabilities it was born with */
	return getuid() == 0 && is_sealed() && syscall(SYS_setuid, 1) < 0 ? 0 : 2;
}

static int unknown_user(void)
{
	char *error = NULL;
	int r = privileges_drop(NULL, "no-such-user", &error);

	r = r == -ENOENT && error && strstr(error, "\"no-such-user\"") && getuid() == 0 ? 0 : 1;
	talloc_free(error);
	return r;
}

/* Not root: the user of the configuration does not matter. */
static int stay_ordinary(void)
{
	char *error;

	if (setresuid(65533, 65533, 65533) < 0 || privileges_drop(NULL, "no-such-user", &error) < 0)
		return 1;
	return getuid() == 65533 && is_sealed() ? 0 : 2;
}

static const struct case_row {
	const char *name;
	int (*function)(void);
} cases[] = {
	{ "root becomes an ordinary user and cannot come back", become_ordinary },
	{ "root's groups are gone", lose_groups },
	{ "root stays root, without capabilities", stay_root },
	{ "a user that does not exist is an error", unknown_user },
	{ "an ordinary user stays who it is", stay_ordinary },
};

static void test_case(void **state)
{
	const struct case_row *row = *state;
	int status;
	pid_t pid;

	if (geteuid() != 0)
		skip(); /* nobody else can become another user */
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(row->function());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 0);
}

int main(void)
{
	TEST_ROWS(cases, test_case);
	return test_run("privileges");
}
