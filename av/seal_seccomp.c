#include "av/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/resource.h>

/* What libclamav, GMime and libarchive were seen to call once the engine is in memory, and the harmless kin of these that
 * another version of them or of the C library may take instead. Nothing here makes a descriptor that leads out of the
 * process: Landlock says which files openat() finds. */
static const int allowed[] = {
	/* files and folders */
	SCMP_SYS(read), SCMP_SYS(pread64), SCMP_SYS(readv), SCMP_SYS(write), SCMP_SYS(pwrite64), SCMP_SYS(writev), SCMP_SYS(openat),
	SCMP_SYS(open), SCMP_SYS(creat), SCMP_SYS(close), SCMP_SYS(lseek), SCMP_SYS(fstat), SCMP_SYS(stat), SCMP_SYS(lstat),
	SCMP_SYS(newfstatat), SCMP_SYS(statx), SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(readlink),
	SCMP_SYS(readlinkat), SCMP_SYS(unlink), SCMP_SYS(unlinkat), SCMP_SYS(rmdir), SCMP_SYS(mkdir), SCMP_SYS(mkdirat),
	SCMP_SYS(ftruncate), SCMP_SYS(dup), SCMP_SYS(getcwd), SCMP_SYS(getdents64), SCMP_SYS(fadvise64), SCMP_SYS(umask),
	/* memory */
	SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(brk),
	/* itself and the time */
	SCMP_SYS(futex), SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(getuid), SCMP_SYS(geteuid), SCMP_SYS(getgid), SCMP_SYS(getegid),
	SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(getrandom), SCMP_SYS(sched_yield),
	SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigprocmask), SCMP_SYS(restart_syscall), SCMP_SYS(exit), SCMP_SYS(exit_group),
	/* jobs and replies; no descriptor but those of the jobs is a socket */
	SCMP_SYS(recvmsg), SCMP_SYS(sendmsg),
};

/* Not F_SETOWN and F_SETSIG: with these the kernel sends any signal to any process of the same user, the workers among them. */
static const int allowed_fcntl[] = {
	F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_ADD_SEALS, F_GET_SEALS,
};

/* Landlock says nothing of modes, so they would change for every file that the user owns. Refused, not killed for: libclamav makes
 * folders its own before it removes them, which they are already. */
static const int refused[] = { SCMP_SYS(chmod), SCMP_SYS(fchmod), SCMP_SYS(fchmodat) };

static int allow_calls(scmp_filter_ctx filter, const int *calls, size_t count)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < count && calls[i] != -1; i++)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);
	return r;
}

static int allow_fcntl(scmp_filter_ctx filter)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof allowed_fcntl / sizeof *allowed_fcntl; i++)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1, SCMP_A1(SCMP_CMP_EQ, (scmp_datum_t)allowed_fcntl[i], 0));
	return r;
}

static int refuse_calls(scmp_filter_ctx filter)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof refused / sizeof *refused; i++)
		r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), refused[i], 0);
	return r;
}

/* Refused, not killed for: loading a library late (a character set, say) may fail, and its caller goes on. */
static int allow_memory_without_code(scmp_filter_ctx filter, int call)
{
	int r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));

	return r ? r : seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), call, 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC));
}

/* av_seal_processor_time() */
static int allow_own_limit(scmp_filter_ctx filter)
{
	return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 2, SCMP_A0(SCMP_CMP_EQ, 0, 0),
	                        SCMP_A1(SCMP_CMP_EQ, RLIMIT_CPU, 0));
}

static int fill(scmp_filter_ctx filter)
{
	int r = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);

	if (r == 0)
		r = allow_calls(filter, allowed, sizeof allowed / sizeof *allowed);
	if (r == 0)
		r = allow_calls(filter, av_seal_more_calls, (size_t)-1);
	if (r == 0)
		r = allow_fcntl(filter);
	if (r == 0)
		r = refuse_calls(filter);
	if (r == 0)
		r = allow_memory_without_code(filter, SCMP_SYS(mmap));
	if (r == 0)
		r = allow_memory_without_code(filter, SCMP_SYS(mprotect));
	return r == 0 ? allow_own_limit(filter) : r;
}

int av_seal_seccomp(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int r;

	if (!filter)
		return -ENOMEM;
	r = fill(filter);
	if (r == 0)
		r = seccomp_load(filter);
	seccomp_release(filter);
	return r;
}
