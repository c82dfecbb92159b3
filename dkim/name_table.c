#include "dkim/name_table.h"

#include "dkim/domain.h"

#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <talloc.h>

struct name_table {
	unsigned char key[crypto_shorthash_KEYBYTES];
	size_t bucket_count; /* a power of two */
	struct name_node **buckets;
};

int name_table_new(void *mem, size_t expected, struct name_table **ret)
{
	struct name_table *table;
	size_t count = 1;

	if (sodium_init() < 0)
		return -EIO;
	while (count < expected)
		count *= 2;
	table = talloc_zero(mem, struct name_table);
	if (!table)
		return -ENOMEM;
	table->buckets = talloc_zero_size(table, count * sizeof *table->buckets);
	if (!table->buckets) {
		talloc_free(table);
		return -ENOMEM;
	}
	table->bucket_count = count;
	crypto_shorthash_keygen(table->key);
	*ret = table;
	return 0;
}

static uint64_t hash_name(const struct name_table *table, struct view name)
{
	unsigned char lower[DOMAIN_NAME_MAX], hash[crypto_shorthash_BYTES];
	uint64_t sum = 0;

	for (size_t i = 0; i < name.n; i++)
		lower[i] = (unsigned char)ascii_lower(name.p[i]);
	crypto_shorthash(hash, lower, name.n, table->key);
	for (size_t i = 0; i < sizeof hash; i++)
		sum = sum << 8 | hash[i];
	return sum;
}

static struct name_node **bucket(const struct name_table *table, uint64_t hash)
{
	return &table->buckets[hash & (table->bucket_count - 1)];
}

struct name_node *name_table_find(const struct name_table *table, struct view name)
{
	struct name_node *node;
	uint64_t hash;

	if (name.n > DOMAIN_NAME_MAX)
		return NULL;
	hash = hash_name(table, name);
	for (node = *bucket(table, hash); node; node = node->next)
		if (node->hash == hash && view_eq_nocase(node->name, name))
			return node;
	return NULL;
}

void name_table_add(struct name_table *table, struct name_node *node, struct view name)
{
	struct name_node **first;

	assert(name.n <= DOMAIN_NAME_MAX);
	node->name = name;
	node->hash = hash_name(table, name);
	first = bucket(table, node->hash);
	node->next = *first;
	*first = node;
}

void name_table_remove(struct name_table *table, struct name_node *node)
{
	struct name_node **link = bucket(table, node->hash);

	while (*link != node) {
		assert(*link);
		link = &(*link)->next;
	}
	*link = node->next;
}
