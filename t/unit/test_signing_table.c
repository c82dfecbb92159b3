/* conf/signing_table.c: which rows stand for a sender. Rows named "opendkim:" say what opendkim 2.11 does with the same table. */
#include "support.h"

#include "conf/signing_table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <talloc.h>
#include <time.h>

static const char key_text[] =
	"a example.com:a:/a\nb example.com:b:/b\nc %:c:/c\nexample.org example.org:d:/d\n";

static struct key_table *parse_keys(void *mem, const char *text)
{
	char *copy = talloc_strdup(mem, text);
	struct fault_list *faults = faults_new(mem, "keys");
	struct key_table *table;

	assert_int_equal(key_table_parse(mem, copy, strlen(copy), faults, &table), 0);
	assert_int_equal(faults_count(faults), 0);
	return table;
}

enum { FILE_FIRST, FILE_ALL, REFILE_FIRST, REFILE_ALL };

struct match_row {
	const char *name;
	int how;
	const char *text;
	const char *user, *host;
	const char *want; /* names of keys, with "/identity" */
};

#define ORDER "joe@example.com a\nexample.com b\njoe@.example.com a\n.example.com b\njoe@* c\n* c\n"

static const struct match_row match_rows[] = {
	{ "opendkim: the address first", FILE_FIRST, ORDER, "joe", "example.com", "a" },
	{ "opendkim: then the host", FILE_FIRST, ORDER, "ann", "example.com", "b" },
	{ "opendkim: then the user below a parent", FILE_FIRST, ORDER, "joe", "x.sub.example.com", "a" },
	{ "opendkim: then the parent", FILE_FIRST, ORDER, "ann", "x.sub.example.com", "b" },
	{ "opendkim: then the user anywhere", FILE_FIRST, ORDER, "joe", "example.org", "c" },
	{ "opendkim: then anybody", FILE_FIRST, ORDER, "ann", "example.org", "c" },
	{ "all of these, as opendkim's manual says", FILE_ALL, ORDER, "joe", "sub.example.com", "a b c c" },
	{ "opendkim: a parent is not the host itself", FILE_ALL, ".example.com a\n", "joe", "example.com", "" },
	{ "a top-level domain is a parent", FILE_ALL, ".com a\n", "joe", "example.com", "a" },
	{ "opendkim: any case of letters", FILE_ALL, "Joe@EXAMPLE.com a\n", "jOE", "Example.COM", "a" },
	{ "opendkim: file knows no patterns", FILE_ALL, "*oe@example.com a\n", "joe", "example.com", "" },
	{ "several rows of one sender", FILE_ALL, "joe@example.com a\njoe@example.com b\n", "joe", "example.com", "a b" },
	{ "opendkim: the first of several rows", FILE_FIRST, "joe@example.com a\njoe@example.com b\n", "joe", "example.com", "a" },
	{ "several keys of one row", FILE_FIRST, "joe@example.com a,b\nexample.com c\n", "joe", "example.com", "a b" },
	{ "opendkim: the order of the file", REFILE_FIRST, "*@example.com a\njoe@example.com b\n", "joe", "example.com", "a" },
	{ "opendkim: all that match, in the order of the file", REFILE_ALL, "*@example.com a\n* c\njoe@example.com b\n", "joe", "example.com", "a c b" },
	{ "rows before and behind one without a domain", REFILE_ALL, "*@example.org b\n*@*.com a\n*@example.com b\njoe* c\n", "joe", "example.com", "a b c" },
	{ "opendkim: asterisks in the domain", REFILE_ALL, "*@sub.*.example.com a\n*@*.example.com b\n", "joe", "sub.x.example.com", "a b" },
	{ "an asterisk is also nothing", REFILE_ALL, "joe*@*example.com a\n", "joe", "example.com", "a" },
	{ "several asterisks, tried again", REFILE_ALL, "*a*ab@example.com a\n", "xaaab", "example.com", "a" },
	{ "the rest must fit too", REFILE_ALL, "j*e@example.com a\n", "joey", "example.com", "" },
	{ "no letter is special", REFILE_ALL, "a+b@example.com a\na?c@example.com b\n.*@example.com c\n", "abc", "example.com", "" },
	{ "opendkim: any case of letters in patterns", REFILE_ALL, "J*@EXAMPLE.com a\n", "joe", "example.COM", "a" },
	{ "refile: a host is no sender", REFILE_ALL, "example.com a\n", "joe", "example.com", "" },
	{ "refile: several keys of the first row", REFILE_FIRST, "* a,b\n*@example.com c\n", "joe", "example.com", "a b" },
	{ "an identity", REFILE_ALL, "* a:joe@example.com\n", "joe", "example.com", "a/joe@example.com" },
	{ "an empty identity", REFILE_ALL, "* a:\n", "joe", "example.com", "a" },
	{ "opendkim: the key named like the domain", REFILE_ALL, "* %\n", "joe", "example.org", "%" },
	{ "an address with a second @", REFILE_ALL, "*@example.com a\n", "\"a@example.org\"", "example.com", "a" },
	{ "an empty table", REFILE_ALL, "", "joe", "example.com", "" },
	{ "an empty file table", FILE_ALL, "", "joe", "example.com", "" },
};

