#include "milter/mime_text.h"

#define QUOTED_WIDTH 3 /* "=3D" */

static bool is_printable(char c)
{
	return (c >= ' ' && c <= '~') || c == '\t';
}

/* Cut the first line off; ret has neither its CRLF nor its LF. */
static void next_line(struct view *rest, struct view *ret)
{
	size_t end = view_find(*rest, '\n');

	*ret = view_slice(*rest, 0, end);
	if (end < rest->n && ret->n > 0 && ret->p[ret->n - 1] == '\r')
		ret->n--;
	*rest = view_slice(*rest, end + 1, rest->n);
}

static bool begins_like_mbox(struct view line)
{
	return view_eq(view_slice(line, 0, 5), VIEW("From "));
}

bool mime_text_is_plain(struct view text)
{
	struct view line;

	while (text.n > 0) {
		next_line(&text, &line);
		if (line.n > MIME_LINE_MAX || begins_like_mbox(line))
			return false;
		for (size_t i = 0; i < line.n; i++)
			if (!is_printable(line.p[i]))
				return false;
	}
	return true;
}

const char *mime_text_encoding(struct view text)
{
	return mime_text_is_plain(text) ? "7bit" : "quoted-printable";
}

/* RFC 2045 section 6.7 wants a blank at the end of a line quoted; what mail stores and SMTP treat in their own way at its start is, too.
 *   first  the octet begins a line of what is written */
static bool must_quote(struct view line, size_t i, bool first)
{
	char c = line.p[i];

	return !is_printable(c) || c == '=' || (ascii_is_blank(c) && i + 1 == line.n) ||
	       (first && (c == '.' || begins_like_mbox(view_slice(line, i, line.n))));
}

static void add_quoted_line(struct view line, struct buf *out)
{
	size_t column = 0;

	for (size_t i = 0; i < line.n; i++) {
		/* One column is left for the soft line break. */
		if (column + QUOTED_WIDTH > MIME_QUOTED_LINE_MAX - 1) {
			buf_add_string(out, "=\n");
			column = 0;
		}
		if (must_quote(line, i, column == 0)) {
			buf_printf(out, "=%02X", (unsigned char)line.p[i]);
			column += QUOTED_WIDTH;
		} else {
			buf_add_char(out, line.p[i]);
			column++;
		}
	}
}

void mime_text_add(struct view text, struct buf *out)
{
	bool plain = mime_text_is_plain(text);
	struct view line;

	while (text.n > 0) {
		next_line(&text, &line);
		if (plain)
			buf_add(out, line);
		else
			add_quoted_line(line, out);
		buf_add_char(out, '\n');
	}
}
