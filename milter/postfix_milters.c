#include "milter/postfix_milters.h"

#include "dkim/view.h"
#include "milter/socket_spec.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>

static bool is_separator(char c)
{
	return c == ',' || ascii_is_fws(c);
}

/* The next item of a list; a brace opens one that goes on to its other. Returns 1, 0 at the end, or -EINVAL. */
static int next_item(struct view *rest, struct view *ret)
{
	size_t from = 0, to, depth = 0;

	while (from < rest->n && is_separator(rest->p[from]))
		from++;
	for (to = from; to < rest->n && (depth > 0 || !is_separator(rest->p[to])); to++) {
		if (rest->p[to] == '{')
			depth++;
		else if (rest->p[to] == '}' && depth-- == 0)
			return -EINVAL;
	}
	if (depth > 0)
		return -EINVAL;
	*ret = view_slice(*rest, from, to);
	*rest = view_slice(*rest, to, rest->n);
	return ret->n > 0;
}

/* What stands between braces: the socket, then name=value. */
static int parse_braces(void *mem, struct view inside, struct postfix_milter *milter)
{
	struct view item;
	int r;

	while ((r = next_item(&inside, &item)) > 0) {
		const size_t equals = view_find(item, '=');
		struct postfix_parameter *larger;

		if (!milter->spec) {
			milter->spec = view_string(mem, item);
			continue;
		}
		larger = talloc_realloc(mem, milter->own, struct postfix_parameter, (unsigned)milter->own_count + 1);
		if (!larger)
			return -ENOMEM;
		milter->own = larger;
		larger[milter->own_count].name = view_string(mem, view_slice(item, 0, equals));
		larger[milter->own_count].value = view_string(mem, view_slice(item, equals + 1, item.n));
		if (!larger[milter->own_count].name || !larger[milter->own_count].value)
			return -ENOMEM;
		milter->own_count++;
	}
	return r < 0 || milter->spec ? r : -EINVAL;
}

static int parse_item(void *mem, struct view item, struct postfix_milter *milter)
{
	*milter = (struct postfix_milter){ .spec = NULL };
	if (item.p[0] == '{')
		return parse_braces(mem, view_slice(item, 1, item.n - 1), milter);
	milter->spec = view_string(mem, item);
	return milter->spec ? 0 : -ENOMEM;
}

bool postfix_is_chrooted(const struct postfix_conf *conf, const struct postfix_service *service)
{
	if (!service || service->chroot == '-')
		return strtol(postfix_value(conf, NULL, "compatibility_level"), NULL, 10) < 1;
	return service->chroot == 'y';
}

/* A rest behind "prefix:"; NULL when the specification begins otherwise. */
static const char *behind(const char *spec, const char *prefix)
{
	const size_t n = strlen(prefix);

	return strncmp(spec, prefix, n) == 0 ? spec + n : NULL;
}

/* Processes of Postfix work in the queue directory, and a chroot jail has its root there. */
static char *path_seen(void *mem, const char *path, const struct postfix_conf *conf, const struct postfix_service *service)
{
	if (path[0] == '/' && !postfix_is_chrooted(conf, service))
		return talloc_strdup(mem, path);
	return talloc_asprintf(mem, "%s%s%s", postfix_value(conf, service, "queue_directory"), path[0] == '/' ? "" : "/", path);
}

/* A decimal port or a name of services(5); 0 when it is none. */
static uint16_t port_of(const char *text)
{
	char *end;
	const long port = strtol(text, &end, 10);
	const struct servent *entry;

	if (end != text && *end == '\0')
		return port > 0 && port <= UINT16_MAX ? (uint16_t)port : 0;
	entry = getservbyname(text, "tcp");
	return entry ? ntohs((uint16_t)entry->s_port) : 0;
}

static bool is_any_address(const struct socket_address *a)
{
	static const struct in6_addr any6 = IN6ADDR_ANY_INIT;

	if (a->u.any.sa_family == AF_INET)
		return a->u.inet.sin_addr.s_addr == htonl(INADDR_ANY);
	return memcmp(&a->u.inet6.sin6_addr, &any6, sizeof any6) == 0;
}

/* A socket that listens on `listener` takes what is sent to `target`. */
static bool reaches(const struct socket_address *target, const struct socket_address *listener)
{
	if (target->u.any.sa_family != listener->u.any.sa_family)
		return false;
	if (target->u.any.sa_family == AF_INET)
		return target->u.inet.sin_port == listener->u.inet.sin_port &&
		       (is_any_address(listener) || target->u.inet.sin_addr.s_addr == listener->u.inet.sin_addr.s_addr);
	return target->u.inet6.sin6_port == listener->u.inet6.sin6_port &&
	       (is_any_address(listener) ||
	        memcmp(&target->u.inet6.sin6_addr, &listener->u.inet6.sin6_addr, sizeof target->u.inet6.sin6_addr) == 0);
}

