/* conf/key_table.c and conf/table_text.c. */
#include "support.h"

#include "conf/key_table.h"
#include "conf/table_text.h"

#include <errno.h>
#include <stdio.h>
#include <talloc.h>

struct row {
	const char *name;
	struct view text;
	const char *want; /* "name domain selector file;" per row, or the faults with newlines */
};

static const struct row rows[] = {
	{ "one row", VIEW_INIT("k example.com:sel:/k.pem\n"), "k example.com sel /k.pem;" },
	{ "no line end", VIEW_INIT("k example.com:sel:/k.pem"), "k example.com sel /k.pem;" },
	{ "CRLF, tabs, blanks at both ends", VIEW_INIT(" \tk \t example.com:sel:/k.pem \r\n"), "k example.com sel /k.pem;" },
	{ "comments and empty lines", VIEW_INIT("# x\n\n  # y\nk example.com:sel:/k.pem # z\n"), "k example.com sel /k.pem;" },
	{ "the domain of the sender", VIEW_INIT("k %:sel:/k.pem"), "k % sel /k.pem;" },
	{ "a selector with dots", VIEW_INIT("k example.com:a.b:/k.pem"), "k example.com a.b /k.pem;" },
	{ "a name may be anything", VIEW_INIT("sel._domainkey.example.com example.com:sel:/k.pem"),
	  "sel._domainkey.example.com example.com sel /k.pem;" },
	{ "a path with a colon", VIEW_INIT("k example.com:sel:/a:b"), "k example.com sel /a:b;" },
	{ "an empty file", VIEW_INIT(""), "" },
	{ "a name twice, in any case", VIEW_INIT("k example.com:a:/k\nK example.com:b:/k\n"),
	  "f:2: key: wanted a name that no row above has, got \"K\"\n" },
	{ "a name alone", VIEW_INIT("k\n"), "f:1: key: wanted DOMAIN:SELECTOR:/PATH with a domain name in ASCII, or %, first, got \"\"\n" },
	{ "no line continues another", VIEW_INIT("k\n example.com:a:/k\n"),
	  "f:1: key: wanted DOMAIN:SELECTOR:/PATH with a domain name in ASCII, or %, first, got \"\"\n"
	  "f:2: key: wanted DOMAIN:SELECTOR:/PATH with a domain name in ASCII, or %, first, got \"\"\n" },
	{ "no domain name", VIEW_INIT("k exam ple:sel:/k\n"),
	  "f:1: key: wanted DOMAIN:SELECTOR:/PATH with a domain name in ASCII, or %, first, got \"exam ple\"\n" },
	{ "no selector", VIEW_INIT("\nk example.com::/k\n"), "f:2: key: wanted DOMAIN:SELECTOR:/PATH with a selector second, got \"\"\n" },
	{ "a selector that is none", VIEW_INIT("k example.com:a b:/k\n"),
	  "f:1: key: wanted DOMAIN:SELECTOR:/PATH with a selector second, got \"a b\"\n" },
	{ "a relative path", VIEW_INIT("k example.com:s:./k\n"), "f:1: key: wanted an absolute path to the private key, got \"something else\"\n" },
	{ "a key in the table is not shown", VIEW_INIT("k example.com:s:MIICXAIBAAKB\n"),
	  "f:1: key: wanted an absolute path to the private key, got \"something else\"\n" },
	{ "a path for each sender", VIEW_INIT("k %:s:/keys/%.pem\n"),
	  "f:1: key: wanted a path without %: keys are read before there are senders, got \"/keys/%.pem\"\n" },
	{ "a pattern for a name", VIEW_INIT("k* example.com:s:/k\n"), "f:1: key: wanted a name without *, got \"k*\"\n" },
	{ "all faults at once", VIEW_INIT("a\nb example.com:s:/k\nc :s:/k\n"),
	  "f:1: key: wanted DOMAIN:SELECTOR:/PATH with a domain name in ASCII, or %, first, got \"\"\n"
	  "f:3: key: wanted DOMAIN:SELECTOR:/PATH with a domain name in ASCII, or %, first, got \"\"\n" },
	{ "a NUL", VIEW_INIT("k example.com:s:/k\nl\0 example.com:t:/l\n"), "f:2: syntax: wanted text, got a NUL octet\n" },
};

static char *describe(void *mem, const struct key_table *table)
{
	char *text = talloc_strdup(mem, "");

	for (size_t i = 0; i < table->count; i++) {
		const struct key_row *row = &table->rows[i];

		text = talloc_asprintf_append(text, "%s %s %s %s;", row->name, row->domain, row->selector, row->file);
		assert_ptr_equal(key_table_find(table, row->name), row);
	}
	return text;
}

static void test_row(void **state)
{
	const struct row *row = *state;
	void *mem = talloc_new(NULL);
	char *text = talloc_size(mem, row->text.n + 1), *got;
	struct fault_list *faults = faults_new(mem, "f");
	struct conf_errors errors;
	struct key_table *table;

	memcpy(text, row->text.p, row->text.n);
	text[row->text.n] = '\0';
	assert_int_equal(key_table_parse(mem, text, row->text.n, faults, &table), 0);
	assert_int_equal(faults_finish(faults, mem, &errors), 0);
	got = errors.count ? talloc_strdup(mem, "") : describe(mem, table);
	for (size_t i = 0; i < errors.count; i++)
		got = talloc_asprintf_append(got, "%s\n", errors.text[i]);
	assert_string_equal(got, row->want);
	assert_null(key_table_find(table, "zzz"));
	assert_null(key_table_find(table, ""));
	talloc_free(mem);
}

static void test_spec(void **state)
{
	(void)state;
	assert_string_equal(table_path("/a"), "/a");
	assert_string_equal(table_path("file:/a"), "/a");
	assert_string_equal(table_path("refile:/a"), "/a");
	assert_string_equal(table_path("db:/a"), "db:/a");
	assert_true(table_is_refile("refile:/a"));
	assert_false(table_is_refile("file:/refile:"));
	assert_false(table_is_refile("/a"));
}

int main(void)
{
	TEST_ROWS(rows, test_row);
	test_add("the forms of a table's name", test_spec);
	return test_run("key_table");
}
