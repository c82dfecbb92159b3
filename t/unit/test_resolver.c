#include "dkim/resolver.h"
#include "dkim/zone_count.h"

#include "t/unit/dns_server.h"
#include "t/unit/support.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <talloc.h>
#include <time.h>
#include <unistd.h>

/* Long enough for a machine under load; no test waits so long for its own sake. */
#define PATIENCE_MS 20000
/* libunbound sends a UDP query again when a server that it does not know yet has not answered by then. */
#define RESEND_MS 376

static struct dns_server server;
static struct dkim_resolver *resolver; /* asks server, not validating, with PATIENCE_MS */

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static struct dkim_resolver *new_resolver(const char *address, unsigned timeout_ms, const char *trust_anchor,
                                          const struct dkim_records *records)
{
	const char *servers[] = { address };
	struct dkim_resolver_params params = {
		.servers = servers,
		.server_count = address ? 1 : 0,
		.records_only = !address,
		.timeout_ms = timeout_ms,
		.trust_anchor = trust_anchor,
		.records = records,
	};
	struct dkim_resolver *made = NULL;
	char *error = NULL;

	if (dkim_resolver_new(NULL, &params, &made, &error))
		fail_msg("%s", error);
	return made;
}

static struct dkim_query *start(struct dkim_resolver *asked, const char *name)
{
	struct dkim_query *query = NULL;

	assert_int_equal(dkim_query_start(asked, view_of(name), &query), 0);
	return query;
}

static struct dkim_query *asked(struct dkim_resolver *of, const char *name)
{
	struct dkim_query *query = start(of, name);

	assert_int_equal(dkim_query_wait(query, 2 * PATIENCE_MS), 0);
	return query;
}

static void assert_status(const struct dkim_query *query, enum dkim_dns_status want)
{
	enum dkim_dns_status got = dkim_query_answer(query)->status;

	if (got != want)
		fail_msg("want \"%s\", got \"%s\"", dkim_dns_status_text(want), dkim_dns_status_text(got));
}

static void assert_asked(struct dkim_resolver *of, const char *name, enum dkim_dns_status want)
{
	struct dkim_query *query = asked(of, name);

	assert_status(query, want);
	dkim_query_free(query);
}

/* A UDP port that never answers; returns its descriptor. */
static int black_hole(char *address, size_t n)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof in;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof in), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &length), 0);
	snprintf(address, n, "127.0.0.1@%u", (unsigned)ntohs(in.sin_port));
	return fd;
}

/* What the answers of a server mean. */

static const char rules[] =
	"joined.example.com TXT \"v=DKIM1; \" \"p=abc\" \"def\"\n"
	"MiXed.example.com TXT \"case\"\n"
	"binary.example.com TXT \"a\\000b\\255\\\"\"\n"
	"empty.example.com TXT \"\"\n"
	"*.wild.example.com TXT \"wild\"\n"
	"*.wild TXT \"wild\"\n"
	"*.slowly TXT \"race\"\n"
	"*.slowly DELAY 0.01\n"
	"alias.example.com 40 CNAME alias2.example.com\n"
	"alias2.example.com CNAME joined.example.com\n"
	"alias.nowhere.example.com CNAME nowhere.example.com\n"
	"loop1.example.com CNAME loop2.example.com\n"
	"loop2.example.com CNAME loop1.example.com\n"
	"old.example.com DNAME new.example.com\n"
	"s.new.example.com TXT \"moved\"\n"
	"extra.example.com TXT \"beside another\"\n"
	"extra.example.com EXTRA\n"
	"several.example.com TXT \"one\"\n"
	"several.example.com TXT \"two\"\n"
	"nx.example.com 66 NXDOMAIN\n"
	"nodata.example.com 77 NODATA\n"
	"long-nx.example.com 86400 NXDOMAIN\n"
	"nosoa.example.com NOSOA\n"
	"servfail.example.com SERVFAIL\n"
	"refused.example.com REFUSED\n"
	"trunc.example.com TXT \"over TCP\"\n"
	"trunc.example.com TRUNC\n"
	"notcp.example.com TRUNC\n"
	"notcp.example.com NOTCP\n"
	"longest.example.com TXT \"%016384d\"\n"
	"too-long.example.com 86400 TXT \"%016385d\"\n"
	"slow.example.com TXT \"slow\"\n"
	"slow.example.com DELAY 0.3\n"
	"shared.example.com TXT \"shared\"\n"
	"shared.example.com DELAY 0.1\n"
	"garbage.example.com GARBAGE\n"
	"drop.example.com DROP\n"
	"signed.example.org SIGNED\n"
	"key.signed.example.org TXT \"genuine\"\n"
	"forged.signed.example.org TXT \"genuine\"\n"
	"forged.signed.example.org BOGUS\n"
	"alias.signed.example.org CNAME key.signed.example.org\n"
	"out.signed.example.org CNAME joined.example.com\n";

