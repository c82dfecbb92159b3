/* OpenDKIM's KeyTable: names of keys, and for each its domain, selector and file (opendkim.conf(5)). */
#ifndef CONF_KEY_TABLE_H
#define CONF_KEY_TABLE_H

#include "conf/faults.h"

struct key_row {
	const char *name;
	const char *domain;   /* of d=, or "%": the domain of the From field */
	const char *selector;
	const char *file;     /* an absolute path */
	unsigned line;
};

struct key_table {
	struct key_row *rows;          /* in the order of the file */
	size_t count;
	const struct key_row **sorted; /* by name */
};

/* Read rows `name domain:selector:path`.
 *   text, n  as in table_text.h
 *   faults   gets every row that is wrong: an unusual domain or selector, a key in the table itself, a path that is not
 *            absolute or has a % (keys are read before any sender is known), a name twice
 *   ret      the rows that are right; a talloc child of mem
 * Returns 0 or -ENOMEM. */
int key_table_parse(void *mem, char *text, size_t n, struct fault_list *faults, struct key_table **ret);

/* By name, in any case. NULL when there is none. */
const struct key_row *key_table_find(const struct key_table *table, const char *name);

#endif
