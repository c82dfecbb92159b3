/* One DKIM-Signature field, taken apart (RFC 6376 section 3.5; checks of section 6.1.1). U-labels become A-labels here,
 * so that whoever asks DNS, compares or reports has one form (RFC 8616 section 5, R108). */
#ifndef DKIM_SIGNATURE_H
#define DKIM_SIGNATURE_H

#include "dkim/algorithm.h"
#include "dkim/header.h"
#include "dkim/reason.h"

#include <stdint.h>

struct dkim_signature {
	const struct header_field *field; /* where it stands; views point into it, but for mapped names */
	enum dkim_algorithm algorithm;    /* a=; UNKNOWN when it cannot be read */
	struct view algorithm_name;       /* a= as written */
	struct view signature_data;       /* b=: base64 text, FWS inside */
	struct view signature_raw;        /* b=: all octets between "=" and ";", to be left out when hashing (R7) */
	uint8_t body_hash[DKIM_DIGEST_OCTETS]; /* bh=, decoded */
	enum dkim_canon header_canon, body_canon; /* c= */
	struct view signing_domain;       /* d=, in A-labels */
	struct view signed_headers;       /* h=: colon list, FWS around names; read with view_next() */
	struct view identity;             /* i=: its local part as written, its domain in A-labels; empty when absent: then "@d" (R15) */
	struct view identity_domain;      /* what follows the last "@" of i=, or d= */
	int64_t body_length;              /* l=, or DKIM_LENGTH_UNLIMITED; too large for 63 bits: INT64_MAX (R22) */
	struct view selector;             /* s=, in A-labels */
	int64_t timestamp;                /* t=, seconds since 1970; -1 when absent; saturates like l= */
	int64_t expiration;               /* x=, likewise */
	bool version_not_first;           /* v= stands behind another tag */
};

/* Parse and check all that needs neither key nor body nor clock.
 *   mem      owns the names that had U-labels; nothing else is allocated
 *   field    borrowed: ret points into it
 *   ret      always written: on failure it holds what could be read (domain, selector, b=,
 *            algorithm: enough for a report); a value at fault is left as if its tag were absent
 * Returns DKIM_REASON_PASS when nothing is wrong yet, else the first fault: tag list, v=, missing tags,
 * then the values in the order of section 3.5, then U-labels, then what they say together; SHA1 and TOP_LEVEL_DOMAIN
 * come last, for they are a matter of policy. A tag list that cannot be read gives a NEUTRAL reason:
 * d= is unknown (R83). OUT_OF_MEMORY when a name could not be mapped for that. */
enum dkim_reason dkim_signature_parse(void *mem, const struct header_field *field, struct dkim_signature *ret);

/* True when `name` (any case) is listed in h=. */
bool dkim_signature_covers(const struct dkim_signature *signature, struct view name);

#endif
