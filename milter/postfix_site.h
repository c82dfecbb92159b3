/* A Postfix and our listeners seen together: where mail comes in, and which filters it meets there. */
#ifndef MILTER_POSTFIX_SITE_H
#define MILTER_POSTFIX_SITE_H

#include "milter/postfix_milters.h"

enum postfix_entry_kind {
	POSTFIX_OUTSIDE,    /* smtpd on port 25, or behind postscreen: strangers */
	POSTFIX_SUBMISSION, /* smtpd on a port for our own users */
	POSTFIX_LOOPBACK,   /* smtpd that only this host reaches, such as where a content filter hands mail back */
	POSTFIX_OTHER_PORT, /* any other smtpd */
	POSTFIX_LOCAL,      /* sendmail(1), bounces: cleanup with non_smtpd_milters */
};

struct postfix_entry {
	enum postfix_entry_kind kind;
	const char *name;                      /* "smtp/inet", "non_smtpd_milters" */
	const struct postfix_service *service; /* who connects to the filters: the smtpd, or cleanup; NULL: no such line in master.cf */
	const struct postfix_service *cleanup; /* who takes its mail, and looks at its header; NULL likewise */
	struct postfix_milter *milters;        /* in the order in which they see the mail */
	size_t milter_count;
	size_t ours;       /* how many of these reach our listeners */
	bool malformed;    /* the list cannot be read */
	bool no_milters;   /* receive_override_options switches them all off */
	bool returns;      /* where a content filter hands mail back */
};

struct postfix_site {
	const struct postfix_conf *postfix;
	const struct conf *ours;
	struct postfix_entry *entries;
	size_t entry_count;
};

/* A talloc child of mem. Host names in milters and listeners are resolved, which may block. Returns 0 or -ENOMEM. */
int postfix_site_new(void *mem, const struct postfix_conf *postfix, const struct conf *ours, struct postfix_site **ret);

/* Mail of this entry meets our filter. */
bool postfix_entry_filtered(const struct postfix_entry *entry);

/* What a listener takes mail of this entry for: CONF_VERIFY or CONF_SIGN. */
enum conf_role postfix_entry_role(const struct postfix_site *site, const struct postfix_entry *entry, const struct conf_listener *listener);

/* Whether any mail reaches the listener. One that systemd hands over may be at any address: it counts as used. */
bool postfix_uses_listener(const struct postfix_site *site, const struct conf_listener *listener);

/* Whether a content filter gets mail from any service: content_filter or smtpd_proxy_filter. */
bool postfix_has_content_filter(const struct postfix_site *site);

/* smtp(8) or lmtp(8): what hands mail on. */
bool postfix_is_delivery(const struct postfix_service *service);

#endif
