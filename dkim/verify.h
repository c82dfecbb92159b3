/*
 * Verify the signatures of one message (RFC 6376 section 6.1).
 *
 *     dkim_verify_new()      after the last header field: parses signatures, starts the key queries
 *     dkim_verify_body()     each chunk as it comes
 *     dkim_verify_finish()   end of body; repeat while it says "not yet"
 *     dkim_verify_result()   one per signature, top to bottom
 */
#ifndef DKIM_VERIFY_H
#define DKIM_VERIFY_H

#include "dkim/key_cache.h"
#include "dkim/signature.h"

struct dkim_verify_params {
	unsigned minimum_rsa_bits;  /* below: policy (R75) */
	unsigned maximum_signatures; /* signatures looked at, from the top (R93) */
	unsigned clock_skew;        /* seconds that t= and x= may be off (R24, R25) */
	bool expired_is_policy;     /* expired is `policy` instead of `fail` (R24) */
	unsigned budget_ms;         /* DNS waiting time of the whole message (R93) */
};

struct dkim_verify_result {
	enum dkim_reason reason;
	struct dkim_signature signature; /* what could be read; see dkim_signature_parse() */
	unsigned key_bits;               /* 0 when no key was found */
	bool test_mode;                  /* key record t=y (R61) */
	bool record_version_not_first;   /* key record v= stands behind another tag (R55) */
	bool secure;                     /* key record was validated by DNSSEC */
	bool key_asked;                  /* its key was looked for, and there is an answer: the next three say more */
	bool key_cached;                 /* no query was needed */
	unsigned dns_ms;                 /* time of the query; 0 when cached */
	enum dkim_dns_status dns_status;
};

struct dkim_verify;

/* Begin. The object is a talloc child of mem.
 *   headers, params, cache  borrowed until the object is freed
 *   now                     seconds since 1970, the time of reception
 * Returns 0 or -ENOMEM, -EIO. */
int dkim_verify_new(void *mem, const struct dkim_verify_params *params, struct dkim_key_cache *cache, int64_t now,
                    const struct header_list *headers, struct dkim_verify **ret);

/* Feed the next octets of the body. Returns 0 or -EIO. */
int dkim_verify_body(struct dkim_verify *verify, struct view chunk);

/* No more body; wait for keys at most `milliseconds` and judge.
 * Returns 0 when every signature has its result, 1 when keys are still out (call again; the budget
 * ends that by itself), or -EIO, -ENOMEM. */
int dkim_verify_finish(struct dkim_verify *verify, unsigned milliseconds);

/* Number of results: signatures found, but not more than maximum_signatures. 0: the message is unsigned. */
size_t dkim_verify_count(const struct dkim_verify *verify);

/* Number of DKIM-Signature fields of the message, looked at or not. */
size_t dkim_verify_found(const struct dkim_verify *verify);

const struct dkim_verify_result *dkim_verify_result(const struct dkim_verify *verify, size_t i);

/* The key records that result i was judged by; NULL when none were asked for or no answer came. Lives as long as verify. */
const struct dkim_key_set *dkim_verify_keys(const struct dkim_verify *verify, size_t i);

/* Does the record allow this signature (RFC 6376 section 6.1.2, steps 5 to 8)? DKIM_REASON_PASS, or a reason KEY_*. */
enum dkim_reason dkim_key_allows(const struct dkim_key *key, const struct dkim_signature *signature);

#endif
