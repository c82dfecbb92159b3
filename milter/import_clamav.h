/* clamav-milter's settings (clamav-milter.conf(5)) as options of postern.conf(5). */
#ifndef MILTER_IMPORT_CLAMAV_H
#define MILTER_IMPORT_CLAMAV_H

#include "milter/import_file.h"

#include <stdbool.h>

/* Fill in the section av, and let every listener scan.
 *   listener  title of a section listener to make of MilterSocket, where mail is verified and scanned; NULL: those of the other
 *             sources scan */
void import_clamav(struct import *import, const struct old_settings *settings, const struct import_place *place, const char *listener);

/* A POSIX basic regular expression that says no more than a wildcard can: "^joe@example\.com$", "@example\.net$".
 *   ret  the pattern with "*" in it; a talloc string of mem; NULL when memory is out
 * False: it says more. */
bool import_pattern(void *mem, const char *regex, char **ret);

/* The names that the table knows; NULL behind the last. */
const char *import_clamav_name(size_t i);

#endif
