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

/* Offset of the next line that may begin a file, or text.n. */
static size_t next_candidate(struct view text)
{
	static const char *const words[] = { "begin ", "=ybegin ", "\nbegin ", "\n=ybegin " };
	size_t nearest = text.n;

	for (size_t i = 0; i < 2; i++)
		if (begins(text, words[i]))
			return 0;
	for (size_t i = 2; i < 4 && text.n; i++) {
		const char *found = memmem(text.p, text.n, words[i], strlen(words[i]));

		if (found && (size_t)(found - text.p) + 1 < nearest)
			nearest = (size_t)(found - text.p) + 1;
	}
	return nearest;
}

bool mime_inline_next(struct view *rest, struct mime_inline *ret)
{
	size_t at;

	while ((at = next_candidate(*rest)) < rest->n) {
		struct view from = view_slice(*rest, at, rest->n);
		size_t end = view_find(from, '\n');
		struct view line = view_slice(from, 0, end);

		*rest = view_slice(from, end + 1, from.n);
		ret->octets = from;
		ret->transfer = line.p[0] == 'b' ? AV_TRANSFER_UU : AV_TRANSFER_YENC;
		if (is_uuencode(line, &ret->name) || is_yenc(line, &ret->name))
			return true;
	}
	return false;
}
