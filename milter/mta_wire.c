#include "milter/mta_wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <talloc.h>
#include <time.h>
#include <unistd.h>

#define LENGTH_OCTETS sizeof(uint32_t)

struct mta_wire {
	int fd;
	struct timespec start;
	unsigned timeout_ms;
	uint32_t announced;
	char *packet; /* the last one received: command and data */
};

double mta_wire_elapsed_ms(const struct mta_wire *wire)
{
	struct timespec now;

	if (clock_gettime(CLOCK_MONOTONIC, &now) < 0)
		abort(); /* the clock always exists on Linux */
	return (double)(now.tv_sec - wire->start.tv_sec) * 1e3 + (double)(now.tv_nsec - wire->start.tv_nsec) / 1e6;
}

/* Wait until the socket is ready for `events`. Returns 0, -ETIMEDOUT or the errno of poll(). */
static int wait_for(const struct mta_wire *wire, short events)
{
	struct pollfd p = { .fd = wire->fd, .events = events };
	double left;
	int r;

	do {
		left = (double)wire->timeout_ms - mta_wire_elapsed_ms(wire);
		if (left <= 0)
			return -ETIMEDOUT;
		r = poll(&p, 1, left > INT_MAX - 1 ? INT_MAX : (int)left + 1);
	} while (r == 0 || (r < 0 && errno == EINTR));
	return r < 0 ? -errno : 0;
}

static int finish_connect(const struct mta_wire *wire)
{
	int error, r;
	socklen_t n = sizeof error;

	r = wait_for(wire, POLLOUT);
	if (r < 0)
		return r;
	if (getsockopt(wire->fd, SOL_SOCKET, SO_ERROR, &error, &n) < 0)
		return -errno;
	return -error;
}

static int start_connect(struct mta_wire *wire, const struct socket_address *address)
{
	const int on = 1;

	wire->fd = socket(address->u.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (wire->fd < 0)
		return -errno;
	/* Macro packet and command are two writes: without this the second waits for an acknowledgement. */
	if (address->u.any.sa_family != AF_UNIX && setsockopt(wire->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0)
		return -errno;
	if (connect(wire->fd, &address->u.any, address->n) == 0)
		return 0;
	return errno == EINPROGRESS ? finish_connect(wire) : -errno;
}

static int close_wire(struct mta_wire *wire)
{
	if (wire->fd >= 0)
		(void)close(wire->fd); /* nothing is written at close: no loss to report */
	return 0;
}

int mta_wire_connect(void *mem, const struct socket_address *address, unsigned timeout_ms, struct mta_wire **ret)
{
	struct mta_wire *wire = talloc_zero(mem, struct mta_wire);
	int r;

	if (!wire)
		return -ENOMEM;
	wire->fd = -1;
	wire->timeout_ms = timeout_ms;
	talloc_set_destructor(wire, close_wire);
	r = clock_gettime(CLOCK_MONOTONIC, &wire->start) < 0 ? -errno : start_connect(wire, address);
	if (r < 0) {
		talloc_free(wire);
		return r;
	}
	*ret = wire;
	return 0;
}

/* Take n octets off the front of a gather list. */
static void advance(struct msghdr *message, size_t n)
{
	while (message->msg_iovlen > 0 && n >= message->msg_iov->iov_len) {
		n -= message->msg_iov->iov_len;
		message->msg_iov++;
		message->msg_iovlen--;
	}
	if (message->msg_iovlen > 0) {
		message->msg_iov->iov_base = (char *)message->msg_iov->iov_base + n;
		message->msg_iov->iov_len -= n;
	}
}

int mta_wire_send(struct mta_wire *wire, char command, struct view data)
{
	struct iovec parts[3];
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 3 };
	uint32_t length;
	ssize_t n;
	int r;

	if (data.n >= UINT32_MAX)
		return -EMSGSIZE;
	length = htonl((uint32_t)data.n + 1);
	parts[0] = (struct iovec){ &length, LENGTH_OCTETS };
	parts[1] = (struct iovec){ &command, 1 };
	parts[2] = (struct iovec){ (void *)(uintptr_t)data.p, data.n };
	while (message.msg_iovlen > 0) {
		r = wait_for(wire, POLLOUT);
		if (r < 0)
			return r;
		n = sendmsg(wire->fd, &message, MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (n > 0)
			advance(&message, (size_t)n);
	}
	return 0;
}

static int receive_octets(struct mta_wire *wire, void *ret, size_t n)
{
	char *p = ret;
	ssize_t got;
	int r;

	while (n > 0) {
		r = wait_for(wire, POLLIN);
		if (r < 0)
			return r;
		got = recv(wire->fd, p, n, 0);
		if (got == 0)
			return -ECONNRESET;
		if (got < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (got > 0) {
			p += got;
			n -= (size_t)got;
		}
	}
	return 0;
}

int mta_wire_receive(struct mta_wire *wire, char *ret_reply, struct view *ret_data)
{
	uint32_t length;
	int r;

	r = receive_octets(wire, &length, LENGTH_OCTETS);
	if (r < 0)
		return r;
	wire->announced = ntohl(length);
	if (wire->announced == 0)
		return -EPROTO;
	if (wire->announced > MTA_PACKET_MAX)
		return -EMSGSIZE;
	TALLOC_FREE(wire->packet);
	wire->packet = talloc_array(wire, char, wire->announced);
	if (!wire->packet)
		return -ENOMEM;
	r = receive_octets(wire, wire->packet, wire->announced);
	if (r < 0)
		return r;
	*ret_reply = wire->packet[0];
	*ret_data = (struct view){ wire->packet + 1, wire->announced - 1 };
	return 0;
}

uint32_t mta_wire_announced(const struct mta_wire *wire)
{
	return wire->announced;
}
