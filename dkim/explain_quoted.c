#include "dkim/explain_quoted.h"

#include "dkim/explain_change.h"

#define LINE_MAX_OCTETS 76 /* RFC 2045 section 6.7 (5), "=" of a soft line break included */

static int digit_value(char c)
{
	char lower = ascii_lower(c);

	if (c >= '0' && c <= '9')
		return c - '0';
	return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

size_t explain_decode_octet(struct view v, struct buf *out)
{
	int high, low;

	if (v.n < 3 || v.p[0] != '=')
		return 0;
	high = digit_value(v.p[1]);
	low = digit_value(v.p[2]);
	if (high < 0 || low < 0)
		return 0;
	buf_add_char(out, (char)(high << 4 | low));
	return 3;
}

bool explain_decode_quoted_line(struct view line, struct buf *out)
{
	while (line.n > 0 && ascii_is_blank(line.p[line.n - 1])) /* added on the way (section 6.7 (3)) */
		line.n--;
	for (size_t i = 0; i < line.n; ) {
		size_t used = explain_decode_octet(view_slice(line, i, line.n), out);

		if (used == 0 && line.p[i] == '=' && i + 1 == line.n)
			return true;
		if (used == 0)
			buf_add_char(out, line.p[i]);
		i += used ? used : 1;
	}
	return false;
}

void explain_encode_q(struct view text, struct buf *out)
{
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i], lower = ascii_lower(c);

		if ((lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9'))
			buf_add_char(out, c);
		else if (c == ' ')
			buf_add_char(out, '_');
		else
			buf_printf(out, "=%02X", (unsigned char)c);
	}
}

bool explain_decode_quoted(struct view body, int arg, size_t variant, struct buf *out)
{
	struct view rest = body, line, end;

	(void)arg;
	while (variant == 0 && explain_next_line(&rest, &line, &end))
		if (!explain_decode_quoted_line(line, out))
			buf_add(out, end);
	return variant == 0;
}

/* A blank stays as it is but at the end of a line. */
static bool stays(struct view line, size_t i)
{
	char c = line.p[i];

	if (ascii_is_blank(c))
		return i + 1 < line.n;
	return c > ' ' && c <= '~' && c != '=';
}

static void encode_line(struct view line, struct buf *out)
{
	size_t column = 0;

	for (size_t i = 0; i < line.n; i++) {
		size_t width = stays(line, i) ? 1 : 3;

		if (column + width > LINE_MAX_OCTETS - (i + 1 < line.n)) {
			buf_add_string(out, "=\r\n");
			column = 0;
		}
		if (width == 1)
			buf_add_char(out, line.p[i]);
		else
			buf_printf(out, "=%02X", (unsigned char)line.p[i]);
		column += width;
	}
}

bool explain_encode_quoted(struct view body, int arg, size_t variant, struct buf *out)
{
	struct view rest = body, line, end;

	(void)arg;
	while (variant == 0 && explain_next_line(&rest, &line, &end)) {
		encode_line(line, out);
		buf_add(out, end);
	}
	return variant == 0;
}
