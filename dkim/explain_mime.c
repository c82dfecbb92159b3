/* Fields that re-encoding and mailing lists change (RFC 2045). */
#include "dkim/explain_change.h"

#include <talloc.h>

static const char *const encodings[] = { "7bit", "8bit", "binary", "quoted-printable", "base64" };

void explain_encoding(const struct header_field *field, struct view body, int arg, struct buf *out)
{
	(void)body;
	buf_add(out, view_slice(field->raw, 0, (size_t)(field->value.p - field->raw.p)));
	buf_printf(out, " %s\r\n", encodings[arg]);
}

void explain_encoding_added(const struct header_field *field, struct view body, int arg, struct buf *out)
{
	(void)body;
	buf_add(out, field->raw);
	buf_printf(out, "Content-Transfer-Encoding: %s\r\n", encodings[arg]);
}

/* Offset behind "charset=", or v.n. */
static size_t find_charset(struct view v)
{
	static const struct view name = VIEW_INIT("charset=");

	for (size_t i = 0; i + name.n <= v.n; i++)
		if (view_eq_nocase(view_slice(v, i, i + name.n), name))
			return i + name.n;
	return v.n;
}

static bool ends_parameter(char c)
{
	return c == ';' || ascii_is_fws(c);
}

void explain_charset_quotes(const struct header_field *field, struct view body, int arg, struct buf *out)
{
	struct view raw = field->raw;
	size_t from = find_charset(raw), to = from;
	struct view charset;
	bool quoted;

	(void)body;
	while (to < raw.n && !ends_parameter(raw.p[to]))
		to++;
	charset = view_slice(raw, from, to);
	quoted = charset.n >= 2 && charset.p[0] == '"' && charset.p[charset.n - 1] == '"';
	if (quoted)
		charset = view_slice(charset, 1, charset.n - 1);
	buf_add(out, view_slice(raw, 0, from));
	buf_add_string(out, arg == 1 && charset.n ? "\"" : "");
	buf_add(out, charset);
	buf_add_string(out, arg == 1 && charset.n ? "\"" : "");
	buf_add(out, view_slice(raw, to, raw.n));
}

/* A list that puts a message into a multipart of its own moves these fields into the part. */
void explain_part_field(const struct header_field *field, struct view body, int arg, struct buf *out)
{
	struct view header, content, rest;
	struct header_list *list;
	const struct header_field *moved = NULL;

	(void)arg;
	if (!explain_find_part(body, &header, &content)) {
		buf_add(out, field->raw);
		return;
	}
	out->error = header_list_new(out->mem, NULL, &list);
	if (out->error < 0)
		return;
	if (header_list_parse(list, header, &rest) == 0)
		moved = header_list_from_bottom(list, field->name, 0, NULL);
	if (moved)
		buf_add(out, moved->raw);
	talloc_free(list);
}
