#include "conf/tokens.h"
#include "t/unit/support.h"

#include <errno.h>
#include <talloc.h>

#define ROW_TOKENS 12

struct row {
	const char *name;
	const char *text;
	int result;
	const char *fault;  /* the only one; NULL: none */
	struct {
		const char *text;
		unsigned line;
	} want[ROW_TOKENS];
};

#define OPENED TOKEN_SECTION_OPENED_NAME "=\"\""

static const struct row rows[] = {
	{ "words, signs and lines", "a = b\n\nc={d,e}", 0, NULL,
	  { { "a", 1 }, { "=", 1 }, { "b", 1 }, { "c", 3 }, { "=", 3 }, { "{", 3 }, { "d", 3 }, { ",", 3 }, { "e", 3 }, { "}", 3 } } },
	{ "comments are blanks, their lines count", "# a\n// b\n/* c\nd */ e // f\n/**/g#h", 0, NULL, { { "e", 4 }, { "g", 5 } } },
	{ "a comment of stars", "/***\n***/ a", 0, NULL, { { "a", 2 } } },
	{ "no comment inside quotes", "\"#/*\" '//'", 0, NULL, { { "\"#/*\"", 1 }, { "\"//\"", 1 } } },
	{ "a path is a word", "/etc/x", 0, NULL, { { "/etc/x", 1 } } },
	{ "a line end in quotes", "\"a\nb\" c", 0, NULL, { { "\"a\\nb\"", 1 }, { "c", 2 } } },
	{ "an escaped line end in quotes is none", "\"a\\\nb\" c", 0, NULL, { { "\"ab\"", 1 }, { "c", 2 } } },
	{ "escapes are left to libconfuse", "\"\\\"\\\\\\t\\x7f\\101\"", 0, NULL, { { "\"\\\"\\\\\\t\\x7f\\101\"", 1 } } },
	{ "the environment is not read", "\"${HOME}\" '$'", 0, NULL, { { "\"\\${HOME}\"", 1 }, { "\"\\$\"", 1 } } },
	{ "single quotes take a backslash as it is", "'a\\b\\'c\\\\\"'", 0, NULL, { { "\"a\\\\b'c\\\\\\\"\"", 1 } } },
	{ "CRLF ends a line", "a\r\nb\r\n", 0, NULL, { { "a", 1 }, { "b", 2 } } },
	{ "a section is marked", "s t {\n}", 0, NULL, { { "s", 1 }, { "t", 1 }, { "{", 1 }, { OPENED, 1 }, { "}", 2 } } },
	{ "an empty list is marked", "a = {\n}", 0, NULL, { { "a", 1 }, { "=", 1 }, { "{", 1 }, { "\"\"", 2 }, { "}", 2 } } },
	{ "nothing", "", 0, NULL, { { NULL, 0 } } },
	{ "an octet that needs quotes", "a = *b", 0, "t:1: syntax: wanted quotes around a value with this character, got *",
	  { { "a", 1 }, { "=", 1 }, { "b", 1 } } },
	{ "a control octet", "\n\001", 0, "t:2: syntax: wanted quotes around a value with this character, got \\x01", { { NULL, 0 } } },
	{ "no appending", "a += b", 0, "t:1: syntax: wanted =, got +", { { "a", 1 }, { "=", 1 }, { "b", 1 } } },
	{ "no NUL by its number", "\"\\0\"", 0, "t:1: syntax: wanted \\x01 to \\xff or \\1 to \\377 after a backslash, got 0", { { "\"\\0\"", 1 } } },
	{ "no number above an octet", "\"\\400\"", 0, "t:1: syntax: wanted \\x01 to \\xff or \\1 to \\377 after a backslash, got 4",
	  { { "\"\\400\"", 1 } } },
	{ "no hexadecimal NUL", "\"\\x00\"", 0, "t:1: syntax: wanted \\x01 to \\xff or \\1 to \\377 after a backslash, got x",
	  { { "\"\\x00\"", 1 } } },
	{ "a string without end", "\n\"a\nb", -EINVAL, "t:2: syntax: wanted a quote that ends this string, got end of file", { { NULL, 0 } } },
	{ "a string that ends in a backslash", "\"a\\", -EINVAL, "t:1: syntax: wanted a quote that ends this string, got end of file", { { NULL, 0 } } },
	{ "a comment without end", "\n/* a\n", -EINVAL, "t:2: syntax: wanted */ at the end of this comment, got end of file", { { NULL, 0 } } },
	{ "a comment that nearly ends", "/*/", -EINVAL, "t:1: syntax: wanted */ at the end of this comment, got end of file", { { NULL, 0 } } },
	{ "a brace without end", "a {\nb {}\n", -EINVAL, "t:1: syntax: wanted a closing brace for the { of this line, got end of file", { { NULL, 0 } } },
	{ "a brace too many", "a {}\n}", -EINVAL, "t:2: syntax: wanted an opening brace before it, got }", { { NULL, 0 } } },
};

