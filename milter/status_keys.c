#include "milter/status_keys.h"

#include "dkim/private_key.h"
#include "milter/gate.h"
#include "milter/key_source.h"

#include <errno.h>
#include <string.h>
#include <talloc.h>
#include <time.h>

#define WAIT_MARGIN_MS 1000 /* beyond dns.timeout, which ends a lookup by itself */

static int report_one(struct status_keys *keys, const struct conf_key *conf, struct dkim_key_lookup *lookup, unsigned timeout_ms)
{
	const struct dkim_key_set *set = NULL;
	struct dkim_private_key *key = NULL;
	char *error = NULL;
	int r;

	(void)dkim_private_key_load(keys, conf->file, &key, &error); /* what went wrong is what is reported */
	if (lookup && dkim_key_lookup_wait(lookup, timeout_ms + WAIT_MARGIN_MS) == 0)
		set = dkim_key_lookup_result(lookup);
	r = key_report_fill(keys, conf, key, key ? NULL : error ? error : "out of memory", set, time(NULL), &keys->reports[keys->count]);
	dkim_private_key_free(key);
	if (r == 0)
		keys->count++;
	return r;
}

/* All questions are asked before the first answer is waited for. */
static int report_all(struct status_keys *keys, const struct conf *conf, size_t count, struct dkim_key_cache *cache)
{
	struct dkim_key_lookup *lookups[STATUS_KEYS_MAX] = { NULL };
	int r = 0;

	for (size_t i = 0; i < count; i++)
		if (dkim_key_lookup_start(cache, view_of(conf->sign.keys[i].selector), view_of(conf->sign.keys[i].domain), &lookups[i]) < 0)
			lookups[i] = NULL; /* the report says that there is no answer */
	for (size_t i = 0; r == 0 && i < count; i++)
		r = report_one(keys, &conf->sign.keys[i], lookups[i], conf->dns.timeout_ms);
	for (size_t i = 0; i < count; i++)
		dkim_key_lookup_free(lookups[i]);
	return r;
}

int status_keys_read(void *mem, const struct conf *conf, struct status_keys **ret, char **ret_error)
{
	const size_t count = conf->sign.key_count < STATUS_KEYS_MAX ? conf->sign.key_count : STATUS_KEYS_MAX;
	struct status_keys *keys = talloc_zero(mem, struct status_keys);
	struct dkim_resolver_params params;
	struct key_source *source = NULL;
	int r = dkim_private_key_init();

	*ret_error = NULL;
	if (!keys || !(keys->reports = talloc_zero_array(keys, struct key_report, (unsigned)count + 1)))
		return -ENOMEM;
	keys->left_out = conf->sign.key_count - count;
	gate_resolver_params(&conf->dns, NULL, &params);
	if (r == 0)
		r = key_source_new(mem, &params, conf->dns.records, &source, ret_error);
	if (r == 0)
		r = report_all(keys, conf, count, source->cache);
	talloc_free(source);
	if (r == 0)
		*ret = keys;
	return r;
}
