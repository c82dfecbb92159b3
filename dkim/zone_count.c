#include "dkim/zone_count.h"

#include "dkim/domain.h"
#include "dkim/name_table.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <talloc.h>

struct zone_count {
	struct name_table *zones;
};

struct zone {
	struct name_node node;
	size_t questions;
	char name[DOMAIN_NAME_MAX];
};

/* Second-level labels below which registries of countries register names. */
static const char *const shared_labels[] = { "ac", "co", "com", "edu", "go", "gob", "gov", "gv", "ltd", "me", "mil", "ne", "net",
	                                     "nom", "or", "org", "plc", "sch", NULL };

static bool is_shared(struct view label)
{
	for (size_t i = 0; shared_labels[i]; i++)
		if (view_eq_nocase(label, view_of(shared_labels[i])))
			return true;
	return false;
}

/* Where the label begins that ends at `end`. */
static size_t label_start(struct view name, size_t end)
{
	while (end > 0 && name.p[end - 1] != '.')
		end--;
	return end;
}

struct view zone_of(struct view name)
{
	const size_t top = label_start(name, name.n);
	size_t start = top > 0 ? label_start(name, top - 1) : 0;

	if (start > 0 && name.n - top == 2 && is_shared(view_slice(name, start, top - 1)))
		start = label_start(name, start - 1);
	return view_slice(name, start, name.n);
}

int zone_count_new(void *mem, size_t names_max, struct zone_count **ret)
{
	struct zone_count *count = talloc_zero(mem, struct zone_count);
	int r = count ? name_table_new(count, names_max, &count->zones) : -ENOMEM;

	if (r < 0) {
		talloc_free(count);
		return r;
	}
	*ret = count;
	return 0;
}

static struct zone *find(const struct zone_count *count, struct view name)
{
	return (struct zone *)(void *)name_table_find(count->zones, name); /* the node is its first member */
}

static struct zone *add_zone(struct zone_count *count, struct view name)
{
	struct zone *zone = talloc_zero(count, struct zone);

	if (zone) {
		memcpy(zone->name, name.p, name.n);
		name_table_add(count->zones, &zone->node, (struct view){ zone->name, name.n });
	}
	return zone;
}

int zone_count_add(struct zone_count *count, struct view name)
{
	const struct view key = zone_of(name);
	struct zone *zone = find(count, key);

	if (zone && zone->questions >= DKIM_QUERIES_PER_ZONE_MAX)
		return -EBUSY;
	if (!zone)
		zone = add_zone(count, key);
	if (!zone)
		return -ENOMEM;
	zone->questions++;
	return 0;
}

void zone_count_remove(struct zone_count *count, struct view name)
{
	struct zone *zone = find(count, zone_of(name));

	assert(zone && zone->questions > 0);
	if (--zone->questions > 0)
		return;
	name_table_remove(count->zones, &zone->node);
	talloc_free(zone);
}
