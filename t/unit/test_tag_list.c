#include "dkim/tag_list.h"
#include "t/unit/support.h"

#include <stdio.h>

struct row {
	const char *name;
	struct view text;
	enum tag_list_reason want;
	size_t count;          /* of tags, when OK */
	const char *bad;       /* tag-spec at fault, otherwise */
};

static const struct row rows[] = {
	{ "R1 one tag", VIEW_INIT("v=1"), TAG_LIST_OK, 1, NULL },
	{ "R5 a single last semicolon is optional", VIEW_INIT("v=1; a=b;"), TAG_LIST_OK, 2, NULL },
	{ "R5 FWS behind the last semicolon", VIEW_INIT("v=1; a=b; \r\n\t"), TAG_LIST_OK, 2, NULL },
	{ "R5 an empty tag-spec inside", VIEW_INIT("v=1;;a=b"), TAG_LIST_SYNTAX, 0, "" },
	{ "R5 two semicolons at the end", VIEW_INIT("v=1;;"), TAG_LIST_SYNTAX, 0, "" },
	{ "R5 a blank tag-spec inside", VIEW_INIT("v=1; ;a=b"), TAG_LIST_SYNTAX, 0, " " },
	{ "R5 a semicolon at the start", VIEW_INIT(";v=1"), TAG_LIST_SYNTAX, 0, "" },
	{ "R5 nothing at all", { NULL, 0 }, TAG_LIST_SYNTAX, 0, "" },
	{ "R5 only FWS", VIEW_INIT(" \r\n "), TAG_LIST_SYNTAX, 0, " \r\n " },
	{ "R5 only a semicolon", VIEW_INIT(";"), TAG_LIST_SYNTAX, 0, "" },
	{ "R3 a duplicate tag spoils the list", VIEW_INIT("d=x; d=x"), TAG_LIST_DUPLICATE, 0, " d=x" },
	{ "R3 a duplicate unknown tag does too", VIEW_INIT("d=x; zz=1; q=2; zz=3"), TAG_LIST_DUPLICATE, 0, " zz=3" },
	{ "R2 names that differ in case are not duplicates", VIEW_INIT("v=1;V=2"), TAG_LIST_OK, 2, NULL },
	{ "R4 unknown tags are kept", VIEW_INIT("x_1=2; Foo=bar"), TAG_LIST_OK, 2, NULL },
	{ "R6 FWS around name, sign and value", VIEW_INIT(" \r\n\tb \t= \r\n x y\t ; c\r\n =\r\n d "), TAG_LIST_OK, 2, NULL },
	{ "R6 FWS of several folds", VIEW_INIT("b=\r\n \r\n\tx"), TAG_LIST_OK, 1, NULL },
	{ "R6 an empty value", VIEW_INIT("b=;c="), TAG_LIST_OK, 2, NULL },
	{ "R6 further equal signs belong to the value", VIEW_INIT("b=a=b=="), TAG_LIST_OK, 1, NULL },
	{ "no equal sign", VIEW_INIT("v=1; abc"), TAG_LIST_SYNTAX, 0, " abc" },
	{ "no name", VIEW_INIT("v=1; =abc"), TAG_LIST_SYNTAX, 0, " =abc" },
	{ "a name begins with a letter", VIEW_INIT("1a=b"), TAG_LIST_SYNTAX, 0, "1a=b" },
	{ "a name does not begin with an underscore", VIEW_INIT("_a=b"), TAG_LIST_SYNTAX, 0, "_a=b" },
	{ "a name has no hyphen", VIEW_INIT("a-b=c"), TAG_LIST_SYNTAX, 0, "a-b=c" },
	{ "a name has no blank inside", VIEW_INIT("a b=c"), TAG_LIST_SYNTAX, 0, "a b=c" },
	{ "R29 a name has no 8-bit octets", VIEW_INIT("\xc3\xa4=c"), TAG_LIST_SYNTAX, 0, "\xc3\xa4=c" },
	{ "R29 a value may have 8-bit octets: whoever uses it judges", VIEW_INIT("d=\xc3\xa4.example"), TAG_LIST_OK, 1, NULL },
	{ "a value has no NUL", VIEW_INIT("a=b\0c"), TAG_LIST_SYNTAX, 0, NULL },
	{ "a value has no control octets", VIEW_INIT("a=b\x1f" "c"), TAG_LIST_SYNTAX, 0, "a=b\x1f" "c" },
	{ "a value has no DEL", VIEW_INIT("a=b\x7f"), TAG_LIST_SYNTAX, 0, "a=b\x7f" },
	{ "a bare LF is no fold", VIEW_INIT("a=b\n c"), TAG_LIST_SYNTAX, 0, "a=b\n c" },
	{ "a bare CR is no fold", VIEW_INIT("a=b\r c"), TAG_LIST_SYNTAX, 0, "a=b\r c" },
	{ "a CRLF without a blank behind is no fold", VIEW_INIT("a=b\r\nc"), TAG_LIST_SYNTAX, 0, "a=b\r\nc" },
	{ "a CRLF at the very end is no fold", VIEW_INIT("a=b\r\n"), TAG_LIST_SYNTAX, 0, "a=b\r\n" },
	{ "a bare LF around the name is no fold", VIEW_INIT("\na=b"), TAG_LIST_SYNTAX, 0, "\na=b" },
};

