/* The notation of a milter socket. */
#include "milter/socket_spec.h"

#include "t/unit/support.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <talloc.h>

struct good_row {
	const char *name;
	const char *text;
	enum socket_kind kind;
	const char *host;
	uint16_t port;
	const char *rest; /* path or name */
};

static const struct good_row good_rows[] = {
	{ "an IPv4 address", "inet:4443@127.0.0.1", SOCKET_INET, "127.0.0.1", 4443, NULL },
	{ "an IPv4 address in brackets", "inet:4443@[127.0.0.1]", SOCKET_INET, "127.0.0.1", 4443, NULL },
	{ "a host name", "inet:1@mx.example.net", SOCKET_INET, "mx.example.net", 1, NULL },
	{ "no host: all addresses", "inet:65535", SOCKET_INET, NULL, 65535, NULL },
	{ "port 0: the kernel chooses", "inet:0@127.0.0.1", SOCKET_INET, "127.0.0.1", 0, NULL },
	{ "an IPv6 address", "inet6:4443@::1", SOCKET_INET6, "::1", 4443, NULL },
	{ "an IPv6 address in brackets", "inet6:4443@[::1]", SOCKET_INET6, "::1", 4443, NULL },
	{ "a path", "unix:/run/postern/in", SOCKET_UNIX, NULL, 0, "/run/postern/in" },
	{ "local: means unix:", "local:/run/a:b@c", SOCKET_UNIX, NULL, 0, "/run/a:b@c" },
	{ "a systemd name", "systemd:inbound.1", SOCKET_SYSTEMD, NULL, 0, "inbound.1" },
};

static void same_string(const char *got, const char *wanted)
{
	assert_int_equal(got == NULL, wanted == NULL);
	if (wanted)
		assert_string_equal(got, wanted);
}

static void test_good(void **state)
{
	const struct good_row *row = *state;
	void *mem = talloc_new(NULL);
	struct socket_spec spec;
	char *error;

	assert_int_equal(socket_spec_parse(mem, row->text, &spec, &error), 0);
	assert_null(error);
	assert_int_equal(spec.kind, row->kind);
	assert_int_equal(spec.port, row->port);
	same_string(spec.host, row->host);
	same_string(spec.path, row->kind == SOCKET_UNIX ? row->rest : NULL);
	same_string(spec.name, row->kind == SOCKET_SYSTEMD ? row->rest : NULL);
	talloc_free(mem);
}

#define FIFTY "12345678901234567890123456789012345678901234567890"

struct bad_row {
	const char *name;
	const char *text;
	int r;
	const char *error; /* a part of it */
};

static const struct bad_row bad_rows[] = {
	{ "Postfix's order", "inet:127.0.0.1:4443", -EINVAL,
	  "wanted inet:4443@127.0.0.1, got \"inet:127.0.0.1:4443\", which is Postfix's order" },
	{ "Postfix's order with IPv6", "inet:[::1]:4443", -EINVAL, "wanted inet6:4443@::1, got" },
	{ "Postfix's order with a name", "inet:mx.example.net:25", -EINVAL, "wanted inet:25@mx.example.net, got" },
	{ "no scheme", "/run/socket", -EINVAL, "wanted inet:PORT@HOST, inet6:PORT@HOST, unix:/PATH or systemd:NAME, got" },
	{ "an unknown scheme", "tcp:4443", -EINVAL, "wanted inet:PORT@HOST" },
	{ "nothing", "", -EINVAL, "got \"\"" },
	{ "no port", "inet:@127.0.0.1", -EINVAL, "PORT from 0 to 65535" },
	{ "a port above 65535", "inet:65536@127.0.0.1", -EINVAL, "PORT from 0 to 65535" },
	{ "a port of six digits", "inet:000025@127.0.0.1", -EINVAL, "PORT from 0 to 65535" },
	{ "a service name", "inet:smtp@127.0.0.1", -EINVAL, "PORT from 0 to 65535" },
	{ "a negative port", "inet:-1@127.0.0.1", -EINVAL, "PORT from 0 to 65535" },
	{ "an empty host", "inet:4443@", -EINVAL, "an address or a host name after" },
	{ "a host with a blank", "inet:4443@a b", -EINVAL, "an address or a host name after" },
	{ "a relative path", "unix:socket", -EINVAL, "wanted unix: and an absolute path, got \"unix:socket\"" },
	{ "a path too long for a socket address", "unix:/" FIFTY FIFTY FIFTY, -ENAMETOOLONG,
	  "wanted a socket path of at most 107 octets, got 151" },
	{ "an empty systemd name", "systemd:", -EINVAL, "FileDescriptorName=" },
	{ "a systemd name with a colon", "systemd:a:b", -EINVAL, "FileDescriptorName=" },
	{ "a long systemd name", "systemd:" FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY, -ENAMETOOLONG, "at most 255 octets, got 300" },
	{ "control octets are shown escaped", "inet:\x1b[2J", -EINVAL, "\\x1b[2J" },
};

