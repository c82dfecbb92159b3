/* Each key: its file, and what DNS publishes for it. */
#include "milter/check.h"

#include "dkim/private_key.h"
#include "dkim/zone_count.h"
#include "milter/gate.h"
#include "milter/key_source.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <talloc.h>
#include <time.h>

/* RFC 8301 section 3.2 (R76) */
#define RSA_BITS_USUAL 2048         /* signers SHOULD use at least this, */
#define RSA_BITS_ALL_VERIFIERS 4096 /* and verifiers need not take more than this */

#define LOOKUPS_MAX DKIM_QUERIES_PER_ZONE_MAX /* questions asked before the first is waited for: all may be of one zone */

struct lookup {
	const struct conf_key *conf;
	struct dkim_private_key *key; /* NULL: not loaded */
	char *error;                  /* why not */
	struct dkim_key_lookup *lookup;
	int started; /* what dkim_key_lookup_start() said */
};

/* A row of the key table whose domain is that of each sender. */
static bool of_any_domain(const struct conf_key *conf)
{
	return strcmp(conf->domain, "%") == 0;
}

/* A key that signs must be there; one that is on its way, or leaves, need not. */
static enum check_state judge(const struct key_report *report)
{
	if (report->error)
		return report->state == CONF_KEY_RETIRED ? CHECK_WARNING : CHECK_FAILS;
	if (report->state == CONF_KEY_RETIRED)
		return CHECK_OK;
	switch (report->agreement) {
	case KEY_AGREES:
		return report->test_mode ? CHECK_WARNING : CHECK_OK;
	case KEY_DISAGREES:
		return report->state == CONF_KEY_NEXT ? CHECK_WARNING : CHECK_FAILS;
	case KEY_UNKNOWN:
		break;
	}
	return strcmp(report->domain, "%") == 0 ? CHECK_OK : CHECK_WARNING;
}

static void check_bits(struct check *check, const struct key_report *report)
{
	if (report->error || report->type != DKIM_KEY_RSA || report->state == CONF_KEY_RETIRED)
		return;
	if (report->bits < RSA_BITS_USUAL)
		check_add(check, CHECK_WARNING, "key", report->name, "RSA with fewer than %d bits (RFC 8301 section 3.2)", RSA_BITS_USUAL);
	else if (report->bits > DKIM_RSA_BITS_MAX)
		check_add(check, CHECK_FAILS, "key", report->name, "wanted RSA with at most %d bits, got %u: verifiers refuse it",
		          DKIM_RSA_BITS_MAX, report->bits);
	else if (report->bits > RSA_BITS_ALL_VERIFIERS)
		check_add(check, CHECK_WARNING, "key", report->name, "RSA with more than %d bits, which verifiers need not take (RFC 8301 section 3.2)",
		          RSA_BITS_ALL_VERIFIERS);
}

static void report_one(struct check *check, const struct lookup *lookup, unsigned timeout_ms)
{
	const char *error = lookup->key ? NULL : lookup->error ? lookup->error : "out of memory";
	const struct dkim_key_set *set = NULL;
	struct key_report report;

	if (lookup->started == -EINVAL) {
		check_add(check, CHECK_FAILS, "key", lookup->conf->name, "%s._domainkey.%s is too long for a name in DNS",
		          lookup->conf->selector, lookup->conf->domain);
		return;
	}
	if (lookup->lookup && dkim_key_lookup_wait(lookup->lookup, timeout_ms + 1000) == 0)
		set = dkim_key_lookup_result(lookup->lookup);
	if (key_report_fill(check, lookup->conf, lookup->key, error, set, time(NULL), &report) < 0) {
		check_add(check, CHECK_FAILS, "key", lookup->conf->name, "out of memory");
		return;
	}
	check_add_key(check, judge(&report), &report);
	check_bits(check, &report);
}

static void start_one(struct check *check, const struct conf_key *conf, struct dkim_key_cache *cache, struct lookup *ret)
{
	*ret = (struct lookup){ .conf = conf, .started = -EBUSY };
	if (dkim_private_key_load(check, conf->file, &ret->key, &ret->error) == 0 && cache && !of_any_domain(conf))
		ret->started = dkim_key_lookup_start(cache, view_of(conf->selector), view_of(conf->domain), &ret->lookup);
}

static void finish_one(struct lookup *lookup)
{
	dkim_key_lookup_free(lookup->lookup);
	dkim_private_key_free(lookup->key);
	talloc_free(lookup->error);
}

static void check_some(struct check *check, const struct conf_key *keys, size_t count, unsigned timeout_ms, struct dkim_key_cache *cache)
{
	struct lookup lookups[LOOKUPS_MAX];

	for (size_t i = 0; i < count; i++)
		start_one(check, &keys[i], cache, &lookups[i]);
	for (size_t i = 0; i < count; i++) {
		report_one(check, &lookups[i], timeout_ms);
		finish_one(&lookups[i]);
	}
}

static void check_all(struct check *check, const struct conf_key *keys, size_t count, unsigned timeout_ms, struct dkim_key_cache *cache)
{
	for (size_t i = 0; i < count; i += LOOKUPS_MAX)
		check_some(check, keys + i, count - i < LOOKUPS_MAX ? count - i : LOOKUPS_MAX, timeout_ms, cache);
}

/* True for the first key of a domain that has no active one. */
static bool is_idle_domain(const struct conf_sign *sign, size_t i)
{
	for (size_t j = 0; j < sign->key_count; j++) {
		if (strcasecmp(sign->keys[j].domain, sign->keys[i].domain) != 0)
			continue;
		if (sign->keys[j].state == CONF_KEY_ACTIVE || j < i)
			return false;
	}
	return true;
}

/* NULL when DNS cannot be asked: the check says so. The records file's faults are check_records()'s to tell. */
static struct key_source *start_source(struct check *check, const struct conf_dns *conf)
{
	struct dkim_resolver_params params;
	struct key_source *source = NULL;
	char *error = NULL;
	int r;

	gate_resolver_params(conf, NULL, &params);
	r = key_source_new(check, &params, conf->records, &source, &error);
	if (r < 0 && *conf->records)
		r = key_source_new(check, &params, NULL, &source, &error);
	if (r < 0)
		check_add(check, CHECK_FAILS, "dns", "", "%s", error ? error : strerror(-r));
	return source;
}

void check_keys(struct check *check, const struct conf *conf)
{
	struct conf_key *rows;
	struct dkim_key_cache *cache;
	struct key_source *source;
	size_t row_count;
	int r = dkim_private_key_init();

	if (r < 0) {
		check_add(check, CHECK_FAILS, "key", "", "wanted guarded memory for keys, got: %s", strerror(-r));
		return;
	}
	source = start_source(check, &conf->dns);
	cache = source ? source->cache : NULL;
	check_all(check, conf->sign.keys, conf->sign.key_count, conf->dns.timeout_ms, cache);
	for (size_t i = 0; i < conf->sign.key_count; i++)
		if (is_idle_domain(&conf->sign, i))
			check_add(check, CHECK_WARNING, "key", conf->sign.keys[i].name,
			          "%s has no active key: its mail leaves unsigned until a key of state next signs", conf->sign.keys[i].domain);
	row_count = check_tables(check, &conf->sign, &rows);
	check_all(check, rows, row_count, conf->dns.timeout_ms, cache);
	talloc_free(source);
}
