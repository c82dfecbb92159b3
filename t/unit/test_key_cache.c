/* dkim/key_cache.c against a DNS server on loopback that counts its queries. */
#include "dns_server.h"
#include "support.h"

#include "dkim/key_cache.h"

#include <errno.h>
#include <pthread.h>
#include <talloc.h>
#include <unistd.h>

#define ED25519_KEY "k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="

static const char rules[] =
	"good._domainkey.example.com 300 TXT \"" ED25519_KEY "\"\n"
	"two._domainkey.example.com 300 TXT \"v=spf1 -all\"\n"
	"two._domainkey.example.com 300 TXT \"" ED25519_KEY "\"\n"
	"short._domainkey.example.com 1 TXT \"" ED25519_KEY "\"\n"
	"never._domainkey.example.com 0 TXT \"" ED25519_KEY "\"\n"
	"absent._domainkey.example.com 60 NXDOMAIN\n"
	"empty._domainkey.example.com 60 NODATA\n"
	"unsure._domainkey.example.com 0 NXDOMAIN\n"
	"broken._domainkey.example.com SERVFAIL\n"
	"slow._domainkey.example.com DELAY 1\n"
	"slow._domainkey.example.com 300 TXT \"" ED25519_KEY "\"\n";

static struct dns_server server;
static struct dkim_resolver *resolver;

static int set_up(void **state)
{
	const char *servers[] = { server.address };
	struct dkim_resolver_params params = { .servers = servers, .server_count = 1, .timeout_ms = 3000 };
	char *error = NULL;

	(void)state;
	dns_server_start(&server, rules);
	return dkim_resolver_new(NULL, &params, &resolver, &error);
}

static int tear_down(void **state)
{
	(void)state;
	dkim_resolver_free(resolver);
	dns_server_stop(&server);
	return 0;
}

static struct dkim_key_cache *cache_new(size_t entries_max)
{
	struct dkim_key_cache *cache;

	assert_int_equal(dkim_key_cache_new(resolver, entries_max, DKIM_KEY_CACHE_OCTETS, &cache), 0);
	return cache;
}

static struct dkim_key_lookup *look_up(struct dkim_key_cache *cache, const char *selector)
{
	struct dkim_key_lookup *lookup;

	assert_int_equal(dkim_key_lookup_start(cache, view_of(selector), VIEW("example.com"), &lookup), 0);
	assert_int_equal(dkim_key_lookup_wait(lookup, 5000), 0);
	assert_non_null(dkim_key_lookup_result(lookup));
	return lookup;
}

/* Is the second look-up of a name answered from the cache? */
struct kept_row {
	const char *name;
	const char *selector;
	enum dkim_dns_status status;
	bool kept;
};

static const struct kept_row kept_rows[] = {
	{ "R73 a key is kept", "good", DKIM_DNS_FOUND, true },
	{ "R73 a TTL of 0 is obeyed", "never", DKIM_DNS_FOUND, false },
	{ "R73 that there is no name is kept", "absent", DKIM_DNS_NO_RECORD, true },
	{ "R73 that there is no record is kept", "empty", DKIM_DNS_NO_RECORD, true },
	{ "R73 a TTL of 0 is obeyed without a record, too", "unsure", DKIM_DNS_NO_RECORD, false },
	{ "R65 a failure is never kept", "broken", DKIM_DNS_FAILED, false },
};

static void test_kept(void **state)
{
	const struct kept_row *row = *state;
	struct dkim_key_cache *cache = cache_new(10);
	struct dkim_key_lookup *lookup = look_up(cache, row->selector);

	assert_false(dkim_key_lookup_cached(lookup));
	assert_int_equal(dkim_key_lookup_result(lookup)->answer->status, row->status);
	dkim_key_lookup_free(lookup);
	lookup = look_up(cache, row->selector);
	assert_int_equal(dkim_key_lookup_cached(lookup), row->kept);
	assert_int_equal(dkim_key_lookup_result(lookup)->answer->status, row->status);
	dkim_key_lookup_free(lookup);
	dkim_key_cache_free(cache);
}

