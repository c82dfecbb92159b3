/* The pieces of JSON. */
#include "milter/json.h"

#include "t/unit/support.h"

#include <talloc.h>

struct row {
	const char *name;
	struct view in;
	const char *out;
};

static const struct row rows[] = {
	{ "plain", VIEW_INIT("abc ~"), "\"abc ~\"" },
	{ "nothing", VIEW_INIT(""), "\"\"" },
	{ "quote and backslash", VIEW_INIT("a\"b\\"), "\"a\\\"b\\\\\"" },
	{ "control octets", VIEW_INIT("\0\r\n\x1f\x7f"), "\"\\u0000\\u000d\\u000a\\u001f\\u007f\"" },
	{ "an octet above 127 is the character of that number", VIEW_INIT("\x80\xff"), "\"\\u0080\\u00ff\"" },
};

static void test_string(void **state)
{
	const struct row *row = *state;
	struct view in = guarded(row->in);
	void *mem = talloc_new(NULL);
	struct buf out;

	buf_init(&out, mem, 1000);
	json_string(&out, in);
	assert_string_equal(buf_string(&out), row->out);
	talloc_free(mem);
	guarded_free(in);
}

static void test_commas(void **state)
{
	void *mem = talloc_new(NULL);
	struct buf out;

	(void)state;
	buf_init(&out, mem, 1000);
	buf_add_char(&out, '{');
	json_member(&out, "a", VIEW("{"));
	json_member(&out, "b", VIEW("["));
	json_name(&out, "c");
	buf_add_char(&out, '[');
	for (int i = 0; i < 3; i++) {
		json_separate(&out);
		buf_printf(&out, "%d", i);
	}
	buf_add_string(&out, "]");
	json_text(&out, "d", NULL);
	json_text(&out, "e", "\"");
	json_number(&out, "f", UINT64_MAX);
	json_bool(&out, "g", true);
	json_bool(&out, "h", false);
	buf_add_char(&out, '}');
	assert_string_equal(buf_string(&out), "{\"a\":\"{\",\"b\":\"[\",\"c\":[0,1,2],\"d\":null,\"e\":\"\\\"\","
	                                      "\"f\":18446744073709551615,\"g\":true,\"h\":false}");
	talloc_free(mem);
}

int main(void)
{
	TEST_ROWS(rows, test_string);
	test_add("commas", test_commas);
	return test_run("json");
}
