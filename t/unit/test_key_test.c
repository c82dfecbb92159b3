/* milter/key_test.c: the verdicts of `postern testkey`. */
#include "support.h"
#include "zone.h"

#include "milter/key_test.h"

#include <stdio.h>
#include <sysexits.h>

static struct dkim_private_key *ours, *others;
static struct zone zone;

struct row {
	const char *name, *selector;
	bool with_key;
	int code;
	const char *sentence;
};

#define AT "._domainkey.example.com"

static const struct row rows[] = {
	{ "a good record", "ours", false, EX_OK, "DNS has a key that can be used" },
	{ "the other half", "ours", true, EX_OK, "DNS has the other half of k.pem" },
	{ "in test mode", "test", true, EX_OK,
	  "DNS has the other half of k.pem, in test mode: verifiers treat mail signed with it like mail without a signature" },
	{ "another key", "others", true, EX_CONFIG, "DNS has another key than the other half of k.pem" },
	{ "no record", "none", true, EX_NOHOST, "there is no TXT record at none" AT },
	{ "R59 revoked", "revoked", true, EX_DATAERR, "the record at revoked" AT " cannot be used: key revoked (RFC 6376 section 3.6.1)" },
	{ "R55 no key record", "spf", false, EX_DATAERR, "the record at spf" AT " cannot be used: key record v= is not DKIM1 (RFC 6376 section 3.6.1)" },
	{ "R58 not for mail", "service", false, EX_DATAERR, "the record at service" AT " cannot be used: key record s= is not for email (RFC 6376 section 3.6.1)" },
	{ "R57 not for sha256", "sha1", true, EX_DATAERR, "the record at sha1" AT " cannot be used: key record h= does not allow the hash (RFC 6376 section 3.6.1)" },
	{ "R75 too short", "weak", false, EX_DATAERR, "the record at weak" AT " cannot be used: RSA key is shorter than the minimum (RFC 8301 section 3.2)" },
	{ "R67 one of several", "several", false, EX_OK, "DNS has a key that can be used, as number 2 of 3 records; one alone is safer" },
	{ "R67 ours of several", "several", true, EX_OK, "DNS has the other half of k.pem, as number 3 of 3 records; one alone is safer" },
	{ "R67 none of several", "bad", false, EX_DATAERR, "the record at bad" AT " cannot be used: key revoked (RFC 6376 section 3.6.1); nor can the others" },
	{ "R67 ours of several is not for mail", "mixed", true, EX_DATAERR,
	  "the record at mixed" AT " cannot be used: key record s= is not for email (RFC 6376 section 3.6.1); nor can the others" },
};

static void judge(const struct key_test *test, int code, const char *sentence)
{
	struct buf out;

	buf_init(&out, NULL, 4096);
	assert_int_equal(key_test_judge(test, &out), code);
	assert_string_equal(buf_string(&out), sentence);
	buf_free(&out);
}

static void test_row(void **state)
{
	const struct row *row = *state;
	struct dkim_key_lookup *lookup = zone_look_up(&zone, row->selector);
	char name[100];

	snprintf(name, sizeof name, "%s" AT, row->selector);
	judge(&(struct key_test){ name, dkim_key_lookup_result(lookup), row->with_key ? "k.pem" : NULL, row->with_key ? ours : NULL }, row->code,
	      row->sentence);
	dkim_key_lookup_free(lookup);
}

struct status_row {
	const char *name;
	enum dkim_dns_status status;
	int code;
	const char *sentence;
};

static const struct status_row status_rows[] = {
	{ "R65 DNS failed", DKIM_DNS_FAILED, EX_TEMPFAIL, "DNS gave no answer about s" AT ": query failed" },
	{ "R65 DNS timed out", DKIM_DNS_TIMEOUT, EX_TEMPFAIL, "DNS gave no answer about s" AT ": timed out" },
	{ "R65 DNSSEC failed", DKIM_DNS_BOGUS, EX_PROTOCOL,
	  "the answer about s" AT " failed DNSSEC: it was altered, or its zone is signed wrongly" },
};

static void test_status(void **state)
{
	const struct status_row *row = *state;
	struct dkim_dns_answer answer = { .status = row->status };
	const struct dkim_key_set set = { .answer = &answer };

	judge(&(struct key_test){ "s" AT, &set, NULL, NULL }, row->code, row->sentence);
}

static void test_no_memory(void **state)
{
	(void)state;
	judge(&(struct key_test){ "s" AT, NULL, NULL, NULL }, EX_OSERR, "out of memory");
}

/* `openssl genrsa 768`, public half: too short for anything. */
#define RSA_768 \
	"MHwwDQYJKoZIhvcNAQEBBQADawAwaAJhAKaPZkrDP5xLlLExKDqWWIFxoBX+5Ll5vwIBeg1sCK80DFyv" \
	"/RYDISr+scN2oysvP/7a31/shl+c3AeNg9PilxDlRK9Y1DDlwLomRzXThkJxhhoDX+pd21dld9Y3ffkiPwIDAQAB"

static void publish(void)
{
	struct buf text;

	buf_init(&text, NULL, 65536);
	zone_line(&text, "ours" AT, "v=DKIM1;", ours);
	zone_line(&text, "test" AT, "t=y;", ours);
	zone_line(&text, "others" AT, "", others);
	buf_add_string(&text, "revoked" AT " TXT \"v=DKIM1; p=\"\nspf" AT " TXT \"v=spf1 -all\"\nseveral" AT " TXT \"p=\"\n");
	zone_line(&text, "service" AT, "s=tlsrpt;", ours);
	zone_line(&text, "sha1" AT, "h=sha1;", ours);
	zone_line(&text, "several" AT, "", others);
	zone_line(&text, "several" AT, "", ours);
	buf_add_string(&text, "bad" AT " TXT \"p=\"\nbad" AT " TXT \"v=spf1 -all\"\n");
	zone_line(&text, "mixed" AT, "", others);
	zone_line(&text, "mixed" AT, "s=tlsrpt;", ours);
	buf_add_string(&text, "weak" AT " TXT \"p=" RSA_768 "\"\n");
	zone_open(&zone, buf_view(&text));
	buf_free(&text);
}

static int set_up(void **state)
{
	(void)state;
	if (dkim_private_key_init() < 0 || dkim_private_key_generate(DKIM_KEY_RSA, 1024, &ours) < 0 ||
	    dkim_private_key_generate(DKIM_KEY_RSA, 1024, &others) < 0)
		return -1;
	publish();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	zone_close(&zone);
	dkim_private_key_free(ours);
	dkim_private_key_free(others);
	return 0;
}

int main(void)
{
	TEST_ROWS(rows, test_row);
	TEST_ROWS(status_rows, test_status);
	test_add("no memory", test_no_memory);
	return test_run_with("key_test", set_up, tear_down);
}
