#include "milter/postfix_findings.h"

#include <errno.h>

/* In the order in which an administrator would look: is the filter reached at all, by the right mail, and is its work left whole? */
static const struct postfix_finding findings[] = {
	{ "not-used", POSTFIX_SITE, CHECK_FAILS, postfix_is_not_used,
	  "no service of Postfix hands its mail to any of our sockets",
	  "give each smtpd of master.cf its -o smtpd_milters=inet:HOST:PORT (Postfix writes the host first); conf/postfix/master.cf has the lines" },
	{ "listener-unused", POSTFIX_LISTENER, CHECK_WARNING, postfix_listener_is_unused,
	  "no service of Postfix hands its mail to this socket",
	  "name it in smtpd_milters or non_smtpd_milters, or take the listener out of postern.conf" },
	{ "milter-unknown", POSTFIX_ENTRY, CHECK_WARNING, postfix_milter_is_unknown,
	  "a filter is named here that is no listener of postern.conf, while a listener there is not used",
	  "compare address and port with the socket lines of postern.conf; nothing is wrong when this is another filter" },
	{ "milter-list", POSTFIX_ENTRY, CHECK_FAILS, postfix_list_is_malformed,
	  "the list of filters cannot be read",
	  "write { SOCKET, name=value } with both braces; in master.cf the whole -o { ... } needs braces of its own when it holds blanks" },
	{ "no-milters", POSTFIX_ENTRY, CHECK_FAILS, postfix_milters_are_off,
	  "receive_override_options has no_milters: filters are named here and get no mail",
	  "leave no_milters to the port where a content filter hands mail back" },
	{ "milter-maps", POSTFIX_FILTERED, CHECK_WARNING, postfix_has_milter_maps,
	  "clients that are found in smtpd_milter_maps get other filters than the ones checked here, or none",
	  "look through the table: DISABLE is for clients whose mail needs neither check nor signature" },
	{ "unfiltered", POSTFIX_ENTRY, CHECK_WARNING, postfix_is_unfiltered,
	  "mail that comes in here is neither verified nor signed",
	  "name a socket of postern.conf in its smtpd_milters" },
	{ "local-mail", POSTFIX_ENTRY, CHECK_WARNING, postfix_local_mail_is_unfiltered,
	  "mail of sendmail(1), of cron jobs and of Postfix itself leaves without a signature",
	  "set non_smtpd_milters to the signing socket in main.cf" },
	{ "bounces", POSTFIX_FILTERED, CHECK_WARNING, postfix_bounces_are_unfiltered,
	  "Postfix's own bounces leave without a signature: internal_mail_filter_classes has no bounce",
	  "set internal_mail_filter_classes = bounce in main.cf" },
	{ "socket-chroot", POSTFIX_ENTRY, CHECK_FAILS, postfix_socket_is_outside_chroot,
	  "this service runs in a chroot jail, where the socket is not",
	  "put the socket below the queue directory and name it here without that folder, or use an inet: socket, or turn chroot off in master.cf" },
	{ "socket-access", POSTFIX_OURS, CHECK_FAILS, postfix_socket_is_closed,
	  "Postfix cannot open the unix socket",
	  "set socket-group to Postfix's group and socket-mode to 0660 in postern.conf, and let that group search the folder" },
	{ "signs-for-strangers", POSTFIX_OURS, CHECK_FAILS, postfix_signs_for_strangers,
	  "mail from outside is signed here, forged mail in your name included",
	  "give port 25 the verifying socket; with role auto set -o milter_macro_daemon_name to a name that is not in originating-daemons" },
	{ "verifies-own", POSTFIX_OURS, CHECK_WARNING, postfix_verifies_own,
	  "mail of your own users is verified here and leaves without a signature",
	  "give it the signing socket; with role auto and local mail set milter_macro_daemon_name in main.cf to one of originating-daemons" },
	{ "both-sockets", POSTFIX_FILTERED, CHECK_FAILS, postfix_has_both_sockets,
	  "the same mail passes our filter more than once",
	  "name one socket: the verifying one for mail from outside, the signing one for that of your own users" },
	{ "double-pass", POSTFIX_FILTERED, CHECK_FAILS, postfix_passes_twice,
	  "mail that a content filter hands back meets our filter again: it is verified or signed twice",
	  "set -o receive_override_options=no_milters on this port; with smtpd_proxy_filter rather take the filter away from the port in front" },
	{ "proxy-filter", POSTFIX_FILTERED, CHECK_FAILS, postfix_proxy_comes_first,
	  "with smtpd_proxy_filter filters see the envelope alone at this port: nothing is verified or signed",
	  "set -o smtpd_milters= here, and name the filter at the port where the proxy hands mail back" },

	{ "milter-protocol", POSTFIX_FILTERED, CHECK_FAILS, postfix_protocol_is_old,
	  "filters get header fields without their leading blanks: signatures with simple canonicalization break, and so does waiting for DNS",
	  "set milter_protocol = 6, Postfix's default" },
	{ "default-accept", POSTFIX_OURS, CHECK_WARNING, postfix_accepts_without_us,
	  "while the filter is away or has a fault, mail passes unverified and unsigned",
	  "set milter_default_action = tempfail" },
	{ "default-reject", POSTFIX_OURS, CHECK_WARNING, postfix_refuses_without_us,
	  "while the filter is away or has a fault, good mail is refused for good or its connection closed",
	  "set milter_default_action = tempfail" },
	{ "content-timeout", POSTFIX_OURS, CHECK_FAILS, postfix_gives_up_early,
	  "Postfix gives the filter up while it waits for DNS or the scanner: a sign of life comes every 3 s",
	  "leave milter_content_timeout at its default of 300s" },
	{ "content-timeout-work", POSTFIX_OURS, CHECK_WARNING, postfix_waits_less_than_we_work,
	  "a message may wait for DNS or the scanner longer than Postfix waits for the filter's next sign of life",
	  "leave milter_content_timeout at its default of 300s, or lower dns.budget and av.timeout" },
	{ "command-timeout", POSTFIX_OURS, CHECK_WARNING, postfix_command_timeout_is_short,
	  "on a busy host, or while postern restarts, Postfix gives the filter up",
	  "leave milter_connect_timeout and milter_command_timeout at their default of 30s" },

	{ "order-front", POSTFIX_FILTERED, CHECK_WARNING, postfix_filter_is_in_front,
	  "what filters in front of ours change is verified as they leave it: a signature may fail for it",
	  "when they change body or signed fields, name our socket first" },
	{ "order-behind", POSTFIX_FILTERED, CHECK_WARNING, postfix_filter_is_behind,
	  "what filters behind ours change was signed before: the signature breaks",
	  "when they change body or signed fields, name our socket last" },
	{ "checks-before", POSTFIX_FILTERED, CHECK_WARNING, postfix_checks_change_before,
	  "mail is changed before it is verified: signatures that cover this fail",
	  "use such rules for mail of your own users only (a cleanup service of its own), or make them WARN or REJECT" },
	{ "checks-ours", POSTFIX_FILTERED, CHECK_FAILS, postfix_checks_change_ours,
	  "milter_header_checks takes away or changes fields that the filter adds",
	  "spare DKIM-Signature and Authentication-Results there" },
	{ "checks-after", POSTFIX_DELIVERY, CHECK_FAILS, postfix_checks_change_after,
	  "mail is changed when it is delivered, after it was signed: the signature breaks",
	  "move these rules to header_checks of the cleanup service, which come before the filter, or spare the signed fields" },
	{ "missing-headers", POSTFIX_FILTERED, CHECK_WARNING, postfix_adds_missing_headers,
	  "always_add_missing_headers adds fields before verification: a signature that covers their absence fails",
	  "set always_add_missing_headers = no; mail of your own users gets these fields all the same" },
	{ "rewrite-remote", POSTFIX_FILTERED, CHECK_WARNING, postfix_rewrites_remote,
	  "addresses in the header of mail from outside are rewritten before it is verified",
	  "leave remote_header_rewrite_domain empty and local_header_rewrite_clients to your own clients" },
	{ "rewrite-return", POSTFIX_ENTRY, CHECK_WARNING, postfix_rewrites_on_return,
	  "addresses are rewritten once more when a content filter hands mail back, after it was signed",
	  "add no_address_mappings and set -o local_header_rewrite_clients= on this port" },
	{ "generic-maps", POSTFIX_DELIVERY, CHECK_WARNING, postfix_has_generic_maps,
	  "addresses in the header are rewritten when mail is delivered, after it was signed",
	  "use canonical_maps, which come before the filter" },
	{ "mime-conversion", POSTFIX_FILTERED, CHECK_WARNING, postfix_converts_mime,
	  "8-bit mail may be re-encoded on the way to the content filter, after it was signed or before it was verified by others",
	  "set -o disable_mime_output_conversion=yes for that service in master.cf" },
	{ "folded-lines", POSTFIX_SITE, CHECK_WARNING, postfix_folds_long_lines,
	  "lines that RFC 5321 allows are folded when mail is delivered: their signatures break",
	  "set smtp_line_length_limit = 998, Postfix's default, or 0" },
	{ "long-lines", POSTFIX_SITE, CHECK_OK, postfix_folds_usual_lines,
	  "lines of more than 998 octets, which RFC 5321 forbids, are folded when mail is delivered, after it was signed",
	  "smtp_line_length_limit = 0 in main.cf leaves them whole; postern warns in the log of a message that has them" },
};

