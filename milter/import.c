#include "milter/import.h"

#include "conf/options.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <talloc.h>

#define TRIAL_OCTETS (64 * 1024) /* more than any struct of conf.h: a value is parsed into it to see whether it can be */

struct setting {
	const char *section, *title, *option;
	const char **values; /* talloc array */
	size_t count;
};

struct texts {
	char **text; /* talloc array */
	size_t count;
};

struct import {
	struct setting *settings; /* talloc array */
	size_t count;
	struct texts notes, faults;
	int error;
};

struct import *import_new(void *mem)
{
	return talloc_zero(mem, struct import);
}

void import_out_of_memory(struct import *import)
{
	import->error = -ENOMEM;
}

int import_error(const struct import *import)
{
	return import->error;
}

static void add_text(struct import *import, struct texts *texts, const struct import_place *place, const char *format, va_list arguments)
	__attribute__((format(printf, 4, 0)));

static void add_text(struct import *import, struct texts *texts, const struct import_place *place, const char *format, va_list arguments)
{
	char **grown = talloc_realloc(import, texts->text, char *, (unsigned)texts->count + 1);
	char *text = talloc_strdup(import, place->file);

	if (text && place->line)
		text = talloc_asprintf_append(text, ":%u", place->line);
	if (text)
		text = talloc_asprintf_append(text, ": %s: ", place->shown);
	if (text)
		text = talloc_vasprintf_append(text, format, arguments);
	/* For terminals, and for comments, which end with the line. */
	for (char *c = text; c && *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	if (grown)
		texts->text = grown;
	if (!grown || !text)
		import->error = -ENOMEM;
	else
		texts->text[texts->count++] = text;
}

void import_note(struct import *import, const struct import_place *place, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	add_text(import, &import->notes, place, format, arguments);
	va_end(arguments);
}

void import_fault(struct import *import, const struct import_place *place, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	add_text(import, &import->faults, place, format, arguments);
	va_end(arguments);
}

static const char *text_at(const struct texts *texts, size_t i)
{
	return i < texts->count ? texts->text[i] : NULL;
}

const char *import_note_at(const struct import *import, size_t i)
{
	return text_at(&import->notes, i);
}

const char *import_fault_at(const struct import *import, size_t i)
{
	return text_at(&import->faults, i);
}

static bool is_same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static struct setting *find(const struct import *import, const char *section, const char *title, const char *option)
{
	for (size_t i = 0; i < import->count; i++) {
		struct setting *s = &import->settings[i];

		if (is_same(s->section, section) && is_same(s->title, title) && is_same(s->option, option))
			return s;
	}
	return NULL;
}

const char *import_get(const struct import *import, const char *section, const char *title, const char *option)
{
	const struct setting *s = find(import, section, title, option);

	return s && s->count > 0 ? s->values[0] : NULL;
}

/* Find or make it. NULL when memory is out. */
static struct setting *get(struct import *import, const char *section, const char *title, const char *option)
{
	struct setting *s = find(import, section, title, option), *grown;

	if (s)
		return s;
	grown = talloc_realloc(import, import->settings, struct setting, (unsigned)import->count + 1);
	if (!grown) {
		import->error = -ENOMEM;
		return NULL;
	}
	import->settings = grown;
	s = &grown[import->count];
	*s = (struct setting){ section, title ? talloc_strdup(import, title) : NULL, option, NULL, 0 };
	if (title && !s->title) {
		import->error = -ENOMEM;
		return NULL;
	}
	import->count++;
	return s;
}

/* Does postern.conf take the value? The option's own parser knows. */
static bool fits(struct import *import, const struct option *row, const char *value)
{
	char *trial = talloc_zero_size(import, TRIAL_OCTETS);
	size_t bad;
	int r = -ENOMEM;

	assert(row->offset < TRIAL_OCTETS / 2);
	if (trial)
		r = row->parse(trial, &row->rule, &value, 1, trial + row->offset, &bad);
	if (r == -ENOMEM)
		import->error = r;
	talloc_free(trial);
	return r == 0;
}

static bool has(const struct setting *s, const char *value)
{
	for (size_t i = 0; i < s->count; i++)
		if (strcmp(s->values[i], value) == 0)
			return true;
	return false;
}

static void add_value(struct import *import, struct setting *s, const char *value)
{
	const char **grown = talloc_realloc(import, s->values, const char *, (unsigned)s->count + 1);
	char *copy = talloc_strdup(import, value);

	if (grown)
		s->values = grown;
	if (!grown || !copy)
		import->error = -ENOMEM;
	else
		s->values[s->count++] = copy;
}

static void complain(struct import *import, const struct option *row, const char *value, const struct import_place *place)
{
	char *got = conf_quote(import, value);

	if (!got)
		import->error = -ENOMEM;
	else
		import_fault(import, place, "wanted %s, got %s", row->info.wanted, got);
	talloc_free(got);
}

void import_set(struct import *import, const char *section, const char *title, const char *option, const char *value,
                const struct import_place *place)
{
	const struct option *row = option_find(section, option);
	struct setting *s;

	assert(row);
	if (!fits(import, row, value)) {
		complain(import, row, value, place);
		return;
	}
	s = get(import, section, title, option);
	if (!s || has(s, value))
		return;
	if (s->count > 0 && !row->list)
		import_note(import, place, "%s stays %s, got %s as well", option, s->values[0], value);
	else
		add_value(import, s, value);
}

void import_set_empty(struct import *import, const char *section, const char *title, const char *option)
{
	assert(option_find(section, option) && option_find(section, option)->list);
	(void)get(import, section, title, option); /* its failure is kept in import */
}

void import_set_all(struct import *import, const char *section, const char *option, const char *value, const struct import_place *place)
{
	size_t count = import->count; /* what is set here comes behind */

	for (size_t i = 0; i < count; i++)
		if (strcmp(import->settings[i].section, section) == 0 && import->settings[i].title)
			import_set(import, section, import->settings[i].title, option, value, place);
}

static void add_quoted(struct buf *out, const char *value)
{
	char *quoted = conf_quote(out->mem, value);

	if (quoted)
		buf_add_string(out, quoted);
	else
		out->error = -ENOMEM;
	talloc_free(quoted);
}

/* Words, numbers and times stand without quotes in the option's own example. */
static bool wants_quotes(const struct option *row)
{
	const char *like = row->info.default_value ? row->info.default_value : row->example;

	return row->list || like[0] == '"';
}

static void write_setting(const struct setting *s, const struct option *row, const char *indent, struct buf *out)
{
	buf_printf(out, "%s%s = %s", indent, s->option, row->list ? "{" : "");
	for (size_t i = 0; i < s->count; i++) {
		if (i > 0)
			buf_add_string(out, ", ");
		if (wants_quotes(row))
			add_quoted(out, s->values[i]);
		else
			buf_add_string(out, s->values[i]);
	}
	buf_add_string(out, row->list ? "}\n" : "\n");
}

/* The settings of one section, in the order of the option table. */
static void write_settings(const struct import *import, const char *section, const char *title, const char *indent, struct buf *out)
{
	const struct setting *s;
	size_t count;
	const struct option *rows = option_rows(&count);

	for (size_t i = 0; i < count; i++) {
		if (strcmp(rows[i].info.section, section) != 0)
			continue;
		s = find(import, section, title, rows[i].info.name);
		if (s)
			write_setting(s, &rows[i], indent, out);
	}
}

static bool is_first_of_title(const struct import *import, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (is_same(import->settings[i].section, import->settings[at].section) &&
		    is_same(import->settings[i].title, import->settings[at].title))
			return false;
	return true;
}

static void write_titled(const struct import *import, const char *section, const char *indent, const char *inner, struct buf *out)
{
	for (size_t i = 0; i < import->count; i++) {
		const struct setting *s = &import->settings[i];

		if (strcmp(s->section, section) != 0 || !s->title || !is_first_of_title(import, i))
			continue;
		buf_printf(out, "%s%s ", indent, section);
		add_quoted(out, s->title);
		buf_add_string(out, " {\n");
		write_settings(import, section, s->title, inner, out);
		buf_printf(out, "%s}\n", indent);
	}
}

static bool has_section(const struct import *import, const char *section)
{
	for (size_t i = 0; i < import->count; i++)
		if (strcmp(import->settings[i].section, section) == 0)
			return true;
	return false;
}

/* A section with the titled ones inside it. */
static void write_section(const struct import *import, const char *section, struct buf *out)
{
	size_t count;
	const struct option_section *sections = option_sections(&count);
	bool wanted = has_section(import, section);

	for (size_t i = 0; i < count; i++)
		wanted = wanted || (sections[i].parent && strcmp(sections[i].parent, section) == 0 && has_section(import, sections[i].name));
	if (!wanted)
		return;
	buf_printf(out, "%s {\n", section);
	for (size_t i = 0; i < count; i++)
		if (sections[i].parent && strcmp(sections[i].parent, section) == 0 && sections[i].titled)
			write_titled(import, sections[i].name, "\t", "\t\t", out);
	write_settings(import, section, NULL, "\t", out);
	buf_add_string(out, "}\n");
}

static void write_notes(const struct import *import, struct buf *out)
{
	if (import->notes.count > 0)
		buf_add_string(out, "\n# What has no counterpart, or works in another way:\n");
	for (size_t i = 0; i < import->notes.count; i++)
		buf_printf(out, "# %s\n", import->notes.text[i]);
}

void import_write(const struct import *import, struct buf *out)
{
	size_t count;
	const struct option_section *sections = option_sections(&count);

	buf_add_string(out, "# Written by `postern import`. postern.conf(5) explains the options; `postern check` tells whether it would start.\n");
	write_settings(import, "", NULL, "", out);
	for (size_t i = 0; i < count; i++) {
		if (!sections[i].parent || strcmp(sections[i].parent, "") != 0)
			continue;
		if (sections[i].titled)
			write_titled(import, sections[i].name, "", "\t", out);
		else
			write_section(import, sections[i].name, out);
	}
	write_notes(import, out);
}
