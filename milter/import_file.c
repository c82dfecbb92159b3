#include "milter/import_file.h"

#include "milter/mail_file.h"

#include <string.h>
#include <strings.h>
#include <talloc.h>

const struct old_syntax opendkim_syntax = { .hash_anywhere = true, .include = "Include" };
const struct old_syntax clamav_syntax = { .quotes = true };

/* Where reading stands: how deep in files that include each other. */
struct reader {
	struct import *import;
	const struct old_syntax *syntax;
	struct old_settings *settings;
	unsigned depth;
};

static void read_file(struct reader *reader, const char *path, const struct import_place *place);

void old_settings_add(struct import *import, struct old_settings *settings, const struct old_setting *setting)
{
	struct old_setting *grown = talloc_realloc(import, settings->row, struct old_setting, (unsigned)settings->count + 1);

	if (!grown) {
		import_out_of_memory(import);
		return;
	}
	settings->row = grown;
	grown[settings->count++] = *setting;
}

const struct old_setting *old_settings_find(const struct old_settings *settings, const char *name)
{
	for (size_t i = settings->count; i > 0; i--)
		if (strcasecmp(settings->row[i - 1].name, name) == 0)
			return &settings->row[i - 1];
	return NULL;
}

static bool is_blank_or_end(char c)
{
	return ascii_is_fws(c) || c == '\v' || c == '\f';
}

static struct view trim(struct view v)
{
	while (v.n > 0 && is_blank_or_end(v.p[0]))
		v = view_slice(v, 1, v.n);
	while (v.n > 0 && is_blank_or_end(v.p[v.n - 1]))
		v.n--;
	return v;
}

static struct view without_comment(const struct old_syntax *syntax, struct view line)
{
	if (syntax->hash_anywhere)
		line = view_slice(line, 0, view_find(line, '#'));
	line = trim(line);
	return line.n > 0 && line.p[0] == '#' ? view_slice(line, 0, 0) : line;
}

static struct view without_quotes(struct view value)
{
	if (value.n >= 2 && (value.p[0] == '"' || value.p[0] == '\'') && value.p[value.n - 1] == value.p[0])
		return view_slice(value, 1, value.n - 1);
	return value;
}

static void take_line(struct reader *reader, struct view line, const char *file, unsigned number)
{
	struct old_setting setting = { .place = { file, number, NULL } };
	struct view value;
	size_t n = 0;

	while (n < line.n && !is_blank_or_end(line.p[n]))
		n++;
	value = trim(view_slice(line, n, line.n));
	if (reader->syntax->quotes)
		value = without_quotes(value);
	setting.name = talloc_strndup(reader->import, line.p, n);
	setting.value = talloc_strndup(reader->import, value.n ? value.p : "", value.n);
	setting.place.shown = setting.name;
	if (!setting.name || !setting.value)
		import_out_of_memory(reader->import);
	else if (reader->syntax->include && strcasecmp(setting.name, reader->syntax->include) == 0)
		read_file(reader, setting.value, &setting.place);
	else
		old_settings_add(reader->import, reader->settings, &setting);
}

static void parse(struct reader *reader, struct view text, const char *file)
{
	unsigned number = 0;

	while (text.n > 0) {
		struct view line = view_slice(text, 0, view_find(text, '\n'));
		struct view content = without_comment(reader->syntax, line);

		number++;
		text = view_slice(text, line.n + 1, text.n);
		if (view_find(line, '\0') < line.n) {
			import_fault(reader->import, &(struct import_place){ file, number, "syntax" }, "wanted text, got a NUL octet");
			return;
		}
		if (content.n > 0)
			take_line(reader, content, file, number);
	}
}

static void read_file(struct reader *reader, const char *path, const struct import_place *place)
{
	const char *name = talloc_strdup(reader->import, path);
	struct view text;
	char *error;

	if (!name) {
		import_out_of_memory(reader->import);
		return;
	}
	if (reader->depth == IMPORT_INCLUDES_MAX) {
		import_fault(reader->import, place, "wanted at most %d files inside one another, got one more: %s", IMPORT_INCLUDES_MAX, path);
		return;
	}
	if (mail_file_read_octets(reader->import, path, IMPORT_FILE_MAX, &text, &error) < 0) {
		import_fault(reader->import, place, "%s", error ? error : "out of memory");
		return;
	}
	reader->depth++;
	parse(reader, text, name);
	reader->depth--;
}

void old_settings_parse(struct import *import, const struct old_syntax *syntax, struct view text, const char *file, struct old_settings *settings)
{
	struct reader reader = { import, syntax, settings, 1 };

	parse(&reader, text, file);
}

void old_settings_read(struct import *import, const struct old_syntax *syntax, const char *path, const struct import_place *place,
                       struct old_settings *settings)
{
	struct reader reader = { import, syntax, settings, 0 };

	read_file(&reader, path, place);
}
