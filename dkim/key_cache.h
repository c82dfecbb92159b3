/*
 * From (selector, domain) to parsed public keys, kept as long as the record's TTL says (R73). A hit costs
 * neither a query nor a parse. May be called from any thread.
 */
#ifndef DKIM_KEY_CACHE_H
#define DKIM_KEY_CACHE_H

#include "dkim/public_key.h"
#include "dkim/resolver.h"

struct dkim_key_cache;

#define DKIM_KEY_CACHE_ENTRIES 4000            /* names; the oldest goes first */
#define DKIM_KEY_CACHE_OCTETS (12 * 1024 * 1024) /* of all entries: a sender's own zone may hold 64 KB at every name */
#define DKIM_KEY_CACHE_TTL_MAX 86400      /* seconds; a revoked key must not outlive a day whatever its TTL says */

/* One TXT record of the selector's name, taken apart. */
struct dkim_key {
	enum dkim_reason reason;        /* DKIM_REASON_PASS, or why it cannot be used (KEY_*, R67) */
	struct dkim_key_record record;  /* when reason is PASS; points into the set's answer */
	struct dkim_public_key *key;    /* when reason is PASS */
};

struct dkim_key_set {
	const struct dkim_dns_answer *answer;
	struct dkim_key *keys;          /* answer->text_count of them, same order */
};

/* resolver is borrowed and must outlive the cache. octets_max is never passed, however few entries that leaves. Returns 0, -ENOMEM or -EIO. */
int dkim_key_cache_new(struct dkim_resolver *resolver, size_t entries_max, size_t octets_max, struct dkim_key_cache **ret);

/* Every lookup must have been freed. Takes NULL. */
void dkim_key_cache_free(struct dkim_key_cache *cache);

struct dkim_key_lookup;

/* Look for `selector`._domainkey.`domain`, both in A-labels: from the cache, or start a query. Returns at once: 0, -ENOMEM,
 * -EINVAL (name or label too long, R71), -EBUSY. */
int dkim_key_lookup_start(struct dkim_key_cache *cache, struct view selector, struct view domain,
                          struct dkim_key_lookup **ret);

/* Wait at most `milliseconds`. Returns 0 when the result is there, 1 when not yet. */
int dkim_key_lookup_wait(struct dkim_key_lookup *lookup, unsigned milliseconds);

/* The result after dkim_key_lookup_wait() returned 0; NULL when memory was out. Lives until dkim_key_lookup_free(). */
const struct dkim_key_set *dkim_key_lookup_result(const struct dkim_key_lookup *lookup);

/* True when the result was in the cache and no query was made. */
bool dkim_key_lookup_cached(const struct dkim_key_lookup *lookup);

/* Takes NULL. */
void dkim_key_lookup_free(struct dkim_key_lookup *lookup);

#endif
