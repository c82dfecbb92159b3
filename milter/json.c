#include "milter/json.h"

#include <inttypes.h>

void json_string(struct buf *out, struct view octets)
{
	buf_add_char(out, '"');
	for (size_t i = 0; i < octets.n; i++) {
		unsigned char c = (unsigned char)octets.p[i];

		if (c == '"' || c == '\\')
			buf_printf(out, "\\%c", c);
		else if (c >= ' ' && c <= '~')
			buf_add_char(out, (char)c);
		else
			buf_printf(out, "\\u%04x", c);
	}
	buf_add_char(out, '"');
}

void json_separate(struct buf *out)
{
	struct view so_far = buf_view(out);
	char last = so_far.n > 0 ? so_far.p[so_far.n - 1] : '\0';

	if (last != '{' && last != '[' && last != '\0')
		buf_add_char(out, ',');
}

void json_name(struct buf *out, const char *name)
{
	json_separate(out);
	json_string(out, view_of(name));
	buf_add_char(out, ':');
}

void json_member(struct buf *out, const char *name, struct view value)
{
	json_name(out, name);
	json_string(out, value);
}

void json_text(struct buf *out, const char *name, const char *value)
{
	json_name(out, name);
	if (value)
		json_string(out, view_of(value));
	else
		buf_add_string(out, "null");
}

void json_number(struct buf *out, const char *name, uint64_t value)
{
	json_name(out, name);
	buf_printf(out, "%" PRIu64, value);
}

void json_bool(struct buf *out, const char *name, bool value)
{
	json_name(out, name);
	buf_add_string(out, value ? "true" : "false");
}
