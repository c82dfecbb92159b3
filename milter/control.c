#include "milter/control.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

/* All of enum control_kind. */
static const char kinds[] = { CONTROL_READY, CONTROL_FAILED, CONTROL_DRAIN, CONTROL_PROGRESS, CONTROL_CHANGED, CONTROL_LOG_ERROR,
	                      CONTROL_LOG_WARNING, CONTROL_LOG_INFO, CONTROL_CHILDREN, '\0' };

int control_send(int fd, enum control_kind kind, const char *text)
{
	char octet = (char)kind;
	struct iovec parts[] = { { &octet, 1 }, { (void *)text, strnlen(text, CONTROL_TEXT_MAX) } };
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
	ssize_t n;

	do {
		n = sendmsg(fd, &message, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

int control_receive(int fd, struct control_message *ret)
{
	char packet[1 + CONTROL_TEXT_MAX];
	ssize_t n;

	do {
		n = recv(fd, packet, sizeof packet, 0);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == ECONNRESET ? 0 : -errno;
	if (n == 0)
		return 0;
	if (!strchr(kinds, packet[0]) || packet[0] == '\0')
		return -EBADMSG;
	ret->kind = (enum control_kind)packet[0];
	memcpy(ret->text, packet + 1, (size_t)n - 1);
	ret->text[n - 1] = '\0';
	return 1;
}
