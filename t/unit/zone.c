#include "zone.h"

#include "support.h"

#include <stdio.h>
#include <talloc.h>

#define KEY_TEXT_MAX 4096

void zone_line(struct buf *text, const char *name, const char *tags, const struct dkim_private_key *key)
{
	struct buf p;

	buf_init(&p, NULL, KEY_TEXT_MAX);
	assert_int_equal(dkim_private_key_public_text(key, &p), 0);
	buf_printf(text, "%s TXT \"%s p=\" \"%.200s\" \"%s\"\n", name, tags, buf_string(&p), p.n > 200 ? buf_string(&p) + 200 : "");
	assert_int_equal(buf_error(text), 0);
	buf_free(&p);
}

void zone_open(struct zone *zone, struct view text)
{
	struct dkim_resolver_params params = { .records_only = true, .timeout_ms = 1000 };
	char *error = NULL;

	assert_int_equal(dkim_records_parse(NULL, "zone", text, &zone->records, &error), 0);
	params.records = zone->records;
	assert_int_equal(dkim_resolver_new(NULL, &params, &zone->resolver, &error), 0);
	assert_int_equal(dkim_key_cache_new(zone->resolver, 100, 1 << 20, &zone->cache), 0);
}

void zone_close(struct zone *zone)
{
	dkim_key_cache_free(zone->cache);
	dkim_resolver_free(zone->resolver);
	talloc_free(zone->records);
}

struct dkim_key_lookup *zone_look_up(struct zone *zone, const char *selector)
{
	struct dkim_key_lookup *lookup;

	assert_int_equal(dkim_key_lookup_start(zone->cache, view_of(selector), VIEW("example.com"), &lookup), 0);
	assert_int_equal(dkim_key_lookup_wait(lookup, 1000), 0);
	return lookup;
}
