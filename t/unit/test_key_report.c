/* milter/key_report.c: the line and the JSON about one key. */
#include "support.h"
#include "zone.h"

#include "milter/key_report.h"

#include <stdlib.h>
#include <talloc.h>
#include <unistd.h>

#define NOW 1700000000
#define MINUTE 60
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

static struct dkim_private_key *key, *others;
static struct zone zone;

struct row {
	const char *name, *selector, *domain;
	enum conf_key_state state;
	enum key_agreement agreement;
	const char *text;
};

#define KEY_TEXT "256-bit Ed25519 for example.com; "

static const struct row rows[] = {
	{ "published", "ours", "example.com", CONF_KEY_ACTIVE, KEY_AGREES, "active, " KEY_TEXT "published in the records file" },
	{ "in test mode", "test", "example.com", CONF_KEY_NEXT, KEY_AGREES, "next, " KEY_TEXT "published in the records file, in test mode (t=y)" },
	{ "another key", "others", "example.com", CONF_KEY_ACTIVE, KEY_DISAGREES, "active, " KEY_TEXT "others._domainkey.example.com publishes another key" },
	{ "revoked", "revoked", "example.com", CONF_KEY_RETIRED, KEY_DISAGREES, "retired, " KEY_TEXT "revoked._domainkey.example.com: key revoked" },
	{ "R67 several records, each with its reason", "several", "example.com", CONF_KEY_ACTIVE, KEY_DISAGREES,
	  "active, " KEY_TEXT "several._domainkey.example.com has 3 records, none of which is this key: 1: key revoked, 2: another key, "
	  "3: key record v= is not DKIM1" },
	{ "not published", "none", "example.com", CONF_KEY_NEXT, KEY_DISAGREES, "next, " KEY_TEXT "none._domainkey.example.com is not published" },
};

static void test_row(void **state)
{
	const struct row *row = *state;
	const struct conf_key conf = { .name = "title", .selector = row->selector, .domain = row->domain, .state = row->state };
	struct dkim_key_lookup *lookup = zone_look_up(&zone, row->selector);
	struct key_report report;
	struct buf out;

	assert_int_equal(key_report_fill(zone.records, &conf, key, NULL, dkim_key_lookup_result(lookup), NOW, &report), 0);
	dkim_key_lookup_free(lookup); /* the report stands by itself */
	buf_init(&out, NULL, 4096);
	key_report_text(&report, &out);
	assert_string_equal(buf_string(&out), row->text);
	assert_int_equal(report.agreement, row->agreement);
	buf_free(&out);
}

