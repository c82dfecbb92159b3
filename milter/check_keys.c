/* Each key: its file, and what DNS publishes for it. */
#include "milter/check.h"

#include "dkim/key_cache.h"
#include "dkim/private_key.h"
#include "milter/gate.h"

#include <errno.h>
#include <string.h>
#include <talloc.h>

#define RSA_BITS_USUAL 2048 /* RFC 8301 section 3.2: signers SHOULD use at least this (R76) */
#define SIGNATURE_TEXT_MAX 4096 /* octets of b=; an RSA key of 16,384 bits makes 2,732 */
#define LOOKUPS_MAX 100 /* questions asked before the first is waited for */

struct lookup {
	const struct conf_key *conf;
	struct dkim_private_key *key; /* NULL: not loaded */
	char *error;                  /* why not */
	struct dkim_key_lookup *lookup;
	int started; /* what dkim_key_lookup_start() said */
};

struct dns {
	struct dkim_records *records;
	struct dkim_resolver *resolver;
	struct dkim_key_cache *cache;
};

/* Ours is the other half of what is published: what the one signs the other verifies, whatever their encodings. */
static bool halves_fit(const struct dkim_private_key *key, const struct dkim_public_key *public_key)
{
	static const uint8_t digest[DKIM_DIGEST_OCTETS] = { 1, 2, 3 };
	const bool rsa = dkim_private_key_type(key) == DKIM_KEY_RSA;
	struct buf text;
	bool fit;

	if (dkim_public_key_type(public_key) != dkim_private_key_type(key))
		return false;
	buf_init(&text, NULL, SIGNATURE_TEXT_MAX);
	fit = dkim_private_key_sign(key, digest, &text) == 0 &&
	      dkim_public_key_verify(public_key, rsa ? DKIM_RSA_SHA256 : DKIM_ED25519_SHA256, digest, buf_view(&text)) == DKIM_REASON_PASS;
	buf_free(&text);
	return fit;
}

static const char *type_text(const struct dkim_private_key *key)
{
	return dkim_private_key_type(key) == DKIM_KEY_RSA ? "RSA" : "Ed25519";
}

static char *describe(void *mem, const struct lookup *lookup)
{
	return talloc_asprintf(mem, "%u-bit %s for %s", dkim_private_key_bits(lookup->key), type_text(lookup->key), lookup->conf->domain);
}

static void judge_answer(struct check *check, const struct lookup *lookup, const char *ours, const struct dkim_key_set *set)
{
	const struct conf_key *conf = lookup->conf;
	enum dkim_reason reason = DKIM_REASON_NO_KEY;

	for (size_t i = 0; i < set->answer->text_count; i++) {
		const struct dkim_key *key = &set->keys[i];

		reason = key->reason;
		if (reason == DKIM_REASON_PASS && halves_fit(lookup->key, key->key)) {
			check_add(check, key->record.test_mode ? CHECK_WARNING : CHECK_OK, "key", conf->name, "%s; published %s%s%s", ours,
			          set->answer->from_records ? "in the records file" : "by DNS", set->answer->secure ? ", validated" : "",
			          key->record.test_mode ? ", in test mode (t=y)" : "");
			return;
		}
	}
	if (reason == DKIM_REASON_PASS)
		check_add(check, CHECK_FAILS, "key", conf->name, "%s; %s._domainkey.%s publishes another key", ours, conf->selector, conf->domain);
	else
		check_add(check, CHECK_FAILS, "key", conf->name, "%s; %s._domainkey.%s: %s", ours, conf->selector, conf->domain,
		          dkim_reason_text(reason));
}

/* A row of the key table whose domain is that of each sender. */
static bool of_any_domain(const struct conf_key *conf)
{
	return strcmp(conf->domain, "%") == 0;
}

