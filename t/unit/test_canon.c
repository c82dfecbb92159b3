#include "dkim/canon.h"
#include "t/unit/support.h"

#include <talloc.h>

struct header_row {
	const char *name;
	enum dkim_canon canon;
	struct view raw, want;
};

static const struct header_row header_rows[] = {
	{ "R33 simple keeps name case, blanks around the colon and folds (RFC 6376 3.4.5)", DKIM_SIMPLE,
	  VIEW_INIT("B : Y\t\r\n\tZ  \r\n"), VIEW_INIT("B : Y\t\r\n\tZ  \r\n") },
	{ "R34 relaxed drops the blank after the colon (RFC 6376 3.4.5 A)", DKIM_RELAXED,
	  VIEW_INIT("A: X\r\n"), VIEW_INIT("a:X\r\n") },
	{ "R34 relaxed unfolds, lowers the name, shortens blanks (RFC 6376 3.4.5 B)", DKIM_RELAXED,
	  VIEW_INIT("B : Y\t\r\n\tZ  \r\n"), VIEW_INIT("b:Y Z\r\n") },
	{ "R34 blanks before the colon go", DKIM_RELAXED, VIEW_INIT("Subject \t : x\r\n"), VIEW_INIT("subject:x\r\n") },
	{ "R34 case of the value stays", DKIM_RELAXED, VIEW_INIT("SUBJect: AbC\r\n"), VIEW_INIT("subject:AbC\r\n") },
	{ "R34 several folds are one blank", DKIM_RELAXED, VIEW_INIT("X: a\r\n \r\n\t\r\n b\r\n"), VIEW_INIT("x:a b\r\n") },
	{ "R34 a blank fold at the end goes", DKIM_RELAXED, VIEW_INIT("X: a\r\n \r\n"), VIEW_INIT("x:a\r\n") },
	{ "R35 a fold right after the colon leaves no blank", DKIM_RELAXED, VIEW_INIT("X:\r\n\ta\r\n"), VIEW_INIT("x:a\r\n") },
	{ "R35 simple keeps the fold after the colon", DKIM_SIMPLE, VIEW_INIT("X:\r\n\ta\r\n"), VIEW_INIT("X:\r\n\ta\r\n") },
	{ "R36 empty value, relaxed", DKIM_RELAXED, VIEW_INIT("X:\r\n"), VIEW_INIT("x:\r\n") },
	{ "R36 empty value, simple", DKIM_SIMPLE, VIEW_INIT("X:\r\n"), VIEW_INIT("X:\r\n") },
	{ "R36 blank-only value, relaxed", DKIM_RELAXED, VIEW_INIT("X: \t \r\n"), VIEW_INIT("x:\r\n") },
	{ "R36 blank-only value, simple", DKIM_SIMPLE, VIEW_INIT("X: \t \r\n"), VIEW_INIT("X: \t \r\n") },
	{ "R38 NUL and 8-bit octets pass, relaxed", DKIM_RELAXED, VIEW_INIT("X: \0\xff \x80\r\n"), VIEW_INIT("x:\0\xff \x80\r\n") },
	{ "R38 bare CR and LF are data, relaxed", DKIM_RELAXED, VIEW_INIT("X: a\rb\n c\r\n"), VIEW_INIT("x:a\rb\n c\r\n") },
	{ "R38 a CRLF that no blank follows is data", DKIM_RELAXED, VIEW_INIT("X: a \r\nb\r\n"), VIEW_INIT("x:a \r\nb\r\n") },
	{ "R37 a missing last CRLF is added, simple", DKIM_SIMPLE, VIEW_INIT("X: a"), VIEW_INIT("X: a\r\n") },
	{ "R37 a missing last CRLF is added, relaxed", DKIM_RELAXED, VIEW_INIT("X: a "), VIEW_INIT("x:a\r\n") },
	{ "R33 only octets above 127 in the name stay as they are", DKIM_RELAXED, VIEW_INIT("\xc3\x84X: a"), VIEW_INIT("\xc3\x84x:a\r\n") },
};