static void test_bad(void **state)
{
	const struct bad_row *row = *state;
	void *mem = talloc_new(NULL);
	struct socket_spec spec;
	char *error;

	assert_int_equal(socket_spec_parse(mem, row->text, &spec, &error), row->r);
	assert_non_null(error);
	if (!strstr(error, row->error))
		fail_msg("wanted \"...%s...\", got \"%s\"", row->error, error);
	talloc_free(mem);
}

struct resolve_row {
	const char *name;
	const char *text;
	enum socket_purpose purpose;
	int r;
	const char *result; /* address as text, or a part of the error */
};

static const struct resolve_row resolve_rows[] = {
	{ "a literal", "inet:25@192.0.2.1", SOCKET_CONNECT, 0, "192.0.2.1" },
	{ "an IPv6 literal", "inet6:25@2001:db8::1", SOCKET_CONNECT, 0, "2001:db8::1" },
	{ "no host, to listen", "inet:25", SOCKET_LISTEN, 0, "0.0.0.0" },
	{ "no host, to connect", "inet:25", SOCKET_CONNECT, 0, "127.0.0.1" },
	{ "no IPv6 host, to listen", "inet6:25", SOCKET_LISTEN, 0, "::" },
	{ "a name", "inet:25@localhost", SOCKET_CONNECT, 0, "127.0.0.1" },
	{ "a path", "unix:/run/a", SOCKET_CONNECT, 0, "/run/a" },
	{ "port 0, to listen", "inet:0@127.0.0.1", SOCKET_LISTEN, 0, "127.0.0.1" },
	{ "port 0, to connect", "inet:0@127.0.0.1", SOCKET_CONNECT, -EINVAL, "wanted a port from 1 to 65535" },
	{ "a literal of the other family", "inet:25@::1", SOCKET_CONNECT, -EINVAL, "wanted an IPv4 address" },
	{ "and the other way round", "inet6:25@192.0.2.1", SOCKET_CONNECT, -EINVAL, "wanted an IPv6 address" },
	{ "a systemd socket has no address", "systemd:in", SOCKET_LISTEN, -EINVAL, "got systemd:in" },
};

static void address_text(const struct socket_address *address, char *ret, size_t n)
{
	ret[0] = '\0';
	switch (address->u.any.sa_family) {
	case AF_INET:
		assert_non_null(inet_ntop(AF_INET, &address->u.inet.sin_addr, ret, (socklen_t)n));
		break;
	case AF_INET6:
		assert_non_null(inet_ntop(AF_INET6, &address->u.inet6.sin6_addr, ret, (socklen_t)n));
		break;
	case AF_UNIX:
		assert_true(snprintf(ret, n, "%s", address->u.local.sun_path) > 0);
		break;
	}
}

static void test_resolve(void **state)
{
	const struct resolve_row *row = *state;
	void *mem = talloc_new(NULL);
	struct socket_address address;
	struct socket_spec spec;
	char *error, text[sizeof(struct sockaddr_un)];

	assert_int_equal(socket_spec_parse(mem, row->text, &spec, &error), 0);
	assert_int_equal(socket_spec_resolve(mem, &spec, row->purpose, &address, &error), row->r);
	if (row->r == 0) {
		address_text(&address, text, sizeof text);
		assert_string_equal(text, row->result);
		if (spec.kind != SOCKET_UNIX)
			assert_int_equal(ntohs(address.u.inet.sin_port), spec.port); /* same place in both families */
	} else {
		assert_non_null(error);
		assert_non_null(strstr(error, row->result));
	}
	talloc_free(mem);
}

int main(void)
{
	TEST_ROWS(good_rows, test_good);
	TEST_ROWS(bad_rows, test_bad);
	TEST_ROWS(resolve_rows, test_resolve);
	return test_run("socket_spec");
}
