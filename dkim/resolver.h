/*
 * TXT queries through libunbound: asynchronous, one shared cache per process, several
 * askers of one name make one query.
 * One thread of the resolver's own drives libunbound; all functions may be called from any thread, but one
 * dkim_query only from one thread at a time.
 * libunbound answers for localhost, test, invalid and some more special names by itself (RFC 6303, RFC 6761).
 */
#ifndef DKIM_RESOLVER_H
#define DKIM_RESOLVER_H

#include "dkim/records.h"

#include <stdint.h>

struct dkim_resolver;

struct dkim_resolver_params {
	const char *const *servers; /* "address@port" or "address"; none: those of /etc/resolv.conf, and when that
	                             * has none, the root servers and those that they lead to */
	size_t server_count;
	bool records_only;          /* no DNS at all: names outside `records` do not exist */
	unsigned timeout_ms;        /* one query, all its retries and CNAMEs together */
	const char *trust_anchor;   /* file of DS/DNSKEY records; NULL: answers are not validated */
	const struct dkim_records *records; /* answered first; borrowed; may be NULL */
};

enum dkim_dns_status {
	DKIM_DNS_FOUND,
	DKIM_DNS_NO_RECORD, /* NXDOMAIN or no TXT there (R65) */
	DKIM_DNS_FAILED,    /* SERVFAIL, REFUSED, unusable answer, no server; libunbound repeats it for 5 s */
	DKIM_DNS_TIMEOUT,   /* no answer within timeout_ms */
	DKIM_DNS_BOGUS,     /* DNSSEC validation failed, whatever else came */
};
const char *dkim_dns_status_text(enum dkim_dns_status status);

struct dkim_dns_answer {
	enum dkim_dns_status status;
	struct view *texts;      /* TXT records, strings of each joined (R54); those above DKIM_TXT_OCTETS_MAX are left out */
	size_t text_count;       /* at most DKIM_TXT_RECORDS_MAX; more are left out (R67) */
	uint32_t ttl;            /* seconds; of a negative answer at most DKIM_NEGATIVE_TTL_MAX; 0 when neither */
	bool secure;             /* validated by DNSSEC */
	bool from_records;       /* came from the records file */
	const char *canonical_name; /* where CNAMEs led; NULL when the name itself answered */
	unsigned milliseconds;   /* from question to answer */
};

#define DKIM_TXT_RECORDS_MAX 16    /* a selector has one record; more are tried in turn, up to here */
#define DKIM_QUERIES_IN_FLIGHT_MAX 4096 /* questions that libunbound works on, per process, awaited or not */
#define DKIM_NEGATIVE_TTL_MAX 900  /* seconds; a key published too late must work soon after, whatever the zone says */
#define DKIM_RECORDS_TTL 3600      /* seconds, of what the records file gives; it cannot change in a process */

/* Start a resolver and its thread. ret_error as elsewhere: a talloc string of mem that names the fault
 * ("dns.servers: wanted address@port, got ..."). Returns 0 or a negative errno. */
int dkim_resolver_new(void *mem, const struct dkim_resolver_params *params, struct dkim_resolver **ret, char **ret_error);

/* Stops the threads; every query must have been freed. Takes NULL. */
void dkim_resolver_free(struct dkim_resolver *resolver);

struct dkim_query; /* one asker's hold on a question that others may share */

/* Ask for the TXT records of `name` (no dot at its end). Returns at once.
 * Returns 0, -ENOMEM, -EINVAL (no possible name: R71; not in A-labels: dkim/idna.h), -EBUSY (DKIM_QUERIES_IN_FLIGHT_MAX, or
 * DKIM_QUERIES_PER_ZONE_MAX of zone_count.h). */
int dkim_query_start(struct dkim_resolver *resolver, struct view name, struct dkim_query **ret);

/* Wait for the answer, at most `milliseconds` (0: only look).
 * Returns 0 when it is there, 1 when not yet. Never longer than timeout_ms after the start: then the answer is DKIM_DNS_TIMEOUT. */
int dkim_query_wait(struct dkim_query *query, unsigned milliseconds);

/* The answer, once dkim_query_wait() returned 0; lives until dkim_query_free(). */
const struct dkim_dns_answer *dkim_query_answer(const struct dkim_query *query);

/* Let go. A question that nobody waits for any more stays in flight until libunbound is done with it (it gives
 * up after some 20 s, and ub_cancel() would not stop its work): who asks it again meanwhile joins it. Takes NULL. */
void dkim_query_free(struct dkim_query *query);

#endif