static void test_not_asked(void **state)
{
	struct dkim_dns_answer answer = { .status = DKIM_DNS_BOGUS };
	const struct dkim_key_set bogus = { .answer = &answer };
	const struct {
		const char *domain;
		const struct dkim_key_set *set;
		const char *text;
	} cases[] = {
		{ "example.com", NULL, "active, " KEY_TEXT "DNS gave no answer" },
		{ "example.com", &bogus, "active, " KEY_TEXT "s._domainkey.example.com could not be asked for: failed DNSSEC" },
		{ "%", NULL, "active, 256-bit Ed25519 for the domain of each sender; DNS is not asked" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct conf_key conf = { .name = "title", .selector = "s", .domain = cases[i].domain, .state = CONF_KEY_ACTIVE };
		struct key_report report;
		struct buf out;

		assert_int_equal(key_report_fill(zone.records, &conf, key, NULL, cases[i].set, NOW, &report), 0);
		buf_init(&out, NULL, 4096);
		key_report_text(&report, &out);
		assert_string_equal(buf_string(&out), cases[i].text);
		assert_int_equal(report.agreement, KEY_UNKNOWN);
		buf_free(&out);
	}
}

static void test_not_loaded(void **state)
{
	const struct conf_key conf = { .name = "title", .selector = "s", .domain = "example.com", .state = CONF_KEY_RETIRED };
	struct key_report report;
	struct buf out;

	(void)state;
	assert_int_equal(key_report_fill(NULL, &conf, NULL, "/etc/k.pem: No such file", NULL, NOW, &report), 0);
	buf_init(&out, NULL, 4096);
	key_report_text(&report, &out);
	assert_string_equal(buf_string(&out), "retired, /etc/k.pem: No such file");
	buf_clear(&out);
	key_report_json(&report, &out);
	assert_string_equal(buf_string(&out), "{\"name\":\"title\",\"domain\":\"example.com\",\"selector\":\"s\",\"state\":\"retired\","
	                                      "\"error\":\"/etc/k.pem: No such file\"}");
	buf_free(&out);
}

static void test_json(void **state)
{
	const struct conf_key conf = { .name = "title", .selector = "ours", .domain = "example.com", .state = CONF_KEY_ACTIVE };
	struct dkim_key_lookup *lookup = zone_look_up(&zone, "ours");
	struct key_report report;
	struct buf out;

	(void)state;
	assert_int_equal(key_report_fill(zone.records, &conf, key, NULL, dkim_key_lookup_result(lookup), NOW, &report), 0);
	report.modified = NOW - DAY;
	report.age_s = DAY;
	buf_init(&out, NULL, 4096);
	key_report_json(&report, &out);
	assert_string_equal(buf_string(&out), "{\"name\":\"title\",\"domain\":\"example.com\",\"selector\":\"ours\",\"state\":\"active\","
	                                      "\"type\":\"ed25519\",\"bits\":256,\"modified\":1699913600,\"age_s\":86400,"
	                                      "\"dns_agrees\":true,\"test_mode\":false,\"dns\":\"published in the records file\"}");
	report.modified = report.age_s = -1;
	report.agreement = KEY_UNKNOWN;
	buf_clear(&out);
	key_report_json(&report, &out);
	assert_non_null(strstr(buf_string(&out), "\"modified\":null,\"age_s\":null,\"dns_agrees\":null"));
	buf_free(&out);
	dkim_key_lookup_free(lookup);
}

struct age_row {
	const char *name;
	int64_t seconds;
	const char *text;
};

static const struct age_row age_rows[] = {
	{ "nothing", 0, "0 minutes" },
	{ "one minute", 119, "1 minute" },
	{ "nearly two hours", 2 * HOUR - 1, "119 minutes" },
	{ "two hours", 2 * HOUR, "2 hours" },
	{ "nearly two days", 2 * DAY - 1, "47 hours" },
	{ "years", 1000 * (int64_t)DAY, "1000 days" },
};

static void test_age(void **state)
{
	const struct age_row *row = *state;
	struct buf out;

	buf_init(&out, NULL, 100);
	key_report_age(row->seconds, &out);
	assert_string_equal(buf_string(&out), row->text);
	buf_free(&out);
}

/* A file from the future is as old as nothing. */
static void test_age_of_a_file(void **state)
{
	const struct conf_key conf = { .name = "title", .selector = "ours", .domain = "example.com", .state = CONF_KEY_ACTIVE };
	char path[] = "/tmp/test_key_report.XXXXXX", *error = NULL;
	struct dkim_private_key *loaded;
	struct key_report report;
	struct buf pem;
	int fd = mkstemp(path);

	(void)state;
	buf_init(&pem, NULL, 4096);
	assert_int_equal(dkim_private_key_pem(key, &pem), 0);
	assert_true(fd >= 0 && write(fd, pem.p, pem.n) == (ssize_t)pem.n);
	assert_int_equal(close(fd), 0);
	assert_int_equal(dkim_private_key_load(NULL, path, &loaded, &error), 0);
	assert_int_equal(key_report_fill(zone.records, &conf, loaded, NULL, NULL, dkim_private_key_modified(loaded) + DAY, &report), 0);
	assert_int_equal(report.age_s, DAY);
	assert_int_equal(key_report_fill(zone.records, &conf, loaded, NULL, NULL, dkim_private_key_modified(loaded) - DAY, &report), 0);
	assert_int_equal(report.age_s, 0);
	assert_int_equal(unlink(path), 0);
	dkim_private_key_free(loaded);
	buf_free(&pem);
}

static int set_up(void **state)
{
	struct buf text;

	(void)state;
	if (dkim_private_key_init() < 0 || dkim_private_key_generate(DKIM_KEY_ED25519, 0, &key) < 0 ||
	    dkim_private_key_generate(DKIM_KEY_ED25519, 0, &others) < 0)
		return -1;
	buf_init(&text, NULL, 65536);
	zone_line(&text, "ours._domainkey.example.com", "k=ed25519;", key);
	zone_line(&text, "test._domainkey.example.com", "k=ed25519; t=y;", key);
	zone_line(&text, "others._domainkey.example.com", "k=ed25519;", others);
	buf_add_string(&text, "revoked._domainkey.example.com TXT \"v=DKIM1; p=\"\nseveral._domainkey.example.com TXT \"p=\"\n");
	zone_line(&text, "several._domainkey.example.com", "k=ed25519;", others);
	buf_add_string(&text, "several._domainkey.example.com TXT \"v=spf1 -all\"\n");
	zone_open(&zone, buf_view(&text));
	buf_free(&text);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	zone_close(&zone);
	dkim_private_key_free(key);
	dkim_private_key_free(others);
	return 0;
}

int main(void)
{
	TEST_ROWS(rows, test_row);
	TEST_ROWS(age_rows, test_age);
	test_add("DNS was not asked, or did not answer", test_not_asked);
	test_add("a key that could not be loaded", test_not_loaded);
	test_add("JSON", test_json);
	test_add("the age is that of the file", test_age_of_a_file);
	return test_run_with("key_report", set_up, tear_down);
}
