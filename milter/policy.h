/* Decisions, pure: configuration and results in, verdict out. Nothing here asks, logs or changes anything. */
#ifndef MILTER_POLICY_H
#define MILTER_POLICY_H

#include "conf/conf.h"
#include "dkim/verify.h"

struct policy_verdict {
	enum conf_action action;
	const char *code;          /* "550" or "451"; NULL unless action is reject or tempfail */
	const char *enhanced_code; /* "5.7.20" (RFC 7372 section 3.1), "4.7.5"; likewise */
	size_t decided_by;         /* number of the result that decided; the result count itself: none did (dkim=none, pass) */
};

/* What to do with a message after verification (RFC 6376 section 6.3, RFC 7372 section 3.1).
 * One passing signature is enough: accept. Otherwise the result that a later try could still
 * turn into a pass decides first: temperror, then policy, fail, permerror (neutral counts as permerror: the field could not be read), none.
 * A failure in test mode (t=y) is treated as if there were no signature but never worse than accept (R61): it decides nothing, and
 * a message that has only such signatures is accepted.
 *   5.7.20 no passing signature (fail, none, permerror; temperror when configured to reject); 5.7.21 not acceptable (policy);
 *   4.7.5 every tempfail: a code's class is that of its reply (RFC 2034 section 4) */
struct policy_verdict policy_verify(const struct conf_verify *conf, const struct dkim_verify_result *const *results,
                                    size_t count);

/* Octets of a domain or selector that the text shows, so that a reply stays one line of SMTP (512 octets). */
#define POLICY_NAME_SHOWN_MAX 128

/* What to do with a message whose header went beyond a limit, so that no signature was looked at: as for a permerror,
 * lest a long header be the way around on-none and on-fail. */
struct policy_verdict policy_not_verified(const struct conf_verify *conf);

/* The text for the SMTP client, or the reason of a quarantine; for any verdict but accept: names the signature (d=, s=) and the reason ("signature of example.com (selector sel2026) not accepted: body hash
 * did not verify"). Printable ASCII only, "%" not doubled. A talloc string of mem; NULL when memory is out. */
char *policy_verdict_text(void *mem, const struct policy_verdict *verdict, const struct dkim_verify_result *const *results,
                          size_t count);

/* Who sent the message, as far as role auto asks. */
struct policy_client {
	const struct sockaddr *address; /* NULL: unknown */
	const char *auth_type;          /* macro {auth_type}; NULL when not authenticated */
	const char *daemon_name;        /* macro {daemon_name}, any case; may be NULL */
};

enum policy_role_reason {
	POLICY_ROLE_FIXED,         /* the listener says so */
	POLICY_ROLE_AUTHENTICATED, /* {auth_type} */
	POLICY_ROLE_DAEMON_NAME,   /* {daemon_name} is one of originating-daemons */
	POLICY_ROLE_INTERNAL_HOST, /* client in internal-hosts */
	POLICY_ROLE_OUTSIDE,       /* none of these: verify */
};
const char *policy_role_reason_text(enum policy_role_reason reason);

/* CONF_VERIFY or CONF_SIGN; a fixed role never guesses. */
enum conf_role policy_role(const struct conf_listener *listener, const struct policy_client *client,
                           enum policy_role_reason *ret_reason);

/* Does a key of `key_domain` sign for a From domain, both in A-labels: equal (any case), or below it when subdomains is set (R107)? */
bool policy_key_signs(struct view key_domain, struct view from_domain, bool subdomains);

#endif