struct answer_row {
	const char *name;
	const char *asked;
	enum dkim_dns_status want;
	const char *want_text; /* the first; NULL: not looked at */
	size_t want_count;
	uint32_t want_ttl;
	const char *want_canonical;
};

static const struct answer_row answer_rows[] = {
	{ "R54 strings are joined", "joined.example.com", DKIM_DNS_FOUND, "v=DKIM1; p=abcdef", 1, 300, NULL },
	{ "R13 any case", "mIxED.example.COM", DKIM_DNS_FOUND, "case", 1, 300, NULL },
	{ "an empty string", "empty.example.com", DKIM_DNS_FOUND, "", 1, 300, NULL },
	{ "wildcard", "s._domainkey.wild.example.com", DKIM_DNS_FOUND, "wild", 1, 300, NULL },
	{ "R66 a chain of CNAMEs", "alias.example.com", DKIM_DNS_FOUND, "v=DKIM1; p=abcdef", 1, 40, "joined.example.com" },
	{ "R66 DNAME", "s.old.example.com", DKIM_DNS_FOUND, "moved", 1, 300, "s.new.example.com" },
	{ "R66 another type before TXT", "extra.example.com", DKIM_DNS_FOUND, "beside another", 1, 300, NULL },
	{ "R67 two records", "several.example.com", DKIM_DNS_FOUND, NULL, 2, 300, NULL },
	{ "R67 more records than the maximum", "twenty.example.com", DKIM_DNS_FOUND, NULL, DKIM_TXT_RECORDS_MAX, 300, NULL },
	{ "R65 NXDOMAIN", "nx.example.com", DKIM_DNS_NO_RECORD, NULL, 0, 66, NULL },
	{ "R65 NODATA", "nodata.example.com", DKIM_DNS_NO_RECORD, NULL, 0, 77, NULL },
	{ "R66 CNAME to nowhere", "alias.nowhere.example.com", DKIM_DNS_NO_RECORD, NULL, 0, 300, "nowhere.example.com" },
	{ "R73 NXDOMAIN for a day", "long-nx.example.com", DKIM_DNS_NO_RECORD, NULL, 0, DKIM_NEGATIVE_TTL_MAX, NULL },
	{ "R73 NXDOMAIN without SOA", "nosoa.example.com", DKIM_DNS_NO_RECORD, NULL, 0, DKIM_NEGATIVE_TTL_MAX, NULL },
	{ "R65 SERVFAIL", "servfail.example.com", DKIM_DNS_FAILED, NULL, 0, 0, NULL },
	{ "R65 REFUSED", "refused.example.com", DKIM_DNS_FAILED, NULL, 0, 0, NULL },
	{ "R66 a loop of CNAMEs", "loop1.example.com", DKIM_DNS_FAILED, NULL, 0, 0, NULL },
	{ "R68 truncated: over TCP", "trunc.example.com", DKIM_DNS_FOUND, "over TCP", 1, 300, NULL },
	{ "R68 truncated, and TCP does not answer", "notcp.example.com", DKIM_DNS_FAILED, NULL, 0, 0, NULL },
	{ "R68 the longest record", "longest.example.com", DKIM_DNS_FOUND, NULL, 1, 300, NULL },
	{ "R73 a record that is too long is left out, for no longer than a negative answer", "too-long.example.com", DKIM_DNS_NO_RECORD, NULL, 0, DKIM_NEGATIVE_TTL_MAX, NULL },
	{ "slow", "slow.example.com", DKIM_DNS_FOUND, "slow", 1, 300, NULL },
};

