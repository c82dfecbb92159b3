#include "dkim/name_table.h"

#include "dkim/domain.h"
#include "t/unit/support.h"

#include <stdio.h>
#include <talloc.h>

enum { NAMES = 5000 };

struct named {
	struct name_node node;
	char name[32];
};

static struct view name_of(struct named *named, size_t i)
{
	int n = snprintf(named->name, sizeof named->name, "S%zu._domainkey.Example.com", i);

	return (struct view){ named->name, (size_t)n };
}

static bool has(const struct name_table *table, size_t i, struct name_node *want)
{
	char name[32];
	int n = snprintf(name, sizeof name, "s%zu._DOMAINKEY.example.COM", i);

	return name_table_find(table, (struct view){ name, (size_t)n }) == want;
}

/* expected is the number of buckets, not a limit. */
static void test_many(void **state)
{
	static const size_t expected[] = { 0, 1, 100, NAMES };
	void *mem = talloc_new(NULL);

	(void)state;
	for (size_t e = 0; e < sizeof expected / sizeof expected[0]; e++) {
		struct named *all = talloc_zero_array(mem, struct named, NAMES);
		struct name_table *table;

		assert_int_equal(name_table_new(mem, expected[e], &table), 0);
		for (size_t i = 0; i < NAMES; i++)
			name_table_add(table, &all[i].node, name_of(&all[i], i));
		for (size_t i = 0; i < NAMES; i++)
			assert_true(has(table, i, &all[i].node));
		for (size_t i = 0; i < NAMES; i += 2)
			name_table_remove(table, &all[i].node);
		for (size_t i = 0; i < NAMES; i++)
			assert_true(has(table, i, i % 2 ? &all[i].node : NULL));
	}
	talloc_free(mem);
}

static void test_lengths(void **state)
{
	char octets[DOMAIN_NAME_MAX + 1];
	struct name_node longest, empty;
	struct name_table *table;

	(void)state;
	memset(octets, 'a', sizeof octets);
	assert_int_equal(name_table_new(NULL, 10, &table), 0);
	name_table_add(table, &longest, (struct view){ octets, DOMAIN_NAME_MAX });
	name_table_add(table, &empty, VIEW(""));
	assert_ptr_equal(name_table_find(table, (struct view){ octets, DOMAIN_NAME_MAX }), &longest);
	assert_null(name_table_find(table, (struct view){ octets, DOMAIN_NAME_MAX - 1 }));
	assert_null(name_table_find(table, (struct view){ octets, DOMAIN_NAME_MAX + 1 }));
	assert_ptr_equal(name_table_find(table, VIEW("")), &empty);
	talloc_free(table);
}

int main(void)
{
	test_add("R13 names of any case, added, found and removed", test_many);
	test_add("names of all lengths", test_lengths);
	return test_run("name_table");
}
