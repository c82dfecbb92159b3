#include "av/scan_child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

/* Processor time goes on beyond the wall clock's limit so far: the loader is to kill first, and to say why. */
#define PROCESSOR_GRACE_S 2

#define JOBS_FD (STDERR_FILENO + 1)

static volatile sig_atomic_t told_to_end;

int64_t av_now_ms(void)
{
	struct timespec now = { 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail with this clock */
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 + 1;
}

static void note_end(int number)
{
	(void)number;
	told_to_end = 1;
}

/* Without SA_RESTART: it wakes the wait for a job. A signal just before that wait is lost on it; the loader sends more.
 * A file that grows too large is a failed write, not a death. */
static int take_signals(void)
{
	struct sigaction end = { .sa_handler = note_end };
	sigset_t none;

	if (sigaction(SIGTERM, &end, NULL) < 0 || signal(SIGXFSZ, SIG_IGN) == SIG_ERR)
		return -errno;
	return sigemptyset(&none) < 0 || sigprocmask(SIG_SETMASK, &none, NULL) < 0 ? -errno : 0;
}

/* The parent may have gone before the request was made. */
static int end_with_loader(pid_t loader)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return -errno;
	return getppid() == loader ? 0 : -ESRCH;
}

static int keep_descriptors(int jobs)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int last = av_seal_closes_stderr ? STDERR_FILENO : STDOUT_FILENO;

	if (null < 0)
		return -errno;
	if (jobs != JOBS_FD && dup2(jobs, JOBS_FD) < 0)
		return -errno;
	for (int fd = STDIN_FILENO; fd <= last; fd++)
		if (dup2(null, fd) < 0)
			return -errno;
	closefrom(JOBS_FD + 1);
	return 0;
}

/* Sanitizers look for their own descriptors, the C library for the time zone: before the seal. */
static int begin(const struct av_scan_child_params *params)
{
	int r = take_signals();

	if (r == 0)
		r = end_with_loader(params->loader);
	if (r == 0)
		r = av_room_enter(params->rooms, params->room);
	if (r == 0)
		r = keep_descriptors(params->jobs);
	if (r == 0)
		r = av_engine_begin(params->engine, ".");
	if (r < 0)
		return r;
	tzset();
	av_seal(params->temp_size, params->memory, &params->slot->seal);
	atomic_store(&params->slot->sealed, true);
	return 0;
}

/* From here on nobody can shorten it under our eyes. Returns 0 or a negative errno: not what the job says. */
static int hold_memory(int fd, uint64_t octets)
{
	const int wanted = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
	struct stat st;
	int seals;

	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) < 0 && errno != EPERM) /* EPERM: no more seals may be added; looked at below */
		return -errno;
	seals = fcntl(fd, F_GET_SEALS);
	if (seals < 0 || (seals & wanted) != wanted)
		return -EBADMSG;
	if (fstat(fd, &st) < 0)
		return -errno;
	return (uint64_t)st.st_size == octets ? 0 : -EBADMSG;
}

static int send_reply(int to, struct av_reply *reply, enum av_reply_kind kind)
{
	int64_t n;

	reply->version = AV_WIRE_VERSION;
	reply->kind = kind;
	n = av_wire_send(to, reply, sizeof *reply, NULL, 0);
	return n < 0 ? (int)n : 0;
}

static void inspect(const struct av_scan_child_params *params, const struct av_job *job, int memory, struct av_reply *reply)
{
	struct view octets = { NULL, job->octets };

	if (octets.n > 0) {
		void *mapped = mmap(NULL, octets.n, PROT_READ, MAP_PRIVATE, memory, 0);

		if (mapped == MAP_FAILED) {
			av_engine_facts(params->engine, &reply->facts);
			av_finding_add(reply, AV_FAILURE, (struct view)VIEW_INIT("memory is out"), "");
			return;
		}
		octets.p = mapped;
	}
	av_inspect(params->engine, params->inspect, (enum av_job_kind)job->kind, octets, reply);
	if (octets.n > 0)
		(void)munmap((void *)octets.p, octets.n); /* was mapped just above */
}

static bool is_job(const struct av_job *job, int64_t n, const int fds[AV_WIRE_DESCRIPTORS])
{
	return n == sizeof *job && job->version == AV_WIRE_VERSION && (job->kind == AV_JOB_MESSAGE || job->kind == AV_JOB_FILE) &&
	       fds[0] >= 0 && fds[1] >= 0;
}

/* After a failure libclamav's cache may hold what it did not see: make way for a new child. */
static void end_after_failure(const struct av_reply *reply)
{
	for (uint32_t i = 0; i < reply->finding_count; i++)
		if (reply->findings[i].kind == AV_FAILURE)
			told_to_end = 1;
}

/* Started is sent before the memory is looked at; who does not wait any more, or sent what is no job, gets no result. */
static void scan(const struct av_scan_child_params *params, const struct av_job *job, const int fds[AV_WIRE_DESCRIPTORS])
{
	struct av_reply reply = { 0 };

	atomic_store(&params->slot->began_ms, av_now_ms());
	(void)av_seal_processor_time(params->timeout_ms / 1000 + PROCESSOR_GRACE_S); /* the wall clock's limit stands in any case */
	if (send_reply(fds[1], &reply, AV_STARTED) == 0 && hold_memory(fds[0], job->octets) == 0) {
		inspect(params, job, fds[0], &reply);
		(void)send_reply(fds[1], &reply, AV_RESULT); /* its worker may be gone */
		end_after_failure(&reply);
	}
}

static void close_all(const int fds[AV_WIRE_DESCRIPTORS])
{
	for (size_t i = 0; i < AV_WIRE_DESCRIPTORS; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

/* Returns 1; 0 when there are no more jobs; or a negative errno. */
static int serve_one(const struct av_scan_child_params *params)
{
	int fds[AV_WIRE_DESCRIPTORS];
	struct av_job job;
	int64_t n = av_wire_receive(JOBS_FD, &job, sizeof job, fds);
	int r = 0;

	if (n == -EINTR || n == -EMSGSIZE)
		return 1;
	if (n <= 0)
		return (int)n;
	if (is_job(&job, n, fds)) {
		scan(params, &job, fds);
		r = av_room_wipe();
	}
	close_all(fds);
	atomic_fetch_add(&params->slot->scans, 1);
	atomic_store(&params->slot->began_ms, 0);
	return r < 0 ? r : 1;
}

void av_scan_child(const struct av_scan_child_params *params)
{
	int r = begin(params);

	if (r < 0)
		atomic_store(&params->slot->fault, r);
	else
		r = 1;
	while (r == 1 && !told_to_end && (params->recycle == 0 || atomic_load(&params->slot->scans) < params->recycle))
		r = serve_one(params);
	_exit(r < 0 ? EX_OSERR : EX_OK);
}