static void test_parse(void **state)
{
	const struct row *row = *state;
	struct view text = guarded(row->text);
	struct view bad = VIEW("untouched");
	struct tag_list list = { .count = 4711 };

	assert_int_equal(tag_list_parse(text, &list, &bad), row->want);
	assert_int_equal(tag_list_parse(text, &list, NULL), row->want);
	assert_int_equal(list.count, row->want == TAG_LIST_OK ? row->count : 4711);
	if (row->bad)
		assert_true(view_eq(bad, view_of(row->bad)));
	if (row->want == TAG_LIST_OK)
		assert_true(view_eq(bad, VIEW("untouched")));
	guarded_free(text);
}

static void test_parts(void **state)
{
	struct tag_list list;
	const struct tag *tag;

	(void)state;
	assert_int_equal(tag_list_parse(VIEW(" b \r\n = \r\n\tAA\r\n BB== ; B=c;d="), &list, NULL), TAG_LIST_OK);
	tag = tag_list_find(&list, "b");
	assert_ptr_equal(tag, &list.tag[0]);
	assert_true(view_eq(tag->name, VIEW("b")));
	assert_true(view_eq(tag->value, VIEW("AA\r\n BB==")));
	assert_true(view_eq(tag->raw, VIEW(" \r\n\tAA\r\n BB== ")));
	assert_true(view_eq(tag_list_find(&list, "B")->value, VIEW("c")));
	assert_int_equal(tag_list_find(&list, "d")->raw.n, 0);
	assert_null(tag_list_find(&list, "D"));
	assert_null(tag_list_find(&list, ""));
}

static void test_too_many(void **state)
{
	char text[TAG_LIST_MAX * 8 + 8];
	struct tag_list list;
	size_t n = 0;

	(void)state;
	for (int i = 0; i < TAG_LIST_MAX; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, "t%d=1;", i);
	assert_int_equal(tag_list_parse((struct view){ text, n }, &list, NULL), TAG_LIST_OK);
	assert_int_equal(list.count, TAG_LIST_MAX);
	n += (size_t)snprintf(text + n, sizeof text - n, "u=1");
	assert_int_equal(tag_list_parse((struct view){ text, n }, &list, NULL), TAG_LIST_TOO_MANY);
}

static bool is_inside(struct view part, struct view whole)
{
	return part.p >= whole.p && part.p + part.n <= whole.p + whole.n;
}

static void test_noise_lists(void **state)
{
	static const char *const words[] = { "v=1", ";", "; ", "=", "\r\n ", "a=b;", "bh", " ", "\r\n", "d=e;", "f_1=" , NULL };
	uint32_t seed = 32;
	char room[60];

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct view text = guarded(test_noise(&seed, words, room, sizeof room));
		struct view bad = text;
		struct tag_list list;

		if (tag_list_parse(text, &list, &bad) == TAG_LIST_OK)
			for (size_t k = 0; k < list.count; k++)
				assert_true(is_inside(list.tag[k].raw, text) && is_inside(list.tag[k].value, list.tag[k].raw));
		assert_true(is_inside(bad, text));
		guarded_free(text);
	}
}

int main(void)
{
	TEST_ROWS(rows, test_parse);
	test_add("R7 raw is all between the sign and the semicolon", test_parts);
	test_add("more tags than TAG_LIST_MAX", test_too_many);
	test_add("noise: every view lies inside the text", test_noise_lists);
	return test_run("tag_list");
}