static void test_header(void **state)
{
	const struct header_row *row = *state;
	struct view raw = guarded(row->raw);
	void *mem = talloc_new(NULL);
	struct buf out;

	buf_init(&out, mem, 1000);
	dkim_canon_header(row->canon, raw, &out);
	assert_int_equal(buf_error(&out), 0);
	assert_int_equal(out.n, row->want.n);
	assert_memory_equal(out.p, row->want.p, row->want.n);
	guarded_free(raw);
	talloc_free(mem);
}

struct body_row {
	const char *name;
	struct view in, simple, relaxed;
};

static const struct body_row body_rows[] = {
	{ "R44 an empty body", VIEW_INIT(""), VIEW_INIT("\r\n"), VIEW_INIT("") },
	{ "R44 RFC 6376 3.4.5 body", VIEW_INIT(" C \r\nD \t E\r\n\r\n\r\n"),
	  VIEW_INIT(" C \r\nD \t E\r\n"), VIEW_INIT(" C\r\nD E\r\n") },
	{ "R45 one CRLF", VIEW_INIT("\r\n"), VIEW_INIT("\r\n"), VIEW_INIT("") },
	{ "R45 many CRLFs", VIEW_INIT("\r\n\r\n\r\n\r\n"), VIEW_INIT("\r\n"), VIEW_INIT("") },
	{ "R45 only lines of blanks", VIEW_INIT(" \t\r\n \r\n\t\t\r\n"), VIEW_INIT(" \t\r\n \r\n\t\t\r\n"), VIEW_INIT("") },
	{ "R45 only blanks, no CRLF", VIEW_INIT(" \t "), VIEW_INIT(" \t \r\n"), VIEW_INIT("") },
	{ "R46 a missing final CRLF is added", VIEW_INIT("abc"), VIEW_INIT("abc\r\n"), VIEW_INIT("abc\r\n") },
	{ "R46 a missing final CRLF is added behind blanks", VIEW_INIT("abc \t"), VIEW_INIT("abc \t\r\n"), VIEW_INIT("abc\r\n") },
	{ "R46 a last line of blanks without CRLF", VIEW_INIT("abc\r\n "), VIEW_INIT("abc\r\n \r\n"), VIEW_INIT("abc\r\n") },
	{ "R47 trailing empty lines collapse", VIEW_INIT("abc\r\n\r\n\r\n"), VIEW_INIT("abc\r\n"), VIEW_INIT("abc\r\n") },
	{ "R47 simple keeps empty lines at the start and inside", VIEW_INIT("\r\n\r\na\r\n\r\nb\r\n"),
	  VIEW_INIT("\r\n\r\na\r\n\r\nb\r\n"), VIEW_INIT("\r\n\r\na\r\n\r\nb\r\n") },
	{ "R47 simple does not take a line of blanks for empty", VIEW_INIT("a\r\n\r\n \r\n\r\n"),
	  VIEW_INIT("a\r\n\r\n \r\n"), VIEW_INIT("a\r\n") },
	{ "R48 blanks at the start of a line stay as one", VIEW_INIT("  \ta\r\n b\r\n\tc\r\n"),
	  VIEW_INIT("  \ta\r\n b\r\n\tc\r\n"), VIEW_INIT(" a\r\n b\r\n c\r\n") },
	{ "R48 runs of blanks become one, trailing ones go", VIEW_INIT("a  b\tc \t d \r\ne\t\r\n"),
	  VIEW_INIT("a  b\tc \t d \r\ne\t\r\n"), VIEW_INIT("a b c d\r\ne\r\n") },
	{ "R48 lines of blanks between data become empty", VIEW_INIT("a\r\n \t\r\n  \r\nb\r\n \r\n"),
	  VIEW_INIT("a\r\n \t\r\n  \r\nb\r\n \r\n"), VIEW_INIT("a\r\n\r\n\r\nb\r\n") },
	{ "R48 the line after a line of blanks keeps its own blank", VIEW_INIT("a\r\n \r\n b\r\n"),
	  VIEW_INIT("a\r\n \r\n b\r\n"), VIEW_INIT("a\r\n\r\n b\r\n") },
	{ "R50 bare LF is data", VIEW_INIT("a\nb\n\n"), VIEW_INIT("a\nb\n\n\r\n"), VIEW_INIT("a\nb\n\n\r\n") },
	{ "R50 bare CR is data", VIEW_INIT("a\rb\r\r\r\n\r"), VIEW_INIT("a\rb\r\r\r\n\r\r\n"), VIEW_INIT("a\rb\r\r\r\n\r\r\n") },
	{ "R50 blanks before a bare CR or LF are not at the end of a line", VIEW_INIT("a  \r b \n c\t\r"),
	  VIEW_INIT("a  \r b \n c\t\r\r\n"), VIEW_INIT("a \r b \n c \r\r\n") },
	{ "R50 CR CR LF", VIEW_INIT("\r\r\n"), VIEW_INIT("\r\r\n"), VIEW_INIT("\r\r\n") },
	{ "R50 LF CR", VIEW_INIT("\n\r"), VIEW_INIT("\n\r\r\n"), VIEW_INIT("\n\r\r\n") },
	{ "R50 empty lines before a last bare CR", VIEW_INIT("a\r\n\r\n\r"), VIEW_INIT("a\r\n\r\n\r\r\n"), VIEW_INIT("a\r\n\r\n\r\r\n") },
	{ "R51 NUL, 8-bit octets and leading dots pass", VIEW_INIT("..\r\n.\r\n\0\xff\x80 \0\r\n"),
	  VIEW_INIT("..\r\n.\r\n\0\xff\x80 \0\r\n"), VIEW_INIT("..\r\n.\r\n\0\xff\x80 \0\r\n") },
	{ "R48 a blank deep in a long line is found wherever it stands",
	  VIEW_INIT("0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789  x\r\n"
	            "0123456789012345678901234567890123456789012345678901234567890123456789\t0123456789\r\n"
	            "0123456789012345678901234567890123456789012345678901234567890123 \r\n 4\r\n"),
	  VIEW_INIT("0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789  x\r\n"
	            "0123456789012345678901234567890123456789012345678901234567890123456789\t0123456789\r\n"
	            "0123456789012345678901234567890123456789012345678901234567890123 \r\n 4\r\n"),
	  VIEW_INIT("0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 x\r\n"
	            "0123456789012345678901234567890123456789012345678901234567890123456789 0123456789\r\n"
	            "0123456789012345678901234567890123456789012345678901234567890123\r\n 4\r\n") },
};

