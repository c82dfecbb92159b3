#include "conf/table_text.h"

#include <string.h>

#define BLANKS " \t\r\v\f"

static const char *without_prefix(const char *spec, const char *prefix)
{
	const size_t n = strlen(prefix);

	return strncmp(spec, prefix, n) == 0 ? spec + n : NULL;
}

const char *table_path(const char *spec)
{
	const char *path = without_prefix(spec, "file:");

	if (!path)
		path = without_prefix(spec, "refile:");
	return path ? path : spec;
}

bool table_is_refile(const char *spec)
{
	return without_prefix(spec, "refile:") != NULL;
}

bool table_text_begin(struct table_text *table, char *text, size_t n, struct fault_list *faults)
{
	const char *nul = n > 0 ? memchr(text, '\0', n) : NULL;
	unsigned line = 1;

	*table = (struct table_text){ .at = text };
	if (!nul)
		return true;
	for (const char *p = text; p < nul; p++)
		line += *p == '\n';
	faults_add(faults, line, "syntax", "text", "a NUL octet");
	return false;
}

/* The line that begins here as a string; `at` moves behind it. */
static char *cut_line(struct table_text *table)
{
	char *line = table->at;
	const size_t n = strcspn(line, "\n");

	table->at = line[n] ? line + n + 1 : line + n;
	table->line++;
	line[n] = '\0';
	return line;
}

static void trim_end(char *text)
{
	size_t n = strlen(text);

	while (n > 0 && strchr(BLANKS, text[n - 1]))
		n--;
	text[n] = '\0';
}

bool table_text_next(struct table_text *table, struct table_row *ret)
{
	while (*table->at) {
		char *line = cut_line(table), *key, *value;

		line[strcspn(line, "#")] = '\0';
		trim_end(line);
		key = line + strspn(line, BLANKS);
		if (!*key)
			continue;
		value = key + strcspn(key, BLANKS);
		if (*value)
			*value++ = '\0';
		*ret = (struct table_row){ key, value + strspn(value, BLANKS), table->line };
		return true;
	}
	return false;
}
