#include "dkim/header.h"
#include "t/unit/support.h"

#include <errno.h>
#include <stdio.h>
#include <talloc.h>
#include <time.h>

static struct header_list *new_list(void)
{
	struct header_list *list;

	assert_int_equal(header_list_new(NULL, NULL, &list), 0);
	return list;
}

static void add(struct header_list *list, const char *name, const char *value)
{
	assert_int_equal(header_list_add(list, view_of(name), view_of(value)), 0);
}

struct add_row {
	const char *title;
	struct view name, value;
	struct view raw, want_name, want_value;
};

static const struct add_row add_rows[] = {
	{ "R33 octets as received", VIEW_INIT("SubJect"), VIEW_INIT("  a\tb "),
	  VIEW_INIT("SubJect:  a\tb \r\n"), VIEW_INIT("SubJect"), VIEW_INIT("  a\tb ") },
	{ "R33 blanks before the colon stay in raw, not in the name", VIEW_INIT("Subject \t"), VIEW_INIT(" a"),
	  VIEW_INIT("Subject \t: a\r\n"), VIEW_INIT("Subject"), VIEW_INIT(" a") },
	{ "R36 an empty value", VIEW_INIT("X"), { NULL, 0 }, VIEW_INIT("X:\r\n"), VIEW_INIT("X"), VIEW_INIT("") },
	{ "R40 a fold of bare LF becomes CRLF", VIEW_INIT("X"), VIEW_INIT(" a;\n\tb;\n c"),
	  VIEW_INIT("X: a;\r\n\tb;\r\n c\r\n"), VIEW_INIT("X"), VIEW_INIT(" a;\r\n\tb;\r\n c") },
	{ "R40 a fold right after the colon", VIEW_INIT("X"), VIEW_INIT("\n a"), VIEW_INIT("X:\r\n a\r\n"), VIEW_INIT("X"), VIEW_INIT("\r\n a") },
	{ "R40 a fold of CRLF stays", VIEW_INIT("X"), VIEW_INIT(" a\r\n b"), VIEW_INIT("X: a\r\n b\r\n"), VIEW_INIT("X"), VIEW_INIT(" a\r\n b") },
	{ "R40 LF that no blank follows is data", VIEW_INIT("X"), VIEW_INIT("a\nb\n"), VIEW_INIT("X:a\nb\n\r\n"), VIEW_INIT("X"), VIEW_INIT("a\nb\n") },
	{ "R40 LF LF blank", VIEW_INIT("X"), VIEW_INIT("a\n\n b"), VIEW_INIT("X:a\n\r\n b\r\n"), VIEW_INIT("X"), VIEW_INIT("a\n\r\n b") },
	{ "R40 bare CR is data", VIEW_INIT("X"), VIEW_INIT("a\rb\r c"), VIEW_INIT("X:a\rb\r c\r\n"), VIEW_INIT("X"), VIEW_INIT("a\rb\r c") },
	{ "R38 NUL and 8-bit octets", VIEW_INIT("X"), VIEW_INIT("\0\xff"), VIEW_INIT("X:\0\xff\r\n"), VIEW_INIT("X"), VIEW_INIT("\0\xff") },
	{ "an empty name", { NULL, 0 }, VIEW_INIT("a"), VIEW_INIT(":a\r\n"), VIEW_INIT(""), VIEW_INIT("a") },
};

static void test_add_row(void **state)
{
	const struct add_row *row = *state;
	struct header_list *list = new_list();
	struct view name = guarded(row->name), value = guarded(row->value);
	const struct header_field *field;

	assert_int_equal(header_list_add(list, name, value), 0);
	guarded_free(name);
	guarded_free(value);
	field = header_list_at(list, 0);
	assert_true(view_eq(field->raw, row->raw));
	assert_true(view_eq(field->name, row->want_name));
	assert_true(view_eq(field->value, row->want_value));
	assert_int_equal(header_list_octets(list), row->raw.n);
	talloc_free(list);
}