static void judge_published(struct check *check, const struct lookup *lookup, unsigned timeout_ms)
{
	const struct conf_key *conf = lookup->conf;
	const struct dkim_key_set *set = NULL;
	char *ours = describe(check, lookup);

	if (lookup->lookup && dkim_key_lookup_wait(lookup->lookup, timeout_ms + 1000) == 0)
		set = dkim_key_lookup_result(lookup->lookup);
	if (!ours || lookup->started == -ENOMEM)
		check_add(check, CHECK_FAILS, "key", conf->name, "out of memory");
	else if (lookup->started == -EINVAL)
		check_add(check, CHECK_FAILS, "key", conf->name, "%s; %s._domainkey.%s is too long for a name in DNS", ours, conf->selector, conf->domain);
	else if (of_any_domain(conf))
		check_add(check, CHECK_OK, "key", conf->name, "%u-bit %s for the domain of each sender; DNS is not asked",
		          dkim_private_key_bits(lookup->key), type_text(lookup->key));
	else if (!set)
		check_add(check, CHECK_WARNING, "key", conf->name, "%s; DNS gave no answer", ours);
	else if (set->answer->status == DKIM_DNS_FOUND)
		judge_answer(check, lookup, ours, set);
	else if (set->answer->status == DKIM_DNS_NO_RECORD)
		check_add(check, CHECK_FAILS, "key", conf->name, "%s; %s._domainkey.%s is not published", ours, conf->selector, conf->domain);
	else
		check_add(check, CHECK_WARNING, "key", conf->name, "%s; %s._domainkey.%s could not be asked for: %s", ours, conf->selector,
		          conf->domain, dkim_dns_status_text(set->answer->status));
	if (dkim_private_key_bits(lookup->key) < RSA_BITS_USUAL && dkim_private_key_type(lookup->key) == DKIM_KEY_RSA)
		check_add(check, CHECK_WARNING, "key", conf->name, "RSA with fewer than %d bits (RFC 8301 section 3.2)", RSA_BITS_USUAL);
	talloc_free(ours);
}

static void judge(struct check *check, const struct lookup *lookup, unsigned timeout_ms)
{
	if (lookup->key)
		judge_published(check, lookup, timeout_ms);
	else
		check_add(check, CHECK_FAILS, "key", lookup->conf->name, "%s", lookup->error ? lookup->error : "out of memory");
}

static void start_one(struct check *check, const struct conf_key *conf, const struct dns *dns, struct lookup *ret)
{
	*ret = (struct lookup){ .conf = conf, .started = -EBUSY };
	if (dkim_private_key_load(check, conf->file, &ret->key, &ret->error) == 0 && dns->cache && !of_any_domain(conf))
		ret->started = dkim_key_lookup_start(dns->cache, view_of(conf->selector), view_of(conf->domain), &ret->lookup);
}

static void finish_one(struct lookup *lookup)
{
	dkim_key_lookup_free(lookup->lookup);
	dkim_private_key_free(lookup->key);
	talloc_free(lookup->error);
}

static void check_some(struct check *check, const struct conf_key *keys, size_t count, unsigned timeout_ms, const struct dns *dns)
{
	struct lookup lookups[LOOKUPS_MAX];

	for (size_t i = 0; i < count; i++)
		start_one(check, &keys[i], dns, &lookups[i]);
	for (size_t i = 0; i < count; i++) {
		judge(check, &lookups[i], timeout_ms);
		finish_one(&lookups[i]);
	}
}

static void check_all(struct check *check, const struct conf_key *keys, size_t count, unsigned timeout_ms, const struct dns *dns)
{
	for (size_t i = 0; i < count; i += LOOKUPS_MAX)
		check_some(check, keys + i, count - i < LOOKUPS_MAX ? count - i : LOOKUPS_MAX, timeout_ms, dns);
}

static void stop_dns(struct dns *dns)
{
	dkim_key_cache_free(dns->cache);
	dkim_resolver_free(dns->resolver);
	talloc_free(dns->records);
}

static void start_dns(struct check *check, const struct conf *conf, struct dns *dns)
{
	struct dkim_resolver_params params;
	char *error = NULL;

	*dns = (struct dns){ NULL, NULL, NULL };
	/* A fault of the file is check_records()'s to tell. */
	if (*conf->dns.records && dkim_records_load(check, conf->dns.records, &dns->records, &error) < 0)
		dns->records = NULL;
	talloc_free(error);
	error = NULL;
	gate_resolver_params(&conf->dns, dns->records, &params);
	if (dkim_resolver_new(check, &params, &dns->resolver, &error) < 0)
		check_add(check, CHECK_FAILS, "dns", "", "%s", error ? error : "out of memory");
	else if (dkim_key_cache_new(dns->resolver, DKIM_KEY_CACHE_ENTRIES, DKIM_KEY_CACHE_OCTETS, &dns->cache) < 0)
		check_add(check, CHECK_FAILS, "dns", "", "out of memory");
	talloc_free(error);
}

void check_keys(struct check *check, const struct conf *conf)
{
	struct conf_key *rows;
	size_t row_count;
	struct dns dns;

	if (dkim_private_key_init() < 0) {
		check_add(check, CHECK_FAILS, "key", "", "wanted guarded memory for keys, got none");
		return;
	}
	start_dns(check, conf, &dns);
	check_all(check, conf->sign.keys, conf->sign.key_count, conf->dns.timeout_ms, &dns);
	row_count = check_tables(check, &conf->sign, &rows);
	check_all(check, rows, row_count, conf->dns.timeout_ms, &dns);
	stop_dns(&dns);
}
