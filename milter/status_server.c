#include "milter/status_server.h"

#include "dkim/clock.h"
#include "dkim/view.h"
#include "milter/left_over.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <talloc.h>
#include <unistd.h>

#define BACKLOG 16

struct status_client {
	struct status_client *next;
	struct status_server *server;
	int fd;
	int64_t end_by_ms;      /* -1: none, while it waits */
	unsigned waits_for;     /* 0: nothing */
	char **packets;         /* of the answer; talloc array */
	size_t count, sent;
	int descriptor;         /* goes with the last one; -1: none */
	bool asked, answered, gone;
};

struct status_server {
	struct sockaddr_un address;
	int fd;
	status_request *request;
	void *arg;
	struct status_client *first;
	size_t count;
};

static int client_destructor(struct status_client *client)
{
	close(client->fd);
	if (client->descriptor >= 0)
		close(client->descriptor);
	return 0;
}

static int server_destructor(struct status_server *server)
{
	if (server->fd < 0)
		return 0;
	close(server->fd);
	(void)unlink(server->address.sun_path); /* gone already, or in a folder that became read-only: nothing hangs on it */
	return 0;
}

/* /run is empty after each start of the host, and not everybody starts us with systemd, which would make our folder there. */
static void make_folder(void *mem, const char *path)
{
	char *folder = talloc_strndup(mem, path, (size_t)(strrchr(path, '/') - path));

	if (folder && *folder)
		(void)mkdir(folder, 0755); /* when it fails, bind() says so */
	talloc_free(folder);
}

static int bind_and_listen(struct status_server *server)
{
	mode_t mask;
	int r;

	make_folder(server, server->address.sun_path);
	r = left_over_remove(&server->address, SOCK_SEQPACKET);
	if (r < 0)
		return r;
	mask = umask(0177); /* born closed to others */
	r = bind(server->fd, (const struct sockaddr *)&server->address, sizeof server->address) < 0 ? -errno : 0;
	umask(mask);
	return r == 0 && listen(server->fd, BACKLOG) < 0 ? -errno : r;
}

int status_server_open(void *mem, const char *path, status_request *request, void *arg, struct status_server **ret, char **ret_error)
{
	struct status_server *server = talloc_zero(mem, struct status_server);
	int r = -ENAMETOOLONG;

	*ret_error = NULL;
	if (!server)
		return -ENOMEM;
	server->request = request;
	server->arg = arg;
	server->address.sun_family = AF_UNIX;
	server->fd = -1;
	if (strlen(path) < sizeof server->address.sun_path) {
		memcpy(server->address.sun_path, path, strlen(path) + 1);
		server->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		r = server->fd < 0 ? -errno : bind_and_listen(server);
	}
	if (r < 0) {
		*ret_error = talloc_asprintf(mem, "%s: wanted a socket, got \"%s\"", path, strerror(-r));
		if (server->fd >= 0)
			close(server->fd);
		talloc_free(server); /* no destructor yet: the file may be another's */
		return r;
	}
	talloc_set_destructor(server, server_destructor);
	*ret = server;
	return 0;
}

const char *status_server_path(const struct status_server *server)
{
	return server->address.sun_path;
}

static bool is_welcome(int fd)
{
	struct ucred peer;
	socklen_t n = sizeof peer;

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) == 0 && (peer.uid == 0 || peer.uid == geteuid());
}

