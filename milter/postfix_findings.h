/*
 * What in a Postfix's configuration would break signatures, or keep mail away from the filter. One row per finding:
 * its name, where it is looked for, the condition, what it means and what to do.
 */
#ifndef MILTER_POSTFIX_FINDINGS_H
#define MILTER_POSTFIX_FINDINGS_H

#include "dkim/buf.h"
#include "milter/check.h"
#include "milter/postfix_site.h"

#define POSTFIX_GOT_MAX 20000 /* octets of what one finding met; the end of a longer list of rules is left out */

/* Where a finding is looked for. What a scope does not set is NULL. */
enum postfix_scope {
	POSTFIX_SITE,     /* once */
	POSTFIX_ENTRY,    /* wherever mail comes in */
	POSTFIX_FILTERED, /* wherever mail comes in and meets our filter */
	POSTFIX_OURS,     /* each of our filters there: milter and listener are set too */
	POSTFIX_LISTENER, /* each of our listeners */
	POSTFIX_DELIVERY, /* each smtp(8) and lmtp(8) service, when our filter has signed before */
};

struct postfix_subject {
	const struct postfix_site *site;
	const struct postfix_entry *entry;
	const struct postfix_milter *milter;
	const struct conf_listener *listener;
	const struct postfix_service *service; /* POSTFIX_DELIVERY */
};

struct postfix_finding {
	const char *id;
	enum postfix_scope scope;
	enum check_state state;
	/* Whether it is so; `got` takes what was met, which follows the text. */
	bool (*applies)(const struct postfix_subject *subject, struct buf *got);
	const char *text;
	const char *advice;
};

/* Row i, from 0; NULL behind the last. */
const struct postfix_finding *postfix_finding(size_t i);

/* Look for all of them.
 *   found   told of each that applies; where: the entry, listener or service, or ""; got: what was met there, or ""
 * Returns 0 or -ENOMEM. */
typedef void postfix_found(void *arg, const struct postfix_finding *finding, const char *where, const char *got);
int postfix_find(const struct postfix_site *site, postfix_found *found, void *arg);

/* The conditions: what keeps mail away from us or hands it to the wrong listener (postfix_findings_filter.c), ... */
bool postfix_is_not_used(const struct postfix_subject *subject, struct buf *got);
bool postfix_listener_is_unused(const struct postfix_subject *subject, struct buf *got);
bool postfix_milter_is_unknown(const struct postfix_subject *subject, struct buf *got);
bool postfix_list_is_malformed(const struct postfix_subject *subject, struct buf *got);
bool postfix_milters_are_off(const struct postfix_subject *subject, struct buf *got);
bool postfix_has_milter_maps(const struct postfix_subject *subject, struct buf *got);
bool postfix_is_unfiltered(const struct postfix_subject *subject, struct buf *got);
bool postfix_local_mail_is_unfiltered(const struct postfix_subject *subject, struct buf *got);
bool postfix_bounces_are_unfiltered(const struct postfix_subject *subject, struct buf *got);
bool postfix_socket_is_outside_chroot(const struct postfix_subject *subject, struct buf *got);
bool postfix_socket_is_closed(const struct postfix_subject *subject, struct buf *got);
bool postfix_signs_for_strangers(const struct postfix_subject *subject, struct buf *got);
bool postfix_verifies_own(const struct postfix_subject *subject, struct buf *got);
bool postfix_has_both_sockets(const struct postfix_subject *subject, struct buf *got);
bool postfix_passes_twice(const struct postfix_subject *subject, struct buf *got);
bool postfix_proxy_comes_first(const struct postfix_subject *subject, struct buf *got);

/* ... how Postfix talks to us (postfix_findings_protocol.c), ... */
bool postfix_protocol_is_old(const struct postfix_subject *subject, struct buf *got);
bool postfix_accepts_without_us(const struct postfix_subject *subject, struct buf *got);
bool postfix_refuses_without_us(const struct postfix_subject *subject, struct buf *got);
bool postfix_gives_up_early(const struct postfix_subject *subject, struct buf *got);
bool postfix_waits_less_than_we_work(const struct postfix_subject *subject, struct buf *got);
bool postfix_command_timeout_is_short(const struct postfix_subject *subject, struct buf *got);

/* ... and what changes mail before it is verified or after it was signed (postfix_findings_content.c). */
bool postfix_filter_is_in_front(const struct postfix_subject *subject, struct buf *got);
bool postfix_filter_is_behind(const struct postfix_subject *subject, struct buf *got);
bool postfix_checks_change_before(const struct postfix_subject *subject, struct buf *got);
bool postfix_checks_change_ours(const struct postfix_subject *subject, struct buf *got);
bool postfix_checks_change_after(const struct postfix_subject *subject, struct buf *got);
bool postfix_adds_missing_headers(const struct postfix_subject *subject, struct buf *got);
bool postfix_rewrites_remote(const struct postfix_subject *subject, struct buf *got);
bool postfix_rewrites_on_return(const struct postfix_subject *subject, struct buf *got);
bool postfix_has_generic_maps(const struct postfix_subject *subject, struct buf *got);
bool postfix_converts_mime(const struct postfix_subject *subject, struct buf *got);
bool postfix_folds_long_lines(const struct postfix_subject *subject, struct buf *got);
bool postfix_folds_usual_lines(const struct postfix_subject *subject, struct buf *got);

#endif
