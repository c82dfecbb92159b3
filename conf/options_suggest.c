#include "conf/options.h"

#include <string.h>
#include <talloc.h>

#define NAME_LONGEST 32 /* octets of a name that is compared; ours are shorter */
#define OCTETS_PER_EDIT 3 /* more edits than one for so many octets are another word, not a slip of the fingers */

static size_t least(size_t a, size_t b, size_t c)
{
	size_t ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/* Edits (an octet put in, left out or replaced) that make one name the other: Levenshtein's distance, row by row. */
static size_t distance(const char *a, const char *b)
{
	const size_t a_n = strlen(a), b_n = strlen(b);
	size_t row[NAME_LONGEST + 1];

	if (a_n > NAME_LONGEST || b_n > NAME_LONGEST)
		return NAME_LONGEST;
	for (size_t j = 0; j <= b_n; j++)
		row[j] = j;
	for (size_t i = 1; i <= a_n; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b_n; j++) {
			const size_t above = row[j];

			row[j] = least(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
			diagonal = above;
		}
	}
	return row[b_n];
}

/* The nearest name that may stand in `section`, and how far it is. */
static const char *nearest(const char *section, const char *name, size_t *ret_distance)
{
	const char *best = NULL;
	size_t row_count, section_count;
	const struct option *rows = option_rows(&row_count);
	const struct option_section *sections = option_sections(&section_count);

	*ret_distance = NAME_LONGEST;
	for (size_t i = 0; i < row_count + section_count; i++) {
		const char *candidate = i < row_count ? rows[i].info.name : sections[i - row_count].name;
		const char *home = i < row_count ? rows[i].info.section : sections[i - row_count].parent;
		size_t far;

		if (!home || strcmp(home, section) != 0)
			continue;
		far = distance(candidate, name);
		if (far < *ret_distance) {
			*ret_distance = far;
			best = candidate;
		}
	}
	return best;
}

/* Another section where exactly this name may stand; NULL when there is none. */
static const char *other_home(const char *name)
{
	const struct option_section *section = option_section_find(name);
	size_t count;
	const struct option *rows = option_rows(&count);

	if (section && section->parent)
		return section->parent;
	for (size_t i = 0; i < count; i++)
		if (strcmp(rows[i].info.name, name) == 0)
			return rows[i].info.section;
	return NULL;
}

char *option_suggest(void *mem, const char *section, const char *name)
{
	size_t far;
	const char *near = nearest(section, name, &far);
	const char *home = other_home(name);

	if (strcmp(name, "include") == 0) /* libconfuse could; but all processes must read the same octets */
		return talloc_strdup(mem, "all options in this file, as there is no include");
	if (home && strcmp(home, section) != 0)
		return *home ? talloc_asprintf(mem, "a name known here (%s stands in section %s)", name, home)
		             : talloc_asprintf(mem, "a name known here (%s stands outside of sections)", name);
	if (near && far * OCTETS_PER_EDIT <= strlen(name))
		return talloc_asprintf(mem, "a name known here (%s?)", near);
	return talloc_strdup(mem, "a name known here");
}
