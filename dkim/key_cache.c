#include "dkim/key_cache.h"

#include "dkim/clock.h"
#include "dkim/domain.h"
#include "dkim/name_table.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>

#define PARSED_KEY_OCTETS 2048 /* of an RSA-2048 key in OpenSSL, measured; longer ones take little more */
#define KEY_NAME_INFIX "._domainkey." /* RFC 6376 section 3.6.2.1 */

/* One name with its keys. Immutable once it is shared; freed with the last hold on it. */
struct entry {
	struct dkim_key_set set;
	struct dkim_dns_answer answer;
	struct name_node node;
	struct entry *older, *newer; /* in the order of arrival, under the cache's lock */
	size_t octets;               /* of memory, about */
	int64_t expires_ms;          /* monotonic clock */
	atomic_uint holds;           /* the cache has one, each lookup one */
};

struct dkim_key_cache {
	struct dkim_resolver *resolver;
	size_t entries_max, octets_max;
	pthread_mutex_t lock; /* all below */
	struct name_table *table;
	struct entry *oldest, *newest;
	size_t count, octets;
};

struct dkim_key_lookup {
	struct dkim_key_cache *cache;
	struct dkim_query *query; /* NULL once answered, or when none was needed */
	struct entry *entry;      /* NULL until answered, or when memory was out */
	bool cached;
	struct view name;
	char name_octets[DOMAIN_NAME_MAX];
};

static void entry_release(struct entry *entry)
{
	if (entry && atomic_fetch_sub(&entry->holds, 1) == 1)
		talloc_free(entry);
}

static struct entry *entry_of(struct name_node *node)
{
	return (struct entry *)(void *)((char *)node - offsetof(struct entry, node));
}

/* The answer's memory goes with its query: keep our own copy, with the name it is filed under. */
static int copy_answer(struct entry *entry, struct view name, const struct dkim_dns_answer *answer)
{
	entry->answer = *answer;
	entry->answer.canonical_name = NULL;
	entry->node.name = (struct view){ talloc_memdup(entry, name.p, name.n), name.n };
	entry->answer.texts = talloc_zero_array(entry, struct view, (unsigned)answer->text_count);
	if (!entry->node.name.p || !entry->answer.texts)
		return -ENOMEM;
	if (answer->canonical_name) {
		entry->answer.canonical_name = talloc_strdup(entry, answer->canonical_name);
		if (!entry->answer.canonical_name)
			return -ENOMEM;
	}
	for (size_t i = 0; i < answer->text_count; i++) {
		struct view text = answer->texts[i];

		entry->answer.texts[i] = (struct view){ talloc_memdup(entry->answer.texts, text.p, text.n), text.n };
		if (text.n > 0 && !entry->answer.texts[i].p)
			return -ENOMEM;
	}
	return 0;
}

static int parse_keys(struct entry *entry)
{
	entry->set.answer = &entry->answer;
	entry->set.keys = talloc_zero_array(entry, struct dkim_key, (unsigned)entry->answer.text_count);
	if (!entry->set.keys)
		return -ENOMEM;
	for (size_t i = 0; i < entry->answer.text_count; i++) {
		struct dkim_key *key = &entry->set.keys[i];

		key->reason = dkim_key_record_parse(entry->answer.texts[i], &key->record);
		if (key->reason == DKIM_REASON_PASS)
			key->reason = dkim_public_key_parse(entry, &key->record, &key->key);
		if (key->reason == DKIM_REASON_OUT_OF_MEMORY) /* must not be kept as the key's fault */
			return -ENOMEM;
	}
	return 0;
}

/* talloc knows its own blocks; a parsed RSA key lives in OpenSSL's. */
static size_t entry_octets(const struct entry *entry)
{
	size_t octets = talloc_total_size(entry);

	for (size_t i = 0; i < entry->answer.text_count; i++)
		if (entry->set.keys[i].key)
			octets += PARSED_KEY_OCTETS;
	return octets;
}

/* NULL when memory is out. */
static struct entry *entry_new(struct view name, const struct dkim_dns_answer *answer)
{
	struct entry *entry = talloc_zero(NULL, struct entry);

	if (!entry)
		return NULL;
	atomic_init(&entry->holds, 1);
	if (copy_answer(entry, name, answer) < 0 || parse_keys(entry) < 0) {
		talloc_free(entry);
		return NULL;
	}
	entry->octets = entry_octets(entry);
	return entry;
}

/* Seconds that an answer may be kept: R73. Failures are never kept: the next message asks again. */
static uint32_t lifetime(const struct dkim_dns_answer *answer)
{
	uint32_t maximum = answer->status == DKIM_DNS_FOUND        ? DKIM_KEY_CACHE_TTL_MAX
	                   : answer->status == DKIM_DNS_NO_RECORD ? DKIM_NEGATIVE_TTL_MAX
	                                                           : 0;

	return answer->ttl < maximum ? answer->ttl : maximum;
}

/* Under the lock. */
static void take_out(struct dkim_key_cache *cache, struct entry *entry)
{
	name_table_remove(cache->table, &entry->node);
	*(entry->older ? &entry->older->newer : &cache->oldest) = entry->newer;
	*(entry->newer ? &entry->newer->older : &cache->newest) = entry->older;
	cache->count--;
	cache->octets -= entry->octets;
	entry_release(entry);
}