const struct postfix_finding *postfix_finding(size_t i)
{
	return i < sizeof findings / sizeof *findings ? &findings[i] : NULL;
}

struct search {
	const struct postfix_finding *finding;
	postfix_found *found;
	void *arg;
	bool out_of_memory;
};

static const char *where(const struct postfix_subject *subject)
{
	if (subject->entry)
		return subject->entry->name;
	if (subject->listener)
		return subject->listener->name;
	return subject->service ? subject->service->name : "";
}

static void look(struct search *search, const struct postfix_subject *subject)
{
	struct buf got;

	buf_init(&got, (void *)(uintptr_t)subject->site, POSTFIX_GOT_MAX); /* the site is its parent for a moment, and else unchanged */
	if (search->finding->applies(subject, &got))
		search->found(search->arg, search->finding, where(subject), buf_string(&got));
	search->out_of_memory = search->out_of_memory || buf_error(&got) == -ENOMEM;
	buf_free(&got);
}

static void look_at_entry(struct search *search, struct postfix_subject subject)
{
	const bool filtered = postfix_entry_filtered(subject.entry);

	if (search->finding->scope == POSTFIX_ENTRY || (search->finding->scope == POSTFIX_FILTERED && filtered))
		look(search, &subject);
	for (size_t i = 0; search->finding->scope == POSTFIX_OURS && filtered && i < subject.entry->milter_count; i++) {
		subject.milter = &subject.entry->milters[i];
		subject.listener = subject.milter->listener;
		if (subject.listener)
			look(search, &subject);
	}
}