static int collect(void *context, const char *octets, size_t n)
{
	struct buf *out = context;

	buf_add(out, (struct view){ octets, n });
	return buf_error(out);
}

/* Canonicalize `in` in chunks of `step` octets, each at the end of readable memory. */
static void canonicalize(enum dkim_canon canon, struct view in, size_t step, struct buf *out)
{
	struct dkim_canon_body body;

	buf_clear(out);
	dkim_canon_body_init(&body, canon, collect, out);
	for (size_t at = 0; at < in.n; at += step) {
		struct view chunk = guarded(view_slice(in, at, at + step));

		assert_int_equal(dkim_canon_body_update(&body, chunk), 0);
		guarded_free(chunk);
	}
	assert_int_equal(dkim_canon_body_finish(&body), 0);
}

static void check_body(enum dkim_canon canon, struct view in, struct view want)
{
	void *mem = talloc_new(NULL);
	struct buf out;

	buf_init(&out, mem, 1000000);
	for (size_t step = 1; step <= in.n + 1; step++) {
		canonicalize(canon, in, step, &out);
		assert_int_equal(out.n, want.n);
		if (want.n)
			assert_memory_equal(out.p, want.p, want.n);
	}
	talloc_free(mem);
}

static void test_body(void **state)
{
	const struct body_row *row = *state;

	check_body(DKIM_SIMPLE, row->in, row->simple);
	check_body(DKIM_RELAXED, row->in, row->relaxed);
}

/* The clauses of sections 3.4.3 and 3.4.4 one after the other on a whole body: slow, but plain to see. */
static struct view reference(enum dkim_canon canon, struct view in, char *room)
{
	size_t n = 0;

	for (size_t i = 0; i < in.n; i++) {
		bool line_end = in.p[i] == '\r' && i + 1 < in.n && in.p[i + 1] == '\n';
		bool blank = canon == DKIM_RELAXED && ascii_is_blank(in.p[i]);

		if (canon == DKIM_RELAXED && line_end && n > 0 && room[n - 1] == ' ')
			n--;
		if (blank && n > 0 && room[n - 1] == ' ')
			continue;
		room[n++] = blank ? ' ' : in.p[i];
		if (line_end)
			room[n++] = in.p[++i];
	}
	if (canon == DKIM_RELAXED && n > 0 && room[n - 1] == ' ')
		n--;
	while (n >= 2 && memcmp(room + n - 2, "\r\n", 2) == 0)
		n -= 2;
	if (n > 0 || canon == DKIM_SIMPLE) {
		room[n++] = '\r';
		room[n++] = '\n';
	}
	return (struct view){ room, n };
}

