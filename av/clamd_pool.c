#include "av/clamd_pool.h"

#include "dkim/clock.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <talloc.h>
#include <unistd.h>

struct server {
	const char *name; /* as configured */
	struct sockaddr_storage address;
	socklen_t octets;
	int64_t down_until_ms;
};

struct clamd {
	struct server *servers; /* talloc array */
	size_t count;
	pthread_mutex_t lock;   /* guards down_until_ms and what follows */
	struct clamd_connection *idle[CLAMD_IDLE_MAX];
	size_t idle_count;
};

static int unix_address(struct server *server, const char *path)
{
	struct sockaddr_un *address = (struct sockaddr_un *)&server->address;

	if (strlen(path) >= sizeof address->sun_path)
		return -ENAMETOOLONG;
	address->sun_family = AF_UNIX;
	strcpy(address->sun_path, path);
	server->octets = sizeof *address;
	return 0;
}

static int inet_address(void *mem, struct server *server, int family, const char *spec, char **ret_error)
{
	const struct addrinfo hints = { .ai_family = family, .ai_socktype = SOCK_STREAM };
	const char *host = strchr(spec, '@');
	char *port = talloc_strndup(mem, spec, host ? (size_t)(host - spec) : strlen(spec));
	struct addrinfo *found;
	int r;

	if (!port)
		return -ENOMEM;
	r = getaddrinfo(host ? host + 1 : NULL, port, &hints, &found);
	talloc_free(port);
	if (r) {
		*ret_error = talloc_asprintf(mem, "clamd: wanted a host with an address, got \"%s\" (%s)", server->name, gai_strerror(r));
		return -EINVAL;
	}
	memcpy(&server->address, found->ai_addr, found->ai_addrlen);
	server->octets = found->ai_addrlen;
	freeaddrinfo(found);
	return 0;
}

static int find_server(void *mem, struct server *server, char **ret_error)
{
	const char *colon = strchr(server->name, ':');

	if (colon && strncmp(server->name, "unix:", strlen("unix:")) == 0)
		return unix_address(server, colon + 1);
	if (colon && strncmp(server->name, "inet6:", strlen("inet6:")) == 0)
		return inet_address(mem, server, AF_INET6, colon + 1, ret_error);
	if (colon && strncmp(server->name, "inet:", strlen("inet:")) == 0)
		return inet_address(mem, server, AF_INET, colon + 1, ret_error);
	*ret_error = talloc_asprintf(mem, "clamd: wanted unix:/PATH, inet:PORT@HOST or inet6:PORT@HOST, got \"%s\"", server->name);
	return -EINVAL;
}

static int clamd_destructor(struct clamd *clamd)
{
	for (size_t i = 0; i < clamd->idle_count; i++)
		clamd_pool_drop(clamd, clamd->idle[i], false);
	(void)pthread_mutex_destroy(&clamd->lock); /* nobody holds it */
	return 0;
}

int clamd_new(void *mem, const char *const *specs, struct clamd **ret, char **ret_error)
{
	struct clamd *clamd = talloc_zero(mem, struct clamd);
	int r = 0;

	*ret_error = NULL;
	if (!clamd)
		return -ENOMEM;
	r = -pthread_mutex_init(&clamd->lock, NULL);
	if (r < 0)
		goto out;
	talloc_set_destructor(clamd, clamd_destructor);
	while (specs[clamd->count])
		clamd->count++;
	clamd->servers = talloc_zero_array(clamd, struct server, (unsigned)clamd->count);
	if (!clamd->servers)
		r = -ENOMEM;
	for (size_t i = 0; r == 0 && i < clamd->count; i++) {
		clamd->servers[i].name = specs[i];
		r = find_server(mem, &clamd->servers[i], ret_error);
	}
out:
	if (r < 0)
		talloc_free(clamd);
	else
		*ret = clamd;
	return r;
}

/* The first that is not down; when all are, the one whose time ends first. */
static unsigned choose_server(struct clamd *clamd, int64_t now_ms)
{
	unsigned best = 0;

	for (unsigned i = 0; i < clamd->count; i++) {
		if (clamd->servers[i].down_until_ms <= now_ms)
			return i;
		if (clamd->servers[i].down_until_ms < clamd->servers[best].down_until_ms)
			best = i;
	}
	return best;
}

/* An idle clamd says nothing: what can be read is its good-bye. */
static bool is_usable(const struct clamd_connection *connection)
{
	char octet;

	return recv(connection->fd, &octet, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

static struct clamd_connection *take_idle(struct clamd *clamd, unsigned server)
{
	for (size_t i = clamd->idle_count; i > 0; i--) {
		struct clamd_connection *connection = clamd->idle[i - 1];
		bool usable = is_usable(connection);

		if (usable && connection->server != server)
			continue;
		clamd->idle[i - 1] = clamd->idle[--clamd->idle_count];
		if (usable)
			return connection;
		close(connection->fd);
		talloc_free(connection);
	}
	return NULL;
}

static int open_connection(const struct server *server, struct clamd_connection *connection)
{
	connection->fd = socket(server->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (connection->fd < 0)
		return -errno;
	if (connect(connection->fd, (const struct sockaddr *)&server->address, server->octets) == 0)
		return 0;
	connection->connecting = errno == EINPROGRESS;
	if (connection->connecting)
		return 0;
	close(connection->fd);
	return -ENOTCONN;
}

static void mark(struct clamd *clamd, unsigned server, int64_t down_until_ms)
{
	pthread_mutex_lock(&clamd->lock);
	clamd->servers[server].down_until_ms = down_until_ms;
	pthread_mutex_unlock(&clamd->lock);
}

int clamd_pool_take(struct clamd *clamd, struct clamd_connection **ret)
{
	struct clamd_connection *connection;
	unsigned server;
	int r = -ENOTCONN;

	for (size_t tried = 0; tried < clamd->count && r == -ENOTCONN; tried++) {
		pthread_mutex_lock(&clamd->lock);
		server = choose_server(clamd, clock_monotonic_ms());
		connection = take_idle(clamd, server);
		pthread_mutex_unlock(&clamd->lock);
		if (connection) {
			*ret = connection;
			return 0;
		}
		connection = talloc_zero(NULL, struct clamd_connection); /* goes from thread to thread: nobody's child */
		if (!connection)
			return -ENOMEM;
		connection->server = server;
		r = open_connection(&clamd->servers[server], connection);
		if (r == 0)
			*ret = connection;
		else
			talloc_free(connection);
		if (r == -ENOTCONN)
			mark(clamd, server, clock_monotonic_ms() + CLAMD_DOWN_MS);
	}
	return r;
}

void clamd_pool_keep(struct clamd *clamd, struct clamd_connection *connection)
{
	bool kept;

	connection->kept = true;
	pthread_mutex_lock(&clamd->lock);
	clamd->servers[connection->server].down_until_ms = 0;
	kept = clamd->idle_count < CLAMD_IDLE_MAX;
	if (kept)
		clamd->idle[clamd->idle_count++] = connection;
	pthread_mutex_unlock(&clamd->lock);
	if (!kept)
		clamd_pool_drop(clamd, connection, false);
}

void clamd_pool_drop(struct clamd *clamd, struct clamd_connection *connection, bool down)
{
	if (!connection)
		return;
	if (down)
		mark(clamd, connection->server, clock_monotonic_ms() + CLAMD_DOWN_MS);
	close(connection->fd);
	talloc_free(connection);
}

const char *clamd_pool_name(const struct clamd *clamd, const struct clamd_connection *connection)
{
	return clamd->servers[connection->server].name;
}
