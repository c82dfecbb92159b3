/* Every allocation of the main flows fails once: the answer is -ENOMEM or temperror, or the work is done all the same;
 * never another verdict, never a crash, and under the address sanitizer never a leak. */
#include "dns_server.h"
#include "starve.h"
#include "support.h"

#include "dkim/digest.h"
#include "dkim/secure_heap.h"
#include "dkim/sign.h"
#include "dkim/verify.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <sys/wait.h>
#include <talloc.h>
#include <unistd.h>

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

static int write_private_key(void *mem)
{
	struct buf text;
	int r;

	buf_init(&text, mem, 16384);
	r = dkim_private_key_pem(rsa_key, &text);
	buf_free(&text);
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
	{ "write an RSA key", write_private_key },
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

/* How a process starts when this allocation fails. */
enum start {
	START_REFUSED, /* and says so: it can be tried again in another process */
	START_WHOLE,   /* and has what it needs */
	START_BROKEN,  /* without its algorithm */
	START_OVER,    /* it makes fewer allocations */
};

/* OpenSSL 3.0 may remember a fetch that failed for as long as the process lives, so a later one is no way out. */
static enum start start_without(size_t allocations)
{
	EVP_CIPHER *other;
	int r = secure_heap_init();

	if (r < 0)
		return START_REFUSED;
	/* OpenSSL itself crashes when it finds no memory for its heap or its first fetch: that is over. */
	other = EVP_CIPHER_fetch(NULL, "AES-128-CBC", NULL);
	EVP_CIPHER_free(other);
	starve_after(allocations);
	r = dkim_private_key_init();
	if (!starve_end())
		return START_OVER;
	if (r < 0)
		return START_REFUSED;
	return dkim_sha256() ? START_WHOLE : START_BROKEN;
}

static size_t starts[START_OVER + 1]; /* how many were such */

/* In processes in which nothing has been started yet. */
static int count_starts(void)
{
	int status;
	pid_t pid;

	for (size_t allocations = 0; starts[START_OVER] == 0; allocations++) {
		pid = fork();
		if (pid == 0)
			_exit((int)start_without(allocations));
		if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) > START_OVER)
			return -1;
		starts[WEXITSTATUS(status)]++;
	}
	return 0;
}

static void test_start(void **state)
{
	(void)state;
	assert_int_not_equal(starts[START_REFUSED], 0);
	assert_int_not_equal(starts[START_WHOLE], 0);
	assert_int_equal(starts[START_BROKEN], 0);
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

	if (count_starts() < 0 || dkim_private_key_init() < 0 || dkim_private_key_generate(DKIM_KEY_RSA, 2048, &rsa_key) < 0 ||
	    dkim_private_key_generate(DKIM_KEY_ED25519, 0, &ed_key) < 0)
		return 1;
	test_add("a process that has started has its algorithms", test_start);
	TEST_ROWS(flow_rows, test_flow);
	r = test_run_with("out_of_memory", set_up, tear_down);
	dkim_private_key_free(rsa_key);
	dkim_private_key_free(ed_key);
	return r;
}
