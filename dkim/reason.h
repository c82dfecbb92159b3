/*
 * Why a signature passed or did not: one value per reason, with its RFC 8601 result,
 * its rule, its clause and its text beside it, once. Our own failures (memory, DNS) are temperror, never fail.
 */
#ifndef DKIM_REASON_H
#define DKIM_REASON_H

/* RFC 8601 section 2.7.1; no other words (R82). */
enum dkim_result {
	DKIM_NONE,
	DKIM_PASS,
	DKIM_FAIL,
	DKIM_POLICY,
	DKIM_NEUTRAL,
	DKIM_TEMPERROR,
	DKIM_PERMERROR,
};

/* The rule is the number in the tests' names; the clause is where the standards say so, or what they leave to us. */
/*        reason                  result     rule   clause                      text */
#define DKIM_REASONS(X) \
	X(PASS,                   PASS,      "R83", "RFC 6376 section 6.1",     "signature verified") \
	X(BODY_HASH_DIFFERS,      FAIL,      "R53", "RFC 6376 section 6.1.3",   "body hash did not verify") \
	X(SIGNATURE_DIFFERS,      FAIL,      "R83", "RFC 6376 section 6.1.3",   "signature did not verify") \
	X(BODY_SHORTER_THAN_L,    FAIL,      "R26", "RFC 6376 section 3.5",     "l= is larger than the body") \
	X(EXPIRED,                FAIL,      "R24", "RFC 6376 section 3.5",     "signature expired") \
	X(EXPIRED_POLICY,         POLICY,    "R24", "RFC 6376 section 3.5",     "signature expired") \
	X(IN_FUTURE,              POLICY,    "R25", "RFC 6376 section 3.5",     "t= lies in the future") \
	X(BODY_NOT_COVERED,       POLICY,    "R27", "RFC 6376 section 8.2",     "l= leaves part of the body unsigned") \
	X(WEAK_KEY,               POLICY,    "R75", "RFC 8301 section 3.2",     "RSA key is shorter than the minimum") \
	X(KEY_TOO_LARGE,          POLICY,    "R75", "RFC 6376 section 3.3.3",   "RSA key is longer than the maximum") \
	X(TOP_LEVEL_DOMAIN,       POLICY,    "R72", "RFC 6376 section 6.1.1",   "d= is a single label") \
	X(SHA1,                   POLICY,    "R74", "RFC 8301 section 3.1",     "rsa-sha1 must not be used") \
	X(TAG_SYNTAX,             NEUTRAL,   "R5",  "RFC 6376 section 3.2",     "tag list is malformed") \
	X(TAG_DUPLICATE,          NEUTRAL,   "R3",  "RFC 6376 section 3.2",     "tag list has a duplicate tag") \
	X(TAG_TOO_MANY,           NEUTRAL,   "R93", "RFC 6376 section 3.2",     "tag list has too many tags") \
	X(NO_VERSION,             PERMERROR, "R1",  "RFC 6376 section 6.1.1",   "v= is missing") \
	X(BAD_VERSION,            PERMERROR, "R1",  "RFC 6376 section 6.1.1",   "v= is not 1") \
	X(TAG_MISSING,            PERMERROR, "R9",  "RFC 6376 section 6.1.1",   "a required tag is missing or empty") \
	X(BAD_ALGORITHM,          PERMERROR, "R10", "RFC 6376 section 3.3",     "a= is not supported") \
	X(BAD_SIGNATURE_DATA,     PERMERROR, "R8",  "RFC 6376 section 3.5",     "b= is not base64") \
	X(BAD_BODY_HASH,          PERMERROR, "R8",  "RFC 6376 section 3.5",     "bh= is not a base64 SHA-256 hash") \
	X(BAD_CANONICALIZATION,   PERMERROR, "R11", "RFC 6376 section 3.4",     "c= is not supported") \
	X(BAD_DOMAIN,             PERMERROR, "R71", "RFC 6376 section 3.5",     "d= is not a domain name") \
	X(BAD_SELECTOR,           PERMERROR, "R71", "RFC 6376 section 3.1",     "s= is not a selector") \
	X(BAD_IDNA,               PERMERROR, "R110", "RFC 8616 section 5",      "a domain name or selector has a label that is no U-label") \
	X(BAD_SIGNED_HEADERS,     PERMERROR, "R18", "RFC 6376 section 3.5",     "h= is malformed") \
	X(FROM_NOT_SIGNED,        PERMERROR, "R16", "RFC 6376 section 5.4",     "From field not signed") \
	X(BAD_IDENTITY,           PERMERROR, "R15", "RFC 6376 section 3.5",     "i= is malformed") \
	X(IDENTITY_OUTSIDE,       PERMERROR, "R14", "RFC 6376 section 6.1.1",   "i= is not within d=") \
	X(BAD_LENGTH,             PERMERROR, "R22", "RFC 6376 section 3.5",     "l= is not a number") \
	X(BAD_QUERY_METHOD,       PERMERROR, "R12", "RFC 6376 section 3.5",     "q= has no dns/txt") \
	X(BAD_TIMESTAMP,          PERMERROR, "R22", "RFC 6376 section 3.5",     "t= is not a number") \
	X(BAD_EXPIRATION,         PERMERROR, "R22", "RFC 6376 section 3.5",     "x= is not a number") \
	X(EXPIRES_BEFORE_SIGNED,  PERMERROR, "R23", "RFC 6376 section 3.5",     "x= is not after t=") \
	X(KEY_NAME_TOO_LONG,      PERMERROR, "R71", "RFC 1035 section 2.3.4",   "key name is too long for DNS") \
	X(NO_KEY,                 PERMERROR, "R65", "RFC 6376 section 6.1.2",   "no key for signature") \
	X(KEY_SYNTAX,             PERMERROR, "R67", "RFC 6376 section 6.1.2",   "key record is malformed") \
	X(KEY_ESCAPED_SEMICOLON,  PERMERROR, "R64", "RFC 6376 section 3.6.1",   "key record has \"\\;\": zone file escape leaked") \
	X(KEY_DUPLICATE_TAG,      PERMERROR, "R60", "RFC 6376 section 3.2",     "key record has a duplicate tag") \
	X(KEY_BAD_VERSION,        PERMERROR, "R55", "RFC 6376 section 3.6.1",   "key record v= is not DKIM1") \
	X(KEY_BAD_TYPE,           PERMERROR, "R56", "RFC 6376 section 3.6.1",   "key record k= is not supported") \
	X(KEY_TYPE_DIFFERS,       PERMERROR, "R81", "RFC 6376 section 6.1.2",   "key record k= does not fit a=") \
	X(KEY_HASH_REFUSED,       PERMERROR, "R57", "RFC 6376 section 3.6.1",   "key record h= does not allow the hash") \
	X(KEY_SERVICE_REFUSED,    PERMERROR, "R58", "RFC 6376 section 3.6.1",   "key record s= is not for email") \
	X(KEY_MISSING_DATA,       PERMERROR, "R59", "RFC 6376 section 3.6.1",   "key record has no p=") \
	X(KEY_REVOKED,            PERMERROR, "R59", "RFC 6376 section 3.6.1",   "key revoked") \
	X(KEY_BAD_DATA,           PERMERROR, "R59", "RFC 6376 section 3.6.1",   "key record p= is not a public key") \
	X(KEY_STRICT_IDENTITY,    PERMERROR, "R62", "RFC 6376 section 3.6.1",   "key record t=s: i= is not d=") \
	X(KEY_UNAVAILABLE,        TEMPERROR, "R65", "RFC 6376 section 6.1.2",   "key query failed") \
	X(KEY_TIMEOUT,            TEMPERROR, "R65", "RFC 6376 section 6.1.2",   "key query timed out") \
	X(KEY_BOGUS,              TEMPERROR, "R65", "RFC 4035 section 5.5",     "key record failed DNSSEC") \
	X(BUDGET_SPENT,           TEMPERROR, "R93", "RFC 6376 section 6.1.2",   "DNS budget of the message spent") \
	X(OUT_OF_MEMORY,          TEMPERROR, "R83", "RFC 8601 section 2.7.1",   "out of memory") \
	X(CRYPTO_FAILED,          TEMPERROR, "R83", "RFC 8601 section 2.7.1",   "crypto library failed")

enum dkim_reason {
#define X(reason, result, rule, clause, text) DKIM_REASON_##reason,
	DKIM_REASONS(X)
#undef X
};

/* The RFC 8601 result of a reason. */
enum dkim_result dkim_reason_result(enum dkim_reason reason);

/* A short English text, free of quotes that would need care in a header comment. */
const char *dkim_reason_text(enum dkim_reason reason);

/* Rule and clause that decided: "R53" and "RFC 6376 section 6.1.3". */
const char *dkim_reason_rule(enum dkim_reason reason);
const char *dkim_reason_clause(enum dkim_reason reason);

/* "pass", "fail", ... */
const char *dkim_result_text(enum dkim_result result);

#endif
