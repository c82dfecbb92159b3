#include "milter/prompt_ack.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static bool enabled; /* set once, before there are threads */

void prompt_ack_enable(void)
{
	enabled = true;
}

/* The C library's, and then the option. That fails on what is no TCP socket, where nothing is to be done. */
ssize_t writev(int fd, const struct iovec *parts, int count)
{
	const int on = 1;
	ssize_t octets = syscall(SYS_writev, fd, parts, count);
	int error = errno;

	if (enabled && octets > 0)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
	errno = error;
	return octets;
}