static void look_at_entries(struct search *search, const struct postfix_site *site)
{
	for (size_t i = 0; i < site->entry_count; i++)
		look_at_entry(search, (struct postfix_subject){ .site = site, .entry = &site->entries[i] });
}

static void look_at_listeners(struct search *search, const struct postfix_site *site)
{
	for (size_t i = 0; i < site->ours->listener_count; i++)
		look(search, &(struct postfix_subject){ .site = site, .listener = &site->ours->listeners[i] });
}

static bool signs_anything(const struct postfix_site *site)
{
	for (size_t i = 0; i < site->ours->listener_count; i++)
		if (site->ours->listeners[i].role != CONF_VERIFY && postfix_uses_listener(site, &site->ours->listeners[i]))
			return true;
	return false;
}

static void look_at_delivery(struct search *search, const struct postfix_site *site)
{
	for (size_t i = 0; signs_anything(site) && i < site->postfix->service_count; i++)
		if (postfix_is_delivery(&site->postfix->services[i]))
			look(search, &(struct postfix_subject){ .site = site, .service = &site->postfix->services[i] });
}

int postfix_find(const struct postfix_site *site, postfix_found *found, void *arg)
{
	struct search search = { .found = found, .arg = arg };

	for (size_t i = 0; i < sizeof findings / sizeof *findings; i++) {
		search.finding = &findings[i];
		switch (findings[i].scope) {
		case POSTFIX_SITE:
			look(&search, &(struct postfix_subject){ .site = site });
			break;
		case POSTFIX_ENTRY:
		case POSTFIX_FILTERED:
		case POSTFIX_OURS:
			look_at_entries(&search, site);
			break;
		case POSTFIX_LISTENER:
			look_at_listeners(&search, site);
			break;
		case POSTFIX_DELIVERY:
			look_at_delivery(&search, site);
			break;
		}
	}
	return search.out_of_memory ? -ENOMEM : 0;
}
