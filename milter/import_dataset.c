#include "milter/import_dataset.h"

#include <string.h>
#include <talloc.h>

static const struct prefix {
	const char *text;
	enum dataset_kind kind;
} prefixes[] = {
	{ "csl:",      DATASET_LIST },
	{ "file:",     DATASET_FILE },
	{ "refile:",   DATASET_FILE },
	{ "/",         DATASET_FILE },
	{ "./",        DATASET_FILE },
	{ "../",       DATASET_FILE },
	{ "db:",       DATASET_OTHER },
	{ "dsn:",      DATASET_OTHER },
	{ "ldap:",     DATASET_OTHER },
	{ "ldaps:",    DATASET_OTHER },
	{ "ldapi:",    DATASET_OTHER },
	{ "lua:",      DATASET_OTHER },
	{ "mdb:",      DATASET_OTHER },
	{ "memcache:", DATASET_OTHER },
	{ "erlang:",   DATASET_OTHER },
	{ "repute:",   DATASET_OTHER },
	{ "socket:",   DATASET_OTHER },
};

static const struct prefix *find_prefix(const char *spec)
{
	for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
		if (strncmp(spec, prefixes[i].text, strlen(prefixes[i].text)) == 0)
			return &prefixes[i];
	return NULL;
}

static bool ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n >= m && strcmp(text + n - m, end) == 0;
}

enum dataset_kind dataset_kind(const char *spec)
{
	const struct prefix *prefix = find_prefix(spec);

	if (prefix && (prefix->kind != DATASET_FILE || strchr(prefix->text, ':')))
		return prefix->kind;
	if (ends_with(spec, ".db"))
		return DATASET_OTHER;
	return prefix ? prefix->kind : DATASET_LIST;
}

/* Behind the prefix: "/" and "./" belong to the path. */
static const char *content(const char *spec)
{
	const struct prefix *prefix = find_prefix(spec);

	return prefix && strchr(prefix->text, ':') ? spec + strlen(prefix->text) : spec;
}

char *dataset_path(void *mem, const char *base, const char *path)
{
	return *path == '/' || !base ? talloc_strdup(mem, path) : talloc_asprintf(mem, "%s/%s", base, path);
}

static void add(struct import *import, struct dataset *set, const char *text, size_t n, const struct import_place *place)
{
	struct dataset_entry *grown = talloc_realloc(import, set->entry, struct dataset_entry, (unsigned)set->count + 1);
	char *copy = talloc_strndup(import, text, n);

	if (grown)
		set->entry = grown;
	if (!grown || !copy)
		import_out_of_memory(import);
	else
		set->entry[set->count++] = (struct dataset_entry){ copy, *place };
}

static void read_list(struct import *import, const struct old_setting *setting, const char *separators, struct dataset *set)
{
	const char *text = content(setting->value);

	while (*text) {
		size_t n = strcspn(text, separators);
		struct view item = view_trim_fws((struct view){ text, n });

		if (item.n > 0)
			add(import, set, item.p, item.n, &setting->place);
		text += n + (text[n] != '\0');
	}
}

/* A file of a data set has the form of a file of settings: words, values behind them, comments. */
static void read_file(struct import *import, const struct old_setting *setting, const char *base, struct dataset *set)
{
	static const struct old_syntax syntax = { .hash_anywhere = true };
	struct old_settings lines = { NULL, 0 };
	char *path = dataset_path(import, base, content(setting->value));

	if (!path) {
		import_out_of_memory(import);
		return;
	}
	old_settings_read(import, &syntax, path, &setting->place, &lines);
	for (size_t i = 0; i < lines.count; i++) {
		struct import_place place = lines.row[i].place;

		place.shown = setting->place.shown;
		add(import, set, lines.row[i].name, strlen(lines.row[i].name), &place);
	}
	talloc_free(path);
}

void dataset_read(struct import *import, const struct old_setting *setting, const char *separators, const char *base, struct dataset *ret)
{
	*ret = (struct dataset){ NULL, 0 };
	switch (dataset_kind(setting->value)) {
	case DATASET_LIST:
		read_list(import, setting, separators, ret);
		break;
	case DATASET_FILE:
		read_file(import, setting, base, ret);
		break;
	case DATASET_OTHER:
		import_note(import, &setting->place, "wanted a list, or a file behind file:, refile: or csl:, got %s, which is not followed",
		            setting->value);
		break;
	}
}