static void test_expires(void **state)
{
	struct dkim_key_cache *cache = cache_new(10);
	struct dkim_key_lookup *lookup = look_up(cache, "short");

	(void)state;
	dkim_key_lookup_free(lookup);
	usleep(1200 * 1000);
	lookup = look_up(cache, "short");
	assert_false(dkim_key_lookup_cached(lookup));
	dkim_key_lookup_free(lookup);
	dkim_key_cache_free(cache);
}

/* Revoked: the new record counts after the old one's TTL, and who holds the old key may go on reading. */
static void test_revoked(void **state)
{
	struct dkim_key_cache *cache = cache_new(10);
	struct dkim_key_lookup *old = look_up(cache, "short"), *lookup;

	(void)state;
	dns_server_rules(&server, "short._domainkey.example.com 1 TXT \"p=\"\n");
	sleep(2); /* libunbound counts whole seconds, too */
	lookup = look_up(cache, "short");
	dns_server_rules(&server, rules);
	assert_int_equal(dkim_key_lookup_result(lookup)->keys[0].reason, DKIM_REASON_KEY_REVOKED);
	assert_int_equal(dkim_key_lookup_result(old)->keys[0].reason, DKIM_REASON_PASS);
	assert_int_equal(dkim_public_key_bits(dkim_key_lookup_result(old)->keys[0].key), 256);
	dkim_key_lookup_free(lookup);
	dkim_key_lookup_free(old);
	dkim_key_cache_free(cache);
}

/* Any case of the name is the same name, and no second query is made for it. */
static void test_case(void **state)
{
	struct dkim_key_cache *cache = cache_new(10);
	size_t before;
	struct dkim_key_lookup *lookup = look_up(cache, "good");

	(void)state;
	dkim_key_lookup_free(lookup);
	before = dns_server_queries(&server, "good._domainkey.example.com");
	assert_int_equal(dkim_key_lookup_start(cache, VIEW("GOOD"), VIEW("Example.COM"), &lookup), 0);
	assert_true(dkim_key_lookup_cached(lookup));
	assert_int_equal(dkim_key_lookup_wait(lookup, 0), 0);
	assert_int_equal(dns_server_queries(&server, "good._domainkey.example.com"), before);
	dkim_key_lookup_free(lookup);
	dkim_key_cache_free(cache);
}

static void test_records(void **state)
{
	struct dkim_key_cache *cache = cache_new(10);
	struct dkim_key_lookup *lookup = look_up(cache, "two");
	const struct dkim_key_set *set = dkim_key_lookup_result(lookup);
	size_t usable = 0;

	(void)state;
	assert_int_equal(set->answer->text_count, 2);
	for (size_t i = 0; i < 2; i++) {
		usable += set->keys[i].reason == DKIM_REASON_PASS;
		assert_int_equal(set->keys[i].reason == DKIM_REASON_PASS, set->keys[i].key != NULL);
	}
	assert_int_equal(usable, 1);
	dkim_key_lookup_free(lookup);
	dkim_key_cache_free(cache);
}

/* The oldest goes when the cache is full; who holds it may go on reading. */
static void test_evicted(void **state)
{
	struct dkim_key_cache *cache = cache_new(1);
	struct dkim_key_lookup *held = look_up(cache, "good");
	struct dkim_key_lookup *lookup = look_up(cache, "two");

	(void)state;
	dkim_key_lookup_free(lookup);
	assert_int_equal(dkim_key_lookup_result(held)->keys[0].reason, DKIM_REASON_PASS);
	assert_int_equal(dkim_public_key_bits(dkim_key_lookup_result(held)->keys[0].key), 256);
	dkim_key_lookup_free(held);
	lookup = look_up(cache, "two");
	assert_true(dkim_key_lookup_cached(lookup));
	dkim_key_lookup_free(lookup);
	lookup = look_up(cache, "good");
	assert_false(dkim_key_lookup_cached(lookup));
	dkim_key_lookup_free(lookup);
	dkim_key_cache_free(cache);
}

