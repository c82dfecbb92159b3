/* Landlock has no function in the C library: these are the system calls of landlock(7). */
#include "milter/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Younger than the headers of Debian 12; numbers of the kernel's interface. */
#define FS_TRUNCATE (1ULL << 14)            /* ABI 3 */
#define FS_IOCTL_DEVICE (1ULL << 15)        /* ABI 5 */
#define SCOPE_ABSTRACT_UNIX_SOCKET (1ULL << 0) /* ABI 6: no connection to an abstract socket outside */
#define SCOPE_SIGNAL (1ULL << 1)            /* ABI 6: no signal to a process outside */

/* struct landlock_ruleset_attr as of ABI 6; the kernel takes any length that it knows. */
struct ruleset {
	uint64_t handled_access_fs;
	uint64_t handled_access_net;
	uint64_t scoped;
};

#define FS_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define FS_CHANGE (FS_READ | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | \
                   LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR | FS_TRUNCATE)
#define FS_ABI_1 (FS_READ | LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | \
                  LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR | \
                  LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO | \
                  LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM)

static const struct {
	const char *path;
	uint64_t access;
} system_files[] = {
	{ "/usr", FS_READ }, /* libgcc_s, OpenSSL's modules and time zones are opened when they are first needed */
	{ "/lib", FS_READ },
	{ "/lib64", FS_READ },
	{ "/etc/ld.so.cache", FS_READ },
	{ "/etc/localtime", FS_READ },
	{ "/etc/ssl/openssl.cnf", FS_READ },
	{ "/etc/resolv.conf", FS_READ }, /* libunbound */
	{ "/etc/hosts", FS_READ },       /* libunbound */
	{ "/etc/host.conf", FS_READ },
	{ "/etc/nsswitch.conf", FS_READ },
	{ "/etc/gai.conf", FS_READ },
	{ "/etc/services", FS_READ },
	{ "/etc/protocols", FS_READ },
	{ "/proc/self", FS_READ }, /* sanitizers */
	{ "/proc/sys", FS_READ },
	{ "/sys/devices/system/cpu", FS_READ }, /* malloc() counts processors */
	{ "/dev/null", LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE },
	{ "/dev/random", FS_READ },
	{ "/dev/urandom", FS_READ },
};

static int abi_version(void)
{
	long version = syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, LANDLOCK_CREATE_RULESET_VERSION);

	return version < 0 ? -errno : (int)version;
}

static int create_ruleset(int abi, struct ruleset *rules)
{
	size_t n = offsetof(struct ruleset, handled_access_net);
	long fd;

	rules->handled_access_fs = FS_ABI_1;
	if (abi >= 2)
		rules->handled_access_fs |= LANDLOCK_ACCESS_FS_REFER;
	if (abi >= 3)
		rules->handled_access_fs |= FS_TRUNCATE;
	if (abi >= 5)
		rules->handled_access_fs |= FS_IOCTL_DEVICE;
	if (abi >= 6) {
		rules->scoped = SCOPE_ABSTRACT_UNIX_SOCKET | SCOPE_SIGNAL;
		n = sizeof *rules;
	}
	fd = syscall(SYS_landlock_create_ruleset, rules, n, 0);
	return fd < 0 ? -errno : (int)fd;
}

/* A symbolic link stands for what it points to now: each worker is started anew, and reads these files once. */
static int allow(int ruleset_fd, const char *path, uint64_t access)
{
	struct landlock_path_beneath_attr rule = { .allowed_access = access };
	struct stat st;
	int r = 0;

	rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
	if (rule.parent_fd < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == EACCES ? 0 : -errno;
	if (fstat(rule.parent_fd, &st) < 0)
		r = -errno;
	else if (!S_ISDIR(st.st_mode))
		rule.allowed_access &= ~(uint64_t)LANDLOCK_ACCESS_FS_READ_DIR; /* refused for a file */
	if (r == 0 && syscall(SYS_landlock_add_rule, ruleset_fd, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0)
		r = -errno;
	close(rule.parent_fd);
	return r;
}

/* Truncation is a right of its own only where the kernel knows it, and there it is handled. */
static int allow_all(int ruleset_fd, const char *const *readable, const char *const *writable, uint64_t handled)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof system_files / sizeof *system_files; i++)
		r = allow(ruleset_fd, system_files[i].path, system_files[i].access);
	for (; r == 0 && *readable; readable++)
		if (**readable)
			r = allow(ruleset_fd, *readable, FS_READ);
	for (; r == 0 && *writable; writable++)
		if (**writable)
			r = allow(ruleset_fd, *writable, FS_CHANGE & handled);
	return r;
}

int landlock_enter(const char *const *readable, const char *const *writable)
{
	struct ruleset rules = { 0 };
	int fd = abi_version(), r;

	if (fd < 0)
		return fd;
	fd = create_ruleset(fd, &rules);
	if (fd < 0)
		return fd;
	r = allow_all(fd, readable, writable, rules.handled_access_fs);
	if (r == 0 && syscall(SYS_landlock_restrict_self, fd, 0) < 0) /* takes no_new_privs */
		r = -errno;
	close(fd);
	return r;
}
