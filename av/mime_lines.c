#include "av/mime_lines.h"

#include <string.h>

/* Deeper than this GMime does not go, whatever is declared. */
#define GMIME_LEVELS 1024

static bool is_boundary_word(const char *p)
{
	static const char word[] = "boundary";

	for (size_t i = 0; i < sizeof word - 1; i++)
		if (ascii_lower(p[i]) != word[i])
			return false;
	return true;
}

/* Times that an octet occurs behind the rest of the word. */
static size_t count_word(struct view text, char last)
{
	const char *end = text.p + text.n, *from = text.p + 7;
	size_t count = 0;

	if (text.n < 8)
		return 0;
	for (; (from = memchr(from, last, (size_t)(end - from))); from++)
		count += is_boundary_word(from - 7);
	return count;
}

static size_t count_delimiters(struct view message)
{
	size_t count = message.n >= 2 && memcmp(message.p, "--", 2) == 0;
	struct view rest = message;
	const char *found;

	while (rest.n && (found = memmem(rest.p, rest.n, "\n--", 3))) {
		count++;
		rest = view_slice(rest, (size_t)(found - rest.p) + 3, rest.n);
	}
	return count;
}

void av_mime_lines(struct view message, struct av_mime_lines *ret)
{
	*ret = (struct av_mime_lines){ 0 };
	if (message.n == 0)
		return;
	ret->delimiters = count_delimiters(message);
	ret->boundaries = count_word(message, 'y') + count_word(message, 'Y');
	ret->nul = memchr(message.p, '\0', message.n);
	ret->bare_cr = memmem(message.p, message.n, "\r--", 3);
}

bool av_mime_lines_bounded(const struct av_mime_lines *lines)
{
	size_t levels = lines->boundaries < GMIME_LEVELS ? lines->boundaries : GMIME_LEVELS;

	return levels == 0 || lines->delimiters <= AV_MIME_COMPARISONS_MAX / levels;
}