struct parse_row {
	const char *name;
	struct view message;
	const char *fields[4]; /* raw */
	struct view body;
};

static const struct parse_row parse_rows[] = {
	{ "fields, folds and a body", VIEW_INIT("A: 1\r\nB: 2\r\n\t3\r\n  \r\nC:4\r\n\r\nbody\r\n"),
	  { "A: 1\r\n", "B: 2\r\n\t3\r\n  \r\n", "C:4\r\n" }, VIEW_INIT("body\r\n") },
	{ "no empty line", VIEW_INIT("A: 1\r\n"), { "A: 1\r\n" }, VIEW_INIT("") },
	{ "no last CRLF", VIEW_INIT("A: 1\r\nB: 2"), { "A: 1\r\n", "B: 2\r\n" }, VIEW_INIT("") },
	{ "an empty body", VIEW_INIT("A: 1\r\n\r\n"), { "A: 1\r\n" }, VIEW_INIT("") },
	{ "no header", VIEW_INIT("\r\nbody"), { NULL }, VIEW_INIT("body") },
	{ "nothing", { NULL, 0 }, { NULL }, VIEW_INIT("") },
	{ "the body begins with empty lines", VIEW_INIT("A: 1\r\n\r\n\r\n\r\nx"), { "A: 1\r\n" }, VIEW_INIT("\r\n\r\nx") },
	{ "a line without colon ends the header and belongs to the body", VIEW_INIT("A: 1\r\nbody\r\nB: 2\r\n"),
	  { "A: 1\r\n" }, VIEW_INIT("body\r\nB: 2\r\n") },
	{ "a name with a blank inside is none", VIEW_INIT("A: 1\r\nFrom a@example.com Mon 10:00\r\n"),
	  { "A: 1\r\n" }, VIEW_INIT("From a@example.com Mon 10:00\r\n") },
	{ "a name with an 8-bit octet is none", VIEW_INIT("\xc3\xa4: 1\r\n"), { NULL }, VIEW_INIT("\xc3\xa4: 1\r\n") },
	{ "an empty name is none", VIEW_INIT("A: 1\r\n: 2\r\n"), { "A: 1\r\n" }, VIEW_INIT(": 2\r\n") },
	{ "a fold at the very start is none", VIEW_INIT(" a: 1\r\n"), { NULL }, VIEW_INIT(" a: 1\r\n") },
	{ "R34 blanks before the colon", VIEW_INIT("A \t: 1\r\n"), { "A \t: 1\r\n" }, VIEW_INIT("") },
	{ "R33 bare LF and CR are data", VIEW_INIT("A: 1\nB: 2\r3\n 4\r\n\r\n"), { "A: 1\nB: 2\r3\n 4\r\n" }, VIEW_INIT("") },
	{ "a bare LF does not end the header", VIEW_INIT("A: 1\r\n\n\r\n"), { "A: 1\r\n" }, VIEW_INIT("\n\r\n") },
	{ "a line of one LF", VIEW_INIT("\n"), { NULL }, VIEW_INIT("\n") },
	{ "a line of one CR", VIEW_INIT("A:\r"), { "A:\r\r\n" }, VIEW_INIT("") },
};

static void test_parse_row(void **state)
{
	const struct parse_row *row = *state;
	struct header_list *list = new_list();
	struct view message = guarded(row->message);
	struct view body;
	size_t count = 0;

	assert_int_equal(header_list_parse(list, message, &body), 0);
	assert_true(view_eq(body, row->body));
	guarded_free(message);
	for (; count < 4 && row->fields[count]; count++) {
		assert_true(count < header_list_count(list));
		assert_true(view_eq(header_list_at(list, count)->raw, view_of(row->fields[count])));
	}
	assert_int_equal(header_list_count(list), count);
	talloc_free(list);
}