static void test_answer(void **state)
{
	const struct answer_row *row = *state;
	struct dkim_query *query = asked(resolver, row->asked);
	const struct dkim_dns_answer *answer = dkim_query_answer(query);

	assert_status(query, row->want);
	assert_int_equal(answer->text_count, row->want_count);
	if (row->want_text)
		assert_true(view_eq(answer->texts[0], view_of(row->want_text)));
	assert_in_range(answer->ttl, row->want_ttl > 0 ? row->want_ttl - 1 : 0, row->want_ttl); /* a second may begin meanwhile */
	assert_int_equal(answer->canonical_name != NULL, row->want_canonical != NULL);
	if (row->want_canonical)
		assert_string_equal(answer->canonical_name, row->want_canonical);
	assert_false(answer->secure);
	assert_false(answer->from_records);
	dkim_query_free(query);
}

static void test_octets(void **state)
{
	struct dkim_query *query = asked(resolver, "binary.example.com");

	(void)state;
	assert_status(query, DKIM_DNS_FOUND);
	assert_true(view_eq(dkim_query_answer(query)->texts[0], VIEW("a\0b\xff\"")));
	dkim_query_free(query);
}

/* R71: no query, no such name. */
struct name_row {
	const char *name;
	struct view asked;
};

#define LABEL_63 "abcdefghijklmnopqrstuvwxyz-abcdefghijklmnopqrstuvwxyz-abcdefghi"

static const struct name_row name_rows[] = {
	{ "R71 empty name", VIEW_INIT("") },
	{ "R71 dot at the end", VIEW_INIT("example.com.") },
	{ "R71 empty label", VIEW_INIT("a..example.com") },
	{ "R71 label of 64 octets", VIEW_INIT(LABEL_63 "x.example.com") },
	{ "R71 name of 254 octets", VIEW_INIT(LABEL_63 "." LABEL_63 "." LABEL_63 "." LABEL_63) },
	{ "R71 NUL", VIEW_INIT("a\0b.example.com") },
	{ "R71 backslash", VIEW_INIT("a\\.example.com") },
};

static void test_impossible_name(void **state)
{
	const struct name_row *row = *state;
	struct view name = guarded(row->asked);
	struct dkim_query *query = NULL;

	assert_int_equal(dkim_query_start(resolver, name, &query), -EINVAL);
	assert_null(query);
	guarded_free(name);
}

static void test_longest_name(void **state)
{
	(void)state;
	assert_asked(resolver, LABEL_63 "." LABEL_63 "." LABEL_63 "." "abcdefghijklmnopqrstuvwxyz-abcdefghijkl.wild.example.com",
	             DKIM_DNS_FOUND);
}

/* Time. */

static void test_silent_server(void **state)
{
	char address[32];
	int fd = black_hole(address, sizeof address);
	struct dkim_resolver *silent = new_resolver(address, 400, NULL, NULL);
	uint64_t began = now_ms();
	struct dkim_query *query = asked(silent, "a.example.com");
	uint64_t took = now_ms() - began;

	(void)state;
	assert_status(query, DKIM_DNS_TIMEOUT);
	assert_true(took >= 400 && took < 4000);
	assert_true(dkim_query_answer(query)->milliseconds >= 400);
	dkim_query_free(query);
	dkim_resolver_free(silent);
	close(fd);
}

/* R65: a name without answer, and an answer that is none, beside others that have one. */
static void test_silent_names(void **state)
{
	struct dkim_resolver *hasty = new_resolver(server.address, 1000, NULL, NULL);
	struct dkim_query *drop = start(hasty, "drop.example.com"), *garbage = start(hasty, "garbage.example.com");

	(void)state;
	assert_asked(hasty, "joined.example.com", DKIM_DNS_FOUND);
	assert_int_equal(dkim_query_wait(drop, PATIENCE_MS), 0);
	assert_int_equal(dkim_query_wait(garbage, PATIENCE_MS), 0);
	assert_status(drop, DKIM_DNS_TIMEOUT);
	assert_status(garbage, DKIM_DNS_TIMEOUT);
	dkim_query_free(drop);
	dkim_query_free(garbage);
	dkim_resolver_free(hasty);
}

