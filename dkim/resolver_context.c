#include "dkim/resolver_context.h"

#include "dkim/fault.h"
#include "dkim/regular_file.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <talloc.h>
#include <unbound.h>
#include <unistd.h>

#define TEXT_OF(number) TEXT_OF_(number)
#define TEXT_OF_(number) #number

/* Queries that libunbound may have out over UDP at a time, a socket each. With its 16, names whose servers
 * are silent hold up all others; more than this would come near to the usual limit of 1024 descriptors. */
#define UDP_SOCKETS 256
#define TCP_SOCKETS 16

/* Octets of a trust anchor's file in which a first record must stand; root.key has 600 before it. */
#define TRUST_ANCHOR_LOOKED_AT 8192

struct option {
	const char *name, *value;
};

static const struct option options[] = {
	{ "do-not-query-localhost:", "no" }, /* a resolver on 127.0.0.1 is the rule, not a mistake */
	{ "outgoing-range:", TEXT_OF(UDP_SOCKETS) },
	{ "outgoing-num-tcp:", TEXT_OF(TCP_SOCKETS) },
	{ "num-queries-per-thread:", TEXT_OF(DKIM_QUERIES_IN_FLIGHT_MAX) },
	/* Seconds that it remembers how slow a server was. With its 900, silent names bring the one server that
	 * forwards them into disrepute, and one that was down is not asked again for a while. */
	{ "infra-host-ttl:", "1" },
	{ "cache-max-negative-ttl:", TEXT_OF(DKIM_NEGATIVE_TTL_MAX) },
};

static int set_option(void *mem, struct ub_ctx *context, struct option option, char **ret_error)
{
	int error = ub_ctx_set_option(context, option.name, option.value);

	if (!error)
		return 0;
	return fault(mem, ret_error, error == UB_NOMEM ? -ENOMEM : -EINVAL, "libunbound: option %s %s: %s", option.name,
	             option.value, ub_strerror(error));
}

static int set_options(void *mem, struct ub_ctx *context, char **ret_error)
{
	int r = 0;

	for (size_t i = 0; i < sizeof options / sizeof options[0] && !r; i++)
		r = set_option(mem, context, options[i], ret_error);
	return r;
}

static bool is_address(const char *text, size_t n)
{
	char address[INET6_ADDRSTRLEN] = "";
	unsigned char octets[sizeof(struct in6_addr)];

	if (n >= sizeof address)
		return false;
	memcpy(address, text, n);
	return inet_pton(AF_INET, address, octets) == 1 || inet_pton(AF_INET6, address, octets) == 1;
}

static bool is_port(const char *text)
{
	unsigned number = 0;

	for (size_t i = 0; text[i]; i++) {
		if (text[i] < '0' || text[i] > '9' || i == 5)
			return false;
		number = number * 10 + (unsigned)(text[i] - '0');
	}
	return number > 0 && number <= 65535;
}

/* libunbound itself takes any digits for a port. */
static bool is_server(const char *server)
{
	size_t n = strcspn(server, "@");

	return is_address(server, n) && (server[n] == '\0' || is_port(server + n + 1));
}

static int set_servers(void *mem, struct ub_ctx *context, const struct dkim_resolver_params *params, char **ret_error)
{
	int error;

	if (params->server_count == 0) {
		error = ub_ctx_resolvconf(context, NULL);
		return error ? fault(mem, ret_error, -EINVAL, "/etc/resolv.conf: %s", ub_strerror(error)) : 0;
	}
	for (size_t i = 0; i < params->server_count; i++) {
		const char *server = params->servers[i];

		if (!is_server(server) || ub_ctx_set_fwd(context, server))
			return fault(mem, ret_error, -EINVAL, "dns.servers: wanted address@port, got \"%s\"",
			             view_escape(mem, view_of(server), INET6_ADDRSTRLEN));
	}
	return 0;
}

static bool has_record(struct view text)
{
	struct view line;

	while (view_next(&text, '\n', &line)) {
		line = view_trim_fws(line);
		if (line.n > 0 && line.p[0] != ';')
			return true;
	}
	return false;
}

/* libunbound takes a file without records, or one that is not there, for no trust anchor at all. */
static int check_trust_anchor(void *mem, const char *path, char **ret_error)
{
	char text[TRUST_ANCHOR_LOOKED_AT];
	struct stat st;
	int fd, r;
	size_t n;

	r = regular_file_open(mem, path, &fd, &st, ret_error);
	if (r)
		return r;
	r = regular_file_read(mem, path, fd, text, sizeof text, &n, ret_error);
	close(fd);
	if (!r && !has_record((struct view){ text, n }))
		r = fault(mem, ret_error, -EINVAL, "%s: wanted DS or DNSKEY records, got none", path);
	return r;
}

/* Without a trust anchor no validator: it would tell the servers not to check either (the CD bit). */
static int set_trust_anchor(void *mem, struct ub_ctx *context, const char *path, char **ret_error)
{
	static const struct option no_validator = { "module-config:", "iterator" };
	int r;

	if (!path)
		return set_option(mem, context, no_validator, ret_error);
	r = check_trust_anchor(mem, path, ret_error);
	if (r)
		return r;
	if (ub_ctx_add_ta_file(context, path))
		return fault(mem, ret_error, -ENOMEM, "%s: no memory left for the trust anchor", path);
	return 0;
}

static void ignore_result(void *argument, int error, struct ub_result *result)
{
	(void)argument;
	(void)error;
	ub_resolve_free(result);
}

/* The first query makes libunbound read its settings and start its thread. It answers "localhost" by itself. */
static int start_thread(void *mem, struct ub_ctx *context, const struct dkim_resolver_params *params, char **ret_error)
{
	sigset_t all, before;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = ub_resolve_async(context, "localhost", 1, 1, NULL, ignore_result, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!error)
		return 0;
	if (error == UB_INITFAIL && params->trust_anchor)
		return fault(mem, ret_error, -EINVAL, "%s: wanted DS or DNSKEY records, got something else", params->trust_anchor);
	return fault(mem, ret_error, error == UB_NOMEM ? -ENOMEM : -EINVAL, "libunbound: %s", ub_strerror(error));
}

int resolver_context_new(void *mem, const struct dkim_resolver_params *params, struct ub_ctx **ret, char **ret_error)
{
	struct ub_ctx *context;
	int r;

	context = ub_ctx_create();
	if (!context)
		return fault(mem, ret_error, -ENOMEM, "libunbound: no memory or descriptors left");
	r = set_options(mem, context, ret_error);
	if (!r)
		r = set_servers(mem, context, params, ret_error);
	if (!r)
		r = set_trust_anchor(mem, context, params->trust_anchor, ret_error);
	if (!r && (ub_ctx_debugout(context, NULL) || ub_ctx_async(context, 1)))
		r = fault(mem, ret_error, -EINVAL, "libunbound: wanted a thread of its own, got none");
	if (!r)
		r = start_thread(mem, context, params, ret_error);
	if (r) {
		ub_ctx_delete(context);
		return r;
	}
	*ret = context;
	return 0;
}
