#include "t/fuzz/fuzz.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>

#define SHOWN_MAX 2000 /* octets of a text that a broken claim shows */

_Noreturn void claim_failed(const char *file, int line, const char *condition)
{
	fprintf(stderr, "%s:%d: claim does not hold: %s\n", file, line, condition);
	abort();
}

static void show(const char *what, struct view v)
{
	char *text = view_escape(NULL, v, SHOWN_MAX);

	fprintf(stderr, "%s (%zu octets): \"%s\"\n", what, v.n, text ? text : "");
	talloc_free(text);
}

void claim_same(const char *file, int line, const char *what, struct view got, struct view wanted)
{
	if (view_eq(got, wanted))
		return;
	show("got", got);
	show("wanted", wanted);
	claim_failed(file, line, what);
}

uint8_t take_octet(struct view *input)
{
	struct view octet = take(input, 1);

	return octet.n ? (uint8_t)octet.p[0] : 0;
}

struct view take(struct view *input, size_t n)
{
	struct view taken = view_slice(*input, 0, n);

	*input = view_slice(*input, n, input->n);
	return taken;
}

struct view take_line(struct view *input)
{
	struct view line = take(input, view_find(*input, '\n'));

	(void)take(input, 1);
	return line;
}

struct view copy_of(void *mem, struct view v)
{
	char *copy = talloc_size(mem, v.n);

	CLAIM(copy);
	if (v.n)
		memcpy(copy, v.p, v.n);
	return (struct view){ copy, v.n };
}

#define PATTERNS_MAX 64 /* in one target */

static const regex_t *compiled(const char *pattern)
{
	static struct {
		const char *pattern;
		regex_t regex;
	} known[PATTERNS_MAX];
	size_t i = 0;

	while (i < PATTERNS_MAX && known[i].pattern && known[i].pattern != pattern)
		i++;
	CLAIM(i < PATTERNS_MAX);
	if (!known[i].pattern) {
		CLAIM(regcomp(&known[i].regex, pattern, REG_EXTENDED) == 0);
		known[i].pattern = pattern;
	}
	return &known[i].regex;
}

bool matches(struct view v, const char *pattern)
{
	const regex_t *regex = compiled(pattern);
	regmatch_t match[1] = { { 0, (regoff_t)v.n } };
	char *string;
	bool found;

	if (view_find(v, '\0') < v.n)
		return false;
	string = view_string(NULL, v);
	CLAIM(string);
	found = regexec(regex, string, 1, match, 0) == 0 && match[0].rm_so == 0 && (size_t)match[0].rm_eo == v.n;
	talloc_free(string);
	return found;
}

bool lies_inside(struct view v, struct view whole)
{
	return v.n == 0 || (v.p >= whole.p && v.p + v.n <= whole.p + whole.n);
}

bool is_printable(struct view v)
{
	for (size_t i = 0; i < v.n; i++)
		if ((unsigned char)v.p[i] < ' ' || v.p[i] == 0x7f)
			return false;
	return true;
}

void claim_error_text(const char *text, const char *start)
{
	CLAIM(text);
	CLAIM(strncmp(text, start, strlen(start)) == 0);
	CLAIM(is_printable(view_of(text)));
	CLAIM(strstr(text, "wanted "));
}