/* Each asker has its own time, though they share the question. */
static void test_two_askers(void **state)
{
	char address[32];
	int fd = black_hole(address, sizeof address);
	struct dkim_resolver *silent = new_resolver(address, 600, NULL, NULL);
	struct dkim_query *first = start(silent, "a.example.com"), *second;

	(void)state;
	assert_int_equal(dkim_query_wait(first, 300), 1);
	second = start(silent, "A.example.com");
	assert_int_equal(dkim_query_wait(first, 400), 0);
	assert_status(first, DKIM_DNS_TIMEOUT);
	assert_int_equal(dkim_query_wait(second, 0), 1);
	dkim_query_free(first);
	assert_int_equal(dkim_query_wait(second, 4000), 0);
	assert_status(second, DKIM_DNS_TIMEOUT);
	dkim_query_free(second);
	dkim_resolver_free(silent);
	close(fd);
}

static void test_budget(void **state)
{
	char address[32];
	int fd = black_hole(address, sizeof address);
	struct dkim_resolver *silent = new_resolver(address, PATIENCE_MS, NULL, NULL);
	struct dkim_query *query = start(silent, "a.example.com");
	uint64_t began = now_ms();

	(void)state;
	assert_int_equal(dkim_query_wait(query, 0), 1);
	assert_int_equal(dkim_query_wait(query, 100), 1);
	assert_int_equal(dkim_query_wait(query, 50), 1);
	assert_true(now_ms() - began >= 150 && now_ms() - began < 4000);
	dkim_query_free(query);
	dkim_resolver_free(silent);
	close(fd);
}

/* Many askers. */

enum { ASKERS = 100 };

static void *ask_shared(void *argument)
{
	enum dkim_dns_status *status = argument;
	struct dkim_query *query = start(resolver, "shared.example.com");

	*status = dkim_query_wait(query, PATIENCE_MS) ? DKIM_DNS_TIMEOUT : dkim_query_answer(query)->status;
	dkim_query_free(query);
	return NULL;
}

static void test_one_query_for_all(void **state)
{
	enum dkim_dns_status status[ASKERS];
	pthread_t threads[ASKERS];
	uint64_t began = now_ms();
	size_t queries;

	(void)state;
	for (size_t i = 0; i < ASKERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, ask_shared, &status[i]), 0);
	for (size_t i = 0; i < ASKERS; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(status[i], DKIM_DNS_FOUND);
	}
	queries = dns_server_queries(&server, "shared.example.com");
	if (queries != 1 && now_ms() - began < RESEND_MS)
		fail_msg("want 1 query, got %zu", queries);
}

static void test_many_names(void **state)
{
	enum { NAMES = 300 };
	struct dkim_query *queries[NAMES];
	char name[64];

	(void)state;
	for (int i = 0; i < NAMES; i++) {
		snprintf(name, sizeof name, "n.z%d.wild", i);
		queries[i] = start(resolver, name);
	}
	for (int i = 0; i < NAMES; i++) {
		assert_int_equal(dkim_query_wait(queries[i], 2 * PATIENCE_MS), 0);
		assert_status(queries[i], DKIM_DNS_FOUND);
		dkim_query_free(queries[i]);
	}
}

/* Not one more than the maximum, and a question that is out already is no further one. */
static void test_too_many(void **state)
{
	static struct dkim_query *queries[DKIM_QUERIES_IN_FLIGHT_MAX];
	char address[32], name[64];
	int fd = black_hole(address, sizeof address);
	struct dkim_resolver *silent = new_resolver(address, PATIENCE_MS, NULL, NULL);
	struct dkim_query *query = NULL;

	(void)state;
	for (int i = 0; i < DKIM_QUERIES_IN_FLIGHT_MAX; i++) {
		snprintf(name, sizeof name, "n.z%d.example", i);
		queries[i] = start(silent, name);
	}
	assert_int_equal(dkim_query_start(silent, VIEW("one-more.example.com"), &query), -EBUSY);
	assert_null(query);
	dkim_query_free(start(silent, "n.z0.example"));
	for (int i = 0; i < DKIM_QUERIES_IN_FLIGHT_MAX; i++)
		dkim_query_free(queries[i]);
	/* let go of, they still keep libunbound busy */
	assert_int_equal(dkim_query_start(silent, VIEW("one-more.example.com"), &query), -EBUSY);
	dkim_resolver_free(silent);
	close(fd);
}

