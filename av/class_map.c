#include "av/class_map.h"

#include "dkim/regular_file.h"

#include <errno.h>
#include <fnmatch.h>
#include <string.h>
#include <talloc.h>
#include <unistd.h>

#define SHOWN_MAX 80 /* octets of a faulty row that the error shows */

struct row {
	const char *pattern;
	enum av_class class;
};

struct av_class_map {
	struct row *rows; /* a talloc array */
	size_t count;
	const char **ignore; /* NULL-terminated */
};

static int copy_ignore(struct av_class_map *map, const char *const *ignore)
{
	size_t count = 0;

	while (ignore[count])
		count++;
	map->ignore = talloc_zero_array(map, const char *, (unsigned)count + 1);
	if (!map->ignore)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		map->ignore[i] = talloc_strdup(map->ignore, ignore[i]);
		if (!map->ignore[i])
			return -ENOMEM;
	}
	return 0;
}

/* Cut the next word off a line; empty at its end. */
static struct view next_word(struct view *line)
{
	size_t n = 0;
	struct view word;

	*line = view_trim_fws(*line);
	while (n < line->n && !ascii_is_fws(line->p[n]))
		n++;
	word = view_slice(*line, 0, n);
	*line = view_slice(*line, n, line->n);
	return word;
}

static bool class_of_word(struct view word, enum av_class *ret)
{
	for (enum av_class class = 0; class < AV_CLASS_CLEAN; class++)
		if (view_eq_nocase(word, view_of(av_class_text(class)))) {
			*ret = class;
			return true;
		}
	*ret = AV_CLASS_CLEAN;
	return view_eq_nocase(word, VIEW("ignore"));
}

static int add_row(struct av_class_map *map, struct view pattern, enum av_class class)
{
	size_t room = talloc_array_length(map->rows);

	if (map->count == room) {
		struct row *more = talloc_realloc(map, map->rows, struct row, (unsigned)(room ? 2 * room : 16));

		if (!more)
			return -ENOMEM;
		map->rows = more;
	}
	map->rows[map->count].class = class;
	map->rows[map->count].pattern = view_string(map->rows, pattern);
	if (!map->rows[map->count].pattern)
		return -ENOMEM;
	map->count++;
	return 0;
}

/* Returns 0, -EINVAL for a row that is none, -ENOMEM. */
static int read_row(struct av_class_map *map, struct view line)
{
	struct view rest = view_slice(line, 0, view_find(line, '#')), pattern, word;
	enum av_class class;

	pattern = next_word(&rest);
	word = next_word(&rest);
	if (pattern.n == 0)
		return 0;
	if (next_word(&rest).n > 0 || !class_of_word(word, &class) || view_find(pattern, '\0') < pattern.n)
		return -EINVAL;
	return add_row(map, pattern, class);
}

static char *row_error(void *mem, const char *file, unsigned number, struct view line)
{
	char *shown = view_escape(mem, view_trim_fws(line), SHOWN_MAX);
	char *text = shown ? talloc_asprintf(mem, "%s:%u: wanted PATTERN CLASS with infected, banned, error, unscannable, suspect, "
	                                     "encrypted or ignore, got \"%s\"", file, number, shown) : NULL;

	talloc_free(shown);
	return text;
}

int av_class_map_parse(void *mem, struct view text, const char *file, const char *const *ignore, struct av_class_map **ret,
                       char **ret_error)
{
	struct av_class_map *map = talloc_zero(mem, struct av_class_map);
	struct view line;
	int r = map ? copy_ignore(map, ignore) : -ENOMEM;

	*ret_error = NULL;
	for (unsigned number = 1; r == 0 && text.p && view_next(&text, '\n', &line); number++) {
		r = read_row(map, line);
		if (r == -EINVAL)
			*ret_error = row_error(mem, file, number, line);
	}
	if (r < 0) {
		talloc_free(map);
		return r;
	}
	*ret = map;
	return 0;
}

static int read_file(void *mem, const char *path, struct view *ret, char **ret_error)
{
	struct stat st;
	char *octets;
	int fd, r;

	r = regular_file_open(mem, path, &fd, &st, ret_error);
	if (r < 0)
		return r;
	if (st.st_size > AV_CLASS_MAP_OCTETS_MAX) {
		*ret_error = talloc_asprintf(mem, "%s: wanted at most %d octets, got %lld", path, AV_CLASS_MAP_OCTETS_MAX,
		                             (long long)st.st_size);
		r = -EFBIG;
		goto out;
	}
	octets = talloc_array(mem, char, (unsigned)st.st_size + 1);
	r = octets ? regular_file_read(mem, path, fd, octets, (size_t)st.st_size, &ret->n, ret_error) : -ENOMEM;
	ret->p = octets;
out:
	close(fd);
	return r;
}

int av_class_map_new(void *mem, const char *path, const char *const *ignore, struct av_class_map **ret, char **ret_error)
{
	void *scratch = talloc_new(mem);
	struct view text = VIEW("");
	int r = scratch ? 0 : -ENOMEM;

	*ret_error = NULL;
	if (r == 0 && *path)
		r = read_file(scratch, path, &text, ret_error);
	if (r < 0)
		*ret_error = talloc_steal(mem, *ret_error);
	else
		r = av_class_map_parse(mem, text, path, ignore, ret, ret_error);
	talloc_free(scratch);
	return r;
}

bool av_class_map_find(const struct av_class_map *map, const char *name, enum av_class *ret)
{
	*ret = AV_CLASS_CLEAN;
	for (size_t i = 0; map->ignore[i]; i++)
		if (fnmatch(map->ignore[i], name, FNM_CASEFOLD) == 0)
			return true;
	for (size_t i = 0; i < map->count; i++)
		if (fnmatch(map->rows[i].pattern, name, FNM_CASEFOLD) == 0) {
			*ret = map->rows[i].class;
			return true;
		}
	return false;
}
