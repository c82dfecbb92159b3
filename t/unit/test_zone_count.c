/* dkim/zone_count.c */
#include "support.h"

#include "dkim/zone_count.h"

#include <errno.h>
#include <stdio.h>
#include <talloc.h>

struct zone_row {
	const char *name;
	struct view domain, zone;
};

static const struct zone_row zone_rows[] = {
	{ "a selector", VIEW_INIT("s._domainkey.example.com"), VIEW_INIT("example.com") },
	{ "a subdomain's", VIEW_INIT("s._domainkey.a.b.example.com"), VIEW_INIT("example.com") },
	{ "of two labels", VIEW_INIT("example.com"), VIEW_INIT("example.com") },
	{ "of one label", VIEW_INIT("com"), VIEW_INIT("com") },
	{ "of none", VIEW_INIT(""), VIEW_INIT("") },
	{ "below co.uk", VIEW_INIT("s._domainkey.a.example.CO.uk"), VIEW_INIT("example.CO.uk") },
	{ "co.uk itself", VIEW_INIT("co.uk"), VIEW_INIT("co.uk") },
	{ "one label below co.uk", VIEW_INIT("example.co.uk"), VIEW_INIT("example.co.uk") },
	{ "below co of a TLD that is no country's", VIEW_INIT("a.example.co.org"), VIEW_INIT("co.org") },
	{ "below a short name of a country", VIEW_INIT("a.b.abc.de"), VIEW_INIT("abc.de") },
};

static void test_zone(void **state)
{
	const struct zone_row *row = *state;
	struct view domain = guarded(row->domain), zone = zone_of(domain);

	assert_int_equal(zone.n, row->zone.n);
	assert_true(view_eq(zone, row->zone));
	guarded_free(domain);
}

static void test_count(void **state)
{
	struct zone_count *count;
	char name[64];

	(void)state;
	assert_int_equal(zone_count_new(NULL, 1000, &count), 0);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < DKIM_QUERIES_PER_ZONE_MAX; i++) {
			snprintf(name, sizeof name, "s%d._domainkey.n%d.example.com", i, i);
			assert_int_equal(zone_count_add(count, view_of(name)), 0);
		}
		assert_int_equal(zone_count_add(count, VIEW("x.Example.COM")), -EBUSY);
		assert_int_equal(zone_count_add(count, VIEW("x.example.org")), 0);
		zone_count_remove(count, VIEW("y.example.org"));
		zone_count_remove(count, VIEW("any.example.com"));
		assert_int_equal(zone_count_add(count, VIEW("x.example.com")), 0);
		assert_int_equal(zone_count_add(count, VIEW("x.example.com")), -EBUSY);
		for (int i = 0; i < DKIM_QUERIES_PER_ZONE_MAX; i++)
			zone_count_remove(count, VIEW("example.com"));
	}
	talloc_free(count);
}

/* A zone without questions takes no memory. */
static void test_memory(void **state)
{
	struct zone_count *count;
	size_t before;

	(void)state;
	assert_int_equal(zone_count_new(NULL, 1000, &count), 0);
	before = talloc_total_blocks(count);
	assert_int_equal(zone_count_add(count, VIEW("a.example.com")), 0);
	assert_int_equal(zone_count_add(count, VIEW("b.example.com")), 0);
	assert_int_equal(talloc_total_blocks(count), before + 1);
	zone_count_remove(count, VIEW("a.example.com"));
	zone_count_remove(count, VIEW("b.example.com"));
	assert_int_equal(talloc_total_blocks(count), before);
	talloc_free(count);
}

int main(void)
{
	TEST_ROWS(zone_rows, test_zone);
	test_add("one zone has its share", test_count);
	test_add("a zone without questions takes no memory", test_memory);
	return test_run("zone_count");
}