/* One sender's silent names use up his share, and nobody else's. */
static void test_too_many_of_one_zone(void **state)
{
	struct dkim_query *queries[DKIM_QUERIES_PER_ZONE_MAX], *query = NULL;
	char address[32], name[64];
	int fd = black_hole(address, sizeof address);
	struct dkim_resolver *silent = new_resolver(address, PATIENCE_MS, NULL, NULL);

	(void)state;
	for (int i = 0; i < DKIM_QUERIES_PER_ZONE_MAX; i++) {
		snprintf(name, sizeof name, "s%d._domainkey.n%d.example.net", i, i);
		queries[i] = start(silent, name);
	}
	assert_int_equal(dkim_query_start(silent, VIEW("s._domainkey.EXAMPLE.net"), &query), -EBUSY);
	assert_null(query);
	dkim_query_free(start(silent, "s0._domainkey.n0.example.net"));
	dkim_query_free(start(silent, "s._domainkey.example.org"));
	for (int i = 0; i < DKIM_QUERIES_PER_ZONE_MAX; i++)
		dkim_query_free(queries[i]);
	dkim_resolver_free(silent);
	close(fd);
}

/* What was answered counts no more. */
static void test_zone_with_many_names(void **state)
{
	char name[64];

	(void)state;
	for (int i = 0; i < 2 * DKIM_QUERIES_PER_ZONE_MAX; i++) {
		struct dkim_query *query;

		snprintf(name, sizeof name, "m%d.wild.example.com", i);
		query = start(resolver, name);
		assert_int_equal(dkim_query_wait(query, 2 * PATIENCE_MS), 0);
		assert_status(query, DKIM_DNS_FOUND);
		dkim_query_free(query);
	}
}

enum { RACERS = 8, RACES = 300 };

/* Ask, wait a moment or not, let go: answers come in before, while and after. */
static void *race(void *argument)
{
	uint32_t seed = *(uint32_t *)argument;
	char name[64];

	for (int i = 0; i < RACES; i++) {
		struct dkim_query *query;

		snprintf(name, sizeof name, "race.z%u.slowly", (unsigned)(test_random(&seed) % (RACES / 3)));
		query = start(resolver, name);
		if (dkim_query_wait(query, test_random(&seed) % 3) == 0 && dkim_query_answer(query)->status != DKIM_DNS_FOUND)
			*(uint32_t *)argument = 0;
		dkim_query_free(query);
	}
	return NULL;
}

static void test_races(void **state)
{
	pthread_t threads[RACERS];
	uint32_t seeds[RACERS];

	(void)state;
	for (uint32_t i = 0; i < RACERS; i++) {
		seeds[i] = i + 1;
		assert_int_equal(pthread_create(&threads[i], NULL, race, &seeds[i]), 0);
	}
	for (size_t i = 0; i < RACERS; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_not_equal(seeds[i], 0);
	}
}

/* The resolver goes while libunbound still works for askers that have gone. */
static void test_free_in_flight(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++) {
		struct dkim_resolver *gone = new_resolver(server.address, PATIENCE_MS, NULL, NULL);

		dkim_query_free(start(gone, "drop.example.com"));
		dkim_query_free(start(gone, "slow.example.com"));
		dkim_query_free(start(gone, "joined.example.com"));
		dkim_resolver_free(gone);
	}
	dkim_query_free(NULL);
	dkim_resolver_free(NULL);
}

/* DNSSEC. */

struct dnssec_row {
	const char *name, *asked;
	enum dkim_dns_status want;
	bool want_secure;
};

static const struct dnssec_row dnssec_rows[] = {
	{ "DNSSEC: signed", "key.signed.example.org", DKIM_DNS_FOUND, true },
	{ "DNSSEC: altered after signing", "forged.signed.example.org", DKIM_DNS_BOGUS, false },
	{ "DNSSEC: signed CNAME", "alias.signed.example.org", DKIM_DNS_FOUND, true },
	{ "DNSSEC: signed denial", "nothing.signed.example.org", DKIM_DNS_NO_RECORD, true },
	{ "DNSSEC: signed CNAME to an unsigned zone", "out.signed.example.org", DKIM_DNS_FOUND, false },
	{ "DNSSEC: zone outside the trust anchor", "joined.example.com", DKIM_DNS_FOUND, false },
	{ "DNSSEC: unsigned denial", "nx.example.com", DKIM_DNS_NO_RECORD, false },
};

static void test_dnssec(void **state)
{
	static struct dkim_resolver *validating;
	const struct dnssec_row *row = *state;
	struct dkim_query *query;

	if (!validating)
		validating = new_resolver(server.address, PATIENCE_MS, server.anchor, NULL);
	query = asked(validating, row->asked);
	assert_status(query, row->want);
	assert_int_equal(dkim_query_answer(query)->secure, row->want_secure);
	dkim_query_free(query);
	if (row == &dnssec_rows[sizeof dnssec_rows / sizeof dnssec_rows[0] - 1])
		dkim_resolver_free(validating);
}

