/* Every allocation of the main flows fails once: the answer is -ENOMEM or temperror, or the work is done all the same;
 * never another verdict, never a crash, and under the address sanitizer never a leak. */
#include "dns_server.h"
#include "starve.h"
#include "support.h"

#include "dkim/sign.h"
#include "dkim/verify.h"

#include <errno.h>
#include <stdio.h>
#include <talloc.h>

#define NOW 1700000000
#define WRONG 1 /* an outcome that running out of memory must not have */

static struct dkim_private_key *rsa_key, *ed_key;
static void *shared; /* of what all flows need */
static struct dns_server server;
static struct dkim_resolver *by_records, *by_dns;
static struct buf pem, records;   /* of both keys */
static struct view signed_message;

static const struct dkim_sign_params sign_params = { .header_canon = DKIM_RELAXED, .body_canon = DKIM_RELAXED,
	                                             .headers = dkim_sign_default_headers, .expire = 3600 };
static const char unsigned_message[] = "From: Joe <joe@example.com>\r\nSubject: dinner\r\n again\r\nTo: suzie@example.net\r\n\r\n"
	                               "Hello  \r\n\r\n Joe\r\n\r\n";

static int read_message(void *mem, struct view message, struct header_list **ret, struct view *ret_body)
{
	int r = header_list_new(mem, NULL, ret);

	return r < 0 ? r : header_list_parse(*ret, message, ret_body);
}

/* Our own lack of memory, a pass, or what must not be. */
static int outcome(const struct dkim_verify *verify)
{
	int r = 0;

	for (size_t i = 0; i < dkim_verify_count(verify); i++)
		switch (dkim_verify_result(verify, i)->reason) {
		case DKIM_REASON_PASS:
			break;
		case DKIM_REASON_OUT_OF_MEMORY:
			r = -ENOMEM;
			break;
		default:
			fprintf(stderr, "# %s\n", dkim_reason_text(dkim_verify_result(verify, i)->reason));
			return WRONG;
		}
	return dkim_verify_count(verify) == 2 ? r : WRONG;
}

static int judge(void *mem, struct dkim_key_cache *cache)
{
	const struct dkim_verify_params params = { .minimum_rsa_bits = 1024, .maximum_signatures = 8, .budget_ms = 5000 };
	struct header_list *headers;
	struct dkim_verify *verify;
	struct view body;
	int r = read_message(mem, signed_message, &headers, &body);

	if (r == 0)
		r = dkim_verify_new(mem, &params, cache, NOW, headers, &verify);
	if (r == 0)
		r = dkim_verify_body(verify, body);
	if (r == 0)
		r = dkim_verify_finish(verify, 5000);
	return r == 0 ? outcome(verify) : r;
}

static int verify_with(void *mem, struct dkim_resolver *resolver)
{
	struct dkim_key_cache *cache;
	int r = dkim_key_cache_new(resolver, 10, DKIM_KEY_CACHE_OCTETS, &cache);

	if (r < 0)
		return r;
	r = judge(mem, cache);
	talloc_free_children(mem); /* lookups go before their cache */
	dkim_key_cache_free(cache);
	return r;
}

static int verify_by_records(void *mem)
{
	return verify_with(mem, by_records);
}

static int verify_by_dns(void *mem)
{
	return verify_with(mem, by_dns);
}

static int sign_message(void *mem, struct dkim_sign **ret)
{
	static struct dkim_sign_key keys[2];
	const struct dkim_sign_key both[] = { { .key = rsa_key, .domain = VIEW("example.com"), .selector = VIEW("r") }, { .key = ed_key, .domain = VIEW("example.com"), .selector = VIEW("e") } };
	struct header_list *headers;
	struct view body;
	int r = read_message(mem, view_of(unsigned_message), &headers, &body);

	memcpy(keys, both, sizeof keys);
	if (r == 0)
		r = dkim_sign_new(mem, &sign_params, keys, 2, NOW, headers, ret);
	if (r == 0)
		r = dkim_sign_body(*ret, body);
	return r == 0 ? dkim_sign_finish(*ret) : r;
}

static int sign(void *mem)
{
	struct dkim_sign *signing;
	int r = sign_message(mem, &signing);

	if (r == 0 && (dkim_sign_value(signing, 0).n < 500 || dkim_sign_value(signing, 1).n < 200))
		return WRONG;
	return r;
}

static int read_records(void *mem)
{
	struct dkim_records *parsed;
	char *error = NULL;

	return dkim_records_parse(mem, "test", buf_view(&records), &parsed, &error);
}