static void assert_tokens(const struct row *row, const struct token_list *tokens)
{
	size_t i;

	for (i = 0; i < ROW_TOKENS && row->want[i].text; i++) {
		assert_true(i < tokens->count);
		assert_int_equal(tokens->token[i].n, strlen(row->want[i].text));
		assert_memory_equal(tokens->text + tokens->token[i].offset, row->want[i].text, tokens->token[i].n);
		assert_int_equal(tokens->token[i].line, row->want[i].line);
	}
	assert_int_equal(tokens->token[i].kind, TOKEN_END);
	assert_int_equal(tokens->count, i + 1);
}

static void test_cut(void **state)
{
	const struct row *row = *state;
	void *mem = talloc_new(NULL);
	struct fault_list *faults = faults_new(mem, "t");
	struct view text = guarded((struct view){ row->text, strlen(row->text) });
	struct token_list *tokens = NULL;
	struct conf_errors errors;

	assert_int_equal(tokens_cut(mem, text.p, text.n, faults, &tokens), row->result);
	assert_int_equal(faults_finish(faults, mem, &errors), 0);
	assert_int_equal(errors.count, row->fault ? 1 : 0);
	if (row->fault)
		assert_string_equal(errors.text[0], row->fault);
	if (row->result == 0)
		assert_tokens(row, tokens);
	else
		assert_null(tokens);
	guarded_free(text);
	talloc_free(mem);
}

struct remove_row {
	const char *name;
	const char *text;
	size_t statement;
	const char *want; /* what is left, blanks for line ends */
};

static const struct remove_row remove_rows[] = {
	{ "an option",                     "a = 1 b = 2", 0, "b=2" },
	{ "an option with a list",         "a = {1, 2} b = 2", 0, "b=2" },
	{ "an option with an empty list",  "a = {} b = 2", 0, "b=2" },
	{ "an empty section",              "a {} b = 2", 0, "b=2" },
	{ "a section with a title",        "a t { c = {1} d {} } b = 2", 0, "b=2" },
	{ "the last option",               "a = 1 b = 2", 3, "a=1" },
	{ "an include",                    "a \"x\" b = 2", 0, "b=2" },
	{ "a name alone before an option", "a b = 2", 0, "b=2" },
	{ "a name alone at the end",       "b = 2 a", 3, "b=2" },
	{ "an option without value",       "b = 2 a =", 3, "b=2" },
};

static void test_remove(void **state)
{
	const struct remove_row *row = *state;
	void *mem = talloc_new(NULL);
	struct fault_list *faults = faults_new(mem, "t");
	struct token_list *tokens;
	char *text, left[64];
	size_t n = 0, lines = 0;

	assert_int_equal(tokens_cut(mem, row->text, strlen(row->text), faults, &tokens), 0);
	tokens_remove_statement(tokens, row->statement);
	text = tokens_text(mem, tokens);
	for (const char *p = text; *p; p++) {
		lines += *p == '\n';
		if (*p != '\n')
			left[n++] = *p;
	}
	left[n] = '\0';
	assert_string_equal(left, row->want);
	assert_int_equal(lines, tokens->count);
	talloc_free(mem);
}

static void test_any(void **state)
{
	static const char *const words[] = { "{", "}", "=", "\"", "'", "\\", "/*", "*/", "#", "\n", "a", "$", "${", "\\x", NULL };
	uint32_t seed = 1;
	char room[200];

	(void)state;
	for (int i = 0; i < 3000; i++) {
		void *mem = talloc_new(NULL);
		struct fault_list *faults = faults_new(mem, "t");
		struct view text = guarded(test_noise(&seed, words, room, sizeof room));
		struct token_list *tokens;
		int r = tokens_cut(mem, text.p, text.n, faults, &tokens);

		assert_true(r == 0 || (r == -EINVAL && faults_count(faults) > 0));
		guarded_free(text);
		talloc_free(mem);
	}
}

int main(void)
{
	TEST_ROWS(rows, test_cut);
	TEST_ROWS(remove_rows, test_remove);
	test_add("no text is read beyond its end", test_any);
	return test_run("conf_tokens");
}
