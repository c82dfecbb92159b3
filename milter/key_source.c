#include "milter/key_source.h"

#include <errno.h>
#include <talloc.h>

static int key_source_destructor(struct key_source *source)
{
	dkim_key_cache_free(source->cache);
	dkim_resolver_free(source->resolver);
	return 0;
}

int key_source_new(void *mem, const struct dkim_resolver_params *params, const char *records_file, struct key_source **ret,
                   char **ret_error)
{
	struct key_source *source = talloc_zero(mem, struct key_source);
	struct dkim_resolver_params with_records = *params;
	int r = 0;

	*ret_error = NULL;
	if (!source)
		return -ENOMEM;
	talloc_set_destructor(source, key_source_destructor);
	if (records_file && *records_file)
		r = dkim_records_load(source, records_file, &source->records, ret_error);
	with_records.records = source->records;
	if (r == 0)
		r = dkim_resolver_new(source, &with_records, &source->resolver, ret_error);
	if (r == 0)
		r = dkim_key_cache_new(source->resolver, DKIM_KEY_CACHE_ENTRIES, DKIM_KEY_CACHE_OCTETS, &source->cache);
	if (r < 0) {
		*ret_error = talloc_steal(mem, *ret_error);
		talloc_free(source);
		return r;
	}
	*ret = source;
	return 0;
}

char *key_source_servers(void *mem, const struct dkim_resolver_params *params)
{
	char *text = talloc_strdup(mem, params->server_count ? "server" : "the servers of /etc/resolv.conf");

	for (size_t i = 0; text && i < params->server_count; i++)
		text = talloc_asprintf_append(text, "%s %s", i ? "," : "", params->servers[i]);
	return text;
}