static void test_noise_bodies(void **state)
{
	static const char *const words[] = { "\r\n", "\r\n", " ", "\t", "a", "word", "\r", "\n", "line \r\n", "  ",
	                                     "0123456789012345678901234567890123456789012345678901234567890123456789", NULL };
	static char room[3000], plain[6002];
	void *mem = talloc_new(NULL);
	uint32_t seed = 6376;
	struct buf out;

	(void)state;
	buf_init(&out, mem, sizeof plain);
	for (int i = 0; i < 1500; i++) {
		enum dkim_canon canon = test_random(&seed) % 2 ? DKIM_RELAXED : DKIM_SIMPLE;
		struct view in = test_noise(&seed, words, room, sizeof room);
		struct view want = reference(canon, in, plain);

		canonicalize(canon, in, 1 + test_random(&seed) % (in.n + 1), &out);
		assert_true(view_eq(buf_view(&out), want));
	}
	talloc_free(mem);
}

/* A long body, so that spans go past the block that gathers short ones. */
static void test_long_lines(void **state)
{
	enum { LINE = 5000, LINES = 4 };
	static char in[LINES * (LINE + 2)];

	(void)state;
	memset(in, 'x', sizeof in);
	for (size_t i = 1; i <= LINES; i++)
		memcpy(in + i * (LINE + 2) - 2, "\r\n", 2);
	for (size_t i = 1; i < LINE / 2; i += 7)
		in[i] = ' ';
	for (size_t step = 1; step < sizeof in; step += 1 + step / 3) {
		void *mem = talloc_new(NULL);
		struct buf out;

		buf_init(&out, mem, sizeof in);
		canonicalize(DKIM_RELAXED, (struct view){ in, sizeof in }, step, &out);
		assert_true(view_eq(buf_view(&out), (struct view){ in, sizeof in }));
		canonicalize(DKIM_SIMPLE, (struct view){ in, sizeof in }, step, &out);
		assert_true(view_eq(buf_view(&out), (struct view){ in, sizeof in }));
		talloc_free(mem);
	}
}

struct calls {
	size_t count;
	int answer;
};

static int count_calls(void *context, const char *octets, size_t n)
{
	struct calls *calls = context;

	assert_non_null(octets);
	assert_true(n > 0);
	calls->count++;
	return calls->answer;
}

static void test_sink_error(void **state)
{
	static const enum dkim_canon canons[] = { DKIM_SIMPLE, DKIM_RELAXED };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct calls calls = { 0, -5 };
		struct dkim_canon_body body;

		dkim_canon_body_init(&body, canons[i], count_calls, &calls);
		assert_int_equal(dkim_canon_body_update(&body, VIEW("a  b\r\n\r\nc")), -5);
		assert_int_equal(calls.count, 1);
		assert_int_equal(dkim_canon_body_finish(&body), -5);
	}
}

/* Calls of the sink cost more than octets. */
static void test_sink_calls(void **state)
{
	static char in[60000];
	struct calls calls = { 0, 0 };
	struct dkim_canon_body body;

	(void)state;
	for (size_t i = 0; i < sizeof in; i++)
		in[i] = "words  with many blanks \r\n"[i % 26];
	dkim_canon_body_init(&body, DKIM_RELAXED, count_calls, &calls);
	assert_int_equal(dkim_canon_body_update(&body, (struct view){ in, sizeof in }), 0);
	assert_true(calls.count <= sizeof in / 2000);
}

int main(void)
{
	TEST_ROWS(header_rows, test_header);
	TEST_ROWS(body_rows, test_body);
	test_add("R49 random bodies cut at random equal the plain reading of the RFC", test_noise_bodies);
	test_add("R51 lines of 5000 octets", test_long_lines);
	test_add("an error of the sink is passed up and ends the work", test_sink_error);
	test_add("the sink is not called for every word", test_sink_calls);
	return test_run("canon");
}
