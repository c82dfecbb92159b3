/* Landlock has no function in the C library: these are the system calls of landlock(7). */
#include "av/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Younger than the headers of Debian 12; numbers of the kernel's interface. */
#define FS_TRUNCATE (1ULL << 14)               /* ABI 3 */
#define NET_BIND_TCP (1ULL << 0)               /* ABI 4 */
#define NET_CONNECT_TCP (1ULL << 1)            /* ABI 4 */
#define FS_IOCTL_DEVICE (1ULL << 15)           /* ABI 5 */
#define SCOPE_ABSTRACT_UNIX_SOCKET (1ULL << 0) /* ABI 6: no connection to an abstract socket outside */
#define SCOPE_SIGNAL (1ULL << 1)               /* ABI 6: no signal to a process outside */

/* struct landlock_ruleset_attr as of ABI 6; the kernel takes any length that it knows. */
struct ruleset {
	uint64_t handled_access_fs;
	uint64_t handled_access_net;
	uint64_t scoped;
};

/* What libclamav does with its temporary files. */
#define FS_TEMPORARY (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_WRITE_FILE | \
                      LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR | \
                      LANDLOCK_ACCESS_FS_MAKE_REG)
#define FS_ABI_1 (FS_TEMPORARY | LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_SOCK | \
                  LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM)

/* Everything that this kernel can forbid. */
static int create_ruleset(struct ruleset *rules)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, LANDLOCK_CREATE_RULESET_VERSION);
	size_t n = offsetof(struct ruleset, handled_access_net);
	long fd;

	if (abi < 0)
		return -errno;
	rules->handled_access_fs = FS_ABI_1;
	if (abi >= 2)
		rules->handled_access_fs |= LANDLOCK_ACCESS_FS_REFER;
	if (abi >= 3)
		rules->handled_access_fs |= FS_TRUNCATE;
	if (abi >= 4) {
		rules->handled_access_net = NET_BIND_TCP | NET_CONNECT_TCP;
		n = offsetof(struct ruleset, scoped);
	}
	if (abi >= 5)
		rules->handled_access_fs |= FS_IOCTL_DEVICE;
	if (abi >= 6) {
		rules->scoped = SCOPE_ABSTRACT_UNIX_SOCKET | SCOPE_SIGNAL;
		n = sizeof *rules;
	}
	fd = syscall(SYS_landlock_create_ruleset, rules, n, 0);
	return fd < 0 ? -errno : (int)fd;
}

static int allow_current_directory(int ruleset_fd, const struct ruleset *rules)
{
	struct landlock_path_beneath_attr rule = { .allowed_access = FS_TEMPORARY | (rules->handled_access_fs & FS_TRUNCATE) };
	int r = 0;

	rule.parent_fd = open(".", O_PATH | O_CLOEXEC);
	if (rule.parent_fd < 0)
		return -errno;
	if (syscall(SYS_landlock_add_rule, ruleset_fd, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0)
		r = -errno;
	close(rule.parent_fd);
	return r;
}

int av_seal_landlock(void)
{
	struct ruleset rules = { 0 };
	int fd = create_ruleset(&rules), r;

	if (fd < 0)
		return fd;
	r = allow_current_directory(fd, &rules);
	if (r == 0 && syscall(SYS_landlock_restrict_self, fd, 0) < 0)
		r = -errno;
	close(fd);
	return r;
}
