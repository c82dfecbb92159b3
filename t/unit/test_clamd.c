/* av/clamd.c and clamd_pool.c against a small clamd; a real one is in t/e2e/test_scan_clamd.py. */
#include "av/clamd.h"
#include "dkim/clock.h"
#include "t/unit/small_clamd.h"
#include "t/unit/support.h"

#include <errno.h>
#include <stdlib.h>
#include <talloc.h>

#define NOWHERE "unix:/nonexistent/clamd.sock"

/* To the end, or to what clamd_call_step() calls one. */
static int scan(struct clamd *clamd, struct view octets, struct av_reply *ret)
{
	const int64_t until_ms = clock_monotonic_ms() + 5000;
	struct clamd_call *call;
	int r;

	assert_int_equal(clamd_call_new(clamd, clamd, octets, &call), 0);
	do {
		r = clamd_call_step(call, 50);
	} while (r == -EAGAIN && clock_monotonic_ms() < until_ms);
	clamd_call_reply(call, ret);
	talloc_free(call);
	return r;
}

static const struct row {
	const char *name, *script;
	int r;
	uint32_t count, kind;
	const char *finding;
	unsigned connections; /* after a second scan, which is clean */
} rows[] = {
	{ "clean", "c", 0, 0, 0, "", 1 },
	{ "found", "fc", 0, 1, AV_SIGNATURE, "Eicar-Test-Signature", 1 },
	{ "found without a name", "nc", 0, 1, AV_LIMIT, "size", 1 },
	{ "an answer in pieces", "sc", 0, 0, 0, "", 1 },
	{ "an error: the connection is not trusted any more", "ec", 0, 1, AV_FAILURE, "stream: Can_t allocate memory", 2 },
	{ "too large", "lc", -EFBIG, 0, 0, "", 2 },
	{ "it hangs up", "hc", -ECONNRESET, 0, 0, "", 2 },
	{ "garbage", "gc", -EBADMSG, 0, 0, "", 2 },
	{ "an answer to another command", "ic", -EBADMSG, 0, 0, "", 2 },
	{ "a kept connection that has ended meanwhile is nobody's fault", "xc", 0, 0, 0, "", 2 },
};

static void test_row(void **state)
{
	const struct row *row = *state;
	void *mem = talloc_new(NULL);
	const char *specs[] = { NULL, NULL };
	struct small_clamd *server = small_clamd_start(row->script, &specs[0]);
	struct small_clamd_seen seen;
	struct av_reply reply;
	struct clamd *clamd;
	char *error;

	assert_int_equal(clamd_new(mem, specs, &clamd, &error), 0);
	assert_int_equal(scan(clamd, VIEW("message"), &reply), row->r);
	if (row->r == 0) {
		assert_true(av_reply_is_valid(&reply, sizeof reply));
		assert_string_equal(reply.facts.engine, "1.4.6");
		assert_int_equal(reply.facts.database, 27500);
		assert_int_equal(reply.finding_count, row->count);
		assert_int_equal(reply.findings[0].kind, row->kind);
		assert_string_equal(reply.findings[0].name, row->finding);
	}
	assert_int_equal(scan(clamd, VIEW("message"), &reply), 0);
	talloc_free(mem);
	seen = small_clamd_stop(server);
	assert_int_equal(seen.connections, row->connections);
	assert_int_equal(seen.versions, row->connections); /* asked once per connection */
	assert_int_equal(seen.scans, 2);
}

static void test_large(void **state)
{
	enum { OCTETS = 3000000 };
	char *octets = calloc(1, OCTETS);
	const char *specs[] = { NULL, NULL };
	struct small_clamd *server = small_clamd_start("c", &specs[0]);
	struct av_reply reply;
	struct clamd *clamd;
	char *error;

	(void)state;
	assert_int_equal(clamd_new(NULL, specs, &clamd, &error), 0);
	assert_int_equal(scan(clamd, (struct view){ octets, OCTETS }, &reply), 0);
	assert_int_equal(scan(clamd, (struct view){ octets, 0 }, &reply), 0);
	talloc_free(clamd);
	assert_int_equal(small_clamd_stop(server).octets, OCTETS);
	free(octets);
}

static void test_next_one(void **state)
{
	const char *specs[] = { NOWHERE, NULL, NULL };
	struct small_clamd *server = small_clamd_start("c", &specs[1]);
	struct av_reply reply;
	struct clamd *clamd;
	char *error;

	(void)state;
	assert_int_equal(clamd_new(NULL, specs, &clamd, &error), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(scan(clamd, VIEW("message"), &reply), 0);
	talloc_free(clamd);
	assert_int_equal(small_clamd_stop(server).connections, 1);
}

static void test_none(void **state)
{
	const char *specs[] = { NOWHERE, NOWHERE, NULL };
	struct av_reply reply;
	struct clamd *clamd;
	char *error;

	(void)state;
	assert_int_equal(clamd_new(NULL, specs, &clamd, &error), 0);
	assert_int_equal(scan(clamd, VIEW("message"), &reply), -ENOTCONN);
	talloc_free(clamd);
}

static const struct fault_row {
	const char *name, *spec, *want;
	int r;
} fault_rows[] = {
	{ "no scheme", "/run/clamd.sock", "wanted unix:/PATH, inet:PORT@HOST or inet6:PORT@HOST, got \"/run/clamd.sock\"", -EINVAL },
	{ "a host without an address", "inet:3310@nowhere.invalid", "wanted a host with an address, got \"inet:3310@nowhere.invalid\"", -EINVAL },
	{ "a path that no socket address holds",
	  "unix:/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL,
	  -ENAMETOOLONG },
};

static void test_fault(void **state)
{
	const struct fault_row *row = *state;
	const char *specs[] = { row->spec, NULL };
	void *mem = talloc_new(NULL);
	struct clamd *clamd;
	char *error;

	assert_int_equal(clamd_new(mem, specs, &clamd, &error), row->r);
	if (row->want)
		assert_non_null(strstr(error, row->want));
	talloc_free(mem);
}

int main(void)
{
	TEST_ROWS(rows, test_row);
	TEST_ROWS(fault_rows, test_fault);
	test_add("a large message, and one of no octets", test_large);
	test_add("the next clamd is taken, and the first left alone", test_next_one);
	test_add("none can be reached", test_none);
	return test_run("clamd");
}