static void on_connection(void *arg)
{
	struct status_server *server = arg;
	struct status_client *client;
	int fd = accept4(server->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return; /* it went away, or we have no descriptor: then the next round tries again */
	client = is_welcome(fd) ? talloc_zero(server, struct status_client) : NULL;
	if (!client) {
		close(fd);
		return;
	}
	*client = (struct status_client){ .next = server->first, .server = server, .fd = fd, .descriptor = -1,
		                          .end_by_ms = clock_monotonic_ms() + STATUS_REQUEST_MS };
	talloc_set_destructor(client, client_destructor);
	server->first = client;
	server->count++;
}

/* One packet, with the descriptor when it is the last one. Returns false when it must wait, or the client is gone. */
static bool send_packet(struct status_client *client)
{
	char *packet = client->packets[client->sent];
	const bool with_descriptor = client->descriptor >= 0 && client->sent + 1 == client->count;
	union {
		struct cmsghdr header;
		char octets[CMSG_SPACE(sizeof(int))];
	} control = { .header = { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS } };
	struct iovec part = { packet, strlen(packet) };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

	if (with_descriptor) {
		memcpy(CMSG_DATA(&control.header), &client->descriptor, sizeof client->descriptor);
		message.msg_control = control.octets;
		message.msg_controllen = sizeof control.octets;
	}
	if (sendmsg(client->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0) {
		client->sent++;
		return true;
	}
	client->gone = errno != EAGAIN && errno != EINTR;
	return false;
}

static void send_packets(struct status_client *client)
{
	while (client->sent < client->count && send_packet(client))
		;
	client->gone = client->gone || (client->answered && client->sent == client->count);
}

static void on_request(struct status_client *client)
{
	char word[STATUS_WORD_MAX + 1];
	ssize_t n = recv(client->fd, word, STATUS_WORD_MAX, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0 || client->asked) { /* it ended, or does not know how to behave */
		client->gone = true;
		return;
	}
	client->asked = true;
	word[n] = '\0';
	client->server->request(client->server->arg, client, word);
}

static void on_client(void *arg)
{
	struct status_client *client = arg;

	if (client->answered)
		send_packets(client);
	else
		on_request(client);
}

void status_server_watch(struct status_server *server, struct poll_set *set)
{
	if (server->count < STATUS_CLIENTS_MAX)
		poll_set_add(set, server->fd, POLLIN, on_connection, server);
	for (struct status_client *client = server->first; client; client = client->next)
		poll_set_add(set, client->fd, client->answered ? POLLOUT : POLLIN, on_client, client);
}

int status_server_tick(struct status_server *server, int64_t now_ms)
{
	struct status_client **place = &server->first, *client;
	int next = -1;

	while ((client = *place)) {
		if (client->gone || (client->end_by_ms >= 0 && client->end_by_ms <= now_ms)) {
			*place = client->next;
			server->count--;
			talloc_free(client);
			continue;
		}
		if (client->end_by_ms >= 0 && (next < 0 || client->end_by_ms - now_ms < next))
			next = (int)(client->end_by_ms - now_ms);
		place = &client->next;
	}
	return next;
}

/* Without memory the answer has no end, which the client notices. */
static void add_packet(struct status_client *client, char *packet)
{
	char **larger = packet && client->count < STATUS_ANSWER_MAX
	                        ? talloc_realloc(client, client->packets, char *, (unsigned)client->count + 1) : NULL;

	if (!larger) {
		client->gone = true;
		return;
	}
	client->packets = larger;
	client->packets[client->count++] = packet;
}

void status_client_line(struct status_client *client, enum status_packet kind, const char *format, ...)
{
	va_list arguments;
	char *packet = talloc_asprintf(client, "%c", (int)kind);

	va_start(arguments, format);
	packet = packet ? talloc_vasprintf_append(packet, format, arguments) : NULL;
	va_end(arguments);
	if (packet && strlen(packet) > STATUS_LINE_MAX)
		packet[STATUS_LINE_MAX] = '\0';
	add_packet(client, packet);
}

void status_client_end(struct status_client *client, bool good, int fd)
{
	add_packet(client, talloc_asprintf(client, "%c", good ? STATUS_DONE : STATUS_FAILED));
	client->descriptor = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (fd >= 0 && client->descriptor < 0)
		client->gone = true;
	client->answered = true;
	client->waits_for = 0;
	client->end_by_ms = clock_monotonic_ms() + STATUS_REQUEST_MS;
	send_packets(client);
}

void status_client_wait(struct status_client *client, unsigned number)
{
	client->waits_for = number;
	client->end_by_ms = -1;
}

void status_server_answer(struct status_server *server, unsigned number, bool good, const char *errors)
{
	for (struct status_client *client = server->first; client; client = client->next) {
		struct view rest = view_of(errors ? errors : ""), line;

		if (!client->waits_for || client->waits_for > number)
			continue;
		while (view_next(&rest, '\n', &line) && line.n)
			status_client_line(client, STATUS_ERROR, "%.*s", (int)line.n, line.p);
		status_client_end(client, good, -1);
	}
}
