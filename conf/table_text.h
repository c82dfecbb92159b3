/* Lines of a KeyTable or SigningTable file, as opendkim(8) reads them ("DATA SETS", file and refile). */
#ifndef CONF_TABLE_TEXT_H
#define CONF_TABLE_TEXT_H

#include "conf/faults.h"

/* Octets of a table's file: 300,000 rows of a usual length. */
#define TABLE_FILE_MAX (32 * 1024 * 1024)

/* The path in "file:/path", "refile:/path" or "/path". */
const char *table_path(const char *spec);

/* Are the first columns patterns with asterisks ("refile:")? */
bool table_is_refile(const char *spec);

struct table_row {
	char *key;     /* the first word */
	char *value;   /* the rest without blanks at its ends; may be empty */
	unsigned line;
};

struct table_text {
	char *at;
	unsigned line;
};

/* Begin.
 *   text, n  the file, with a NUL behind it; it is cut into strings and must live as long as the rows
 * False: there is a NUL in it, and a fault says so. */
bool table_text_begin(struct table_text *table, char *text, size_t n, struct fault_list *faults);

/* The next row. Comments (from # to the end of the line) and empty lines are passed over, blanks before the first word too: no line
 * continues another. False at the end. */
bool table_text_next(struct table_text *table, struct table_row *ret);

#endif