static int read_private_key(void *mem)
{
	struct dkim_private_key *key;
	char *error = NULL;
	int r = dkim_private_key_parse(mem, "test", buf_view(&pem), &key, &error);

	if (r == 0)
		dkim_private_key_free(key);
	return r;
}

static int make_private_key(void *mem)
{
	struct dkim_private_key *key;
	struct buf text;
	int r = dkim_private_key_generate(DKIM_KEY_ED25519, 0, &key);

	if (r < 0)
		return r;
	buf_init(&text, mem, 16384);
	r = dkim_private_key_pem(key, &text);
	if (r == 0)
		r = dkim_private_key_public_text(key, &text);
	dkim_private_key_free(key);
	return r;
}

struct flow_row {
	const char *name;
	int (*flow)(void *mem);
};

static const struct flow_row flow_rows[] = {
	{ "verify, keys from the records file", verify_by_records },
	{ "verify, keys from DNS", verify_by_dns },
	{ "sign with two keys", sign },
	{ "read a records file", read_records },
	{ "read an RSA key", read_private_key },
	{ "make an Ed25519 key", make_private_key },
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
		r = run(row, allocations++, &failed);
		if (r != 0 && r != -ENOMEM)
			fail_msg("allocation %zu: wanted 0 or -ENOMEM, got %d", allocations, r);
	} while (failed);
	assert_int_equal(r, 0);
	assert_true(allocations > 1);
}

static void add_key(const struct dkim_private_key *key, const char *selector)
{
	struct buf text;

	buf_init(&text, NULL, 16384);
	assert_int_equal(dkim_private_key_public_text(key, &text), 0);
	buf_printf(&records, "%s._domainkey.example.com 300 TXT \"v=DKIM1; k=%s; p=\" \"%.200s\" \"%s\"\n", selector,
	           dkim_private_key_type(key) == DKIM_KEY_RSA ? "rsa" : "ed25519", buf_string(&text),
	           text.n > 200 ? buf_string(&text) + 200 : "");
	buf_free(&text);
}

static void make_signed_message(void *mem)
{
	struct dkim_sign *signing;
	struct buf *message = talloc_zero(mem, struct buf);

	assert_int_equal(sign_message(mem, &signing), 0);
	buf_init(message, mem, 65536);
	for (size_t i = 0; i < 2; i++) {
		buf_add_string(message, "DKIM-Signature:");
		buf_add(message, dkim_sign_value(signing, i));
		buf_add_string(message, "\r\n");
	}
	buf_add_string(message, unsigned_message);
	assert_int_equal(buf_error(message), 0);
	signed_message = buf_view(message);
}

static int set_up(void **state)
{
	static const char *servers[1];
	struct dkim_resolver_params params = { .timeout_ms = 5000, .servers = servers, .server_count = 1 };
	struct dkim_resolver_params offline = { .timeout_ms = 1000, .records_only = true };
	struct dkim_records *parsed;
	char *error = NULL;

	(void)state; /* holds the rows */
	shared = talloc_new(NULL);
	buf_init(&records, shared, 65536);
	buf_init(&pem, shared, 65536);
	add_key(rsa_key, "r");
	add_key(ed_key, "e");
	assert_int_equal(dkim_private_key_pem(rsa_key, &pem), 0);
	make_signed_message(shared);
	assert_int_equal(dkim_records_parse(shared, "test", buf_view(&records), &parsed, &error), 0);
	offline.records = parsed;
	dns_server_start(&server, buf_string(&records));
	servers[0] = server.address;
	if (dkim_resolver_new(shared, &offline, &by_records, &error) < 0)
		return -1;
	return dkim_resolver_new(shared, &params, &by_dns, &error);
}

static int tear_down(void **state)
{
	(void)state;
	dkim_resolver_free(by_records);
	dkim_resolver_free(by_dns);
	dns_server_stop(&server);
	talloc_free(shared);
	return 0;
}

int main(void)
{
	int r;

	if (dkim_private_key_init() < 0 || dkim_private_key_generate(DKIM_KEY_RSA, 2048, &rsa_key) < 0 ||
	    dkim_private_key_generate(DKIM_KEY_ED25519, 0, &ed_key) < 0)
		return 1;
	TEST_ROWS(flow_rows, test_flow);
	r = test_run_with("out_of_memory", set_up, tear_down);
	dkim_private_key_free(rsa_key);
	dkim_private_key_free(ed_key);
	return r;
}
