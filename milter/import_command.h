/* The command line of opendkim(8), or of dkim-filter, its ancestor, as settings of opendkim.conf(5). */
#ifndef MILTER_IMPORT_COMMAND_H
#define MILTER_IMPORT_COMMAND_H

#include "milter/import_file.h"

/* Append the settings of a command line: first those of the file that it names (-x), for its options count more.
 *   text  with or without the program's name; quotes and backslashes as for a shell, without expansions
 *   name  "command line 1", for places; must live as long as the settings
 * What is no option of these programs is a fault. */
void old_command_parse(struct import *import, const char *text, const char *name, struct old_settings *settings);

#endif
