/* 7bit or quoted-printable. */
#include "milter/mime_text.h"

#include "t/unit/support.h"

#include <talloc.h>

static const struct row {
	const char *name;
	struct view in, out;
	bool plain;
} rows[] = {
	{ "ASCII stays", VIEW_INIT("a = b\r\n\tc \r\n"), VIEW_INIT("a = b\n\tc \n"), true },
	{ "LF goes in as well", VIEW_INIT("a\n\nb\n"), VIEW_INIT("a\n\nb\n"), true },
	{ "a last line without end gets one", VIEW_INIT("a"), VIEW_INIT("a\n"), true },
	{ "nothing", VIEW_INIT(""), VIEW_INIT(""), true },
	{ "8-bit octets", VIEW_INIT("gr\xc3\xbc\xdf = x\r\n"), VIEW_INIT("gr=C3=BC=DF =3D x\n"), false },
	{ "controls", VIEW_INIT("a\x1b[1m\0\x7f\r\n"), VIEW_INIT("a=1B[1m=00=7F\n"), false },
	{ "bare CR", VIEW_INIT("a\rb\r\r\n"), VIEW_INIT("a=0Db=0D\n"), false },
	{ "CR at the very end", VIEW_INIT("a\r"), VIEW_INIT("a=0D\n"), false },
	{ "From at the start of a line", VIEW_INIT("a\nFrom b\n"), VIEW_INIT("a\n=46rom b\n"), false },
	{ "From: is no From_ line", VIEW_INIT("From: b\n"), VIEW_INIT("From: b\n"), true },
	{ "blanks at a line's end, once quoted", VIEW_INIT("\xff \nb\t\n"), VIEW_INIT("=FF=20\nb=09\n"), false },
	{ "From behind a soft line break",
	  VIEW_INIT("\xff" "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaFrom b\n"),
	  VIEW_INIT("=FF" "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa=\n=46rom b\n"), false },
	{ "a dot first, once quoted", VIEW_INIT(".\n\xff\n"), VIEW_INIT("=2E\n=FF\n"), false },
};

static void test_encode(void **state)
{
	const struct row *row = *state;
	void *mem = talloc_new(NULL);
	struct view in = guarded(row->in);
	struct buf out;

	buf_init(&out, mem, 4096);
	assert_int_equal(mime_text_is_plain(in), row->plain);
	assert_string_equal(mime_text_encoding(in), row->plain ? "7bit" : "quoted-printable");
	mime_text_add(in, &out);
	assert_int_equal(buf_error(&out), 0);
	assert_true(view_eq(buf_view(&out), row->out));
	guarded_free(in);
	talloc_free(mem);
}

/* RFC 5322 section 2.1.1 for the one, RFC 2045 section 6.7 for the other. */
static void test_line_lengths(void **state)
{
	char line[MIME_LINE_MAX + 1];
	void *mem = talloc_new(NULL);
	struct buf out;
	struct view rest;
	size_t octets = 0;

	(void)state;
	memset(line, 'a', sizeof line);
	assert_true(mime_text_is_plain((struct view){ line, MIME_LINE_MAX }));
	assert_false(mime_text_is_plain((struct view){ line, sizeof line }));
	buf_init(&out, mem, 4096);
	mime_text_add((struct view){ line, sizeof line }, &out);
	rest = buf_view(&out);
	while (rest.n > 0) {
		size_t n = view_find(rest, '\n');

		assert_true(n <= MIME_QUOTED_LINE_MAX);
		octets += n - (rest.p[n - 1] == '=');
		rest = view_slice(rest, n + 1, rest.n);
	}
	assert_int_equal(octets, sizeof line);
	talloc_free(mem);
}

int main(void)
{
	TEST_ROWS(rows, test_encode);
	test_add("line lengths", test_line_lengths);
	return test_run("mime_text");
}
