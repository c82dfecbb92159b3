#include "milter/gate.h"

#include "milter/log.h"

#include <errno.h>
#include <string.h>
#include <talloc.h>
#include <unistd.h>

bool gate_may_sign(const struct conf_listener *listener)
{
	return listener->role != CONF_VERIFY;
}

bool gate_may_verify(const struct conf_listener *listener)
{
	return listener->role != CONF_SIGN;
}

bool gate_may_quarantine(const struct gate *gate)
{
	const struct conf_verify *verify = &gate->conf->verify;
	const struct conf_av *av = &gate->conf->av;
	const enum conf_action actions[] = { verify->on_fail, verify->on_none, verify->on_permerror, verify->on_temperror, verify->on_policy };
	const enum conf_scan_action scan_actions[] = {
		av->on_infected, av->on_suspect, av->on_encrypted, av->on_banned, av->on_unscannable, av->on_error,
		av->on_error_authenticated, av->on_error_local, av->local_reject,
	};

	for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++)
		if (actions[i] == CONF_QUARANTINE)
			return true;
	for (size_t i = 0; gate->listener->scan && i < sizeof scan_actions / sizeof scan_actions[0]; i++)
		if (scan_actions[i] == CONF_SCAN_QUARANTINE)
			return true;
	return false;
}

static bool has_next_key(const struct conf_sign *conf)
{
	for (size_t i = 0; i < conf->key_count; i++)
		if (conf->keys[i].state == CONF_KEY_NEXT)
			return true;
	return false;
}

bool gate_asks_dns(const struct conf *conf, const struct conf_listener *listener)
{
	return gate_may_verify(listener) || conf->sign.self_check == CONF_CHECK_DNS || has_next_key(&conf->sign) ||
	       conf->sign.strip_broken_signatures;
}

void gate_verify_params(const struct conf *conf, struct dkim_verify_params *ret)
{
	*ret = (struct dkim_verify_params){
		.minimum_rsa_bits = conf->verify.minimum_rsa_bits,
		.maximum_signatures = conf->verify.max_signatures,
		.clock_skew = conf->verify.clock_skew_s,
		.expired_is_policy = conf->verify.expired_is_policy,
		.budget_ms = conf->dns.budget_ms,
	};
}

static enum dkim_canon canon(enum conf_canon canon)
{
	return canon == CONF_RELAXED ? DKIM_RELAXED : DKIM_SIMPLE;
}

void gate_sign_params(const struct conf_sign *conf, struct dkim_sign_params *ret)
{
	*ret = (struct dkim_sign_params){
		.header_canon = canon(conf->header_canon),
		.body_canon = canon(conf->body_canon),
		.headers = conf->headers[0] ? conf->headers : dkim_sign_default_headers,
		.omit = conf->omit_headers,
		.oversign = conf->oversign,
		.expire = conf->expire_s,
	};
}

void gate_resolver_params(const struct conf_dns *conf, const struct dkim_records *records, struct dkim_resolver_params *ret)
{
	*ret = (struct dkim_resolver_params){
		.servers = conf->servers,
		.server_count = conf->server_count,
		.timeout_ms = conf->timeout_ms,
		.trust_anchor = conf->trust_anchor[0] ? conf->trust_anchor : NULL,
		.records = records,
	};
}

static int gate_destructor(struct gate *gate)
{
	talloc_free(gate->key_prover); /* it asks the cache */
	dkim_key_cache_free(gate->key_cache);
	dkim_resolver_free(gate->resolver);
	return 0;
}

static int load_host_name(struct gate *gate)
{
	char name[256]; /* HOST_NAME_MAX is 64 on Linux, POSIX allows 255 */

	if (gethostname(name, sizeof name) < 0)
		return -errno;
	name[sizeof name - 1] = '\0';
	gate->host_name = talloc_strdup(gate, name);
	return gate->host_name ? 0 : -ENOMEM;
}

