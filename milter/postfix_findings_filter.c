/* Conditions of milter/postfix_findings.h: does the right mail reach the right listener, once? */
#include "milter/postfix_access.h"
#include "milter/postfix_findings.h"

#include <string.h>

static const char *value_of(const struct postfix_subject *s, const char *name)
{
	return postfix_value(s->site->postfix, s->entry->service, name);
}

/* Add an item of a list. */
static void add_item(struct buf *got, const char *item)
{
	if (got->n)
		buf_add_string(got, ", ");
	buf_add_string(got, item);
}

bool postfix_is_not_used(const struct postfix_subject *subject, struct buf *got)
{
	const struct conf *ours = subject->site->ours;

	for (size_t i = 0; i < ours->listener_count; i++) {
		if (postfix_uses_listener(subject->site, &ours->listeners[i]))
			return false;
		add_item(got, ours->listeners[i].socket);
	}
	return true;
}

bool postfix_listener_is_unused(const struct postfix_subject *subject, struct buf *got)
{
	buf_add_string(got, subject->listener->socket);
	return !postfix_uses_listener(subject->site, subject->listener);
}

/* Another filter is nobody's mistake; beside a listener that nobody uses it may be. */
bool postfix_milter_is_unknown(const struct postfix_subject *subject, struct buf *got)
{
	const struct conf *ours = subject->site->ours;
	bool all_used = true;

	for (size_t i = 0; i < ours->listener_count; i++)
		all_used = all_used && postfix_uses_listener(subject->site, &ours->listeners[i]);
	for (size_t i = 0; i < subject->entry->milter_count; i++)
		if (!subject->entry->milters[i].listener && !subject->entry->milters[i].hidden)
			add_item(got, subject->entry->milters[i].spec);
	return !all_used && got->n > 0 && !subject->entry->no_milters;
}

bool postfix_list_is_malformed(const struct postfix_subject *subject, struct buf *got)
{
	buf_add_string(got, value_of(subject, subject->entry->kind == POSTFIX_LOCAL ? "non_smtpd_milters" : "smtpd_milters"));
	return subject->entry->malformed;
}

/* Where mail comes back from a content filter, or may do so, they are meant to be off. */
bool postfix_milters_are_off(const struct postfix_subject *subject, struct buf *got)
{
	(void)got;
	return subject->entry->no_milters && subject->entry->ours > 0 && subject->entry->kind != POSTFIX_LOOPBACK;
}

bool postfix_has_milter_maps(const struct postfix_subject *subject, struct buf *got)
{
	const char *maps = subject->entry->kind == POSTFIX_LOCAL ? "" : value_of(subject, "smtpd_milter_maps");

	buf_add_string(got, maps);
	return *maps;
}

/* A proxy in front hands its mail to another port, which is looked at by itself. */
bool postfix_is_unfiltered(const struct postfix_subject *subject, struct buf *got)
{
	const struct postfix_entry *entry = subject->entry;

	(void)got;
	return entry->ours == 0 && entry->kind != POSTFIX_LOCAL && entry->kind != POSTFIX_LOOPBACK &&
	       !*value_of(subject, "smtpd_proxy_filter");
}

bool postfix_local_mail_is_unfiltered(const struct postfix_subject *subject, struct buf *got)
{
	const struct conf *ours = subject->site->ours;
	bool signs = false;

	(void)got;
	for (size_t i = 0; i < ours->listener_count; i++)
		signs = signs || ours->listeners[i].role != CONF_VERIFY;
	return signs && subject->entry->kind == POSTFIX_LOCAL && subject->entry->ours == 0;
}

bool postfix_bounces_are_unfiltered(const struct postfix_subject *subject, struct buf *got)
{
	const char *classes = postfix_value(subject->site->postfix, NULL, "internal_mail_filter_classes");

	buf_add_string(got, classes);
	return subject->entry->kind == POSTFIX_LOCAL && !postfix_list_has(classes, "bounce");
}

bool postfix_socket_is_outside_chroot(const struct postfix_subject *subject, struct buf *got)
{
	const struct postfix_entry *entry = subject->entry;
	bool outside = false;

	for (size_t i = 0; i < entry->milter_count; i++) {
		if (!entry->milters[i].hidden)
			continue;
		buf_printf(got, "%s%s is %s for it", outside ? ", " : "", entry->milters[i].spec, entry->milters[i].path);
		outside = true;
	}
	return outside;
}

bool postfix_socket_is_closed(const struct postfix_subject *subject, struct buf *got)
{
	return subject->milter->path &&
	       postfix_access_denied(subject->milter->path, value_of(subject, "mail_owner"), subject->listener, got);
}

bool postfix_signs_for_strangers(const struct postfix_subject *subject, struct buf *got)
{
	const struct conf_listener *listener = subject->listener;

	if (listener->role == CONF_AUTO)
		buf_printf(got, "role auto, milter_macro_daemon_name = %s", value_of(subject, "milter_macro_daemon_name"));
	else
		buf_printf(got, "%s, role sign", listener->socket);
	return subject->entry->kind == POSTFIX_OUTSIDE && postfix_entry_role(subject->site, subject->entry, listener) == CONF_SIGN;
}

bool postfix_verifies_own(const struct postfix_subject *subject, struct buf *got)
{
	const enum postfix_entry_kind kind = subject->entry->kind;

	buf_printf(got, "%s, role %s", subject->listener->socket, conf_role_text(subject->listener->role));
	return (kind == POSTFIX_SUBMISSION || kind == POSTFIX_LOCAL) &&
	       postfix_entry_role(subject->site, subject->entry, subject->listener) == CONF_VERIFY;
}

bool postfix_has_both_sockets(const struct postfix_subject *subject, struct buf *got)
{
	for (size_t i = 0; i < subject->entry->milter_count; i++)
		if (subject->entry->milters[i].listener)
			add_item(got, subject->entry->milters[i].spec);
	return subject->entry->ours > 1;
}

/* With a proxy, which filters do not go before, the port behind it is the right place. */
bool postfix_passes_twice(const struct postfix_subject *subject, struct buf *got)
{
	const struct postfix_site *site = subject->site;

	for (size_t i = 0; subject->entry->returns && i < site->entry_count; i++) {
		const struct postfix_entry *front = &site->entries[i];

		if (front == subject->entry || !postfix_entry_filtered(front) || !*postfix_value(site->postfix, front->service, "content_filter"))
			continue;
		buf_printf(got, "after %s", front->name);
		return true;
	}
	return false;
}

bool postfix_proxy_comes_first(const struct postfix_subject *subject, struct buf *got)
{
	const char *proxy = subject->entry->kind == POSTFIX_LOCAL ? "" : value_of(subject, "smtpd_proxy_filter");

	buf_add_string(got, proxy);
	return *proxy;
}
