/* av/mime.h without an engine: bounds, and that no input makes the walk slow or deep. */
#include "av/mime.h"
#include "t/unit/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* `head`, then `piece` so many times, then `tail`; "%" in a piece is replaced by the number of its turn. */
struct row {
	const char *name, *head, *piece, *tail;
	unsigned times;
	const char *limit; /* that must be found, or NULL: none */
};

#define B "Content-Type: multipart/mixed; boundary=b\n"

static const struct row rows[] = {
	{ "as many parts as allowed", B "\n", "--b\n\nhello\n", "--b--\n", 499, NULL },
	{ "one part more", B "\n", "--b\n\nhello\n", "--b--\n", 500, "parts" },
	{ "half a million parts", B "\n", "--b\n\n\n", "--b--\n", 500000, "boundaries" },
	{ "the most parts that GMime is given", B "\n", "--b\n\n\n", "--b--\n", 199998, "parts" },
	{ "ten million delimiters", B "\n", "--b\n", "--b--\n", 10000000, "boundaries" },
	{ "as deep as allowed", "", "Content-Type: multipart/mixed; boundary=b%\n\n--b%\n", "\nhello\n", 20, NULL },
	{ "one level deeper", "", "Content-Type: multipart/mixed; boundary=b%\n\n--b%\n", "\nhello\n", 21, "depth" },
	{ "twenty thousand levels", "", "Content-Type: multipart/mixed; boundary=b%\n\n--b%\n", "\nhello\n", 20000, "depth" },
	{ "twenty thousand messages in messages", "", "Content-Type: message/rfc822\n\n", "\nhello\n", 20000, "depth" },
	{ "a million levels", "", "Content-Type: multipart/mixed; boundary=b\n\n--b\n", "\nhello\n", 1000000, "boundaries" },
	{ "many boundaries and many dashes", "", "Content-Type: multipart/mixed; boundary=b%\n\n--b%\n--x\n--y\n", "\nhello\n", 100000, "boundaries" },
	{ "dashes alone", "Subject: x\n\n", "---------\n", "", 3000000, NULL },
	{ "dashes in a multipart", B "\n--b\n\n", "--------\n", "--b--\n", 199000, NULL },
	{ "a field of 10 MB", "Subject: ", "xxxxxxxxxx", "\n\nhello\n", 1000000, "header" },
	{ "a field of a million folds", "Subject: x\n", " x\n", "\nhello\n", 1000000, "header" },
	{ "a million fields", "", "A: b\n", "\nhello\n", 1000000, "header" },
	{ "a hundred thousand Content-Types", "", "Content-Type: text/plain\n", "\nhello\n", 100000, "header" },
	{ "ten thousand Content-Types", "", "Content-Type: text/plain\n", "\nhello\n", 10000, NULL },
	{ "as many parameters as are read", "Content-Type: text/plain", ";a%=b", "\n\nhello\n", 200, NULL },
	{ "one parameter more", "Content-Type: text/plain", ";a%=b", "\n\nhello\n", 201, "parameters" },
	{ "a hundred thousand parameters", "Content-Type: text/plain", ";a%=b", "\n\nhello\n", 100000, "header" },
	{ "the most parameters that GMime is given", "Content-Type: text/plain", ";a%=b", "\n\nhello\n", 3000, "parameters" },
	{ "the most fields that GMime is given", "", "A: b\n", "\nhello\n", 52000, NULL },
	{ "a large header in a message", "Content-Type: message/rfc822\n\n", "A: b\n", "\nhello\n", 1000000, "header" },
	{ "a large header in a digest", "Content-Type: multipart/digest; boundary=b\n\n--b\n\n", "A: b\n", "\nhello\n", 1000000, "header" },
	{ "a large header behind a line that is no field", B "\n--b\nno field\n", "A: b\n", "\nhello\n", 1000000, "header" },
	{ "large headers all over", B "\n", "--b\nA: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\n\n", "\nhello\n", 50000, "header" },
	{ "a large paragraph", "Subject: x\n\n", "A: b\n", "\nhello\n", 1000000, NULL },
	{ "a large paragraph behind dashes", "Subject: x\n\n--\n", "INSERT INTO a VALUES (1);\n", "\nhello\n", 100000, NULL },
	{ "a hundred thousand equal parameters", "Content-Type: text/plain", ";name=b", "\n\nhello\n", 100000, "header" },
	{ "a hundred thousand segments", "Content-Type: text/plain", ";name*%=b", "\n\nhello\n", 100000, "header" },
	{ "twenty thousand segments", "Content-Type: text/plain", ";name*%=b", "\n\nhello\n", 20000, "parameters" },
	{ "one segment of a large number", "Content-Type: text/plain; name*2000000000=b; name*1=a", "", "\n\nhello\n", 1, NULL },
	{ "a hundred thousand comments inside each other", "Content-Type: ", "(", "\n\nhello\n", 100000, NULL },
	{ "a hundred thousand lines that may begin a file", "Subject: x\n\n", "begin \n", "", 100000, NULL },
	{ "a hundred thousand files in a text", "Subject: x\n\n", "begin 644 a\n#86%A\n`\nend\n", "", 100000, "parts" },
	{ "yEnc likewise", "Subject: x\n\n", "=ybegin line=1 size=3 name=a\nabc\n", "", 100000, "parts" },
	{ "a million words to decode in a name", "Content-Type: text/plain; name=\"", "=?a?q?=?=", "\"\n\nhello\n", 20000, NULL },
};

