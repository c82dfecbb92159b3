/* opendkim's "data sets" (opendkim(8)): lists, and files that hold lists. */
#ifndef MILTER_IMPORT_DATASET_H
#define MILTER_IMPORT_DATASET_H

#include "milter/import_file.h"

struct dataset_entry {
	const char *text;
	struct import_place place; /* its own: the line of the file that it stands in */
};

struct dataset {
	struct dataset_entry *entry; /* talloc array of import */
	size_t count;
};

enum dataset_kind { DATASET_LIST, DATASET_FILE, DATASET_OTHER };

/* Which kind a specification is: file:, refile: and / lead to files, csl: and no prefix to a list, all others to what is
 * not followed here: db:, dsn:, ldap:, lua:, memcache:, erlang:, *.db ... */
enum dataset_kind dataset_kind(const char *spec);

/* Read all entries: the first words of the lines of a file, or the parts of a list.
 *   separators  of a list: "," or ",:"
 *   base        folder that relative paths count from; NULL: none
 * A kind that is not followed is a note, a file that cannot be read a fault. */
void dataset_read(struct import *import, const struct old_setting *setting, const char *separators, const char *base, struct dataset *ret);

/* An absolute path: base in front of a relative one. NULL when memory is out. */
char *dataset_path(void *mem, const char *base, const char *path);

#endif
