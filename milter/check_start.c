/* User, records file and sockets: what the supervisor and its workers do first. */
#include "milter/check.h"

#include "dkim/records.h"
#include "milter/listener.h"
#include "milter/mta_client.h"

#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <talloc.h>
#include <unistd.h>

#define ANSWER_MS 2000 /* a milter that runs answers its negotiation at once */
#define ALL_ACTIONS 0x1ff    /* what Postfix offers; any filter of today agrees to a part of it */
#define ALL_PROTOCOL 0x1fffff

static const char *or_memory(const char *error)
{
	return error ? error : "out of memory";
}

void check_user(struct check *check, const struct conf *conf)
{
	const struct passwd *user;

	if (geteuid() != 0) {
		check_add(check, CHECK_OK, "user", "", "not started as root: workers run as user id %u", (unsigned)geteuid());
		return;
	}
	errno = 0;
	user = getpwnam(conf->user);
	if (!user)
		check_add(check, CHECK_FAILS, "user", conf->user, "wanted a user of this host, got none (%s)", errno ? strerror(errno) : "not found");
	else if (user->pw_uid == 0)
		check_add(check, CHECK_WARNING, "user", conf->user, "user id 0: workers would keep all rights of root but its capabilities");
	else
		check_add(check, CHECK_OK, "user", conf->user, "user id %u", (unsigned)user->pw_uid);
}

static void check_readable(struct check *check, const char *what, const char *path)
{
	if (access(path, R_OK) < 0)
		check_add(check, CHECK_FAILS, what, "", "%s: wanted a readable file, got %s", path, strerror(errno));
	else
		check_add(check, CHECK_OK, what, "", "%s", path);
}

void check_records(struct check *check, const struct conf *conf)
{
	struct dkim_records *records;
	char *error = NULL;

	if (*conf->dns.trust_anchor)
		check_readable(check, "anchor", conf->dns.trust_anchor);
	if (!*conf->dns.records)
		return;
	if (dkim_records_load(check, conf->dns.records, &records, &error) < 0) {
		check_add(check, CHECK_FAILS, "records", "", "%s", or_memory(error));
		return;
	}
	talloc_free(records);
	check_add(check, CHECK_OK, "records", "", "%s", conf->dns.records);
}

/* The socket is taken: by a milter, as while postern runs, or by something else? */
static bool milter_answers(void *mem, const struct socket_spec *spec)
{
	const struct mta_offer offer = { MTA_VERSION_MAX, ALL_ACTIONS, ALL_PROTOCOL };
	struct socket_address address;
	struct mta_client *client = NULL;
	char *error = NULL;
	bool answers;

	if (socket_spec_resolve(mem, spec, SOCKET_CONNECT, &address, &error) < 0 ||
	    mta_client_connect(mem, &address, ANSWER_MS, &client, &error) < 0)
		return false;
	answers = mta_client_negotiate(client, &offer) == 0 && mta_client_quit(client) == 0;
	talloc_free(client);
	return answers;
}

static void check_bind(struct check *check, const struct conf_listener *listener, const struct socket_spec *spec)
{
	char *error = NULL;
	int fd = listener_open(check, spec, listener->socket_mode, listener->socket_group, &error);

	if (fd >= 0) {
		(void)close(fd);
		listener_remove(spec);
		check_add(check, CHECK_OK, "listener", listener->name, "%s, role %s: can be bound", listener->socket, conf_role_text(listener->role));
	} else if (fd == -EADDRINUSE && milter_answers(check, spec)) {
		check_add(check, CHECK_OK, "listener", listener->name, "%s, role %s: in use, and a milter answers: postern runs already?",
		          listener->socket, conf_role_text(listener->role));
	} else {
		check_add(check, CHECK_FAILS, "listener", listener->name, "%s: %s", listener->socket, or_memory(error));
	}
	talloc_free(error);
}

static void check_listener(struct check *check, const struct conf_listener *listener)
{
	struct socket_spec spec;
	char *error = NULL;

	if (socket_spec_parse(check, listener->socket, &spec, &error) < 0)
		check_add(check, CHECK_FAILS, "listener", listener->name, "line %u: socket: %s", listener->line, or_memory(error));
	else if (spec.kind == SOCKET_SYSTEMD)
		check_add(check, CHECK_OK, "listener", listener->name, "%s, role %s: given by systemd at start, not looked at", listener->socket,
		          conf_role_text(listener->role));
	else
		check_bind(check, listener, &spec);
}

void check_listeners(struct check *check, const struct conf *conf)
{
	for (size_t i = 0; i < conf->listener_count; i++)
		check_listener(check, &conf->listeners[i]);
}
