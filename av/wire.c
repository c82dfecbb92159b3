#include "av/wire.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

union control {
	struct cmsghdr header; /* for its alignment */
	char octets[CMSG_SPACE(AV_WIRE_DESCRIPTORS * sizeof(int))];
};

static bool is_printable(char c)
{
	return c >= ' ' && c <= '~';
}

/* Terminated within `size`, printable, no blank at either end. */
static bool is_text(const char *text, size_t size)
{
	size_t n = strnlen(text, size);

	if (n == size)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!is_printable(text[i]))
			return false;
	return n == 0 || (text[0] != ' ' && text[n - 1] != ' ');
}

static bool finding_is_valid(const struct av_finding *finding)
{
	return finding->kind >= AV_SIGNATURE && finding->kind <= AV_FAILURE && is_text(finding->name, sizeof finding->name) &&
	       is_text(finding->part, sizeof finding->part);
}

bool av_reply_is_valid(const struct av_reply *reply, uint64_t octets)
{
	if (octets != sizeof *reply || reply->version != AV_WIRE_VERSION)
		return false;
	if (reply->kind == AV_STARTED)
		return true;
	if (reply->kind != AV_RESULT || reply->finding_count > AV_FINDINGS_MAX)
		return false;
	for (uint32_t i = 0; i < reply->finding_count; i++)
		if (!finding_is_valid(&reply->findings[i]))
			return false;
	return is_text(reply->facts.engine, sizeof reply->facts.engine);
}

static bool may_be_told(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c && strchr(" ._:/+@()-", c));
}

void av_wire_name(char *ret, uint32_t size, const char *name, uint64_t octets)
{
	size_t n = 0;

	for (; octets > 0 && *name == ' '; octets--)
		name++;
	for (; n < octets && n + 1 < size; n++)
		ret[n] = may_be_told(name[n]) ? name[n] : '_';
	while (n > 0 && ret[n - 1] == ' ')
		n--;
	ret[n] = '\0';
}

int64_t av_wire_send(int fd, const void *packet, uint64_t octets, const int *fds, unsigned fd_count)
{
	struct iovec part = { (void *)packet, octets };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	union control control = { .octets = { 0 } };
	ssize_t n;

	if (fd_count > AV_WIRE_DESCRIPTORS)
		return -EINVAL;
	if (fd_count > 0) {
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(fd_count * sizeof *fds);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(fd_count * sizeof *fds);
		memcpy(CMSG_DATA(&control.header), fds, fd_count * sizeof *fds);
	}
	do {
		n = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == ECONNRESET ? -EPIPE : -errno;
	return n;
}

/* The kernel closes what does not fit into AV_WIRE_DESCRIPTORS. */
static void take_descriptors(struct msghdr *message, int ret_fds[AV_WIRE_DESCRIPTORS])
{
	const struct cmsghdr *header = CMSG_FIRSTHDR(message);

	for (size_t i = 0; i < AV_WIRE_DESCRIPTORS; i++)
		ret_fds[i] = -1;
	if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
		memcpy(ret_fds, CMSG_DATA(header), header->cmsg_len - CMSG_LEN(0));
}

static void close_descriptors(int fds[AV_WIRE_DESCRIPTORS])
{
	for (size_t i = 0; i < AV_WIRE_DESCRIPTORS; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
		fds[i] = -1;
	}
}

int64_t av_wire_receive(int fd, void *packet, uint64_t size, int ret_fds[AV_WIRE_DESCRIPTORS])
{
	struct iovec part = { packet, size };
	union control control;
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };
	ssize_t n;

	n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
	if (n < 0) {
		n = errno == ECONNRESET ? 0 : -errno; /* the peer left with packets of ours unread */
		message.msg_controllen = 0;
	}
	take_descriptors(&message, ret_fds);
	if (message.msg_flags & MSG_TRUNC && n > 0)
		n = -EMSGSIZE;
	if (n <= 0)
		close_descriptors(ret_fds);
	return n;
}
