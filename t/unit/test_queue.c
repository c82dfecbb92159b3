/* The job queue (milter/queue.h). */
#include "av/wire.h"
#include "milter/queue.h"
#include "t/unit/support.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define JOBS 500 /* fit with net.core.wmem_max at its default, and without privileges */

static void test_one_way(void **state)
{
	struct queue queue;
	char octet = 'j';

	(void)state;
	assert_int_equal(queue_open(&queue), 0);
	assert_true(fcntl(queue.send, F_GETFD) & FD_CLOEXEC && fcntl(queue.receive, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(send(queue.receive, &octet, 1, MSG_NOSIGNAL | MSG_DONTWAIT), -1);
	assert_int_equal(errno, EPIPE);
	assert_int_equal(send(queue.send, &octet, 1, MSG_NOSIGNAL), 1);
	assert_int_equal(recv(queue.send, &octet, 1, MSG_DONTWAIT), 0); /* not a worker's to read */
	assert_int_equal(recv(queue.receive, &octet, 1, MSG_DONTWAIT), 1);
	assert_int_equal(recv(queue.receive, &octet, 1, MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
	queue_close(&queue);
	queue_close(&queue); /* nothing left to close */
}

/* One packet with two descriptors, as a job has. */
static ssize_t send_job(int fd)
{
	struct av_job job = { AV_WIRE_VERSION, AV_JOB_MESSAGE, 1 };
	union {
		struct cmsghdr header;
		char octets[CMSG_SPACE(2 * sizeof(int))];
	} control = { .header = { CMSG_LEN(2 * sizeof(int)), SOL_SOCKET, SCM_RIGHTS } };
	struct iovec part = { &job, sizeof job };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.octets, .msg_controllen = sizeof control.octets };

	memcpy(CMSG_DATA(&control.header), (const int[]){ STDOUT_FILENO, STDERR_FILENO }, 2 * sizeof(int));
	return sendmsg(fd, &message, MSG_NOSIGNAL);
}

static void test_room(void **state)
{
	struct queue queue;
	struct rlimit limit;
	ssize_t n = 0;
	int jobs = 0;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max; /* it also bounds the descriptors under way */
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(queue_open(&queue), 0);
	for (; n >= 0; jobs += n >= 0)
		n = send_job(queue.send);
	assert_int_equal(errno, EAGAIN); /* and it does not block */
	assert_true(jobs >= JOBS);
	queue_close(&queue);
}

int main(void)
{
	test_add("it leads one way, and only its reader waits", test_one_way);
	test_add("hundreds of jobs may wait, and a full queue does not block", test_room);
	return test_run("queue");
}
