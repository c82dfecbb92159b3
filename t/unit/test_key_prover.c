/* milter/key_prover.c against a DNS server on loopback whose zone changes. */
#include "dns_server.h"
#include "support.h"

#include "dkim/clock.h"
#include "milter/key_prover.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <talloc.h>
#include <time.h>
#include <unistd.h>

#define LONG_MS 15000 /* what happens at all happens within this */

static struct dkim_private_key *key;
static struct loaded_key loaded;
static struct dns_server server;
static struct dkim_resolver *resolver;
static char log_file[] = "/tmp/test_key_prover.XXXXXX";

/* One section of each state, and a next one whose file could not be loaded. */
enum { NEXT, LATER, ACTIVE, RETIRED, LOST, KEYS };

static const struct conf_key sections[KEYS] = {
	[NEXT] = { .name = "next", .selector = "next", .domain = "example.com", .state = CONF_KEY_NEXT },
	[LATER] = { .name = "later", .selector = "later", .domain = "example.com", .state = CONF_KEY_NEXT },
	[ACTIVE] = { .name = "active", .selector = "active", .domain = "example.com", .state = CONF_KEY_ACTIVE },
	[RETIRED] = { .name = "retired", .selector = "retired", .domain = "example.com", .state = CONF_KEY_RETIRED },
	[LOST] = { .name = "lost", .selector = "next", .domain = "example.com", .state = CONF_KEY_NEXT },
};

static void make_keys(struct gate_key *keys)
{
	for (size_t i = 0; i < KEYS; i++)
		keys[i] = (struct gate_key){ .conf = &sections[i], .loaded = i == LOST ? NULL : &loaded };
}

/* Rules for the server: these selectors have our key. */
static void publish(const char *const *selectors, const char *ttl)
{
	struct buf rules, p;

	buf_init(&rules, NULL, 65536);
	buf_init(&p, NULL, 4096);
	assert_int_equal(dkim_private_key_public_text(key, &p), 0);
	for (; *selectors; selectors++)
		buf_printf(&rules, "%s._domainkey.example.com %s TXT \"k=ed25519; p=%s\"\n", *selectors, ttl, buf_string(&p));
	buf_add_string(&rules, "later._domainkey.example.com 1 NXDOMAIN\n");
	dns_server_rules(&server, buf_string(&rules));
	buf_free(&rules);
	buf_free(&p);
}

static bool wait_for(struct gate_key *gate_key, int64_t milliseconds)
{
	const struct timespec pause = { 0, 20 * 1000000 };
	int64_t end = clock_monotonic_ms() + milliseconds;

	while (!gate_key_signs(gate_key) && clock_monotonic_ms() < end)
		nanosleep(&pause, NULL);
	return gate_key_signs(gate_key);
}

static size_t log_count(const char *words)
{
	char line[4096];
	size_t count = 0;
	FILE *f = fopen(log_file, "r");

	assert_non_null(f);
	while (fgets(line, sizeof line, f))
		count += strstr(line, words) != NULL;
	fclose(f);
	return count;
}

static void test_life(void **state)
{
	struct gate_key keys[KEYS];
	struct dkim_key_cache *cache;
	struct key_prover *prover = NULL;

	(void)state;
	make_keys(keys);
	publish((const char *const[]){ "next", NULL }, "2");
	assert_int_equal(dkim_key_cache_new(resolver, 100, 1 << 20, &cache), 0);
	assert_true(gate_key_signs(&keys[ACTIVE]));
	assert_int_equal(key_prover_new(NULL, cache, keys, KEYS, &prover), 0);
	assert_non_null(prover);
	assert_false(wait_for(&keys[NEXT], 1000)); /* shown, not yet for its TTL */
	assert_true(wait_for(&keys[NEXT], LONG_MS));
	assert_false(gate_key_signs(&keys[LATER]));
	publish((const char *const[]){ "next", "later", NULL }, "1");
	assert_true(wait_for(&keys[LATER], LONG_MS));
	assert_false(gate_key_signs(&keys[RETIRED]));
	assert_false(gate_key_signs(&keys[LOST]));
	talloc_free(prover);
	dkim_key_cache_free(cache);
	assert_int_equal(log_count("key=next"), 2); /* shown, signs */
	assert_int_equal(log_count("key=later"), 3); /* absent, shown, signs */
	assert_int_equal(log_count("d=example.com s=later text=\"signs from now on"), 1);
	assert_int_equal(log_count("reason=\"no key for signature\""), 1);
}

static void test_nothing_to_do(void **state)
{
	struct gate_key keys[KEYS];
	struct key_prover *prover = NULL;

	(void)state;
	make_keys(keys);
	assert_int_equal(key_prover_new(NULL, NULL, keys + ACTIVE, KEYS - ACTIVE, &prover), 0);
	assert_null(prover);
	assert_int_equal(key_prover_new(NULL, NULL, NULL, 0, &prover), 0);
	assert_null(prover);
}

/* Freed while it sleeps, and while it waits for an answer that does not come. */
static void test_freed_at_any_time(void **state)
{
	static const char *const rules[] = { "later._domainkey.example.com 900 NXDOMAIN\nnext._domainkey.example.com 900 NXDOMAIN\n",
		                             "later._domainkey.example.com DROP\nnext._domainkey.example.com DROP\n" };
	const struct timespec a_while = { 0, 300 * 1000000 };
	int64_t start;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct gate_key keys[KEYS];
		struct dkim_key_cache *cache;
		struct key_prover *prover = NULL;

		make_keys(keys);
		dns_server_rules(&server, rules[i]);
		assert_int_equal(dkim_key_cache_new(resolver, 100, 1 << 20, &cache), 0);
		assert_int_equal(key_prover_new(NULL, cache, keys, KEYS, &prover), 0);
		nanosleep(&a_while, NULL);
		start = clock_monotonic_ms();
		talloc_free(prover);
		assert_true(clock_monotonic_ms() - start < 3000); /* of the 5 s that an answer may take */
		assert_false(gate_key_signs(&keys[NEXT]));
		dkim_key_cache_free(cache);
	}
}

/* The log's lines go to standard error. */
static int catch_log(void)
{
	int fd = mkstemp(log_file);

	if (fd < 0 || dup2(fd, STDERR_FILENO) < 0)
		return -1;
	return close(fd);
}

static int set_up(void **state)
{
	const char *servers[] = { server.address };
	struct dkim_resolver_params params = { .servers = servers, .server_count = 1, .timeout_ms = 5000 };
	char *error = NULL;

	(void)state;
	if (dkim_private_key_init() < 0 || dkim_private_key_generate(DKIM_KEY_ED25519, 0, &key) < 0 || catch_log() < 0)
		return -1;
	loaded.key = key;
	dns_server_start(&server, "");
	return dkim_resolver_new(NULL, &params, &resolver, &error);
}

static int tear_down(void **state)
{
	(void)state;
	dkim_resolver_free(resolver);
	dns_server_stop(&server);
	dkim_private_key_free(key);
	return unlink(log_file);
}

int main(void)
{
	test_add("a next key signs once DNS has shown it for its TTL", test_life);
	test_add("without a next key there is no thread", test_nothing_to_do);
	test_add("it ends when it is freed, whatever it waits for", test_freed_at_any_time);
	return test_run_with("key_prover", set_up, tear_down);
}