static int note(void *arg, const struct signing_row *row)
{
	char **text = arg;

	*text = talloc_asprintf_append(*text, "%s%s%s%s", **text ? " " : "", row->key ? row->key->name : "%", row->identity ? "/" : "",
	                               row->identity ? row->identity : "");
	return 0;
}

static struct signing_table *parse(void *mem, const char *text, bool refile, const struct key_table *keys, struct fault_list *faults)
{
	struct signing_table *table;
	char *copy = talloc_strdup(mem, text);

	assert_int_equal(signing_table_parse(mem, copy, strlen(copy), refile, keys, faults, &table), 0);
	return table;
}

static void test_match(void **state)
{
	const struct match_row *row = *state;
	void *mem = talloc_new(NULL);
	struct fault_list *faults = faults_new(mem, "f");
	const bool all = row->how == FILE_ALL || row->how == REFILE_ALL;
	struct signing_table *table = parse(mem, row->text, row->how >= REFILE_FIRST, parse_keys(mem, key_text), faults);
	char *got = talloc_strdup(mem, "");

	assert_int_equal(faults_count(faults), 0);
	assert_int_equal(signing_table_match(table, row->user, row->host, all, note, &got), 0);
	assert_string_equal(got, row->want);
	talloc_free(mem);
}

struct fault_row {
	const char *name;
	const char *text;
	const char *want;
};

static const struct fault_row fault_rows[] = {
	{ "an unknown key", "* nope\n", "f:1: sender: wanted the name of a row of the key table, got \"nope\"\n" },
	{ "no key", "\n*@example.com\n", "f:2: sender: wanted the name of a row of the key table, got \"\"\n" },
	{ "one of several", "* a,,b\n", "f:1: sender: wanted the name of a row of the key table, got \"\"\n" },
	{ "an identity that would end the tag", "* a:x;y\n",
	  "f:1: sender: wanted an identity of printable ASCII without blanks and semicolons, got \"x;y\"\n" },
	{ "all faults at once", "* x\n* a\n* y\n", "f:1: sender: wanted the name of a row of the key table, got \"x\"\n"
	  "f:3: sender: wanted the name of a row of the key table, got \"y\"\n" },
};

static void test_fault(void **state)
{
	const struct fault_row *row = *state;
	void *mem = talloc_new(NULL);
	struct fault_list *faults = faults_new(mem, "f");
	char *got = talloc_strdup(mem, "");
	struct conf_errors errors;

	(void)parse(mem, row->text, true, parse_keys(mem, key_text), faults);
	assert_int_equal(faults_finish(faults, mem, &errors), 0);
	for (size_t i = 0; i < errors.count; i++)
		got = talloc_asprintf_append(got, "%s\n", errors.text[i]);
	assert_string_equal(got, row->want);
	talloc_free(mem);
}

