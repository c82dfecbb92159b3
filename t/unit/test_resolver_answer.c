/* dkim/resolver_answer.c: what is made of libunbound's results, those that no server sends among them. */
#include "support.h"

#include "dkim/resolver_answer.h"

#include <errno.h>
#include <stdlib.h>
#include <talloc.h>
#include <unbound.h>

#define RCODE_NXDOMAIN 3
#define RCODE_SERVFAIL 2

struct row {
	const char *name;
	int error;                     /* the callback's */
	struct ub_result result;
	struct view data[3];           /* RDATA; up to the first without octets */
	enum dkim_dns_status status;
	const char *text;              /* of the first record kept; NULL: none */
	uint32_t ttl;
	const char *canonical;
};

static char asked[] = "s._domainkey.example.com.", other[] = "other.example.net.", same[] = "S._domainkey.EXAMPLE.com", root[] = ".";

#define ANSWER(...) { .qname = asked, .havedata = 1, __VA_ARGS__ }

static const struct row rows[] = {
	{ "a record of two strings", 0, ANSWER(.ttl = 300), { VIEW_INIT("\002p=\002AA") }, DKIM_DNS_FOUND, "p=AA", 300, NULL },
	{ "R65 an error", 1, ANSWER(.ttl = 300), { { NULL, 0 } }, DKIM_DNS_FAILED, NULL, 0, NULL },
	{ "R65 forged, whatever came with it", 0, ANSWER(.bogus = 1, .ttl = 300), { VIEW_INIT("\002p=") }, DKIM_DNS_BOGUS, NULL, 0, NULL },
	{ "R65 NXDOMAIN", 0, { .qname = asked, .rcode = RCODE_NXDOMAIN, .ttl = 60 }, { { NULL, 0 } }, DKIM_DNS_NO_RECORD, NULL, 60, NULL },
	{ "R65 no data", 0, { .qname = asked, .ttl = 60 }, { { NULL, 0 } }, DKIM_DNS_NO_RECORD, NULL, 60, NULL },
	{ "R65 SERVFAIL", 0, { .qname = asked, .rcode = RCODE_SERVFAIL, .ttl = 60 }, { { NULL, 0 } }, DKIM_DNS_FAILED, NULL, 0, NULL },
	{ "R73 absence is kept for a while only", 0, { .qname = asked, .ttl = 32768 }, { { NULL, 0 } }, DKIM_DNS_NO_RECORD, NULL, DKIM_NEGATIVE_TTL_MAX, NULL },
	{ "R73 no TTL below 0", 0, ANSWER(.ttl = -1), { VIEW_INIT("\002p=") }, DKIM_DNS_FOUND, "p=", 0, NULL },
	{ "a string longer than its record: no record", 0, ANSWER(.ttl = 300), { VIEW_INIT("\003p=") }, DKIM_DNS_NO_RECORD, NULL, 300, NULL },
	{ "a string longer than its record, another behind it", 0, ANSWER(.ttl = 300), { VIEW_INIT("\003p="), VIEW_INIT("\001x") }, DKIM_DNS_FOUND, "x", 300, NULL },
	{ "R66 where CNAMEs led", 0, ANSWER(.ttl = 300, .canonname = other), { VIEW_INIT("\001x") }, DKIM_DNS_FOUND, "x", 300, "other.example.net" },
	{ "R66 the same name in another case is no CNAME", 0, ANSWER(.ttl = 300, .canonname = same), { VIEW_INIT("\001x") }, DKIM_DNS_FOUND, "x", 300, NULL },
	{ "R66 the root is none either", 0, ANSWER(.ttl = 300, .canonname = root), { VIEW_INIT("\001x") }, DKIM_DNS_FOUND, "x", 300, NULL },
};

static void test_row(void **state)
{
	const struct row *row = *state;
	struct ub_result result = row->result;
	struct dkim_dns_answer *answer;
	char *data[4] = { NULL };
	int length[4] = { 0 };

	for (size_t i = 0; i < 3 && row->data[i].n > 0; i++) {
		data[i] = (char *)(uintptr_t)row->data[i].p;
		length[i] = (int)row->data[i].n;
	}
	result.data = data;
	result.len = length;
	assert_int_equal(resolver_answer_from_result(NULL, row->error, &result, &answer), 0);
	assert_string_equal(dkim_dns_status_text(answer->status), dkim_dns_status_text(row->status));
	assert_int_equal(answer->text_count, row->text != NULL);
	if (row->text)
		assert_true(view_eq(answer->texts[0], view_of(row->text)));
	assert_int_equal(answer->ttl, row->ttl);
	assert_int_equal(answer->canonical_name != NULL, row->canonical != NULL);
	if (row->canonical)
		assert_string_equal(answer->canonical_name, row->canonical);
	talloc_free(answer);
}

static void test_no_result(void **state)
{
	struct dkim_dns_answer *answer;

	(void)state;
	assert_int_equal(resolver_answer_from_result(NULL, 0, NULL, &answer), 0);
	assert_int_equal(answer->status, DKIM_DNS_FAILED);
	talloc_free(answer);
}

/* R67 more records than anybody needs: the first ones are kept. */
static void test_many(void **state)
{
	enum { COUNT = DKIM_TXT_RECORDS_MAX + 3 };
	char octets[] = "\001x", *data[COUNT + 1] = { NULL };
	struct ub_result result = { .qname = asked, .havedata = 1, .data = data };
	struct dkim_dns_answer *answer;
	int length[COUNT];

	(void)state;
	for (size_t i = 0; i < COUNT; i++) {
		data[i] = octets;
		length[i] = 2;
	}
	result.len = length;
	assert_int_equal(resolver_answer_from_result(NULL, 0, &result, &answer), 0);
	assert_int_equal(answer->text_count, DKIM_TXT_RECORDS_MAX);
	talloc_free(answer);
}

static void test_status_texts(void **state)
{
	(void)state;
	assert_string_equal(dkim_dns_status_text(DKIM_DNS_FOUND), "found");
	assert_string_equal(dkim_dns_status_text(DKIM_DNS_NO_RECORD), "no record");
	assert_string_equal(dkim_dns_status_text(DKIM_DNS_FAILED), "query failed");
	assert_string_equal(dkim_dns_status_text(DKIM_DNS_TIMEOUT), "timed out");
	assert_string_equal(dkim_dns_status_text(DKIM_DNS_BOGUS), "failed DNSSEC");
}

int main(void)
{
	TEST_ROWS(rows, test_row);
	test_add("no result at all", test_no_result);
	test_add("R67 more records than the maximum", test_many);
	test_add("each status has its text", test_status_texts);
	return test_run("resolver_answer");
}
