/* Addresses that an answer may go to. */
#include "milter/mailbox.h"

#include "t/unit/support.h"

#include <talloc.h>

static const struct valid_row {
	const char *name;
	struct view in;
	bool valid;
} valid_rows[] = {
	{ "dot-string", VIEW_INIT("joe.doe+tag@example.com"), true },
	{ "all of atext", VIEW_INIT("!#$%&'*+-/=?^_`{|}~@example.com"), true },
	{ "a hyphen first", VIEW_INIT("-f@example.com"), true },
	{ "quoted string", VIEW_INIT("\"joe doe\"@example.com"), true },
	{ "quoted at sign", VIEW_INIT("\"a@b\"@example.com"), true },
	{ "quoted pair", VIEW_INIT("\"a\\\"b\\\\\"@example.com"), true },
	{ "UTF-8 (RFC 6531)", VIEW_INIT("j\xc3\xb6rg@b\xc3\xbc" "cher.example"), true },
	{ "no domain", VIEW_INIT("joe"), false },
	{ "empty domain", VIEW_INIT("joe@"), false },
	{ "empty local part", VIEW_INIT("@example.com"), false },
	{ "nothing", VIEW_INIT(""), false },
	{ "two dots", VIEW_INIT("a..b@example.com"), false },
	{ "a blank", VIEW_INIT("a b@example.com"), false },
	{ "two addresses", VIEW_INIT("a@example.com,b@example.com"), false },
	{ "a route", VIEW_INIT("@a.example,@b.example:joe@example.com"), false },
	{ "a line end", VIEW_INIT("a\nTo: b@example.com"), false },
	{ "a quoted line end", VIEW_INIT("\"a\n\"@example.com"), false },
	{ "a NUL", VIEW_INIT("a\0b@example.com"), false },
	{ "an open quote", VIEW_INIT("\"a@example.com"), false },
	{ "a backslash before the last quote", VIEW_INIT("\"a\\\"@example.com"), false },
	{ "a quote inside", VIEW_INIT("\"a\"b\"@example.com"), false },
	{ "no UTF-8", VIEW_INIT("j\xf6rg@example.com"), false },
	{ "an address literal", VIEW_INIT("joe@[192.0.2.1]"), false },
	{ "angle brackets", VIEW_INIT("<joe@example.com>"), false },
};

static void test_valid(void **state)
{
	const struct valid_row *row = *state;
	struct view in = guarded(row->in);

	assert_int_equal(mailbox_is_valid(in), row->valid);
	guarded_free(in);
}

static void test_length(void **state)
{
	char text[MAILBOX_MAX + 2];

	(void)state;
	memset(text, 'a', sizeof text);
	memcpy(text + MAILBOX_MAX + 1 - 12, "@example.com", 12);
	assert_true(mailbox_is_valid((struct view){ text + 1, MAILBOX_MAX }));
	assert_false(mailbox_is_valid((struct view){ text, MAILBOX_MAX + 1 }));
}

static const struct key_row {
	const char *name;
	struct view in;
	const char *key;
} key_rows[] = {
	{ "case", VIEW_INIT("Joe@Example.COM"), "joe@example.com" },
	{ "detail", VIEW_INIT("joe+a+b@example.com"), "joe@example.com" },
	{ "quotes", VIEW_INIT("\"j\\oe\"@example.com"), "joe@example.com" },
	{ "plus in the domain stays", VIEW_INIT("joe@a+b"), "joe@a+b" },
	{ "nothing", VIEW_INIT(""), "" },
};

static void test_key(void **state)
{
	const struct key_row *row = *state;
	void *mem = talloc_new(NULL);

	assert_string_equal(mailbox_key(mem, row->in), row->key);
	talloc_free(mem);
}

static void test_local(void **state)
{
	(void)state;
	assert_true(view_eq(mailbox_local(VIEW("\"a@b\"@c")), VIEW("\"a@b\"")));
	assert_true(view_eq(mailbox_local(VIEW("abc")), VIEW("abc")));
}

int main(void)
{
	TEST_ROWS(valid_rows, test_valid);
	test_add("length", test_length);
	TEST_ROWS(key_rows, test_key);
	test_add("local part", test_local);
	return test_run("mailbox");
}
