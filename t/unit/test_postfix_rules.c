/* Rules of header_checks tables that change mail (milter/postfix_rules.h). */
#include "milter/postfix_rules.h"
#include "t/unit/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <talloc.h>
#include <unistd.h>

static bool matters(const void *arg, struct view name)
{
	return view_eq_nocase(name, view_of(arg)) || view_eq_nocase(name, VIEW("From"));
}

static const struct row {
	const char *name, *table;
	bool body, want;
	const char *got; /* behind "PATH:" */
} rows[] = {
	{ "an empty table", "", false, false, "" },
	{ "a comment", "#/^Subject:/ IGNORE\n", false, false, "" },
	{ "IGNORE", "/^Subject:/ IGNORE\n", false, true, "1: IGNORE ^Subject:" },
	{ "REPLACE, flags, another case", "# first\n\n/^SUBJECT:(.*)/i replace Subject: x\n", false, true, "3: replace ^SUBJECT:(.*)" },
	{ "STRIP", "/^from:/ STRIP", false, true, "1: STRIP ^from:" },
	{ "an action that changes nothing", "/^Subject:/ WARN\n/^From:/ REJECT no\n/^From:/ HOLD\n", false, false, "" },
	{ "a field that does not matter", "/^X-Spam:/ IGNORE\n", false, false, "" },
	{ "one of several", "/^(X-Spam|Subject):/ IGNORE\n", false, true, "1: IGNORE ^(X-Spam|Subject):" },
	{ "none of several", "/^(?:X-Spam|X-Score):/ IGNORE\n", false, false, "" },
	{ "a part of a name", "/^X-/ IGNORE\n", false, true, "1: IGNORE ^X-" },
	{ "a pattern that may match any field", "/viagra/ IGNORE\n", false, true, "1: IGNORE viagra" },
	{ "a name with a pattern in it", "/^X.Spam:/ IGNORE\n", false, true, "1: IGNORE ^X.Spam:" },
	{ "alternatives without brackets", "/^X-Spam|^Subject:/ IGNORE\n", false, true, "1: IGNORE ^X-Spam|^Subject:" },
	{ "all but these", "!/^Subject:/ IGNORE\n", false, true, "1: IGNORE ^Subject:" },
	{ "another delimiter, and an escaped one", "%a/b% WARN\n/a\\/ IGNORE/ WARN\n", false, false, "" },
	{ "a continued rule", "/^Subject:/\n# between\n  IGNORE\n", false, true, "1: IGNORE ^Subject:" },
	{ "a condition", "if /^Subject:/\n/x/ IGNORE\nendif\n", false, true, "2: IGNORE x" },
	{ "no action", "/^Subject:/\n/\n", false, false, "" },
	{ "a body: every rule", "/^X-Spam:/ IGNORE\n", true, true, "1: IGNORE ^X-Spam:" },
};

static char *table_of(void *mem, const char *text)
{
	char *path = talloc_strdup(mem, "/tmp/postern-rules-XXXXXX");
	const int fd = mkstemp(path);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	return path;
}

static void test_rule(void **state)
{
	const struct row *row = *state;
	void *mem = talloc_new(NULL);
	char *path = table_of(mem, row->table);
	struct buf got;
	bool found;

	buf_init(&got, mem, 1000);
	found = postfix_rules_find(talloc_asprintf(mem, "regexp:%s", path), row->body ? NULL : matters, "Subject", &got);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(found, row->want);
	assert_string_equal(buf_string(&got), *row->got ? talloc_asprintf(mem, "%s:%s", path, row->got) : "");
	talloc_free(mem);
}

static void test_several_tables(void **state)
{
	void *mem = talloc_new(NULL);
	char *path = table_of(mem, "/^Subject:/ IGNORE\n");
	struct buf got;

	(void)state;
	buf_init(&got, mem, 1000);
	assert_true(postfix_rules_find(talloc_asprintf(mem, "hash:/etc/x, proxy:pcre:%s regexp:/no/such", path), matters, "Subject", &got));
	assert_int_equal(unlink(path), 0);
	assert_string_equal(buf_string(&got), talloc_asprintf(mem, "hash:/etc/x: cannot be read; %s:1: IGNORE ^Subject:; regexp:/no/such: cannot be read", path));
	assert_false(postfix_rules_find("", matters, "Subject", &got));
	talloc_free(mem);
}

int main(void)
{
	TEST_ROWS(rows, test_rule);
	test_add("several tables, and such as cannot be read", test_several_tables);
	return test_run("postfix_rules");
}
