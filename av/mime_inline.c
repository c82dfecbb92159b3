#include "av/mime_inline.h"

#include <string.h>

static bool begins(struct view line, const char *word)
{
	size_t n = strlen(word);

	return line.n > n && memcmp(line.p, word, n) == 0;
}

/* "begin 644 name" (POSIX uuencode); no other mode than octal digits. */
static bool is_uuencode(struct view line, struct view *ret_name)
{
	size_t n = sizeof "begin " - 1;

	if (!begins(line, "begin "))
		return false;
	while (n < line.n && line.p[n] >= '0' && line.p[n] <= '7')
		n++;
	*ret_name = view_trim_fws(view_slice(line, n, line.n));
	return n >= sizeof "begin 644" - 1 && n < line.n && line.p[n] == ' ' && ret_name->n > 0;
}

/* "=ybegin line=128 size=123 name=a b.exe" (yEnc 1.3): the name comes last. */
static bool is_yenc(struct view line, struct view *ret_name)
{
	const char *name = begins(line, "=ybegin ") ? memmem(line.p, line.n, " name=", 6) : NULL;

	if (name)
		*ret_name = view_trim_fws(view_slice(line, (size_t)(name - line.p) + 6, line.n));
	return name;
}

/* Offset of the next line that begins with "begin " or "=ybegin ", from `from` on, or text.n. */
static size_t next_candidate(struct view text, size_t from)
{
	const char *end = text.p + text.n, *p = text.p + from, *found;

	for (; text.n > 0 && (found = memmem(p, (size_t)(end - p), "begin ", 6)); p = found + 6) {
		if (found - text.p >= 2 && memcmp(found - 2, "=y", 2) == 0)
			found -= 2;
		if (found == text.p || found[-1] == '\n')
			return (size_t)(found - text.p);
		found += found[0] == '=' ? 2 : 0;
	}
	return text.n;
}

/* Each octet belongs to one file at most: what could be another one ends it. */
bool mime_inline_next(struct view *rest, struct mime_inline *ret)
{
	size_t at = next_candidate(*rest, 0);

	while (at < rest->n) {
		struct view from = view_slice(*rest, at, rest->n);
		struct view line = view_slice(from, 0, view_find(from, '\n'));
		size_t next = next_candidate(from, line.n);

		ret->octets = view_slice(from, 0, next);
		ret->transfer = line.p[0] == 'b' ? AV_TRANSFER_UU : AV_TRANSFER_YENC;
		*rest = view_slice(from, next, from.n);
		at = 0;
		if (is_uuencode(line, &ret->name) || is_yenc(line, &ret->name))
			return true;
	}
	return false;
}
