#include "av/mime_part.h"

#include <string.h>
#include <talloc.h>

static struct view line_at(struct view text, size_t from)
{
	struct view rest = view_slice(text, from, text.n);

	return view_slice(rest, 0, view_find(rest, '\n'));
}

static bool has_prefix(struct view line, struct view prefix)
{
	return line.n >= prefix.n && memcmp(line.p, prefix.p, prefix.n) == 0;
}

/* Only padding behind it (RFC 2046 section 5.1.1: transport-padding). */
static bool is_blank(struct view rest)
{
	return view_trim_fws(rest).n == 0;
}

enum likeness { NOT_A_DELIMITER, BEGINS_LIKE_ONE, DELIMITER };

static enum likeness likeness_of(struct view line, struct view boundary)
{
	struct view rest = view_slice(line, 2 + boundary.n, line.n);

	if (boundary.n == 0 || !has_prefix(view_slice(line, 2, line.n), boundary))
		return NOT_A_DELIMITER;
	if (is_blank(rest) || (has_prefix(rest, VIEW("--")) && is_blank(view_slice(rest, 2, rest.n))))
		return DELIMITER;
	return BEGINS_LIKE_ONE;
}

/* A line that only begins like a delimiter is one for readers that compare no further (RFC 1341 section 7.2.1). */
static bool is_unclear(const struct mime_walk *walk, struct view line)
{
	size_t count = talloc_array_length(walk->boundaries);
	bool begins = false;

	for (size_t i = 0; i < count; i++) {
		enum likeness likeness = likeness_of(line, walk->boundaries[i]);

		if (likeness == DELIMITER)
			return false;
		begins |= likeness == BEGINS_LIKE_ONE;
	}
	return begins;
}

/* The next line from *from on that begins with "--". From line to line is several times faster than memmem(), which stops at
 * each "\n" too. */
static bool next_dashes(struct view text, size_t *from, struct view *ret)
{
	while (*from < text.n) {
		struct view rest = view_slice(text, *from, text.n);

		if (has_prefix(rest, VIEW("--"))) {
			*ret = line_at(text, *from);
			*from += ret->n + 1;
			return true;
		}
		*from += view_find(rest, '\n') + 1;
	}
	return false;
}

void mime_boundaries_check(struct mime_walk *walk)
{
	struct view line;

	if (talloc_array_length(walk->boundaries) == 0)
		return;
	for (size_t from = 0; next_dashes(walk->message, &from, &line);) {
		if (is_unclear(walk, line)) {
			mime_ambiguous(walk, "boundary", walk->number);
			return;
		}
	}
}

bool mime_has_delimiter(struct view text, struct view boundary)
{
	struct view line;

	for (size_t from = 0; next_dashes(text, &from, &line);)
		if (boundary.n == 0 || has_prefix(view_slice(line, 2, line.n), boundary))
			return true;
	return false;
}
