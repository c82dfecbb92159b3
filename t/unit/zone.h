/* Keys as a zone publishes them, without any server: records text, asked through a key cache. */
#ifndef T_ZONE_H
#define T_ZONE_H

#include "dkim/key_cache.h"
#include "dkim/private_key.h"

struct zone {
	struct dkim_records *records;
	struct dkim_resolver *resolver;
	struct dkim_key_cache *cache;
};

/* Text of one line that publishes a key: `NAME TXT "TAGS p=..."`, appended. */
void zone_line(struct buf *text, const char *name, const char *tags, const struct dkim_private_key *key);

/* The test program fails when the text is no zone. */
void zone_open(struct zone *zone, struct view text);
void zone_close(struct zone *zone);

/* What `selector`._domainkey.example.com has; free the lookup with dkim_key_lookup_free(). */
struct dkim_key_lookup *zone_look_up(struct zone *zone, const char *selector);

#endif
