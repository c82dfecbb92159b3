#include "milter/socket_spec.h"

#include "dkim/view.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>

#define SHOWN_MAX 200 /* octets of a wrong specification that an error text repeats */

static const char all_forms[] = "inet:PORT@HOST, inet6:PORT@HOST, unix:/PATH or systemd:NAME";

static int refuse(void *mem, int error, char **ret_error, const char *wanted, const char *text)
{
	char *got = view_escape(mem, view_of(text), SHOWN_MAX);

	*ret_error = got ? talloc_asprintf(mem, "wanted %s, got \"%s\"", wanted, got) : NULL;
	talloc_free(got);
	return *ret_error ? error : -ENOMEM;
}

/* A decimal port, the whole of `text`. */
static bool parse_port(struct view text, uint16_t *ret)
{
	unsigned port = 0;

	if (text.n == 0 || text.n > 5)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return false;
		port = port * 10 + (unsigned)(text.p[i] - '0');
	}
	if (port > UINT16_MAX)
		return false;
	*ret = (uint16_t)port;
	return true;
}

static struct view without_brackets(struct view host)
{
	if (host.n >= 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
		return view_slice(host, 1, host.n - 1);
	return host;
}

static bool is_host(struct view host)
{
	if (host.n == 0)
		return false;
	for (size_t i = 0; i < host.n; i++)
		if (host.p[i] <= ' ' || host.p[i] > '~' || host.p[i] == '[' || host.p[i] == ']' || host.p[i] == '@')
			return false;
	return true;
}

/* Postfix writes inet:HOST:PORT, and an IPv6 HOST in brackets: the right form of that, or NULL. */
static char *from_postfix_order(void *mem, struct view rest)
{
	size_t colon = rest.n;
	struct view host;
	uint16_t port;

	while (colon > 0 && rest.p[colon - 1] != ':')
		colon--;
	if (colon == 0 || !parse_port(view_slice(rest, colon, rest.n), &port))
		return NULL;
	host = without_brackets(view_slice(rest, 0, colon - 1));
	if (!is_host(host))
		return NULL;
	return talloc_asprintf(mem, "%s:%u@%.*s", view_find(host, ':') < host.n ? "inet6" : "inet", port, (int)host.n, host.p);
}

static int refuse_inet(void *mem, const char *text, struct view rest, char **ret_error)
{
	char *right = from_postfix_order(mem, rest);
	const char *wanted = right ? right : "inet:PORT@HOST or inet6:PORT@HOST, PORT from 0 to 65535";
	int r = refuse(mem, -EINVAL, ret_error, wanted, text);
	char *more = right && *ret_error ? talloc_asprintf(mem, "%s, which is Postfix's order", *ret_error) : NULL;

	if (more) {
		talloc_free(*ret_error);
		*ret_error = more;
	}
	talloc_free(right);
	return r;
}

static int parse_inet(void *mem, const char *text, struct view rest, struct socket_spec *spec, char **ret_error)
{
	size_t at = view_find(rest, '@');
	struct view host = without_brackets(view_slice(rest, at + 1, rest.n));

	if (!parse_port(view_slice(rest, 0, at), &spec->port))
		return refuse_inet(mem, text, rest, ret_error);
	if (at == rest.n)
		return 0;
	if (!is_host(host))
		return refuse(mem, -EINVAL, ret_error, "an address or a host name after \"@\"", text);
	spec->host = view_string(mem, host);
	return spec->host ? 0 : -ENOMEM;
}

static int parse_path(void *mem, const char *text, struct view rest, struct socket_spec *spec, char **ret_error)
{
	if (rest.n == 0 || rest.p[0] != '/')
		return refuse(mem, -EINVAL, ret_error, "unix: and an absolute path", text);
	if (rest.n > SOCKET_PATH_MAX) {
		*ret_error = talloc_asprintf(mem, "wanted a socket path of at most %zu octets, got %zu", SOCKET_PATH_MAX, rest.n);
		return *ret_error ? -ENAMETOOLONG : -ENOMEM;
	}
	spec->path = view_string(mem, rest);
	return spec->path ? 0 : -ENOMEM;
}

/* What systemd accepts in FileDescriptorName=: no control octets, no colon. */
static int parse_systemd(void *mem, const char *text, struct view rest, struct socket_spec *spec, char **ret_error)
{
	if (rest.n > SOCKET_SYSTEMD_NAME_MAX) {
		*ret_error = talloc_asprintf(mem, "wanted a systemd socket name of at most %d octets, got %zu",
		                             SOCKET_SYSTEMD_NAME_MAX, rest.n);
		return *ret_error ? -ENAMETOOLONG : -ENOMEM;
	}
	for (size_t i = 0; i < rest.n; i++)
		if (rest.p[i] < ' ' || rest.p[i] > '~' || rest.p[i] == ':')
			return refuse(mem, -EINVAL, ret_error, "systemd: and a FileDescriptorName= (ASCII, no colon)", text);
	if (rest.n == 0)
		return refuse(mem, -EINVAL, ret_error, "systemd: and a FileDescriptorName=", text);
	spec->name = view_string(mem, rest);
	return spec->name ? 0 : -ENOMEM;
}

static const struct form {
	struct view prefix;
	enum socket_kind kind;
	int (*parse)(void *mem, const char *text, struct view rest, struct socket_spec *spec, char **ret_error);
} forms[] = {
	{ VIEW_INIT("inet:"),    SOCKET_INET,    parse_inet },
	{ VIEW_INIT("inet6:"),   SOCKET_INET6,   parse_inet },
	{ VIEW_INIT("unix:"),    SOCKET_UNIX,    parse_path },
	{ VIEW_INIT("local:"),   SOCKET_UNIX,    parse_path },
	{ VIEW_INIT("systemd:"), SOCKET_SYSTEMD, parse_systemd },
};

int socket_spec_parse(void *mem, const char *text, struct socket_spec *ret, char **ret_error)
{
	struct view all = view_of(text);
	int r;

	*ret_error = NULL;
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		struct socket_spec spec = { .kind = forms[i].kind };

		if (!view_eq(view_slice(all, 0, forms[i].prefix.n), forms[i].prefix))
			continue;
		r = forms[i].parse(mem, text, view_slice(all, forms[i].prefix.n, all.n), &spec, ret_error);
		if (r == 0)
			*ret = spec;
		return r;
	}
	return refuse(mem, -EINVAL, ret_error, all_forms, text);
}