static void test_from_bottom(void **state)
{
	struct header_list *list = new_list();
	const struct header_field *skip;
	char value[2] = "0";

	(void)state;
	assert_null(header_list_from_bottom(list, VIEW("a"), 0, NULL));
	for (; value[0] < '4'; value[0]++) {
		add(list, value[0] % 2 ? "Name" : "nAME", value);
		add(list, "Other", "x");
	}
	assert_int_equal(header_list_count_name(list, VIEW("name")), 4);
	assert_int_equal(header_list_count_name(list, VIEW("nam")), 0);
	for (size_t below = 0; below < 4; below++)
		assert_int_equal(header_list_from_bottom(list, VIEW("NAME"), below, NULL)->value.p[0], '3' - below);
	assert_null(header_list_from_bottom(list, VIEW("NAME"), 4, NULL));
	skip = header_list_from_bottom(list, VIEW("NAME"), 1, NULL);
	assert_int_equal(header_list_from_bottom(list, VIEW("NAME"), 0, skip)->value.p[0], '3');
	assert_int_equal(header_list_from_bottom(list, VIEW("NAME"), 1, skip)->value.p[0], '1');
	assert_null(header_list_from_bottom(list, VIEW("NAME"), 3, skip));
	skip = header_list_from_bottom(list, VIEW("NAME"), 0, NULL);
	assert_int_equal(header_list_from_bottom(list, VIEW("NAME"), 0, skip)->value.p[0], '2');
	talloc_free(list);
}

static void test_selection(void **state)
{
	struct header_list *list = new_list();
	struct header_selection *selection;

	(void)state;
	add(list, "A", "1");
	add(list, "B", "2");
	add(list, "a", "3");
	add(list, "A", "4");
	assert_int_equal(header_selection_new(list, list, header_list_at(list, 2), &selection), 0);
	assert_ptr_equal(header_selection_next(selection, VIEW("a")), header_list_at(list, 3));
	assert_ptr_equal(header_selection_next(selection, VIEW("B")), header_list_at(list, 1));
	assert_null(header_selection_next(selection, VIEW("C")));
	assert_ptr_equal(header_selection_next(selection, VIEW("A")), header_list_at(list, 0));
	assert_null(header_selection_next(selection, VIEW("A")));
	assert_null(header_selection_next(selection, VIEW("A")));
	assert_null(header_selection_next(selection, VIEW("b")));
	talloc_free(list);
}

static void test_limits(void **state)
{
	static const struct header_limits limits = { 3, 20 };
	struct header_list *list;
	struct view body = VIEW("untouched");

	(void)state;
	assert_int_equal(header_list_new(NULL, &limits, &list), 0);
	assert_int_equal(header_list_add(list, VIEW("A"), VIEW("0123456789")), 0); /* 14 */
	assert_int_equal(header_list_add(list, VIEW("B"), VIEW("123")), -EMSGSIZE);
	assert_int_equal(header_list_add(list, VIEW("B"), VIEW("\n 1")), -EMSGSIZE);
	assert_int_equal(header_list_add(list, VIEW("0123456789012345678901"), VIEW("")), -EMSGSIZE);
	assert_int_equal(header_list_count(list), 1);
	assert_int_equal(header_list_count_name(list, VIEW("B")), 0);
	assert_int_equal(header_list_add(list, VIEW("B"), VIEW("12")), 0);
	assert_int_equal(header_list_octets(list), 20);
	assert_int_equal(header_list_add(list, VIEW(""), VIEW("")), -EMSGSIZE);
	talloc_free(list);
	assert_int_equal(header_list_new(NULL, &limits, &list), 0);
	assert_int_equal(header_list_parse(list, VIEW("A:\r\nB:\r\nC:\r\nD:\r\n\r\n"), &body), -E2BIG);
	assert_int_equal(header_list_count(list), 3);
	assert_true(view_eq(body, VIEW("untouched")));
	talloc_free(list);
}

static void test_long_field(void **state)
{
	struct header_list *list = new_list();
	static char value[500000];

	(void)state;
	memset(value, 'x', sizeof value);
	assert_int_equal(header_list_add(list, VIEW("X"), (struct view){ value, sizeof value }), 0);
	assert_true(view_eq(header_list_at(list, 0)->value, (struct view){ value, sizeof value }));
	talloc_free(list);
}