/* The same forgery passes when nobody validates. */
static void test_no_dnssec(void **state)
{
	(void)state;
	assert_asked(resolver, "forged.signed.example.org", DKIM_DNS_FOUND);
}

/* Records. */

static void test_records(void **state)
{
	static const char text[] = "joined.example.com TXT \"from \" \"the file\"\nA.example.com TXT \"1\"\na.example.com TXT \"2\"\n";
	struct dkim_records *records = NULL;
	struct dkim_resolver *with_dns;
	struct dkim_query *query;
	char *error = NULL;

	(void)state;
	assert_int_equal(dkim_records_parse(NULL, "records", view_of(text), &records, &error), 0);
	with_dns = new_resolver(server.address, PATIENCE_MS, NULL, records);
	query = start(with_dns, "Joined.example.com");
	assert_int_equal(dkim_query_wait(query, 0), 0);
	assert_status(query, DKIM_DNS_FOUND);
	assert_true(dkim_query_answer(query)->from_records);
	assert_int_equal(dkim_query_answer(query)->ttl, DKIM_RECORDS_TTL);
	assert_true(view_eq(dkim_query_answer(query)->texts[0], VIEW("from the file")));
	dkim_query_free(query);
	assert_asked(with_dns, "several.example.com", DKIM_DNS_FOUND);
	dkim_resolver_free(with_dns);
	talloc_free(records);
}

static void test_records_only(void **state)
{
	static const char text[] = "a.example.com TXT \"1\"\na.example.com TXT \"2\"\n";
	struct dkim_records *records = NULL;
	struct dkim_resolver *alone;
	struct dkim_query *query;
	char *error = NULL;

	(void)state;
	assert_int_equal(dkim_records_parse(NULL, "records", view_of(text), &records, &error), 0);
	alone = new_resolver(NULL, PATIENCE_MS, NULL, records);
	query = start(alone, "a.example.com");
	assert_int_equal(dkim_query_wait(query, 0), 0);
	assert_int_equal(dkim_query_answer(query)->text_count, 2);
	dkim_query_free(query);
	assert_asked(alone, "joined.example.com", DKIM_DNS_NO_RECORD);
	dkim_resolver_free(alone);
	alone = new_resolver(NULL, PATIENCE_MS, NULL, NULL);
	assert_asked(alone, "a.example.com", DKIM_DNS_NO_RECORD);
	dkim_resolver_free(alone);
	talloc_free(records);
}

/* Settings. */

struct setting_row {
	const char *name, *server, *anchor_text; /* anchor_text NULL: no file there */
	int want;
	const char *want_error; /* what the text ends with */
};

static const struct setting_row setting_rows[] = {
	{ "IPv4 address", "127.0.0.1", NULL, 0, NULL },
	{ "IPv6 address and port", "::1@5353", NULL, 0, NULL },
	{ "colon before the port", "127.0.0.1:53", NULL, -EINVAL, "dns.servers: wanted address@port, got \"127.0.0.1:53\"" },
	{ "host name", "localhost", NULL, -EINVAL, "dns.servers: wanted address@port, got \"localhost\"" },
	{ "port 0", "127.0.0.1@0", NULL, -EINVAL, "dns.servers: wanted address@port, got \"127.0.0.1@0\"" },
	{ "port 65536", "127.0.0.1@65536", NULL, -EINVAL, "dns.servers: wanted address@port, got \"127.0.0.1@65536\"" },
	{ "empty port", "127.0.0.1@", NULL, -EINVAL, "dns.servers: wanted address@port, got \"127.0.0.1@\"" },
	{ "port with a word", "127.0.0.1@53x", NULL, -EINVAL, "dns.servers: wanted address@port, got \"127.0.0.1@53x\"" },
	{ "longer than any address", "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa", NULL, -EINVAL,
	  "dns.servers: wanted address@port, got \"1111:2222:3333:4444:5555:6666:7777:8888:9999:a...\"" },
	{ "nothing", "", NULL, -EINVAL, "dns.servers: wanted address@port, got \"\"" },
	{ "trust anchor that is none", "127.0.0.1", "hello\n", -EINVAL, ": wanted DS or DNSKEY records, got something else" },
	{ "trust anchor, empty file", "127.0.0.1", "", -EINVAL, ": wanted DS or DNSKEY records, got none" },
	{ "trust anchor, comments only", "127.0.0.1", "; hello\n\n", -EINVAL, ": wanted DS or DNSKEY records, got none" },
};

