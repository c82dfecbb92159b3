#include "av/parameter.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct segment {
	struct view name;
	unsigned long number;
	size_t from, n; /* decoded, in the room */
};

struct reading {
	struct view rest;
	char *room; /* each octet of the field gives at most one here; joining needs as much again */
	size_t used;
	struct segment segments[AV_PARAMETERS_MAX];
	size_t segment_count;
	av_parameter_found *found;
	void *arg;
};

static void skip(struct reading *r, size_t n)
{
	r->rest = view_slice(r->rest, n, r->rest.n);
}

static bool at(const struct reading *r, char c)
{
	return r->rest.n > 0 && r->rest.p[0] == c;
}

/* Comments (RFC 5322 section 3.2.2) and FWS. */
static void skip_cfws(struct reading *r)
{
	size_t depth = 0;

	for (; r->rest.n > 0; skip(r, 1)) {
		char c = r->rest.p[0];

		if (c == '(')
			depth++;
		else if (c == ')' && depth > 0)
			depth--;
		else if (c == '\\' && depth > 0)
			skip(r, 1);
		else if (depth == 0 && !ascii_is_fws(c))
			return;
	}
}

static void put(struct reading *r, char c)
{
	r->room[r->used++] = c;
}

/* From the opening quote on to behind the closing one; without that, all. */
static void read_quoted(struct reading *r)
{
	for (skip(r, 1); r->rest.n > 0 && !at(r, '"'); skip(r, 1)) {
		if (at(r, '\\') && r->rest.n > 1)
			skip(r, 1);
		if (r->rest.p[0] != '\r' && r->rest.p[0] != '\n')
			put(r, r->rest.p[0]);
	}
	skip(r, 1);
}

/* Up to the semicolon; blanks inside belong to it, as readers have it that know no quotes. */
static void read_unquoted(struct reading *r)
{
	for (; r->rest.n > 0 && !at(r, ';'); skip(r, 1))
		if (r->rest.p[0] != '\r' && r->rest.p[0] != '\n')
			put(r, r->rest.p[0]);
}

static struct view read_value(struct reading *r)
{
	size_t from = r->used;

	skip_cfws(r);
	if (at(r, '"'))
		read_quoted(r);
	/* What follows a quoted string belongs to it for some: a"b"c. */
	read_unquoted(r);
	return view_trim_fws((struct view){ r->room + from, r->used - from });
}

static int hex(char c)
{
	c = ascii_lower(c);
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* charset'language'text with percent signs (RFC 2231 section 4), in place. */
static struct view unpercent(struct view value, bool with_charset)
{
	size_t n = 0, i = 0, quote = view_find(value, '\'');
	char *p = (char *)(uintptr_t)value.p;

	if (with_charset && quote < value.n) {
		size_t second = view_find(view_slice(value, quote + 1, value.n), '\'');

		if (quote + 1 + second < value.n)
			i = quote + 1 + second + 1;
	}
	for (; i < value.n; i++) {
		if (p[i] == '%' && i + 2 < value.n && hex(p[i + 1]) >= 0 && hex(p[i + 2]) >= 0) {
			p[n++] = (char)(hex(p[i + 1]) * 16 + hex(p[i + 2]));
			i += 2;
		} else {
			p[n++] = p[i];
		}
	}
	return (struct view){ value.p, n };
}

/* "filename*1*": the name, and what the asterisks mean. */
static void take(struct reading *r, struct view name, struct view value)
{
	size_t star = view_find(name, '*');
	struct view mark = view_slice(name, star + 1, name.n);
	bool percent = mark.n > 0 ? mark.p[mark.n - 1] == '*' : star < name.n;
	char *end;

	name.n = star;
	if (mark.n == 0 || mark.p[0] < '0' || mark.p[0] > '9') {
		r->found(r->arg, name, percent ? unpercent(value, true) : value);
		return;
	}
	/* strtoul() ends at the asterisk or the equal sign that follows. */
	unsigned long number = strtoul(mark.p, &end, 10);

	if (percent)
		value = unpercent(value, number == 0);
	r->segments[r->segment_count++] = (struct segment){ name, number, (size_t)(value.p - r->room), value.n };
}

static void join(struct reading *r, struct view name, char *joined)
{
	size_t n = 0;

	for (size_t i = 0; i < r->segment_count; i++) {
		const struct segment *segment = &r->segments[i];

		if (!view_eq_nocase(segment->name, name))
			continue;
		memcpy(joined + n, r->room + segment->from, segment->n);
		n += segment->n;
	}
	r->found(r->arg, name, (struct view){ joined, n });
}

static bool is_first_of_name(const struct reading *r, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (view_eq_nocase(r->segments[k].name, r->segments[i].name))
			return false;
	return true;
}

static void join_all(struct reading *r, char *joined)
{
	for (size_t i = 0; i < r->segment_count; i++)
		if (is_first_of_name(r, i))
			join(r, r->segments[i].name, joined);
}

static int by_number(const void *a, const void *b)
{
	const struct segment *x = a, *y = b;

	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	return x->from < y->from ? -1 : x->from > y->from;
}

static bool is_sorted(const struct reading *r)
{
	for (size_t i = 1; i < r->segment_count; i++)
		if (by_number(&r->segments[i - 1], &r->segments[i]) > 0)
			return false;
	return true;
}

static struct view read_name(struct reading *r)
{
	size_t n = 0;

	skip_cfws(r);
	while (n < r->rest.n && !strchr("=;( \t\r\n", r->rest.p[n]))
		n++;
	struct view name = { r->rest.p, n };

	skip(r, n);
	skip_cfws(r);
	return name;
}

static int read_all(struct reading *r)
{
	for (size_t count = 0; r->rest.n > 0; count++) {
		struct view name;

		skip(r, view_find(r->rest, ';') + 1);
		name = read_name(r);
		if (!at(r, '='))
			continue;
		if (count == AV_PARAMETERS_MAX)
			return -E2BIG;
		skip(r, 1);
		take(r, name, read_value(r));
	}
	return 0;
}

int av_parameters(struct view field, av_parameter_found *found, void *arg)
{
	struct reading *r = malloc(sizeof *r);
	char *room = malloc(2 * field.n + 1);
	int result = -ENOMEM;

	if (!r || !room)
		goto out;
	*r = (struct reading){ .rest = field, .room = room, .found = found, .arg = arg };
	result = read_all(r);
	join_all(r, room + field.n);
	if (!is_sorted(r)) {
		qsort(r->segments, r->segment_count, sizeof r->segments[0], by_number);
		join_all(r, room + field.n);
	}
out:
	free(room);
	free(r);
	return result;
}

void av_parameter_head(struct view field, char *ret, size_t size)
{
	struct reading r = { .rest = field };
	size_t n = 0;

	for (skip_cfws(&r); r.rest.n > 0 && !at(&r, ';') && n + 1 < size; skip_cfws(&r)) {
		ret[n++] = ascii_lower(r.rest.p[0]);
		skip(&r, 1);
	}
	ret[n] = '\0';
}