static void resolve_path(const char *path, struct socket_address *ret)
{
	*ret = (struct socket_address){ .u.local.sun_family = AF_UNIX };
	memcpy(ret->u.local.sun_path, path, strlen(path) + 1);
	ret->n = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1);
}

static int lookup_failed(void *mem, const struct socket_spec *spec, int code, char **ret_error)
{
	const char *family = spec->kind == SOCKET_INET ? "IPv4" : "IPv6";
	const char *why = code == EAI_SYSTEM ? strerror(errno) : gai_strerror(code);
	struct in6_addr address;
	bool literal = spec->host && (inet_pton(AF_INET, spec->host, &address) == 1 ||
	                              inet_pton(AF_INET6, spec->host, &address) == 1);

	*ret_error = talloc_asprintf(mem, "wanted an %s address or a host name that has one, got %s: %s",
	                             family, spec->host ? spec->host : "none", why);
	if (!*ret_error || code == EAI_MEMORY)
		return -ENOMEM;
	return literal ? -EINVAL : -EHOSTUNREACH;
}

static int resolve_inet(void *mem, const struct socket_spec *spec, enum socket_purpose purpose, struct socket_address *ret,
                        char **ret_error)
{
	struct addrinfo hints = { .ai_family = spec->kind == SOCKET_INET ? AF_INET : AF_INET6, .ai_socktype = SOCK_STREAM,
	                          .ai_flags = AI_NUMERICSERV | (purpose == SOCKET_LISTEN ? AI_PASSIVE : 0) };
	struct addrinfo *found;
	char port[sizeof "65535"];
	int code;

	if (purpose == SOCKET_CONNECT && spec->port == 0) {
		*ret_error = talloc_strdup(mem, "wanted a port from 1 to 65535 to connect to, got 0");
		return *ret_error ? -EINVAL : -ENOMEM;
	}
	if (snprintf(port, sizeof port, "%u", spec->port) < 0)
		return -EINVAL;
	code = getaddrinfo(spec->host, port, &hints, &found);
	if (code)
		return lookup_failed(mem, spec, code, ret_error);
	*ret = (struct socket_address){ .n = found->ai_addrlen };
	memcpy(&ret->u, found->ai_addr, found->ai_addrlen);
	freeaddrinfo(found);
	return 0;
}

int socket_spec_resolve(void *mem, const struct socket_spec *spec, enum socket_purpose purpose,
                        struct socket_address *ret, char **ret_error)
{
	*ret_error = NULL;
	switch (spec->kind) {
	case SOCKET_INET:
	case SOCKET_INET6:
		return resolve_inet(mem, spec, purpose, ret, ret_error);
	case SOCKET_UNIX:
		resolve_path(spec->path, ret);
		return 0;
	case SOCKET_SYSTEMD:
		break;
	}
	*ret_error = talloc_asprintf(mem, "wanted a socket with an address, got systemd:%s", spec->name);
	return *ret_error ? -EINVAL : -ENOMEM;
}
