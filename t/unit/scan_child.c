#include "t/unit/scan_child.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

struct scan_child {
	pthread_t thread;
	const char *script;
	int jobs, jobs_of_worker;
	atomic_bool go, end;
	bool well_formed;
	unsigned taken;
	char *seen;
};

static void answer(int fd, struct av_reply *reply, uint32_t kind)
{
	reply->version = AV_WIRE_VERSION;
	reply->kind = kind;
	(void)av_wire_send(fd, reply, sizeof *reply, NULL, 0);
}

static void find(struct av_reply *reply, uint32_t kind, const char *name)
{
	reply->finding_count = 1;
	reply->findings[0].kind = kind;
	strcpy(reply->findings[0].name, name);
	strcpy(reply->findings[0].part, "eicar.com");
}

/* Sealed against growing and writing, as long as the job says. */
static void look_at(struct scan_child *child, const struct av_job *job, int memory)
{
	struct stat st = { .st_size = 0 };
	int seals = fcntl(memory, F_GET_SEALS);

	if (fstat(memory, &st) < 0 || job->version != AV_WIRE_VERSION || job->kind != AV_JOB_MESSAGE ||
	    (uint64_t)st.st_size != job->octets || seals != (F_SEAL_GROW | F_SEAL_WRITE)) {
		child->well_formed = false;
		return;
	}
	free(child->seen);
	child->seen = calloc(1, (size_t)st.st_size + 1);
	if (!child->seen || pread(memory, child->seen, (size_t)st.st_size, 0) != st.st_size)
		child->well_formed = false;
}

static void scan(struct scan_child *child, char what, const struct av_job *job, int memory, int replies)
{
	struct av_reply reply = { .facts = { .engine = "1.4.6", .database = 27500, .database_time = 1 } };

	if (what == 'x')
		return;
	if (what != 'r') {
		struct av_reply started = { .version = AV_WIRE_VERSION, .kind = AV_STARTED };

		if (av_wire_send(replies, &started, sizeof started, NULL, 0) < 0)
			return;
	}
	look_at(child, job, memory);
	if (what == 'i' || (what == 'v' && child->seen && strstr(child->seen, "EICAR")))
		find(&reply, AV_SIGNATURE, "Eicar-Test-Signature");
	if (what == 'e')
		find(&reply, AV_ENCRYPTED, "zip");
	if (what == 'f')
		find(&reply, AV_FAILURE, "temporary files are full");
	if (what == 'g')
		find(&reply, 99, "x");
	if (what == 'l' || what == 'w')
		(void)poll(NULL, 0, what == 'l' ? SCAN_CHILD_LATE_MS : SCAN_CHILD_SLOW_MS);
	if (what == 't' && ftruncate(memory, 0) < 0)
		child->well_formed = false;
	if (!strchr("dlt", what))
		answer(replies, &reply, AV_RESULT);
}

static void take_job(struct scan_child *child)
{
	struct av_job job;
	int fds[AV_WIRE_DESCRIPTORS];
	char what = *child->script;

	if (av_wire_receive(child->jobs, &job, sizeof job, fds) != sizeof job || fds[0] < 0 || fds[1] < 0) {
		child->well_formed = false;
		return;
	}
	child->taken++;
	if (child->script[1])
		child->script++;
	scan(child, what, &job, fds[0], fds[1]);
	close(fds[0]);
	close(fds[1]);
}

static void *run(void *arg)
{
	struct scan_child *child = arg;
	struct pollfd event = { .fd = child->jobs, .events = POLLIN };

	while (!atomic_load(&child->go) && !atomic_load(&child->end))
		(void)poll(NULL, 0, 5);
	while (!atomic_load(&child->end))
		if (poll(&event, 1, 20) > 0)
			take_job(child);
	return NULL;
}

struct scan_child *scan_child_start(const char *script, int *ret_jobs)
{
	struct scan_child *child = calloc(1, sizeof *child);
	int pair[2];

	if (!child || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		abort();
	child->jobs = pair[1];
	child->jobs_of_worker = *ret_jobs = pair[0];
	child->well_formed = true;
	atomic_store(&child->go, *script != 'n');
	child->script = *script == 'n' ? script + 1 : script;
	if (pthread_create(&child->thread, NULL, run, child))
		abort();
	return child;
}

int scan_child_jobs(const struct scan_child *child)
{
	return child->jobs;
}

void scan_child_go(struct scan_child *child)
{
	atomic_store(&child->go, true);
}

bool scan_child_stop(struct scan_child *child, unsigned *ret_jobs_taken, char **ret_seen)
{
	bool well_formed;

	atomic_store(&child->end, true);
	(void)pthread_join(child->thread, NULL);
	close(child->jobs);
	close(child->jobs_of_worker);
	well_formed = child->well_formed;
	if (ret_jobs_taken)
		*ret_jobs_taken = child->taken;
	if (ret_seen)
		*ret_seen = child->seen;
	else
		free(child->seen);
	free(child);
	return well_formed;
}
