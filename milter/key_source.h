/* Where a command asks for keys: records file, resolver and cache. */
#ifndef MILTER_KEY_SOURCE_H
#define MILTER_KEY_SOURCE_H

#include "dkim/key_cache.h"

struct key_source {
	struct dkim_records *records; /* NULL: none */
	struct dkim_resolver *resolver;
	struct dkim_key_cache *cache;
};

/* A talloc child of mem; free it after its lookups.
 *   params        its `records` are not looked at,
 *   records_file  but this file is read for them; NULL or "": none
 *   ret_error  on failure: what was wanted and what was got; a talloc string of mem, or NULL
 * Returns 0, -ENOMEM, or another negative errno. */
int key_source_new(void *mem, const struct dkim_resolver_params *params, const char *records_file, struct key_source **ret,
                   char **ret_error);

/* Those that it asks, for people: "server 192.0.2.1@53, 192.0.2.2", "the servers of /etc/resolv.conf". A talloc string of mem;
 * NULL when memory is out. */
char *key_source_servers(void *mem, const struct dkim_resolver_params *params);

#endif
