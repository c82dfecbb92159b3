/* A build with the address or the thread sanitizer, for tests. */
#include "av/seal.h"

#include <seccomp.h>

const bool av_seal_limits_memory = false;
const bool av_seal_closes_stderr = false;

/* For their reports and for the checks that they make at exit: stacks, mapped libraries, signals, pauses. */
const int av_seal_more_calls[] = {
	SCMP_SYS(sigaltstack), SCMP_SYS(rt_sigaction), SCMP_SYS(sched_getaffinity), SCMP_SYS(getrlimit), SCMP_SYS(pipe), SCMP_SYS(pipe2),
	SCMP_SYS(ioctl), SCMP_SYS(nanosleep), SCMP_SYS(clock_nanosleep), SCMP_SYS(tgkill), SCMP_SYS(getppid), SCMP_SYS(prctl), -1,
};
