#include "milter/scan_policy.h"

#include <fnmatch.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>
#include <talloc.h>

static bool is_loopback_port_0(const struct sockaddr *address)
{
	const struct sockaddr_in *four = (const struct sockaddr_in *)address;
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)address;

	if (address->sa_family == AF_INET)
		return four->sin_port == 0 && ntohl(four->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	return address->sa_family == AF_INET6 && six->sin6_port == 0 && IN6_IS_ADDR_LOOPBACK(&six->sin6_addr);
}

bool scan_is_local(const struct scan_sender *sender)
{
	return sender->client && sender->client_name && strcasecmp(sender->client_name, "localhost") == 0 &&
	       is_loopback_port_0(sender->client);
}

const char *scan_skip_text(enum scan_skip skip)
{
	static const char *const texts[] = {
		[SCAN_NOT_SKIPPED] = "", [SCAN_SKIP_NETWORK] = "network", [SCAN_SKIP_AUTHENTICATED] = "authenticated",
		[SCAN_SKIP_SENDER] = "sender", [SCAN_SKIP_RECIPIENTS] = "recipients",
	};

	return texts[skip];
}

/* An address that holds a NUL or that there is no memory for matches nothing: the message is scanned. */
static bool any_matches(const char *const *patterns, struct view address)
{
	char *text = *patterns ? view_string(NULL, address) : NULL;
	bool found = false;

	for (; text && *patterns && !found; patterns++)
		found = fnmatch(*patterns, *text ? text : "<>", FNM_CASEFOLD) == 0;
	talloc_free(text);
	return found;
}

bool scan_skips_recipient(const struct conf_av *conf, struct view address)
{
	return any_matches(conf->skip_recipients, address);
}

enum scan_skip scan_skip(const struct conf_av *conf, const struct scan_sender *sender)
{
	if (sender->client && conf_network_contains(conf->skip_networks.network, conf->skip_networks.count, sender->client))
		return SCAN_SKIP_NETWORK;
	if (conf->skip_authenticated && sender->authenticated)
		return SCAN_SKIP_AUTHENTICATED;
	if (any_matches(conf->skip_senders, sender->address))
		return SCAN_SKIP_SENDER;
	if (sender->recipients > 0 && sender->recipients == sender->recipients_to_skip)
		return SCAN_SKIP_RECIPIENTS;
	return SCAN_NOT_SKIPPED;
}

static enum conf_scan_action on_error(const struct conf_av *conf, const struct scan_sender *sender)
{
	if (scan_is_local(sender))
		return conf->on_error_local;
	return sender->authenticated ? conf->on_error_authenticated : conf->on_error;
}

static enum conf_scan_action action_of(const struct conf_av *conf, enum av_class class, const struct scan_sender *sender)
{
	switch (class) {
	case AV_CLASS_INFECTED:
		return conf->on_infected;
	case AV_CLASS_BANNED:
		return conf->on_banned;
	case AV_CLASS_ERROR:
		return on_error(conf, sender);
	case AV_CLASS_UNSCANNABLE:
		return conf->on_unscannable;
	case AV_CLASS_SUSPECT:
		return conf->on_suspect;
	case AV_CLASS_ENCRYPTED:
		return conf->on_encrypted;
	case AV_CLASS_CLEAN:
		break;
	}
	return CONF_SCAN_HEADER;
}

static bool is_copied(const struct conf_av *conf, enum av_class class)
{
	for (size_t i = 0; conf->copy[i]; i++)
		if (strcmp(conf->copy[i], av_class_text(class)) == 0)
			return true;
	return false;
}

/* RFC 3463: 4.3.2 system not accepting messages now, 4.3.0 other trouble of the system, x.7.1 refused by policy. */
static void add_codes(struct scan_verdict *verdict, bool busy)
{
	if (verdict->action == CONF_SCAN_REJECT) {
		verdict->code = "550";
		verdict->enhanced_code = "5.7.1";
	} else if (verdict->action == CONF_SCAN_TEMPFAIL) {
		verdict->code = "451";
		verdict->enhanced_code = busy ? "4.3.2" : verdict->class == AV_CLASS_ERROR ? "4.3.0" : "4.7.1";
	}
}

void scan_policy(const struct conf_av *conf, enum av_outcome outcome, const struct av_verdicts *verdicts, const struct scan_sender *sender,
                 struct scan_verdict *ret)
{
	const bool local = scan_is_local(sender);

	*ret = (struct scan_verdict){ .class = AV_CLASS_COUNT };
	for (enum av_class class = 0; class < AV_CLASS_COUNT; class++) {
		enum conf_scan_action action = action_of(conf, class, sender);

		if (!verdicts->name[class])
			continue;
		if (local && (action == CONF_SCAN_REJECT || action == CONF_SCAN_DISCARD))
			action = conf->local_reject;
		if (outcome == AV_BUSY)
			action = CONF_SCAN_TEMPFAIL;
		ret->copy = ret->copy || is_copied(conf, class);
		if (ret->class != AV_CLASS_COUNT && action <= ret->action)
			continue;
		ret->class = class;
		ret->action = action;
		ret->name = verdicts->name[class];
		ret->part = verdicts->part[class];
	}
	add_codes(ret, outcome == AV_BUSY);
}
