/*
 * A hash table keyed by domain names in any case. Its nodes live in the objects that they name, the number of
 * buckets is fixed at birth: who uses it knows a maximum. Senders choose the names, hence a keyed hash.
 * No locks: the owner has one.
 */
#ifndef DKIM_NAME_TABLE_H
#define DKIM_NAME_TABLE_H

#include "dkim/view.h"

#include <stdint.h>

struct name_node {
	struct name_node *next; /* in the same bucket */
	uint64_t hash;
	struct view name;       /* as given to name_table_add() */
};

struct name_table; /* a talloc object */

/* expected: names that will be in it at most, for the number of buckets. Returns 0, -ENOMEM or -EIO. */
int name_table_new(void *mem, size_t expected, struct name_table **ret);

/* NULL when there is none. */
struct name_node *name_table_find(const struct name_table *table, struct view name);

/* name: at most DOMAIN_NAME_MAX octets, not in the table yet, alive as long as the node is in it. */
void name_table_add(struct name_table *table, struct name_node *node, struct view name);

/* The node must be in the table. */
void name_table_remove(struct name_table *table, struct name_node *node);

#endif
