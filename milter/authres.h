/* Authentication-Results (RFC 8601): build ours, recognise those that claim to be ours. */
#ifndef MILTER_AUTHRES_H
#define MILTER_AUTHRES_H

#include "dkim/buf.h"
#include "dkim/verify.h"

/* Octets of one field value: name and value must fit into one milter packet of 65,535 octets. Each signature has an even share
 * of what `out` may hold; properties beyond it are left out, so that hostile tags never cost a result. */
#define AUTHRES_VALUE_MAX (60 * 1024)

/* Octets of one property's value before quoting. Quoting may double them, and no line may have more than 998 (RFC 5322
 * section 2.1.1). Longer ones are left out: no domain name, selector or mailbox has more. */
#define AUTHRES_PROPERTY_MAX 480

/* What one Authentication-Results of ours says. */
struct authres {
	const char *authserv_id;
	const struct dkim_verify_result *const *results; /* one per signature */
	size_t count;              /* 0: "dkim=none" */
	const char *not_verified;  /* why no signature was looked at at all ("header exceeds header-size-limit"): "dkim=neutral"; else NULL */
	bool smtputf8;             /* the message may have UTF-8 in its header (RFC 6532): domains are shown in U-labels, as in its From */
};

/* Append the value: leading blank, no final line end, folded with CRLF TAB, lines at most 78 columns where its parts allow it (R84-R88):
 *      mx.example.net;
 *     	dkim=pass (2048-bit rsa) header.d=example.com header.i=@example.com
 *     	header.s=sel2026 header.a=rsa-sha256 header.b=JNPIkKCN
 * Anything but pass and none has reason="..." before its properties; properties whose tag could not be read are left out; pvalues
 * that are no token are quoted, octets that no field may hold (controls, and 8-bit ones but for UTF-8 under SMTPUTF8) are replaced by "?"; header.b is long enough
 * to differ from those of the others (R86). Test mode adds "test mode" to the comment (R61), DNSSEC "secure key". Of i= and b= FWS is left out; nothing is decoded.
 * Errors stay in out. */
void authres_build(const struct authres *authres, struct buf *out);

/* token of RFC 2045 section 5.1, which RFC 8601 uses for names and values without quotes. */
bool authres_is_token_octet(char c);

/* Does the value of this incoming Authentication-Results field claim our authserv-id (R89, R91)? CFWS, quoted strings, any case
 * and a version are understood; a value that cannot be parsed claims it when it begins with it after white space, comments and quotes.
 * One dot at the end of either name makes no difference: readers that compare names as DNS does would see none; nor does it matter
 * whether either has U-labels or A-labels. Linear in value.n. */
bool authres_claims(struct view value, struct view authserv_id);

#endif
