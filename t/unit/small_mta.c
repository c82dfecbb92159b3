#include "t/unit/small_mta.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmilter/mfdef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#define SMALL_MTA_PATIENCE_S 60
#define SMALL_MTA_REPLY_MAX 4096

static bool send_all(int fd, const void *from, size_t n)
{
	const char *p = from;

	while (n) {
		ssize_t sent = send(fd, p, n, MSG_NOSIGNAL);

		if (sent < 0 && errno != EINTR)
			return false;
		p += sent > 0 ? sent : 0;
		n -= sent > 0 ? (size_t)sent : 0;
	}
	return true;
}

static bool receive_all(int fd, void *to, size_t n)
{
	char *p = to;

	while (n) {
		ssize_t got = recv(fd, p, n, 0);

		if (got == 0 || (got < 0 && errno != EINTR))
			return false;
		p += got > 0 ? got : 0;
		n -= got > 0 ? (size_t)got : 0;
	}
	return true;
}

/* One packet, in one piece where the kernel allows. */
static bool put(int fd, char command, const void *data, size_t n)
{
	uint32_t length = htonl((uint32_t)n + 1);
	char *packet = malloc(n + 5);
	bool ok;

	if (!packet)
		return false;
	memcpy(packet, &length, 4);
	packet[4] = command;
	if (n)
		memcpy(packet + 5, data, n);
	ok = send_all(fd, packet, n + 5);
	free(packet);
	return ok;
}

/* The next reply: its letter, '\0' when there is none; its data, NUL-terminated. */
static char get(int fd, char ret[SMALL_MTA_REPLY_MAX])
{
	uint32_t length;
	char reply;

	if (!receive_all(fd, &length, 4))
		return '\0';
	length = ntohl(length);
	if (length == 0 || length >= SMALL_MTA_REPLY_MAX || !receive_all(fd, &reply, 1) || !receive_all(fd, ret, length - 1))
		return '\0';
	ret[length - 1] = '\0';
	return reply;
}

static bool continues(int fd, char command, const void *data, size_t n)
{
	char rest[SMALL_MTA_REPLY_MAX];

	return put(fd, command, data, n) && get(fd, rest) == SMFIR_CONTINUE;
}

static bool negotiate(int fd)
{
	const uint32_t offer[] = { htonl(6), htonl(0x1ff), htonl(0x1fffff) };
	static const char client[] = "localhost\0004\004\001127.0.0.1"; /* with its NUL */
	char answer[SMALL_MTA_REPLY_MAX];

	return put(fd, SMFIC_OPTNEG, offer, sizeof offer) && get(fd, answer) == SMFIC_OPTNEG &&
	       continues(fd, SMFIC_CONNECT, client, sizeof client);
}

int small_mta_open(const struct sockaddr *address, socklen_t n)
{
	const struct timeval patience = { SMALL_MTA_PATIENCE_S, 0 };
	int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) == 0 && connect(fd, address, n) == 0 && negotiate(fd))
		return fd;
	close(fd);
	return -1;
}

static bool send_field(int fd, size_t octets)
{
	static const char name[] = "Subject";
	char *data = malloc(sizeof name + octets + 1);
	bool ok;

	if (!data)
		return false;
	memcpy(data, name, sizeof name);
	memset(data + sizeof name, 'x', octets);
	data[sizeof name + octets] = '\0';
	ok = continues(fd, SMFIC_HEADER, data, sizeof name + octets + 1);
	free(data);
	return ok;
}

/* Changes come before the verdict. */
static bool end_message(int fd, char ret_field[SMALL_MTA_FIELD_MAX])
{
	char data[SMALL_MTA_REPLY_MAX], reply;

	if (!put(fd, SMFIC_BODYEOB, NULL, 0))
		return false;
	while ((reply = get(fd, data)) == SMFIR_ADDHEADER)
		(void)snprintf(ret_field, SMALL_MTA_FIELD_MAX, "%s", data + strlen(data) + 1);
	return reply == SMFIR_CONTINUE || reply == SMFIR_ACCEPT;
}

bool small_mta_message(int fd, size_t octets, char ret_field[SMALL_MTA_FIELD_MAX])
{
	static const char sender[] = "<a@example.com>", recipient[] = "<b@example.net>", body[] = "text\r\n";

	ret_field[0] = '\0';
	return continues(fd, SMFIC_MAIL, sender, sizeof sender) && continues(fd, SMFIC_RCPT, recipient, sizeof recipient) &&
	       continues(fd, SMFIC_DATA, NULL, 0) && send_field(fd, octets) && continues(fd, SMFIC_EOH, NULL, 0) &&
	       continues(fd, SMFIC_BODY, body, sizeof body - 1) && end_message(fd, ret_field);
}

void small_mta_quit(int fd)
{
	(void)put(fd, SMFIC_QUIT, NULL, 0); /* who has hung up already needs no farewell */
	close(fd);
}