static int stop(void *arg, const struct signing_row *row)
{
	(void)row;
	++*(int *)arg;
	return -ENOMEM;
}

static void test_stop(void **state)
{
	void *mem = talloc_new(NULL);
	struct fault_list *faults = faults_new(mem, "f");
	const struct key_table *keys = parse_keys(mem, key_text);
	int calls = 0;

	(void)state;
	assert_int_equal(signing_table_match(parse(mem, "* a\n* b\n", true, keys, faults), "x", "y", true, stop, &calls), -ENOMEM);
	assert_int_equal(signing_table_match(parse(mem, "* a\n* b\n", false, keys, faults), "x", "y", true, stop, &calls), -ENOMEM);
	assert_int_equal(calls, 2);
	talloc_free(mem);
}

static void test_long_address(void **state)
{
	void *mem = talloc_new(NULL);
	struct signing_table *table = parse(mem, "* a\n", true, parse_keys(mem, key_text), faults_new(mem, "f"));
	char user[SIGNING_ADDRESS_MAX + 1];
	int calls = 0;

	(void)state;
	memset(user, 'u', sizeof user);
	user[sizeof user - 1] = '\0';
	assert_int_equal(signing_table_match(table, user, "example.com", true, stop, &calls), 0);
	user[SIGNING_ADDRESS_MAX - strlen("@example.com")] = '\0';
	assert_int_equal(signing_table_match(table, user, "example.com", true, stop, &calls), -ENOMEM);
	assert_int_equal(calls, 1);
	talloc_free(mem);
}

#define ROWS 100000

static double seconds(void)
{
	struct timespec now;

	assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now), 0);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Both tables with 100,000 rows each within a second and 60 MB. Sanitizers take several times as much: the bound is for without. */
static void test_large(void **state)
{
	void *mem = talloc_new(NULL);
	char *keys_text = talloc_size(mem, (size_t)ROWS * 100), *senders_text = talloc_size(mem, (size_t)ROWS * 100);
	size_t keys_n = 0, senders_n = 0;
	struct fault_list *faults = faults_new(mem, "f");
	struct signing_table *table;
	struct key_table *keys;
	char *got = talloc_strdup(mem, "");
	double start, parsed;

	(void)state;
	for (int i = 0; i < ROWS; i++) {
		keys_n += (size_t)sprintf(keys_text + keys_n, "sel._domainkey.host%d.example.com host%d.example.com:sel:/etc/keys/%d.pem\n", i, i, i);
		senders_n += (size_t)sprintf(senders_text + senders_n, "*@host%d.example.com sel._domainkey.host%d.example.com\n", i, i);
	}
	start = seconds();
	assert_int_equal(key_table_parse(mem, keys_text, keys_n, faults, &keys), 0);
	assert_int_equal(signing_table_parse(mem, senders_text, senders_n, true, keys, faults, &table), 0);
	parsed = seconds();
	assert_int_equal(faults_count(faults), 0);
	assert_int_equal(signing_table_count(table), ROWS);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(signing_table_match(table, "joe", "host77777.example.com", true, note, &got), 0);
	print_message("# %.3f s and %.1f MB for both tables, %.2f us per sender\n", parsed - start,
	              (double)(talloc_total_size(mem) - (size_t)ROWS * 200 + keys_n + senders_n) / 1e6, (seconds() - parsed) * 1e3);
	assert_int_equal(strlen(got), 1000 * strlen("sel._domainkey.host77777.example.com ") - 1);
	assert_true(parsed - start < 5);
	assert_true(talloc_total_size(mem) - (size_t)ROWS * 200 + keys_n + senders_n < 60 * 1000 * 1000);
	talloc_free(mem);
}

int main(void)
{
	TEST_ROWS(match_rows, test_match);
	TEST_ROWS(fault_rows, test_fault);
	test_add("the caller's failure ends the search", test_stop);
	test_add("an address beyond the limit has no keys", test_long_address);
	test_add("100,000 rows", test_large);
	return test_run("signing_table");
}
