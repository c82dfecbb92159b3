/* Lists of mailboxes (RFC 5322 section 3.4), read only as far as rewriting MTAs change them. */
#include "dkim/explain_change.h"

#include <string.h>

/* Offset of the first octet of `wanted` outside quoted strings, or v.n. */
static size_t find_unquoted(struct view v, size_t at, const char *wanted)
{
	bool quoted = false;

	for (; at < v.n; at++) {
		if (quoted && v.p[at] == '\\')
			at++;
		else if (v.p[at] == '"')
			quoted = !quoted;
		else if (!quoted && v.p[at] && strchr(wanted, v.p[at]))
			return at;
	}
	return v.n;
}

static bool has_special(struct view name)
{
	return view_find(name, '.') < name.n || view_find(name, '\'') < name.n;
}

static bool is_quoted(struct view name)
{
	return name.n >= 2 && name.p[0] == '"' && name.p[name.n - 1] == '"';
}

/* arg 1: only names that Sendmail puts into quotes by itself (confMUST_QUOTE_CHARS). */
static void add_name(struct view name, bool quote, int arg, struct buf *out)
{
	bool concerned = name.n > 0 && is_quoted(name) != quote && (arg == 0 || has_special(name));

	if (concerned && quote)
		buf_printf(out, "\"%.*s\"", (int)name.n, name.p);
	else
		buf_add(out, concerned ? view_slice(name, 1, name.n - 1) : name);
}

/* What stands before the "<" of each mailbox is its display name. */
static void change_names(const struct header_field *field, bool quote, int arg, struct buf *out)
{
	struct view value = field->value;

	buf_add(out, view_slice(field->raw, 0, (size_t)(value.p - field->raw.p)));
	while (value.n > 0) {
		size_t comma = find_unquoted(value, 0, ","), angle = find_unquoted(view_slice(value, 0, comma), 0, "<");

		if (angle < comma) {
			struct view name = view_trim_fws(view_slice(value, 0, angle));
			size_t from = name.n ? (size_t)(name.p - value.p) : 0;

			buf_add(out, view_slice(value, 0, from));
			add_name(name, quote, arg, out);
			buf_add(out, view_slice(value, from + name.n, angle));
		} else {
			angle = 0;
		}
		buf_add(out, view_slice(value, angle, comma + 1));
		value = view_slice(value, comma + 1, value.n);
	}
	buf_add_string(out, "\r\n");
}

void explain_quote_names(const struct header_field *field, struct view body, int arg, struct buf *out)
{
	(void)body;
	change_names(field, true, arg, out);
}

void explain_unquote_names(const struct header_field *field, struct view body, int arg, struct buf *out)
{
	(void)body;
	change_names(field, false, arg, out);
}

void explain_comma_blank(const struct header_field *field, struct view body, int arg, struct buf *out)
{
	struct view value = field->value;

	(void)body;
	buf_add(out, view_slice(field->raw, 0, (size_t)(value.p - field->raw.p)));
	while (value.n > 0) {
		size_t comma = find_unquoted(value, 0, ",");
		size_t next = comma + 1;

		while (next < value.n && ascii_is_blank(value.p[next]))
			next++;
		buf_add(out, view_slice(value, 0, comma + 1));
		if (arg == 1 && comma + 1 < value.n && value.p[comma + 1] != '\r')
			buf_add_char(out, ' ');
		value = view_slice(value, next, value.n);
	}
	buf_add_string(out, "\r\n");
}