/* A key that cannot be loaded costs its own domain alone (sign.on-key-error). */
static int load_key(struct gate *gate, const struct conf_key *conf, struct gate_key *ret)
{
	char *error = NULL;
	int r;

	ret->conf = conf;
	r = loaded_key_new(gate, conf->file, &ret->loaded, &error);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		log_text(CONF_LOG_ERROR, "key", "sign.key %s: %s; %s%s", conf->name, error ? error : strerror(-r),
		         conf->state == CONF_KEY_ACTIVE ? "on-key-error decides about mail of " : "it does not sign: state ",
		         conf->state == CONF_KEY_ACTIVE ? conf->domain : conf_key_state_text(conf->state));
	talloc_free(error);
	return 0;
}

static int load_keys(struct gate *gate)
{
	const struct conf_sign *conf = &gate->conf->sign;
	int r = 0;

	gate->keys = talloc_zero_array(gate, struct gate_key, (unsigned)conf->key_count);
	if (!gate->keys)
		return -ENOMEM;
	for (; r == 0 && gate->key_count < conf->key_count; gate->key_count++)
		r = load_key(gate, &conf->keys[gate->key_count], &gate->keys[gate->key_count]);
	return r;
}

static void log_lost_row(void *arg, const struct key_row *row, const char *error)
{
	(void)arg;
	log_text(CONF_LOG_ERROR, "key", "key-table, line %u: %s; its senders follow on-key-error", row->line, error);
}

/* A table with a fault in it is none: whoever wrote a row wants it to count. */
static int load_tables(struct gate *gate, char **ret_error)
{
	struct conf_errors errors;
	int r;

	r = sign_tables_read(gate, &gate->conf->sign, &gate->tables, &errors);
	if (r == 0)
		return sign_tables_load_keys(gate->tables, log_lost_row, NULL);
	for (size_t i = 0; i < errors.count; i++)
		log_text(CONF_LOG_ERROR, "table", "%s", errors.text[i]);
	if (errors.count > 0)
		*ret_error = errors.text[0];
	return r;
}

int gate_new(void *mem, const struct conf *conf, const struct conf_listener *listener, bool tcp, struct gate **ret,
             char **ret_error)
{
	struct gate *gate = talloc_zero(mem, struct gate);
	int r;

	*ret_error = NULL;
	if (!gate)
		return -ENOMEM;
	talloc_set_destructor(gate, gate_destructor);
	gate->conf = conf;
	gate->listener = listener;
	gate->tcp = tcp;
	gate_verify_params(conf, &gate->verify_params);
	gate_sign_params(&conf->sign, &gate->sign_params);
	r = dkim_private_key_init(); /* the libraries' own start, needed by verifiers too */
	if (r == 0)
		r = load_host_name(gate);
	if (r == 0 && gate_may_sign(listener))
		r = load_keys(gate);
	if (r == 0 && listener->scan)
		r = av_class_map_new(gate, conf->av.class_map, conf->av.ignore, &gate->class_map, ret_error);
	if (r == 0 && gate_may_sign(listener) && *conf->sign.key_table)
		r = load_tables(gate, ret_error);
	if (r == 0 && gate_asks_dns(conf, listener) && conf->dns.records[0])
		r = dkim_records_load(gate, conf->dns.records, &gate->records, ret_error);
	if (r < 0) {
		if (*ret_error)
			talloc_steal(mem, *ret_error);
		talloc_free(gate);
		return r;
	}
	*ret = gate;
	return 0;
}

int gate_start(struct gate *gate, char **ret_error)
{
	struct dkim_resolver_params params;
	int r;

	*ret_error = NULL;
	if (!gate_asks_dns(gate->conf, gate->listener))
		return 0;
	gate_resolver_params(&gate->conf->dns, gate->records, &params);
	r = dkim_resolver_new(gate, &params, &gate->resolver, ret_error);
	if (r < 0)
		return r;
	r = dkim_key_cache_new(gate->resolver, DKIM_KEY_CACHE_ENTRIES, DKIM_KEY_CACHE_OCTETS, &gate->key_cache);
	if (r == 0)
		r = key_prover_new(gate, gate->key_cache, gate->keys, gate->key_count, &gate->key_prover);
	return r;
}
