#include "dkim/view.h"
#include "t/unit/support.h"

#include <talloc.h>

static const struct view nothing = { NULL, 0 };

static void test_of(void **state)
{
	(void)state;
	assert_true(view_eq(view_of("abc"), VIEW("abc")));
	assert_true(view_eq(view_of(""), nothing));
	assert_null(view_of(NULL).p);
	assert_int_equal(view_of(NULL).n, 0);
}

static void test_eq(void **state)
{
	(void)state;
	assert_true(view_eq(VIEW("a\0b"), VIEW("a\0b")));
	assert_false(view_eq(VIEW("a\0b"), VIEW("a\0c")));
	assert_false(view_eq(VIEW("a"), VIEW("ab")));
	assert_false(view_eq(VIEW("a"), VIEW("A")));
	assert_true(view_eq(nothing, VIEW("")));
}

static void test_eq_nocase(void **state)
{
	(void)state;
	assert_true(view_eq_nocase(VIEW("From-1"), VIEW("fROM-1")));
	assert_false(view_eq_nocase(VIEW("From"), VIEW("Fro")));
	assert_false(view_eq_nocase(VIEW("["), VIEW("{")));
	assert_false(view_eq_nocase(VIEW("@"), VIEW("`")));
	assert_false(view_eq_nocase(VIEW("\xc4"), VIEW("\xe4")));
	assert_true(view_eq_nocase(nothing, nothing));
}

static void test_slice(void **state)
{
	struct view v = VIEW("abcdef");

	(void)state;
	assert_true(view_eq(view_slice(v, 1, 3), VIEW("bc")));
	assert_true(view_eq(view_slice(v, 4, 100), VIEW("ef")));
	assert_int_equal(view_slice(v, 100, 200).n, 0);
	assert_int_equal(view_slice(v, 3, 2).n, 0);
	assert_null(view_slice(nothing, 1, 2).p);
}

static void test_find(void **state)
{
	(void)state;
	assert_int_equal(view_find(VIEW("a:b:c"), ':'), 1);
	assert_int_equal(view_find(VIEW("abc"), ':'), 3);
	assert_int_equal(view_find(VIEW("ab\0"), '\0'), 2);
	assert_int_equal(view_find(nothing, ':'), 0);
}

static void test_trim(void **state)
{
	(void)state;
	assert_true(view_eq(view_trim_fws(VIEW(" \t\r\n a b \r\n\t")), VIEW("a b")));
	assert_true(view_eq(view_trim_fws(VIEW("\va\f")), VIEW("\va\f")));
	assert_int_equal(view_trim_fws(VIEW(" \r\n ")).n, 0);
	assert_int_equal(view_trim_fws(nothing).n, 0);
}

static void test_next(void **state)
{
	struct view rest = VIEW("a::bc:");
	struct view item;

	(void)state;
	assert_true(view_next(&rest, ':', &item) && view_eq(item, VIEW("a")));
	assert_true(view_next(&rest, ':', &item) && item.n == 0);
	assert_true(view_next(&rest, ':', &item) && view_eq(item, VIEW("bc")));
	assert_true(view_next(&rest, ':', &item) && item.n == 0);
	assert_null(rest.p);
	assert_false(view_next(&rest, ':', &item));
	rest = VIEW("");
	assert_true(view_next(&rest, ':', &item) && item.n == 0);
	assert_false(view_next(&rest, ':', &item));
	rest = nothing;
	assert_false(view_next(&rest, ':', &item));
}

struct utf8_row {
	const char *name;
	struct view text;
	bool want;
};

static const struct utf8_row utf8_rows[] = {
	{ "R108 ASCII is UTF-8", VIEW_INIT("abc\0\x7f"), true },
	{ "R108 two, three and four octets", VIEW_INIT("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf"), true },
	{ "R110 a lone continuation octet", VIEW_INIT("a\x80"), false },
	{ "R110 cut short", VIEW_INIT("\xe2\x82"), false },
	{ "R110 cut short by ASCII", VIEW_INIT("\xc3(x"), false },
	{ "R110 overlong two", VIEW_INIT("\xc0\xaf"), false },
	{ "R110 overlong three", VIEW_INIT("\xe0\x80\xaf"), false },
	{ "R110 overlong four", VIEW_INIT("\xf0\x80\x80\xaf"), false },
	{ "R110 a surrogate", VIEW_INIT("\xed\xa0\x80"), false },
	{ "R110 the last before the surrogates", VIEW_INIT("\xed\x9f\xbf"), true },
	{ "R110 beyond U+10FFFF", VIEW_INIT("\xf4\x90\x80\x80"), false },
	{ "R110 octets that UTF-8 never has", VIEW_INIT("\xff"), false },
	{ "R110 a first octet that UTF-8 never has", VIEW_INIT("\xf5\x80\x80\x80"), false },
	{ "R108 nothing is UTF-8", { NULL, 0 }, true },
};

static void test_utf8(void **state)
{
	const struct utf8_row *row = *state;
	struct view text = guarded(row->text);

	assert_int_equal(view_is_utf8(text), row->want);
	guarded_free(text);
}

struct escape_row {
	const char *name;
	struct view text;
	size_t maximum;
	const char *want;
};

static const struct escape_row escape_rows[] = {
	{ "printable octets stay", VIEW_INIT("a b~!"), 100, "a b~!" },
	{ "backslash and quote are escaped", VIEW_INIT("a\\\"b"), 100, "a\\\\\\\"b" },
	{ "control octets have names or numbers", VIEW_INIT("\t\r\n\0\x1b\x7f"), 100, "\\t\\r\\n\\x00\\x1b\\x7f" },
	{ "8-bit octets have numbers", VIEW_INIT("\x80\xff"), 100, "\\x80\\xff" },
	{ "a long view is cut", VIEW_INIT("abcdef"), 3, "abc..." },
	{ "an exact fit is not cut", VIEW_INIT("abc"), 3, "abc" },
	{ "every octet may need four", VIEW_INIT("\1\2\3\4x"), 4, "\\x01\\x02\\x03\\x04..." },
	{ "nothing stays nothing", { NULL, 0 }, 3, "" },
};

static void test_escape(void **state)
{
	const struct escape_row *row = *state;
	struct view text = guarded(row->text);
	char *got = view_escape(NULL, text, row->maximum);

	assert_non_null(got);
	assert_string_equal(got, row->want);
	talloc_free(got);
	guarded_free(text);
}

static void test_string(void **state)
{
	struct view text = guarded(VIEW("abc"));
	void *mem = talloc_new(NULL);

	(void)state;
	assert_string_equal(view_string(mem, text), "abc");
	assert_string_equal(view_string(mem, nothing), "");
	assert_null(view_string(mem, VIEW("a\0b")));
	talloc_free(mem);
	guarded_free(text);
}

int main(void)
{
	test_add("a view of a C string", test_of);
	test_add("equal octets", test_eq);
	test_add("R17 equal but for the case of ASCII letters", test_eq_nocase);
	test_add("a slice is cut to its view", test_slice);
	test_add("find an octet", test_find);
	test_add("R6 FWS at both ends goes, no other white space", test_trim);
	test_add("R18 items of a list, empty ones too", test_next);
	TEST_ROWS(utf8_rows, test_utf8);
	TEST_ROWS(escape_rows, test_escape);
	test_add("a C string of a view, never with a NUL inside", test_string);
	return test_run("view");
}
