/* opendkim's settings, and those of dkim-filter before it, as options of postern.conf(5). */
#ifndef MILTER_IMPORT_OPENDKIM_H
#define MILTER_IMPORT_OPENDKIM_H

#include "milter/import_file.h"

#include <stdbool.h>

/* One old daemon: its settings, and what they make of it. */
struct old_filter {
	const struct old_settings *settings;
	struct import_place place;  /* of the whole: the file or the command line */
	bool signs, verifies;
	bool alone;                 /* no other of the import verifies: its socket may get mail from anywhere */
	const char *base;           /* BaseDirectory, or NULL */
	const char *listener;       /* the title of its section, once import_listener() has made it */
};

/* Read Mode, and whether there are keys: fills in signs and verifies. */
void import_mode(struct import *import, struct old_filter *filter);

/* Socket, InternalHosts, MTA, UMask: a section listener. */
void import_listener(struct import *import, struct old_filter *filter);

/* Domain, Selector and KeyFile, or KeyTable and SigningTable. */
void import_keys(struct import *import, const struct old_filter *filter);

/* All other settings, by one table. */
void import_settings(struct import *import, const struct old_filter *filter);

/* The names that the table knows; NULL behind the last. */
const char *import_setting_name(size_t i);

/* Booleans: only the first octet counts (opendkim.conf(5)). A value that is neither is false. */
bool import_is_true(const char *value);

#endif
