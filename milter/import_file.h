/* The settings of an old file or command line, in their order. */
#ifndef MILTER_IMPORT_FILE_H
#define MILTER_IMPORT_FILE_H

#include "milter/import.h"

struct old_setting {
	const char *name;  /* as in opendkim.conf(5) or clamav-milter.conf(5) */
	const char *value; /* without blanks at its ends; may be empty */
	struct import_place place;
};

struct old_settings {
	struct old_setting *row; /* talloc array */
	size_t count;
};

#define IMPORT_INCLUDES_MAX 5 /* files inside one another, as opendkim has it */

/* Whose file it is. */
struct old_syntax {
	bool hash_anywhere; /* a # ends a line wherever it stands (opendkim), or makes a comment at its start alone (clamav-milter) */
	bool quotes;        /* quotes around a value are not part of it */
	const char *include; /* the setting that names a further file; NULL: none */
};
extern const struct old_syntax opendkim_syntax, clamav_syntax;

/* Append the settings of a text: "Name value" in each line.
 *   text  borrowed; a NUL in it is a fault
 *   file  its name, for places; must live as long as the settings
 * Names and values are talloc strings of import. */
void old_settings_parse(struct import *import, const struct old_syntax *syntax, struct view text, const char *file, struct old_settings *settings);

/* The same for a file, and for those that it includes. One that cannot be read is a fault. */
void old_settings_read(struct import *import, const struct old_syntax *syntax, const char *path, const struct import_place *place,
                       struct old_settings *settings);

void old_settings_add(struct import *import, struct old_settings *settings, const struct old_setting *setting);

/* The last one of that name (any case), for the last one counts. NULL when there is none. */
const struct old_setting *old_settings_find(const struct old_settings *settings, const char *name);

#endif
