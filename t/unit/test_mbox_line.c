/* The "From " line of a message for a program. */
#include "milter/mbox_line.h"

#include "t/unit/support.h"

static const struct row {
	const char *name;
	struct view in, sender, rest;
} rows[] = {
	{ "a sender", VIEW_INIT("From joe@example.com Sat Nov 21 10:00:00 2026\r\nA: b\r\n"), VIEW_INIT("joe@example.com"), VIEW_INIT("A: b\r\n") },
	{ "two blanks", VIEW_INIT("From joe@example.com  Sat Nov 21 10:00:00 2026\r\nA: b\r\n"), VIEW_INIT("joe@example.com"), VIEW_INIT("A: b\r\n") },
	{ "the null sender", VIEW_INIT("From MAILER-DAEMON Sat Nov 21 10:00:00 2026\r\n"), VIEW_INIT("MAILER-DAEMON"), VIEW_INIT("") },
	{ "no sender", VIEW_INIT("From \r\nA: b\r\n"), VIEW_INIT(""), VIEW_INIT("A: b\r\n") },
	{ "no line end", VIEW_INIT("From a"), VIEW_INIT("a"), VIEW_INIT("") },
	{ "a field", VIEW_INIT("From: a\r\n"), { NULL, 0 }, VIEW_INIT("From: a\r\n") },
	{ "further down", VIEW_INIT("A: b\r\nFrom c\r\n"), { NULL, 0 }, VIEW_INIT("A: b\r\nFrom c\r\n") },
	{ "nothing", VIEW_INIT(""), { NULL, 0 }, VIEW_INIT("") },
};

static void test_cut(void **state)
{
	const struct row *row = *state;
	struct view in = guarded(row->in), sender, rest = mbox_line_cut(in, &sender);

	assert_true(view_eq(rest, row->rest));
	assert_true(view_eq(sender, row->sender));
	assert_int_equal(!sender.p, !row->sender.p);
	guarded_free(in);
}

int main(void)
{
	TEST_ROWS(rows, test_cut);
	return test_run("mbox_line");
}