static struct view repeated(const struct row *row)
{
	size_t size = strlen(row->head) + strlen(row->tail) + (strlen(row->piece) + 20) * row->times + 1, n;
	char *p = malloc(size);

	assert_non_null(p);
	n = strlen(strcpy(p, row->head));
	for (unsigned i = 0; i < row->times; i++)
		for (const char *c = row->piece; *c; c++) {
			if (*c == '%')
				n += (size_t)snprintf(p + n, size - n, "%u", i);
			else
				p[n++] = *c;
		}
	n += strlen(strcpy(p + n, row->tail));
	return (struct view){ p, n };
}

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Far above what any row takes on a busy host, far below the minutes of a reader that is quadratic. */
#define TOO_LONG_S 10

/* The sanitizers make it slower. */
static double slowness(void)
{
	const char *slow = getenv("POSTERN_TEST_SLOW");

	return slow ? atof(slow) : 1;
}

static void count(void *arg, const struct av_mime_part *part)
{
	(void)part;
	++*(unsigned *)arg;
}

static bool has_limit(const struct av_reply *reply, const char *name)
{
	for (uint32_t i = 0; i < reply->finding_count; i++)
		if (reply->findings[i].kind == AV_LIMIT && (!name || strcmp(reply->findings[i].name, name) == 0))
			return true;
	return false;
}

static void test_bound(void **state)
{
	const struct row *row = *state;
	struct view made = repeated(row), message = guarded(made);
	struct av_reply reply = { 0 };
	unsigned visited = 0;
	struct av_mime_settings settings = { 500, count, &visited };
	double begun = now_s();
	bool ok = av_mime_walk(&settings, message, &reply);
	double took = now_s() - begun;

	print_message("%s: %.3f s\n", row->name, took);
	assert_int_equal(ok, row->limit == NULL);
	assert_int_equal(has_limit(&reply, row->limit), row->limit != NULL);
	assert_int_equal(has_limit(&reply, NULL), row->limit != NULL);
	if (took > TOO_LONG_S * slowness())
		fail_msg("%.3f s for %zu octets", took, message.n);
	free((char *)(uintptr_t)made.p);
	guarded_free(message);
}

static int set_up(void **state)
{
	(void)state;
	return av_mime_begin();
}

int main(void)
{
	TEST_ROWS(rows, test_bound);
	return test_run_with("mime", set_up, NULL);
}