/* Ten thousand names, or ten thousand times one name: every instance in its place, and in no time. */
static void test_many(size_t names)
{
	struct header_list *list = new_list();
	struct header_selection *selection;
	clock_t start = clock();
	char name[40];

	for (size_t i = 0; i < HEADER_FIELDS_MAX; i++) {
		(void)snprintf(name, sizeof name, "%s%zu", i / names % 2 ? "x-NAME" : "X-name", i % names);
		add(list, name, "value");
	}
	assert_int_equal(header_list_add(list, VIEW("X"), VIEW("")), -E2BIG);
	assert_int_equal(header_selection_new(list, list, NULL, &selection), 0);
	for (size_t i = HEADER_FIELDS_MAX; i-- > 0; ) {
		(void)snprintf(name, sizeof name, "x-name%zu", i % names);
		assert_ptr_equal(header_selection_next(selection, view_of(name)), header_list_at(list, i));
		assert_int_equal(header_list_count_name(list, view_of(name)), HEADER_FIELDS_MAX / names);
	}
	for (size_t i = 0; i < 10 * HEADER_FIELDS_MAX; i++)
		assert_null(header_selection_next(selection, VIEW("x-name0")));
	assert_true(clock() - start < CLOCKS_PER_SEC * 2);
	talloc_free(list);
}

static void test_many_names(void **state)
{
	(void)state;
	test_many(HEADER_FIELDS_MAX);
}

static void test_one_name(void **state)
{
	(void)state;
	test_many(1);
}

static void test_long_names(void **state)
{
	struct header_list *list = new_list();
	char name[300];

	(void)state;
	memset(name, 'n', sizeof name);
	for (size_t n = 1; n <= sizeof name; n++)
		assert_int_equal(header_list_add(list, (struct view){ name, n }, VIEW("v")), 0);
	memset(name, 'N', sizeof name);
	for (size_t n = 1; n <= sizeof name; n++)
		assert_ptr_equal(header_list_from_bottom(list, (struct view){ name, n }, 0, NULL), header_list_at(list, n - 1));
	talloc_free(list);
}

/* Whatever comes: the raw fields and the body are the message again. */
static void test_noise_messages(void **state)
{
	static const char *const words[] = { "A: 1\r\n", "b", ":", "\r\n", "\r\n ", "\r\n\r\n", "From: x\r\n", " ", "\t", "\n", "\r", NULL };
	uint32_t seed = 5322;
	char room[80];

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct view message = guarded(test_noise(&seed, words, room, sizeof room));
		struct header_list *list = new_list();
		struct view body;
		size_t at = 0;

		assert_int_equal(header_list_parse(list, message, &body), 0);
		for (size_t k = 0; k < header_list_count(list); k++) {
			struct view raw = header_list_at(list, k)->raw;
			struct view there = view_slice(message, at, at + raw.n);

			assert_true(view_eq(there, view_slice(raw, 0, there.n)) && there.n + 2 >= raw.n);
			at += there.n;
		}
		assert_true(view_eq(body, view_slice(message, message.n - body.n, message.n)));
		assert_true(message.n - body.n - at == 0 || message.n - body.n - at == 2);
		talloc_free(list);
		guarded_free(message);
	}
}

int main(void)
{
	TEST_ROWS(add_rows, test_add_row);
	TEST_ROWS(parse_rows, test_parse_row);
	test_add("R31 instances from the bottom, R20 one field left out", test_from_bottom);
	test_add("R31 a selection takes each instance once", test_selection);
	test_add("limits of fields and octets", test_limits);
	test_add("R41 a field of 500,000 octets", test_long_field);
	test_add("ten thousand names", test_many_names);
	test_add("ten thousand times one name", test_one_name);
	test_add("names of many lengths", test_long_names);
	test_add("noise: fields and body are the message again", test_noise_messages);
	return test_run("header");
}
