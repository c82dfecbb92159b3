#include "t/fuzz/canon_reference.h"

#include "t/fuzz/fuzz.h"

#include <talloc.h>

/* "Unfold all header field continuation lines": leave out each CRLF that stands before WSP. */
static struct view unfolded(void *mem, struct view value)
{
	char *to = talloc_size(mem, value.n);
	size_t n = 0;

	CLAIM(to);
	for (size_t i = 0; i < value.n; i++) {
		if (i + 2 < value.n && value.p[i] == '\r' && value.p[i + 1] == '\n' && ascii_is_blank(value.p[i + 2]))
			i++;
		else
			to[n++] = value.p[i];
	}
	return (struct view){ to, n };
}

/* "Convert all sequences of one or more WSP characters to a single SP". */
static struct view reduced(void *mem, struct view value)
{
	char *to = talloc_size(mem, value.n);
	size_t n = 0;

	CLAIM(to);
	for (size_t i = 0; i < value.n; i++) {
		if (!ascii_is_blank(value.p[i]))
			to[n++] = value.p[i];
		else if (n == 0 || to[n - 1] != ' ')
			to[n++] = ' ';
	}
	return (struct view){ to, n };
}

static struct view without_blanks_around(struct view v)
{
	while (v.n > 0 && ascii_is_blank(v.p[0]))
		v = view_slice(v, 1, v.n);
	while (v.n > 0 && ascii_is_blank(v.p[v.n - 1]))
		v.n--;
	return v;
}

void reference_header(enum dkim_canon canon, struct view field, struct buf *out)
{
	size_t colon = view_find(field, ':');
	struct view name = view_slice(field, 0, colon);

	if (canon == DKIM_SIMPLE) {
		buf_add(out, field);
	} else {
		while (name.n > 0 && ascii_is_blank(name.p[name.n - 1]))
			name.n--;
		for (size_t i = 0; i < name.n; i++)
			buf_add_char(out, ascii_lower(name.p[i]));
		buf_add_char(out, ':');
		buf_add(out, without_blanks_around(reduced(out->mem, unfolded(out->mem, view_slice(field, colon + 1, field.n)))));
	}
	buf_add_string(out, "\r\n");
}

/* Section 3.4.4: a) for one line. */
static void add_reduced_line(struct view line, struct buf *out)
{
	while (line.n > 0 && ascii_is_blank(line.p[line.n - 1]))
		line.n--;
	for (size_t i = 0; i < line.n; i++) {
		if (!ascii_is_blank(line.p[i]))
			buf_add_char(out, line.p[i]);
		else if (!ascii_is_blank(line.p[i + 1])) /* there is one: the line does not end in a blank */
			buf_add_char(out, ' ');
	}
}

static size_t find_crlf(struct view v)
{
	for (size_t i = 0; i + 1 < v.n; i++)
		if (v.p[i] == '\r' && v.p[i + 1] == '\n')
			return i;
	return v.n;
}

/* Every line, each with a CRLF; then the empty lines at the end go away. */
void reference_body(enum dkim_canon canon, struct view body, struct buf *out)
{
	size_t keep = 0;

	while (body.n > 0) {
		size_t end = find_crlf(body);
		struct view line = view_slice(body, 0, end);
		size_t before = out->n;

		if (canon == DKIM_RELAXED)
			add_reduced_line(line, out);
		else
			buf_add(out, line);
		bool empty = out->n == before;

		buf_add_string(out, "\r\n");
		if (!empty)
			keep = out->n;
		body = view_slice(body, end + 2, body.n);
	}
	out->n = keep;
	if (keep == 0 && canon == DKIM_SIMPLE)
		buf_add_string(out, "\r\n");
}
