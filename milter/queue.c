#include "milter/queue.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

/* What a privileged process may have beyond net.core.wmem_max, else what anybody may. */
static int make_room(int fd)
{
	const int octets = QUEUE_OCTETS;

	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &octets, sizeof octets) == 0)
		return 0;
	return setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &octets, sizeof octets) < 0 ? -errno : 0;
}

/* A worker that is taken over must neither take other workers' jobs nor speak to them. */
static int make_one_way(const struct queue *queue)
{
	return shutdown(queue->send, SHUT_RD) < 0 || shutdown(queue->receive, SHUT_WR) < 0 ? -errno : 0;
}

int queue_open(struct queue *ret)
{
	struct queue queue;
	int pair[2], r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	queue = (struct queue){ .send = pair[0], .receive = pair[1] };
	r = make_one_way(&queue);
	if (r == 0)
		r = make_room(queue.send);
	if (r == 0 && fcntl(queue.send, F_SETFL, O_NONBLOCK) < 0)
		r = -errno;
	if (r < 0) {
		queue_close(&queue);
		return r;
	}
	*ret = queue;
	return 0;
}

void queue_close(struct queue *queue)
{
	if (queue->send >= 0)
		close(queue->send);
	if (queue->receive >= 0)
		close(queue->receive);
	*queue = (struct queue){ -1, -1 };
}
