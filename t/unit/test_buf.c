#include "dkim/buf.h"
#include "t/unit/support.h"

#include <errno.h>
#include <talloc.h>

static void test_append(void **state)
{
	void *mem = talloc_new(NULL);
	struct buf buf;

	(void)state;
	buf_init(&buf, mem, 1000);
	assert_string_equal(buf_string(&buf), "");
	assert_int_equal(buf_view(&buf).n, 0);
	buf_add(&buf, VIEW("a\0b"));
	buf_add_char(&buf, 'c');
	buf_add_string(&buf, "de");
	buf_printf(&buf, "%s-%d", "f", 7);
	assert_int_equal(buf_error(&buf), 0);
	assert_true(view_eq(buf_view(&buf), VIEW("a\0bcdef-7")));
	assert_int_equal(buf_string(&buf)[buf.n], '\0');
	talloc_free(mem);
}

static void test_growth(void **state)
{
	void *mem = talloc_new(NULL);
	struct buf buf;

	(void)state;
	buf_init(&buf, mem, 100000);
	for (int i = 0; i < 100000; i++) {
		buf_add_char(&buf, (char)i);
		assert_int_equal(buf_string(&buf)[buf.n], '\0');
	}
	assert_int_equal(buf_error(&buf), 0);
	for (int i = 0; i < 100000; i++)
		assert_int_equal(buf_view(&buf).p[i], (char)i);
	talloc_free(mem);
}

static void test_maximum(void **state)
{
	void *mem = talloc_new(NULL);
	struct buf buf;

	(void)state;
	buf_init(&buf, mem, 5);
	buf_add_string(&buf, "abcde");
	assert_int_equal(buf_error(&buf), 0);
	buf_add_char(&buf, 'f');
	assert_int_equal(buf_error(&buf), -EMSGSIZE);
	assert_string_equal(buf_string(&buf), "abcde");
	buf_clear(&buf);
	assert_int_equal(buf_error(&buf), 0);
	buf_add_string(&buf, "abcdef");
	assert_int_equal(buf_error(&buf), -EMSGSIZE);
	assert_string_equal(buf_string(&buf), "");
	talloc_free(mem);
}

static void test_error_sticks(void **state)
{
	void *mem = talloc_new(NULL);
	struct buf buf;

	(void)state;
	buf_init(&buf, mem, 3);
	buf_printf(&buf, "%s", "abcd");
	buf_add_char(&buf, 'x');
	buf_printf(&buf, "y");
	assert_int_equal(buf_error(&buf), -EMSGSIZE);
	assert_int_equal(buf_view(&buf).n, 0);
	talloc_free(mem);
}

static void test_cut(void **state)
{
	void *mem = talloc_new(NULL);
	struct buf buf;

	(void)state;
	buf_init(&buf, mem, 10);
	buf_cut(&buf, 0);
	assert_string_equal(buf_string(&buf), "");
	buf_add_string(&buf, "abc");
	buf_cut(&buf, 3);
	buf_cut(&buf, 100);
	assert_string_equal(buf_string(&buf), "abc");
	buf_cut(&buf, 1);
	assert_string_equal(buf_string(&buf), "a");
	assert_int_equal(buf_view(&buf).n, 1);
	talloc_free(mem);
}

static void test_reuse(void **state)
{
	void *mem = talloc_new(NULL);
	struct buf buf;

	(void)state;
	buf_init(&buf, mem, 10);
	buf_add_string(&buf, "abc");
	buf_free(&buf);
	assert_string_equal(buf_string(&buf), "");
	assert_int_equal(talloc_total_blocks(mem), 1);
	buf_add_string(&buf, "def");
	assert_string_equal(buf_string(&buf), "def");
	talloc_free(mem);
}

int main(void)
{
	test_add("octets of any value are appended", test_append);
	test_add("a buffer grows and always ends in NUL", test_growth);
	test_add("nothing beyond the maximum", test_maximum);
	test_add("an error sticks", test_error_sticks);
	test_add("octets are taken off the end", test_cut);
	test_add("a freed buffer holds no memory and works again", test_reuse);
	return test_run("buf");
}
