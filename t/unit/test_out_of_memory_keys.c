/* Each allocation on the ways of keys and answers fails once, as in test_out_of_memory.c: -ENOMEM, or the work is done all the same. */
#include "forge.h"
#include "starve.h"
#include "support.h"
#include "zone.h"

#include "dkim/explain.h"
#include "dkim/key_published.h"
#include "dkim/resolver_answer.h"
#include "dkim/sign.h"
#include "dkim/sign_check.h"
#include "dkim/zone_count.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <talloc.h>
#include <unbound.h>
#include <unistd.h>

#define NOW 1700000000
#define WRONG 1 /* an outcome that running out of memory must not have */

#define HEADER "From: Joe <joe@example.com>\r\nSubject: =?utf-8?q?dinner?=\r\n again\r\n"
#define BODY "Hello\r\n\r\n Joe\r\n"

static char folder[] = "/tmp/test_out_of_memory.XXXXXX";
static struct dkim_private_key *rsa, *ed;
static struct zone zone;
static char asked[] = "s._domainkey.example.com", elsewhere[] = "s.example.net", data[] = "\003p=x";
static void *shared;

/* In the order of their files. */
enum { FILE_RSA, FILE_ED, FILE_SEED, FILE_OPEN, FILE_EMPTY, FILE_RECORDS, FILES };

static char *path_of(void *mem, int file)
{
	return talloc_asprintf(mem, "%s/%d", folder, file);
}

/* A fault of the file itself is what is wanted of some. */
static int load(void *mem, int file, int want)
{
	struct dkim_private_key *key;
	char *error = NULL, *path = path_of(mem, file);
	int r;

	if (!path)
		return -ENOMEM;
	r = dkim_private_key_load(mem, path, &key, &error);
	if (r == 0)
		dkim_private_key_free(key);
	else if (r == want)
		return error ? 0 : WRONG;
	return r == 0 && want != 0 ? WRONG : r;
}

static int load_rsa(void *mem)
{
	return load(mem, FILE_RSA, 0);
}

static int load_ed25519(void *mem)
{
	return load(mem, FILE_ED, 0);
}

static int load_seed(void *mem)
{
	return load(mem, FILE_SEED, 0);
}

static int load_open(void *mem)
{
	return load(mem, FILE_OPEN, -EPERM);
}

static int load_empty(void *mem)
{
	return load(mem, FILE_EMPTY, -ENODATA);
}

static int load_missing(void *mem)
{
	return load(mem, FILES, -ENOENT);
}

static int load_records(void *mem)
{
	struct dkim_records *records;
	char *error = NULL, *path = path_of(mem, FILE_RECORDS);

	return path ? dkim_records_load(mem, path, &records, &error) : -ENOMEM;
}

static int start_offline(void *mem)
{
	const struct dkim_resolver_params params = { .records_only = true, .timeout_ms = 1000 };
	struct dkim_resolver *resolver;
	char *error = NULL;
	int r = dkim_resolver_new(mem, &params, &resolver, &error);

	if (r == 0)
		dkim_resolver_free(resolver);
	return r;
}

static int compare_published(void *mem)
{
	struct dkim_key_lookup *lookup;
	struct dkim_published published;
	struct dkim_key_cache *cache;
	int r = dkim_key_cache_new(zone.resolver, 10, 1 << 20, &cache);

	(void)mem;
	if (r < 0)
		return r;
	r = dkim_key_lookup_start(cache, VIEW("rsa"), VIEW("example.com"), &lookup);
	if (r == 0) {
		if (dkim_key_lookup_wait(lookup, 1000) != 0)
			r = WRONG;
		else
			dkim_key_published(rsa, dkim_key_lookup_result(lookup), &published);
		if (r == 0 && published.state != DKIM_PUBLISHED)
			r = published.state == DKIM_PUBLISHED_UNKNOWN ? -ENOMEM : WRONG;
		dkim_key_lookup_free(lookup);
	}
	dkim_key_cache_free(cache);
	return r;
}

static int count_zones(void *mem)
{
	struct zone_count *count;
	int r = zone_count_new(mem, 100, &count);

	if (r == 0)
		r = zone_count_add(count, VIEW("a.example.com"));
	if (r == 0)
		zone_count_remove(count, VIEW("a.example.com"));
	return r;
}