/* Under the lock. */
static struct entry *find(struct dkim_key_cache *cache, struct view name)
{
	struct name_node *node = name_table_find(cache->table, name);

	return node ? entry_of(node) : NULL;
}

/* Keep it for others; of two that asked at the same time the later one stays. */
static void put_in(struct dkim_key_cache *cache, struct entry *entry)
{
	struct entry *same;
	uint32_t seconds = lifetime(&entry->answer);

	if (seconds == 0 || entry->octets > cache->octets_max)
		return;
	entry->expires_ms = clock_monotonic_ms() + (int64_t)seconds * 1000;
	atomic_fetch_add(&entry->holds, 1);
	pthread_mutex_lock(&cache->lock);
	same = find(cache, entry->node.name);
	if (same)
		take_out(cache, same);
	while (cache->oldest && (cache->count >= cache->entries_max || cache->octets > cache->octets_max - entry->octets))
		take_out(cache, cache->oldest);
	name_table_add(cache->table, &entry->node, entry->node.name);
	entry->older = cache->newest;
	*(cache->newest ? &cache->newest->newer : &cache->oldest) = entry;
	cache->newest = entry;
	cache->count++;
	cache->octets += entry->octets;
	pthread_mutex_unlock(&cache->lock);
}

/* A hold on the entry of that name, or NULL when there is none that still lives. */
static struct entry *take_hold(struct dkim_key_cache *cache, struct view name)
{
	struct entry *entry;

	pthread_mutex_lock(&cache->lock);
	entry = find(cache, name);
	if (entry && entry->expires_ms <= clock_monotonic_ms()) {
		take_out(cache, entry);
		entry = NULL;
	}
	if (entry)
		atomic_fetch_add(&entry->holds, 1);
	pthread_mutex_unlock(&cache->lock);
	return entry;
}

int dkim_key_cache_new(struct dkim_resolver *resolver, size_t entries_max, size_t octets_max, struct dkim_key_cache **ret)
{
	struct dkim_key_cache *cache = talloc_zero(NULL, struct dkim_key_cache);
	int r;

	if (!cache)
		return -ENOMEM;
	cache->resolver = resolver;
	cache->entries_max = entries_max;
	cache->octets_max = octets_max;
	r = name_table_new(cache, entries_max, &cache->table);
	if (r == 0)
		r = -pthread_mutex_init(&cache->lock, NULL);
	if (r < 0) {
		talloc_free(cache);
		return r;
	}
	*ret = cache;
	return 0;
}

void dkim_key_cache_free(struct dkim_key_cache *cache)
{
	if (!cache)
		return;
	while (cache->oldest)
		take_out(cache, cache->oldest);
	pthread_mutex_destroy(&cache->lock);
	talloc_free(cache);
}

static int set_name(struct dkim_key_lookup *lookup, struct view selector, struct view domain)
{
	static const size_t infix = sizeof KEY_NAME_INFIX - 1;
	char *to = lookup->name_octets;

	if (selector.n == 0 || domain.n == 0 || selector.n > DOMAIN_NAME_MAX || domain.n > DOMAIN_NAME_MAX ||
	    selector.n + infix + domain.n > DOMAIN_NAME_MAX)
		return -EINVAL;
	to = mempcpy(to, selector.p, selector.n);
	to = mempcpy(to, KEY_NAME_INFIX, infix);
	memcpy(to, domain.p, domain.n);
	lookup->name = (struct view){ lookup->name_octets, selector.n + infix + domain.n };
	return 0;
}

int dkim_key_lookup_start(struct dkim_key_cache *cache, struct view selector, struct view domain,
                          struct dkim_key_lookup **ret)
{
	struct dkim_key_lookup *lookup = calloc(1, sizeof *lookup);
	int r;

	if (!lookup)
		return -ENOMEM;
	lookup->cache = cache;
	r = set_name(lookup, selector, domain);
	if (r < 0)
		goto out;
	lookup->entry = take_hold(cache, lookup->name);
	lookup->cached = lookup->entry != NULL;
	if (!lookup->entry)
		r = dkim_query_start(cache->resolver, lookup->name, &lookup->query);
	if (r < 0)
		goto out;
	*ret = lookup;
	lookup = NULL;
out:
	dkim_key_lookup_free(lookup);
	return r;
}

int dkim_key_lookup_wait(struct dkim_key_lookup *lookup, unsigned milliseconds)
{
	if (!lookup->query)
		return 0;
	if (dkim_query_wait(lookup->query, milliseconds) != 0)
		return 1;
	lookup->entry = entry_new(lookup->name, dkim_query_answer(lookup->query));
	if (lookup->entry)
		put_in(lookup->cache, lookup->entry);
	dkim_query_free(lookup->query);
	lookup->query = NULL;
	return 0;
}

const struct dkim_key_set *dkim_key_lookup_result(const struct dkim_key_lookup *lookup)
{
	return lookup->entry ? &lookup->entry->set : NULL;
}

bool dkim_key_lookup_cached(const struct dkim_key_lookup *lookup)
{
	return lookup->cached;
}

void dkim_key_lookup_free(struct dkim_key_lookup *lookup)
{
	if (!lookup)
		return;
	dkim_query_free(lookup->query);
	entry_release(lookup->entry);
	free(lookup);
}
