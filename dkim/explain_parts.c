/*
 * MIME parts (RFC 2046 section 5.1.1), found without the boundary parameter: a line that begins with "--" and that a
 * Content- field follows opens a part; the next line that begins with the same octets ends it.
 */
#include "dkim/explain_change.h"

#include "dkim/explain_quoted.h"

#define FOOTERS_MAX 16        /* lines of dashes that are tried */
#define DASHES_MIN 10         /* the same octet that often and nothing else: a line that a list draws */
#define EMPTY_LINES_MAX 2     /* before them, that may belong to the footer */

static bool begins_nocase(struct view v, struct view with)
{
	return view_eq_nocase(view_slice(v, 0, with.n), with);
}

static bool is_dashes(struct view line)
{
	return line.n >= 2 && line.p[0] == '-' && line.p[1] == '-';
}

static bool opens_part(struct view line, struct view rest)
{
	return is_dashes(line) && line.n > 2 && begins_nocase(rest, VIEW("Content-"));
}

static bool is_boundary(struct view line, struct view boundary)
{
	return boundary.n > 0 && view_eq(view_slice(line, 0, boundary.n), boundary);
}

static struct view span(const char *from, const char *to)
{
	return (struct view){ from, (size_t)(to - from) };
}

/* Behind the empty line that ends a part's header; ret_header: the fields. */
static struct view skip_header(struct view rest, struct view *ret_header)
{
	struct view line, end, start = rest;

	while (explain_next_line(&rest, &line, &end) && line.n > 0)
		;
	*ret_header = span(start.p, line.n == 0 ? line.p : rest.p);
	return rest;
}

bool explain_find_part(struct view body, struct view *ret_header, struct view *ret_content)
{
	struct view rest = body, line, end, boundary, content;
	const char *last;

	do
		if (!explain_next_line(&rest, &line, &end))
			return false;
	while (!opens_part(line, rest));
	boundary = line;
	rest = skip_header(rest, ret_header);
	content = rest;
	do {
		last = rest.p;
		if (!explain_next_line(&rest, &line, &end))
			return false;
	} while (!is_boundary(line, boundary));
	/* The CRLF before the boundary belongs to it. */
	*ret_content = span(content.p, last - content.p >= 2 ? last - 2 : last);
	return true;
}

bool explain_first_part(struct view body, int arg, size_t variant, struct buf *out)
{
	struct view header, content;

	(void)arg;
	if (variant > 0 || !explain_find_part(body, &header, &content))
		return false;
	buf_add(out, content);
	return true;
}

/* A field of a part's header; what said quoted-printable said 8bit. Returns true for that one. */
static bool add_part_field(struct view line, struct view end, struct buf *out)
{
	static const struct view name = VIEW_INIT("Content-Transfer-Encoding:");
	bool quoted = begins_nocase(line, name) &&
	              view_eq_nocase(view_trim_fws(view_slice(line, name.n, line.n)), VIEW("quoted-printable"));

	buf_add(out, quoted ? name : line);
	buf_add(out, quoted ? VIEW(" 8bit") : VIEW(""));
	buf_add(out, end);
	return quoted;
}

static void add_part_line(struct view line, struct view end, bool quoted, struct buf *out)
{
	if (quoted && explain_decode_quoted_line(line, out))
		return;
	buf_add(out, quoted ? VIEW("") : line);
	buf_add(out, end);
}

bool explain_decode_parts(struct view body, int arg, size_t variant, struct buf *out)
{
	struct view rest = body, line, end, boundary = { NULL, 0 };
	bool in_header = false, quoted = false;

	(void)arg;
	if (variant > 0)
		return false;
	while (explain_next_line(&rest, &line, &end)) {
		if (opens_part(line, rest) || is_boundary(line, boundary)) {
			in_header = opens_part(line, rest);
			boundary = in_header ? line : boundary;
			quoted = false;
			add_part_line(line, end, false, out);
		} else if (in_header && line.n > 0) {
			quoted = add_part_field(line, end, out) || quoted;
		} else {
			add_part_line(line, end, quoted && !in_header, out);
			in_header = false;
		}
	}
	return true;
}

static bool is_footer_line(struct view line)
{
	size_t n = 1;

	if (view_eq(line, VIEW("-- ")) || view_eq(line, VIEW("--")))
		return true;
	while (n < line.n && line.p[n] == line.p[0])
		n++;
	return line.n >= DASHES_MIN && n == line.n && view_find(VIEW("_-=*~#"), line.p[0]) < 6;
}

/* The line of dashes with that number, counted from the top. */
static bool find_footer(struct view body, size_t number, const char **ret)
{
	struct view rest = body, line, end;

	while (explain_next_line(&rest, &line, &end))
		if (is_footer_line(line) && number-- == 0) {
			*ret = line.p;
			return true;
		}
	return false;
}

/* Where the part ends that holds p: at the next boundary, or where the body does. */
static const char *part_end(struct view body, const char *p)
{
	struct view rest = span(p, body.p + body.n), line, end;

	(void)explain_next_line(&rest, &line, &end); /* the footer's own */
	while (explain_next_line(&rest, &line, &end))
		if (is_dashes(line) && !is_footer_line(line))
			return line.p;
	return body.p + body.n;
}

bool explain_footer_in_part(struct view body, int arg, size_t variant, struct buf *out)
{
	size_t empty_lines = variant % (EMPTY_LINES_MAX + 1);
	const char *from, *to;

	(void)arg;
	if (variant / (EMPTY_LINES_MAX + 1) >= FOOTERS_MAX || !find_footer(body, variant / (EMPTY_LINES_MAX + 1), &from))
		return false;
	to = part_end(body, from);
	for (; empty_lines > 0 && from - body.p >= 2 && view_eq(span(from - 2, from), VIEW("\r\n")); empty_lines--)
		from -= 2;
	buf_add(out, span(body.p, from));
	buf_add(out, span(to, body.p + body.n));
	return true;
}
