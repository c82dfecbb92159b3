#include "av/seal.h"

#include <cap-ng.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static const struct {
	const char *name, *effect;
} pieces[AV_SEAL_PIECES] = {
	[AV_SEAL_PRIVILEGES] = { "no privileges", "a scan process keeps those of who started it" },
	[AV_SEAL_LIMITS] = { "resource limits", "a scan process may use all memory of this host" },
	[AV_SEAL_LANDLOCK] = { "Landlock", "a scan process can open every file that its user can" },
	[AV_SEAL_SECCOMP] = { "seccomp", "a scan process can make any system call" },
};

const char *av_seal_piece_name(enum av_seal_piece piece)
{
	return pieces[piece].name;
}

const char *av_seal_piece_effect(enum av_seal_piece piece)
{
	return pieces[piece].effect;
}

/* no_new_privs also allows an unprivileged process to load a seccomp filter and to enter Landlock. */
static int drop_privileges(void)
{
	capng_clear(CAPNG_SELECT_CAPS);
	if (capng_apply(CAPNG_SELECT_CAPS) != 0)
		return -EPERM;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0 ? -errno : 0;
}

static int set_limit(__rlimit_resource_t resource, rlim_t most)
{
	struct rlimit limit = { most, most }, now;

	if (getrlimit(resource, &now) < 0)
		return -errno;
	if (limit.rlim_max > now.rlim_max)
		limit.rlim_cur = limit.rlim_max = now.rlim_max;
	return setrlimit(resource, &limit) < 0 ? -errno : 0;
}

/* Returns 0 when the kernel does not tell. */
static size_t address_space(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	size_t pages = 0;

	if (!file)
		return 0;
	if (fscanf(file, "%zu", &pages) != 1)
		pages = 0;
	(void)fclose(file); /* was read only */
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static int limit_memory(size_t more)
{
	size_t now = address_space();

	if (!av_seal_limits_memory)
		return 0;
	if (now == 0)
		return -ENOENT;
	return set_limit(RLIMIT_AS, more > SIZE_MAX - now ? SIZE_MAX : now + more);
}

static int set_limits(size_t file_size, size_t memory)
{
	int r = limit_memory(memory);

	if (r == 0)
		r = set_limit(RLIMIT_FSIZE, file_size);
	if (r == 0)
		r = set_limit(RLIMIT_NOFILE, AV_SEAL_DESCRIPTORS);
	if (r == 0)
		r = set_limit(RLIMIT_NPROC, 0);
	return r == 0 ? set_limit(RLIMIT_CORE, 0) : r;
}

void av_seal(size_t file_size, size_t memory, struct av_seal_result *ret)
{
	ret->piece[AV_SEAL_PRIVILEGES] = drop_privileges();
	ret->piece[AV_SEAL_LIMITS] = set_limits(file_size, memory);
	ret->piece[AV_SEAL_LANDLOCK] = av_seal_landlock();
	ret->piece[AV_SEAL_SECCOMP] = av_seal_seccomp();
}

/* The soft limit counts from the start of the process, and may be moved while it lies below the hard one. */
int av_seal_processor_time(unsigned seconds)
{
	struct timespec used;
	struct rlimit limit;

	if (getrlimit(RLIMIT_CPU, &limit) < 0 || clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used) < 0)
		return -errno;
	limit.rlim_cur = (rlim_t)used.tv_sec + 1 + seconds;
	if (limit.rlim_cur > limit.rlim_max)
		limit.rlim_cur = limit.rlim_max;
	return setrlimit(RLIMIT_CPU, &limit) < 0 ? -errno : 0;
}
