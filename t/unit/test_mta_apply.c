/* A message after a filter's changes, with Postfix's rules of counting. */
#include "milter/mta_apply.h"

#include "t/unit/support.h"

#include <errno.h>
#include <talloc.h>

#define CHANGES_MAX 4
#define HEADER "A: 1\r\nB: 2\r\na: 3\r\n\tfold\r\n"
#define BODY "\r\nbody\r\n"

#define HEADER_CHANGE(k, i, n, v) { .kind = MTA_##k##_HEADER, .index = (i), .name = VIEW_INIT(n), .value = VIEW_INIT(v) }
#define NEW_BODY(v) { .kind = MTA_REPLACE_BODY, .value = VIEW_INIT(v) }

struct row {
	const char *name;
	struct mta_change changes[CHANGES_MAX];
	size_t count;
	bool leading_space;
	const char *wanted;
};

static const struct row rows[] = {
	{ "nothing", { NEW_BODY("") }, 0, true, HEADER BODY },
	{ "with leading space the value comes as it is", { HEADER_CHANGE(ADD, 0, "X", "v") }, 1, true, HEADER "X:v\r\n" BODY },
	{ "without, one space is put in front", { HEADER_CHANGE(ADD, 0, "X", "v") }, 1, false, HEADER "X: v\r\n" BODY },
	{ "R40 a fold becomes CRLF", { HEADER_CHANGE(ADD, 0, "X", " a;\n\tb") }, 1, true, HEADER "X: a;\r\n\tb\r\n" BODY },
	{ "a fold of CRLF becomes CR CR LF", { HEADER_CHANGE(ADD, 0, "X", " a\r\n\tb") }, 1, true, HEADER "X: a\r\r\n\tb\r\n" BODY },
	{ "insert at 0: above the MTA's own Received", { HEADER_CHANGE(INSERT, 0, "X", " v") }, 1, true, "X: v\r\n" HEADER BODY },
	{ "insert at 1: below it", { HEADER_CHANGE(INSERT, 1, "X", " v") }, 1, true, "X: v\r\n" HEADER BODY },
	{ "insert at 2: below our first field", { HEADER_CHANGE(INSERT, 2, "X", " v") }, 1, true,
	  "A: 1\r\nX: v\r\nB: 2\r\na: 3\r\n\tfold\r\n" BODY },
	{ "insert far below: at the end", { HEADER_CHANGE(INSERT, 99, "X", " v") }, 1, true, HEADER "X: v\r\n" BODY },
	{ "twice at 0: the last stands on top", { HEADER_CHANGE(INSERT, 0, "X", " 1"), HEADER_CHANGE(INSERT, 0, "X", " 2") }, 2, true,
	  "X: 2\r\nX: 1\r\n" HEADER BODY },
	{ "change counts per name, in any case", { HEADER_CHANGE(CHANGE, 2, "A", " new") }, 1, true,
	  "A: 1\r\nB: 2\r\nA: new\r\n" BODY },
	{ "change beyond the last: at the end", { HEADER_CHANGE(CHANGE, 3, "A", " new") }, 1, true, HEADER "A: new\r\n" BODY },
	{ "delete", { HEADER_CHANGE(DELETE, 1, "A", "") }, 1, true, "B: 2\r\na: 3\r\n\tfold\r\n" BODY },
	{ "delete beyond the last: nothing", { HEADER_CHANGE(DELETE, 3, "A", "") }, 1, true, HEADER BODY },
	{ "deleting shifts what follows", { HEADER_CHANGE(DELETE, 1, "A", ""), HEADER_CHANGE(DELETE, 2, "A", "") }, 2, true,
	  "B: 2\r\na: 3\r\n\tfold\r\n" BODY },
	{ "R90 highest index first deletes both", { HEADER_CHANGE(DELETE, 2, "A", ""), HEADER_CHANGE(DELETE, 1, "A", "") }, 2, true,
	  "B: 2\r\n" BODY },
	{ "the MTA's own Received does not count", { HEADER_CHANGE(CHANGE, 1, "Received", " x") }, 1, true,
	  HEADER "Received: x\r\n" BODY },
	{ "nor after an insert at 0", { HEADER_CHANGE(INSERT, 0, "X", " v"), HEADER_CHANGE(CHANGE, 1, "Received", " x") }, 2, true,
	  "X: v\r\n" HEADER "Received: x\r\n" BODY },
	{ "but an insert counts it", { HEADER_CHANGE(INSERT, 0, "X", " 1"), HEADER_CHANGE(INSERT, 2, "X", " 2") }, 2, true,
	  "X: 1\r\nX: 2\r\n" HEADER BODY },
	{ "change at index 0 means 1", { HEADER_CHANGE(CHANGE, 0, "A", " new") }, 1, true, "A: new\r\nB: 2\r\na: 3\r\n\tfold\r\n" BODY },
	{ "a line of a value that begins without a blank gets a tab", { HEADER_CHANGE(ADD, 0, "X", " a\nB: b") }, 1, true,
	  HEADER "X: a\r\n\tB: b\r\n" BODY },
	{ "empty lines and the end of a value, too", { HEADER_CHANGE(ADD, 0, "X", " a\n\n") }, 1, true,
	  HEADER "X: a\r\n\t\r\n\t\r\n" BODY },
	{ "a new body with bare LF gets CRLF", { NEW_BODY("one\r\n\ntwo\n") }, 1, true, HEADER "\r\none\r\n\r\ntwo\r\n" },
	{ "a new body that does not end its last line", { NEW_BODY("one") }, 1, true, HEADER "\r\none\r\n" },
	{ "a CRLF cut in two is one", { NEW_BODY("one\r"), NEW_BODY("\ntwo\r\n") }, 2, true, HEADER "\r\none\r\ntwo\r\n" },
	{ "a new body in two parts", { NEW_BODY("one\r\n"), NEW_BODY("two\r\n") }, 2, true, HEADER "\r\none\r\ntwo\r\n" },
	{ "an empty new body", { NEW_BODY("") }, 1, true, HEADER "\r\n" },
	{ "the envelope leaves the message alone", { { .kind = MTA_ADD_RECIPIENT }, { .kind = MTA_QUARANTINE } }, 2, true, HEADER BODY },
};

static void test_apply(void **state)
{
	const struct row *row = *state;
	struct mta_changes changes = { (struct mta_change *)(uintptr_t)row->changes, row->count, 0 };
	void *mem = talloc_new(NULL);
	struct header_list *headers;
	struct view body;
	struct buf out;

	assert_int_equal(header_list_new(mem, NULL, &headers), 0);
	assert_int_equal(header_list_parse(headers, VIEW(HEADER BODY), &body), 0);
	buf_init(&out, mem, 1000);
	assert_int_equal(mta_apply(mem, headers, body, &changes, row->leading_space, &out), 0);
	assert_string_equal(buf_string(&out), row->wanted);
	talloc_free(mem);
}

static void test_maximum(void **state)
{
	struct mta_changes none = { NULL, 0, 0 };
	void *mem = talloc_new(NULL);
	struct header_list *headers;
	struct buf out;

	(void)state;
	assert_int_equal(header_list_new(mem, NULL, &headers), 0);
	buf_init(&out, mem, 5);
	assert_int_equal(mta_apply(mem, headers, VIEW("body\r\n"), &none, true, &out), -EMSGSIZE);
	talloc_free(mem);
}

int main(void)
{
	TEST_ROWS(rows, test_apply);
	test_add("a message above the maximum", test_maximum);
	return test_run("mta_apply");
}