static bool resolved(void *mem, struct socket_spec spec, enum socket_kind kind, enum socket_purpose purpose, struct socket_address *ret)
{
	char *error = NULL;
	int r;

	spec.kind = kind;
	r = socket_spec_resolve(mem, &spec, purpose, ret, &error);
	talloc_free(error);
	return r == 0;
}

/* Postfix tries the addresses of both families that a name has. */
static bool inet_reaches(void *mem, const struct socket_spec *target, const struct socket_spec *listener)
{
	static const enum socket_kind kinds[] = { SOCKET_INET, SOCKET_INET6 };
	struct socket_address to, from;

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (listener->kind == kinds[i] && resolved(mem, *target, kinds[i], SOCKET_CONNECT, &to) &&
		    resolved(mem, *listener, kinds[i], SOCKET_LISTEN, &from) && reaches(&to, &from))
			return true;
	return false;
}

/* "host:port" of Postfix; an IPv6 host stands in brackets. */
static int inet_target(void *mem, const char *text, struct socket_spec *ret)
{
	const char *colon = strrchr(text, ':');
	struct view host = { text, colon ? (size_t)(colon - text) : 0 };

	if (host.n >= 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
		host = view_slice(host, 1, host.n - 1);
	*ret = (struct socket_spec){ .port = colon ? port_of(colon + 1) : 0 };
	if (host.n == 0 || ret->port == 0)
		return -EINVAL;
	ret->host = view_string(mem, host);
	return ret->host ? 0 : -ENOMEM;
}

static void match(void *mem, struct postfix_milter *milter, const char *path, const struct socket_spec *target,
                  const struct conf_listener *listener)
{
	struct socket_spec spec;
	char *error = NULL;

	if (socket_spec_parse(mem, listener->socket, &spec, &error) < 0) {
		talloc_free(error); /* postern check has its own line for that */
		return;
	}
	if (spec.kind == SOCKET_UNIX && path && strcmp(spec.path, milter->path) == 0)
		milter->listener = listener;
	else if (spec.kind == SOCKET_UNIX && path && strcmp(spec.path, path) == 0)
		milter->hidden = listener;
	else if (target && inet_reaches(mem, target, &spec))
		milter->listener = listener;
}

static int find_listener(void *mem, struct postfix_milter *milter, const struct postfix_conf *conf, const struct postfix_service *service,
                         const struct conf *ours)
{
	const char *inet = behind(milter->spec, "inet:"), *path = behind(milter->spec, "unix:");
	struct socket_spec target;
	int r = inet ? inet_target(mem, inet, &target) : 0;

	if (!path)
		path = behind(milter->spec, "local:");
	if (path) {
		milter->path = path_seen(mem, path, conf, service);
		r = milter->path ? 0 : -ENOMEM;
	}
	for (size_t i = 0; r == 0 && !milter->listener && (inet || path) && i < ours->listener_count; i++)
		match(mem, milter, path, inet ? &target : NULL, &ours->listeners[i]);
	if (milter->listener)
		milter->hidden = NULL;
	return r == -EINVAL ? 0 : r; /* what Postfix itself cannot read reaches nobody */
}

int postfix_milters_parse(void *mem, const char *list, const struct postfix_conf *conf, const struct postfix_service *service,
                          const struct conf *ours, struct postfix_milter **ret, size_t *ret_count)
{
	struct view rest = view_of(list), item;
	struct postfix_milter *milters = NULL, *larger;
	size_t n = 0;
	int r;

	while ((r = next_item(&rest, &item)) > 0) {
		if (n == POSTFIX_MILTERS_MAX) {
			r = -E2BIG;
			break;
		}
		larger = talloc_realloc(mem, milters, struct postfix_milter, (unsigned)n + 1);
		if (!larger) {
			r = -ENOMEM;
			break;
		}
		milters = larger;
		r = parse_item(milters, item, &milters[n]);
		if (r == 0)
			r = find_listener(milters, &milters[n], conf, service, ours);
		if (r < 0)
			break;
		n++;
	}
	if (r < 0) {
		talloc_free(milters);
		return r;
	}
	*ret = milters;
	*ret_count = n;
	return 0;
}

const char *postfix_milter_value(const struct postfix_milter *milter, const struct postfix_conf *conf,
                                 const struct postfix_service *service, const char *name)
{
	char parameter[64];

	for (size_t i = 0; i < milter->own_count; i++)
		if (strcmp(milter->own[i].name, name) == 0)
			return milter->own[i].value;
	(void)snprintf(parameter, sizeof parameter, "milter_%s", name); /* our own names alone, all of them shorter */
	return postfix_value(conf, service, parameter);
}
