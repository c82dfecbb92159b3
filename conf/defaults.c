#include "conf/defaults.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <talloc.h>

/* A text that grows; NULL once memory was out. */
struct text {
	char *p;
	bool with_docs; /* for people: with comments and examples; else defaults alone */
};

static void add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct text *text, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	if (text->p)
		text->p = talloc_vasprintf_append_buffer(text->p, format, arguments);
	va_end(arguments);
}

static const char *indent(const struct option_section *section)
{
	if (!section->parent)
		return "";
	return *section->parent ? "\t\t" : "\t";
}

static void add_option(struct text *text, const struct option *option, const char *tabs)
{
	const char *value = option->info.default_value;

	if (text->with_docs) {
		add(text, "%s# %s\n", tabs, option->info.doc);
		add(text, "%s# Wanted: %s.%s\n", tabs, option->info.wanted, value ? "" : " No default: an example.");
		value = value ? value : option->example;
	}
	if (value)
		add(text, "%s%s = %s\n", tabs, option->info.name, value);
}

static void add_section(struct text *text, const struct option_section *section)
{
	size_t rows, sections;
	const struct option *row = option_rows(&rows);
	const struct option_section *inner = option_sections(&sections);

	for (size_t i = 0; i < rows; i++)
		if (strcmp(row[i].info.section, section->name) == 0)
			add_option(text, &row[i], indent(section));
	for (size_t i = 0; i < sections; i++) {
		if (!inner[i].parent || strcmp(inner[i].parent, section->name) != 0)
			continue;
		add(text, "%s%s%s%s {\n", text->with_docs ? "\n" : "", indent(section), inner[i].name, inner[i].titled ? " \"example\"" : "");
		add_section(text, &inner[i]);
		add(text, "%s}\n", indent(section));
	}
}

static char *table_text(void *mem, bool with_docs)
{
	struct text text = { talloc_strdup(mem, ""), with_docs };

	add_section(&text, option_section_find(""));
	return text.p;
}

char *conf_defaults_text(void *mem)
{
	return table_text(mem, true);
}

int defaults_read(void *mem, struct source **ret)
{
	char *text = table_text(mem, false);
	struct fault_list *faults = text ? faults_new(text, "defaults") : NULL;
	int r;

	if (!faults) {
		talloc_free(text);
		return -ENOMEM;
	}
	r = source_read(mem, text, strlen(text), faults, ret);
	assert(r == -ENOMEM || faults_count(faults) == 0);
	talloc_free(text);
	return r;
}