/* Room for the octets of one key, though for the names of ten. */
static void test_octets(void **state)
{
	struct dkim_key_cache *cache;
	struct dkim_key_lookup *lookup;

	(void)state;
	assert_int_equal(dkim_key_cache_new(resolver, 10, 4500, &cache), 0);
	dkim_key_lookup_free(look_up(cache, "good"));
	lookup = look_up(cache, "good");
	assert_true(dkim_key_lookup_cached(lookup));
	dkim_key_lookup_free(lookup);
	dkim_key_lookup_free(look_up(cache, "two"));
	lookup = look_up(cache, "good");
	assert_false(dkim_key_lookup_cached(lookup));
	dkim_key_lookup_free(lookup);
	dkim_key_cache_free(cache);
	assert_int_equal(dkim_key_cache_new(resolver, 10, 100, &cache), 0);
	dkim_key_lookup_free(look_up(cache, "good"));
	lookup = look_up(cache, "good"); /* too large to be kept at all */
	assert_false(dkim_key_lookup_cached(lookup));
	dkim_key_lookup_free(lookup);
	dkim_key_cache_free(cache);
}

static void test_freed_early(void **state)
{
	struct dkim_key_cache *cache = cache_new(10);
	struct dkim_key_lookup *lookup;

	(void)state;
	assert_int_equal(dkim_key_lookup_start(cache, VIEW("slow"), VIEW("example.com"), &lookup), 0);
	assert_int_equal(dkim_key_lookup_wait(lookup, 0), 1);
	assert_null(dkim_key_lookup_result(lookup));
	dkim_key_lookup_free(lookup);
	dkim_key_cache_free(cache);
}

struct name_row {
	const char *name;
	const char *selector, *domain;
};

static const struct name_row name_rows[] = {
	{ "R71 an empty selector", "", "example.com" },
	{ "R71 an empty domain", "good", "" },
	{ "R71 a label of 64 octets", "a234567890b234567890c234567890d234567890e234567890f2345678901234", "example.com" },
	{ "R71 a name of 254 octets",
	  "a234567890b234567890c234567890d234567890e234567890.a234567890b234567890c234567890d234567890e234567890."
	  "a234567890b234567890c234567890d234567890e234567890.a234567890b234567890c234567890d234567890e2345678901234",
	  "example123456789012345678901234.com" },
};

static void test_name(void **state)
{
	const struct name_row *row = *state;
	struct dkim_key_cache *cache = cache_new(10);
	struct dkim_key_lookup *lookup = NULL;

	assert_int_equal(dkim_key_lookup_start(cache, view_of(row->selector), view_of(row->domain), &lookup), -EINVAL);
	assert_null(lookup);
	dkim_key_cache_free(cache);
}

#define THREADS 8
#define ROUNDS 200

static void *load(void *arg)
{
	static const char *const selectors[] = { "good", "two", "never", "absent" };

	for (size_t i = 0; i < ROUNDS; i++) {
		struct dkim_key_lookup *lookup;

		if (dkim_key_lookup_start(arg, view_of(selectors[i % 4]), VIEW("example.com"), &lookup) < 0)
			return arg;
		if (dkim_key_lookup_wait(lookup, 5000) != 0 || !dkim_key_lookup_result(lookup))
			return arg;
		dkim_key_lookup_free(lookup);
	}
	return NULL;
}

/* Two entries' room for three names that may be kept: entries come and go while others hold them. */
static void test_threads(void **state)
{
	struct dkim_key_cache *cache = cache_new(2);
	pthread_t threads[THREADS];

	(void)state;
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, load, cache), 0);
	for (size_t i = 0; i < THREADS; i++) {
		void *failed;

		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
	dkim_key_cache_free(cache);
}

int main(void)
{
	TEST_ROWS(kept_rows, test_kept);
	test_add("R73 a key goes with its TTL", test_expires);
	test_add("R73 a revoked key goes with its TTL", test_revoked);
	test_add("R13 names compare in any case, a hit makes no query", test_case);
	test_add("R67 each record is taken apart by itself", test_records);
	test_add("the oldest goes first, and lives as long as it is held", test_evicted);
	test_add("the octets of all entries have a limit too", test_octets);
	test_add("a lookup freed before its answer", test_freed_early);
	TEST_ROWS(name_rows, test_name);
	test_add("eight threads", test_threads);
	return test_run_with("key cache", set_up, tear_down);
}