/* No server named: those of this host, whichever they are. */
static void test_resolv_conf(void **state)
{
	const struct dkim_resolver_params params = { .timeout_ms = 1000 };
	const bool there = access("/etc/resolv.conf", R_OK) == 0;
	struct dkim_resolver *made = NULL;
	void *mem = talloc_new(NULL);
	char *error = NULL;

	(void)state;
	assert_int_equal(dkim_resolver_new(mem, &params, &made, &error), there ? 0 : -EINVAL);
	assert_int_equal(error != NULL, !there);
	dkim_resolver_free(made);
	talloc_free(mem);
}

static void test_setting(void **state)
{
	const struct setting_row *row = *state;
	char path[] = "/tmp/postern-test-XXXXXX";
	struct dkim_resolver_params params = { .servers = &row->server, .server_count = 1, .timeout_ms = 1000 };
	struct dkim_resolver *made = NULL;
	void *mem = talloc_new(NULL);
	char *error = NULL;
	int fd = mkstemp(path);

	if (row->anchor_text) {
		params.trust_anchor = path;
		assert_int_equal(write(fd, row->anchor_text, strlen(row->anchor_text)), strlen(row->anchor_text));
	}
	close(fd);
	assert_int_equal(dkim_resolver_new(mem, &params, &made, &error), row->want);
	unlink(path);
	if (row->want)
		assert_string_equal(strlen(error) < strlen(row->want_error) ? error : error + strlen(error) - strlen(row->want_error),
		                    row->want_error);
	dkim_resolver_free(made);
	talloc_free(mem);
}

static void test_missing_anchor(void **state)
{
	const char *servers[] = { "127.0.0.1" };
	struct dkim_resolver_params params = { .servers = servers, .server_count = 1, .trust_anchor = "/nonexistent/anchor" };
	struct dkim_resolver *made = NULL;
	void *mem = talloc_new(NULL);
	char *error = NULL;

	(void)state;
	assert_int_equal(dkim_resolver_new(mem, &params, &made, &error), -ENOENT);
	assert_string_equal(error, "/nonexistent/anchor: No such file or directory");
	talloc_free(mem);
}

static void start_all(void)
{
	char *text = talloc_asprintf(NULL, rules, 0, 0);

	for (int i = 0; i < 20; i++)
		text = talloc_asprintf_append_buffer(text, "twenty.example.com TXT \"record %d\"\n", i);
	dns_server_start(&server, text);
	talloc_free(text);
	resolver = new_resolver(server.address, PATIENCE_MS, NULL, NULL);
}

int main(void)
{
	int r;

	start_all();
	TEST_ROWS(answer_rows, test_answer);
	test_add("any octets", test_octets);
	TEST_ROWS(name_rows, test_impossible_name);
	test_add("R71 the longest label and the longest name", test_longest_name);
	test_add("R65 a server that never answers", test_silent_server);
	test_add("R65 names that are never answered, beside others", test_silent_names);
	test_add("two askers at different times", test_two_askers);
	test_add("R93 waits end when they should", test_budget);
	test_add("100 threads ask for one name: one query", test_one_query_for_all);
	test_add("300 names at once", test_many_names);
	test_add("more questions than the maximum", test_too_many);
	test_add("more questions than the maximum of one zone", test_too_many_of_one_zone);
	test_add("a zone with many names", test_zone_with_many_names);
	test_add("askers that come and go", test_races);
	test_add("freed while questions are out", test_free_in_flight);
	TEST_ROWS(dnssec_rows, test_dnssec);
	test_add("DNSSEC: not without a trust anchor", test_no_dnssec);
	test_add("records go first", test_records);
	test_add("records alone", test_records_only);
	test_add("the servers of /etc/resolv.conf", test_resolv_conf);
	TEST_ROWS(setting_rows, test_setting);
	test_add("trust anchor that is not there", test_missing_anchor);
	r = test_run("resolver");
	dkim_resolver_free(resolver);
	dns_server_stop(&server);
	return r;
}