static int read_result(void *mem)
{
	char *rdata[] = { data, NULL };
	int length[] = { (int)strlen(data) };
	const struct ub_result result = { .qname = asked, .canonname = elsewhere, .havedata = 1, .data = rdata, .len = length };
	struct dkim_dns_answer *answer;

	return resolver_answer_from_result(mem, 0, &result, &answer);
}

static int read_own_records(void *mem)
{
	struct dkim_dns_answer *answer;

	return resolver_answer_from_records(mem, zone.records, VIEW("rsa._domainkey.example.com"), &answer);
}

/* Verified, and explained: header and body have been changed on the way. */
static int explain_message(void *mem, struct dkim_key_cache *cache, struct view message)
{
	const struct dkim_verify_params params = { .minimum_rsa_bits = 1024, .maximum_signatures = 8, .budget_ms = 5000 };
	struct dkim_explain_input input = { .headers = NULL };
	struct header_list *headers;
	struct dkim_verify *verify;
	struct dkim_explain *explain;
	int r = header_list_new(mem, NULL, &headers);

	if (r == 0)
		r = header_list_parse(headers, message, &input.body);
	if (r == 0)
		r = dkim_verify_new(mem, &params, cache, NOW, headers, &verify);
	if (r == 0)
		r = dkim_verify_body(verify, input.body);
	if (r == 0)
		r = dkim_verify_finish(verify, 5000);
	if (r != 0)
		return r;
	input.headers = headers;
	input.result = dkim_verify_result(verify, 0);
	input.keys = dkim_verify_keys(verify, 0);
	r = dkim_explain(mem, &input, &explain);
	return r;
}

static struct view changed_message;

static int explain(void *mem)
{
	struct dkim_key_cache *cache;
	int r = dkim_key_cache_new(zone.resolver, 10, 1 << 20, &cache);

	if (r < 0)
		return r;
	r = explain_message(mem, cache, changed_message);
	talloc_free_children(mem); /* lookups go before their cache */
	dkim_key_cache_free(cache);
	return r;
}

static struct dkim_sign *signing;
static struct header_list *signed_headers;

static int check_own_signature(void *mem)
{
	const struct dkim_sign_check check = {
		.headers = signed_headers,
		.value = dkim_sign_value(signing, 0),
		.body_digest = dkim_sign_body_digest(signing),
	};
	enum dkim_reason reason = dkim_sign_check(&check);

	(void)mem;
	if (reason == DKIM_REASON_OUT_OF_MEMORY)
		return -ENOMEM;
	return reason == DKIM_REASON_PASS ? 0 : WRONG;
}

struct flow_row {
	const char *name;
	int (*flow)(void *mem);
	size_t dense; /* allocations that fail each; of those behind them every so many-th. 0: all */
};

static const struct flow_row flow_rows[] = {
	{ "load an RSA key", load_rsa, 0 },
	{ "load an Ed25519 key", load_ed25519, 0 },
	{ "load a seed", load_seed, 0 },
	{ "refuse a key that others may read", load_open, 0 },
	{ "refuse an empty file", load_empty, 0 },
	{ "miss a file", load_missing, 0 },
	{ "load a records file", load_records, 0 },
	{ "start a resolver without DNS", start_offline, 0 },
	{ "compare a key with what is published", compare_published, 0 },
	{ "count questions", count_zones, 0 },
	{ "read a result of libunbound", read_result, 0 },
	{ "read an answer of the records", read_own_records, 0 },
	{ "explain a failure", explain, 64 }, /* it has 8,000 */
	{ "check a signature of our own", check_own_signature, 0 },
};

static int run(const struct flow_row *row, size_t allocations, bool *ret_failed)
{
	void *mem = talloc_new(NULL);
	int r;

	assert_non_null(mem);
	starve_after(allocations);
	r = row->flow(mem);
	*ret_failed = starve_end();
	talloc_free(mem);
	return r;
}

