#include "av/parameter.h"
#include "t/unit/support.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct row {
	const char *name;
	struct view field;
	const char *want; /* name=value|... in order */
	const char *head;
};

static const struct row rows[] = {
	{ "nothing", VIEW_INIT("text/plain"), "", "text/plain" },
	{ "a token", VIEW_INIT("text/plain; name=a"), "name=a|", "text/plain" },
	{ "a quoted string", VIEW_INIT("text/plain; name=\"a b;c\""), "name=a b;c|", "text/plain" },
	{ "an escape", VIEW_INIT("text/plain; name=\"a\\\"b\""), "name=a\"b|", "text/plain" },
	{ "a backslash at the end", VIEW_INIT("text/plain; name=\"a\\"), "name=a\\|", "text/plain" },
	{ "no closing quote", VIEW_INIT("text/plain; name=\"a"), "name=a|", "text/plain" },
	{ "more behind the quote", VIEW_INIT("text/plain; name=\"a\".exe"), "name=a.exe|", "text/plain" },
	{ "blanks without quotes", VIEW_INIT("text/plain; name=a b ; x=y"), "name=a b|x=y|", "text/plain" },
	{ "comments", VIEW_INIT("(a) Text (b)/ plain (c); (d) name (e) = (f(g)\\)h) a"), "name=a|", "text/plain" },
	{ "folds", VIEW_INIT("text/plain;\r\n\tname=\r\n \"a\r\n b\""), "name=a b|", "text/plain" },
	{ "twice", VIEW_INIT("text/plain; name=a; name=b"), "name=a|name=b|", "text/plain" },
	{ "no equal sign", VIEW_INIT("text/plain; name; x=y"), "x=y|", "text/plain" },
	{ "no value", VIEW_INIT("text/plain; name=; x=y"), "name=|x=y|", "text/plain" },
	{ "empty parameters", VIEW_INIT("text/plain;;; ; x=y;"), "x=y|", "text/plain" },
	{ "percent signs", VIEW_INIT("a; name*=utf-8'en'a%2Eb%zz%2"), "name=a.b%zz%2|", "a" },
	{ "percent signs without a charset", VIEW_INIT("a; name*=a%2Eb"), "name=a.b|", "a" },
	{ "percent signs where none belong", VIEW_INIT("a; name=a%2Eb"), "name=a%2Eb|", "a" },
	{ "segments", VIEW_INIT("a; name*0=x; name*1=y"), "name=xy|", "a" },
	{ "segments in disorder", VIEW_INIT("a; name*1=y; name*0=x"), "name=yx|name=xy|", "a" },
	{ "segments of both kinds", VIEW_INIT("a; name*0*=utf-8''%78; name*1=%79; name*2*=%7a"), "name=x%79z|", "a" },
	{ "a gap in the segments", VIEW_INIT("a; name*0=x; name*5=y"), "name=xy|", "a" },
	{ "segments of two names", VIEW_INIT("a; n*0=1; f*0=a; n*1=2; f*1=b"), "n=12|f=ab|", "a" },
	{ "segments beside a whole", VIEW_INIT("a; name=w; name*0=x; name*1=y"), "name=w|name=xy|", "a" },
	{ "a segment's number without end", VIEW_INIT("a; name*99999999999999999999999=x"), "name=x|", "a" },
	{ "NUL in a value", VIEW_INIT("a; name=a%00b; x*=a%00b"), "name=a%00b|x=a", "a" },
};

static void take(void *arg, struct view name, struct view value)
{
	char *text = arg;
	size_t n = strlen(text);

	snprintf(text + n, 500 - n, "%.*s=%.*s|", (int)name.n, name.p, (int)value.n, value.p);
}

static void test_row(void **state)
{
	const struct row *row = *state;
	struct view field = guarded(row->field);
	char got[500] = "", head[32];

	assert_int_equal(av_parameters(field, take, got), 0);
	if (strncmp(got, row->want, strlen(row->want)) != 0 || (!strstr(row->name, "NUL") && strlen(got) != strlen(row->want)))
		fail_msg("wanted %s, got %s", row->want, got);
	av_parameter_head(field, head, sizeof head);
	assert_string_equal(head, row->head);
	guarded_free(field);
}

static void test_many(void **state)
{
	char text[20 * (AV_PARAMETERS_MAX + 1)] = "a", got[500] = "";

	(void)state;
	for (unsigned i = 0; i < AV_PARAMETERS_MAX; i++)
		strcat(text, ";x=y");
	assert_int_equal(av_parameters(view_of(text), take, got), 0);
	strcat(text, ";x=y");
	assert_int_equal(av_parameters(view_of(text), take, got), -E2BIG);
}

int main(void)
{
	TEST_ROWS(rows, test_row);
	test_add("too many", test_many);
	return test_run("parameter");
}
