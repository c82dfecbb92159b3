#include "milter/import_dataset.h"
#include "milter/import_opendkim.h"

#include <string.h>
#include <talloc.h>

/* Files stay as they are: postern reads opendkim's tables. Returns whether the table could be followed. */
static bool import_table(struct import *import, const struct old_filter *filter, const struct old_setting *setting, const char *option)
{
	const char *colon = strchr(setting->value, ':');
	size_t prefix = colon ? (size_t)(colon - setting->value) + 1 : 0;
	char *path, *spec;

	if (dataset_kind(setting->value) != DATASET_FILE) {
		import_fault(import, &setting->place, "wanted a file, bare or behind file: or refile:, got %s", setting->value);
		return false;
	}
	path = dataset_path(import, filter->base, setting->value + prefix);
	spec = path ? talloc_asprintf(import, "%.*s%s", (int)prefix, setting->value, path) : NULL;
	if (spec)
		import_set(import, "sign", NULL, option, spec, &setting->place);
	else
		import_out_of_memory(import);
	talloc_free(path);
	talloc_free(spec);
	return true;
}

static void import_tables(struct import *import, const struct old_filter *filter, const struct old_setting *keys)
{
	const struct old_setting *senders = old_settings_find(filter->settings, "SigningTable");

	if (!senders)
		import_fault(import, &keys->place, "wanted a SigningTable beside it, got none");
	else if (import_table(import, filter, keys, "key-table"))
		(void)import_table(import, filter, senders, "signing-table"); /* the fault is told */
}

/* Several domains may share a selector, but not a title. */
static void import_key(struct import *import, const struct old_filter *filter, const struct dataset_entry *domain, const struct old_setting *selector,
                       const struct old_setting *file)
{
	char *path = dataset_path(import, filter->base, file->value);
	char *title = talloc_asprintf(import, "%s.%s", selector->value, domain->text);

	if (!path || !title) {
		import_out_of_memory(import);
	} else {
		import_set(import, "key", title, "selector", selector->value, &selector->place);
		import_set(import, "key", title, "domain", domain->text, &domain->place);
		import_set(import, "key", title, "file", path, &file->place);
	}
	talloc_free(path);
	talloc_free(title);
}

static void import_single(struct import *import, const struct old_filter *filter)
{
	static const char *const names[] = { "Domain", "Selector", "KeyFile" };
	const struct old_setting *found[3];
	struct dataset domains;

	for (size_t i = 0; i < 3; i++) {
		found[i] = old_settings_find(filter->settings, names[i]);
		if (!found[i])
			import_fault(import, &(struct import_place){ filter->place.file, 0, names[i] },
			             "wanted Domain, Selector and KeyFile, or KeyTable and SigningTable, to sign with; got none");
	}
	if (!found[0] || !found[1] || !found[2])
		return;
	dataset_read(import, found[0], ",", filter->base, &domains);
	for (size_t i = 0; i < domains.count; i++)
		import_key(import, filter, &domains.entry[i], found[1], found[2]);
}

void import_keys(struct import *import, const struct old_filter *filter)
{
	const struct old_setting *keys = old_settings_find(filter->settings, "KeyTable");

	if (!filter->signs)
		return;
	if (keys)
		import_tables(import, filter, keys);
	else
		import_single(import, filter);
}