static void test_flow(void **state)
{
	const struct flow_row *row = *state;
	size_t allocations = 0;
	bool failed;
	int r = run(row, SIZE_MAX, &failed); /* what is kept for ever is made now */

	assert_int_equal(r, 0);
	do {
		r = run(row, allocations, &failed);
		allocations += row->dense ? 1 + allocations / row->dense : 1;
		if (r != 0 && r != -ENOMEM)
			fail_msg("allocation %zu: wanted 0 or -ENOMEM, got %d", allocations, r);
	} while (failed);
	assert_int_equal(r, 0);
	assert_true(allocations > 1);
}

static void write_octets(int file, struct view octets, mode_t mode)
{
	char *path = path_of(NULL, file);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, octets.p, octets.n), octets.n);
	assert_int_equal(fchmod(fd, mode), 0);
	assert_int_equal(close(fd), 0);
	talloc_free(path);
}

static void write_files(void)
{
	struct buf pem;

	buf_init(&pem, NULL, 16384);
	assert_int_equal(dkim_private_key_pem(rsa, &pem), 0);
	write_octets(FILE_RSA, buf_view(&pem), 0600);
	write_octets(FILE_OPEN, buf_view(&pem), 0644);
	buf_clear(&pem);
	assert_int_equal(dkim_private_key_pem(ed, &pem), 0);
	write_octets(FILE_ED, buf_view(&pem), 0600);
	write_octets(FILE_SEED, VIEW("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=\n"), 0600); /* RFC 8463 appendix A.2 */
	write_octets(FILE_EMPTY, VIEW(""), 0600);
	write_octets(FILE_RECORDS, VIEW("a.example.com TXT \"x\"\nb.example.com TXT ( \"y\"\n \"z\" )\n"), 0644);
	buf_free(&pem);
}

static void make_messages(void)
{
	static const struct dkim_sign_params params = { .header_canon = DKIM_RELAXED, .body_canon = DKIM_RELAXED,
		                                        .headers = dkim_sign_default_headers };
	static struct dkim_sign_key key;
	struct view whole = forge(shared, rsa, "v=1; a=rsa-sha256; d=example.com; s=rsa; h=from:subject; c=relaxed/relaxed", NULL, VIEW(HEADER),
	                          VIEW(BODY), DKIM_LENGTH_UNLIMITED);
	struct view body;

	changed_message = view_of(talloc_asprintf(shared, "%.*sSubject: [list] dinner\r\nFrom: \"Joe\" <joe@example.com>\r\n\r\n" BODY "-- \r\nlist\r\n",
	                                          (int)(whole.n - strlen(HEADER "\r\n" BODY)), whole.p));
	key = (struct dkim_sign_key){ .key = ed, .domain = VIEW("example.com"), .selector = VIEW("ed") };
	assert_int_equal(header_list_new(shared, NULL, &signed_headers), 0);
	assert_int_equal(header_list_parse(signed_headers, VIEW(HEADER "\r\n" BODY), &body), 0);
	assert_int_equal(dkim_sign_new(shared, &params, &key, 1, NOW, signed_headers, &signing), 0);
	assert_int_equal(dkim_sign_body(signing, body), 0);
	assert_int_equal(dkim_sign_finish(signing), 0);
}

static int set_up(void **state)
{
	struct buf text;

	(void)state; /* holds the rows */
	shared = talloc_new(NULL);
	if (!mkdtemp(folder))
		return -1;
	buf_init(&text, shared, 16384);
	zone_line(&text, "rsa._domainkey.example.com", "v=DKIM1;", rsa);
	zone_open(&zone, buf_view(&text));
	write_files();
	make_messages();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	for (int i = 0; i < FILES; i++) {
		char *path = path_of(shared, i);

		assert_int_equal(unlink(path), 0);
	}
	zone_close(&zone);
	talloc_free(shared);
	return rmdir(folder);
}

int main(void)
{
	int r;

	if (dkim_private_key_init() < 0 || dkim_private_key_generate(DKIM_KEY_RSA, 1024, &rsa) < 0 ||
	    dkim_private_key_generate(DKIM_KEY_ED25519, 0, &ed) < 0)
		return 1;
	TEST_ROWS(flow_rows, test_flow);
	r = test_run_with("out_of_memory_keys", set_up, tear_down);
	dkim_private_key_free(rsa);
	dkim_private_key_free(ed);
	return r;
}
