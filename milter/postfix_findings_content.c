/* Conditions of milter/postfix_findings.h: what changes mail before it is verified, or after it was signed. */
#include "milter/gate.h"
#include "milter/postfix_findings.h"
#include "milter/postfix_rules.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>

#define LINE_MAX_RFC 998 /* octets without CRLF, RFC 5321 section 4.5.3.1.6 */

static bool entry_has_role(const struct postfix_subject *s, enum conf_role role)
{
	for (size_t i = 0; i < s->entry->milter_count; i++)
		if (s->entry->milters[i].listener && postfix_entry_role(s->site, s->entry, s->entry->milters[i].listener) == role)
			return true;
	return false;
}

static void add_other(const struct postfix_milter *milter, struct buf *got)
{
	if (!milter->listener)
		buf_printf(got, "%s%s", got->n ? ", " : "", milter->spec);
}

bool postfix_filter_is_in_front(const struct postfix_subject *subject, struct buf *got)
{
	const struct postfix_entry *entry = subject->entry;

	for (size_t i = 0; i < entry->milter_count && !entry->milters[i].listener; i++)
		add_other(&entry->milters[i], got);
	return got->n > 0 && entry_has_role(subject, CONF_VERIFY);
}

bool postfix_filter_is_behind(const struct postfix_subject *subject, struct buf *got)
{
	const struct postfix_entry *entry = subject->entry;
	size_t last = entry->milter_count;

	while (last > 0 && !entry->milters[last - 1].listener)
		last--;
	for (size_t i = last; i < entry->milter_count; i++)
		add_other(&entry->milters[i], got);
	return got->n > 0 && entry_has_role(subject, CONF_SIGN);
}

static bool list_has_name(const char *const *list, struct view name)
{
	for (; *list; list++) {
		struct view entry = view_of(*list);

		if (entry.n > 0 && entry.p[entry.n - 1] == '*' ? view_eq_nocase(view_slice(entry, 0, entry.n - 1), view_slice(name, 0, entry.n - 1))
		                                              : view_eq_nocase(entry, name))
			return true;
	}
	return false;
}

/* A field that we sign. arg: struct dkim_sign_params */
static bool is_signed(const void *arg, struct view name)
{
	const struct dkim_sign_params *params = arg;

	if (view_eq_nocase(name, VIEW("From")) || view_eq_nocase(name, VIEW("DKIM-Signature")))
		return true;
	return list_has_name(params->headers, name) && !list_has_name(params->omit, name) && !list_has_name(dkim_sign_never_headers, name);
}

/* A field that others usually sign, or where a filter's work is found by its place: below the Received of this host. */
static bool is_signed_by_others(const void *arg, struct view name)
{
	(void)arg;
	return list_has_name(dkim_sign_default_headers, name) || view_eq_nocase(name, VIEW("DKIM-Signature")) ||
	       view_eq_nocase(name, VIEW("Received"));
}

static bool is_added_by_us(const void *arg, struct view name)
{
	(void)arg;
	return view_eq_nocase(name, VIEW("DKIM-Signature")) || view_eq_nocase(name, VIEW("Authentication-Results"));
}

struct checks {
	const char *parameter;
	bool body;
};

static bool any_checks(const struct postfix_subject *subject, const struct postfix_service *service, const struct checks *checks, size_t count,
                       postfix_field_matters *matters, const void *arg, struct buf *got)
{
	bool found = false;

	for (size_t i = 0; i < count; i++) {
		const char *tables = postfix_value(subject->site->postfix, service, checks[i].parameter);
		const size_t before = got->n;

		/* mime_header_checks and nested_header_checks are header_checks unless said otherwise */
		if (i > 0 && strcmp(tables, postfix_value(subject->site->postfix, service, checks[0].parameter)) == 0)
			continue;
		buf_printf(got, "%s%s: ", before ? "; " : "", checks[i].parameter);
		if (postfix_rules_find(tables, checks[i].body ? NULL : matters, arg, got))
			found = true;
		else
			buf_cut(got, before);
	}
	return found;
}

#define COUNT(array) (sizeof(array) / sizeof *(array))

bool postfix_checks_change_before(const struct postfix_subject *subject, struct buf *got)
{
	static const struct checks checks[] = {
		{ "header_checks", false }, { "mime_header_checks", false }, { "nested_header_checks", true }, { "body_checks", true },
	};

	return entry_has_role(subject, CONF_VERIFY) &&
	       any_checks(subject, subject->entry->cleanup, checks, COUNT(checks), is_signed_by_others, NULL, got);
}

bool postfix_checks_change_ours(const struct postfix_subject *subject, struct buf *got)
{
	static const struct checks checks[] = { { "milter_header_checks", false } };

	return any_checks(subject, subject->entry->cleanup, checks, COUNT(checks), is_added_by_us, NULL, got);
}

bool postfix_checks_change_after(const struct postfix_subject *subject, struct buf *got)
{
	static const struct checks smtp[] = {
		{ "smtp_header_checks", false }, { "smtp_mime_header_checks", false }, { "smtp_nested_header_checks", true },
		{ "smtp_body_checks", true },
	};
	static const struct checks lmtp[] = {
		{ "lmtp_header_checks", false }, { "lmtp_mime_header_checks", false }, { "lmtp_nested_header_checks", true },
		{ "lmtp_body_checks", true },
	};
	const bool is_smtp = strcmp(subject->service->command, "smtp") == 0;
	struct dkim_sign_params params;

	gate_sign_params(&subject->site->ours->sign, &params);
	return any_checks(subject, subject->service, is_smtp ? smtp : lmtp, COUNT(smtp), is_signed, &params, got);
}

bool postfix_adds_missing_headers(const struct postfix_subject *subject, struct buf *got)
{
	(void)got;
	return entry_has_role(subject, CONF_VERIFY) &&
	       postfix_is_yes(postfix_value(subject->site->postfix, subject->entry->cleanup, "always_add_missing_headers"));
}

bool postfix_rewrites_remote(const struct postfix_subject *subject, struct buf *got)
{
	const char *domain = postfix_value(subject->site->postfix, subject->entry->service, "remote_header_rewrite_domain");
	const char *clients = postfix_value(subject->site->postfix, subject->entry->service, "local_header_rewrite_clients");

	if (*domain)
		buf_printf(got, "remote_header_rewrite_domain = %s", domain);
	else
		buf_printf(got, "local_header_rewrite_clients = %s", clients);
	return subject->entry->kind == POSTFIX_OUTSIDE && entry_has_role(subject, CONF_VERIFY) &&
	       (*domain || postfix_list_has(clients, "static:all"));
}

bool postfix_rewrites_on_return(const struct postfix_subject *subject, struct buf *got)
{
	static const char *const maps[] = { "canonical_maps", "sender_canonical_maps", "recipient_canonical_maps", "masquerade_domains" };
	const struct postfix_conf *postfix = subject->site->postfix;
	const struct postfix_entry *entry = subject->entry;

	if (!entry->returns || postfix_entry_filtered(entry) || !*postfix_value(postfix, entry->service, "local_header_rewrite_clients") ||
	    postfix_list_has(postfix_value(postfix, entry->service, "receive_override_options"), "no_address_mappings"))
		return false;
	for (size_t i = 0; i < COUNT(maps); i++)
		if (*postfix_value(postfix, entry->cleanup, maps[i]))
			buf_printf(got, "%s%s = %s", got->n ? ", " : "", maps[i], postfix_value(postfix, entry->cleanup, maps[i]));
	return got->n > 0;
}

bool postfix_has_generic_maps(const struct postfix_subject *subject, struct buf *got)
{
	const bool is_smtp = strcmp(subject->service->command, "smtp") == 0;
	const char *maps = postfix_value(subject->site->postfix, subject->service, is_smtp ? "smtp_generic_maps" : "lmtp_generic_maps");

	buf_add_string(got, maps);
	return *maps;
}

/* content_filter is TRANSPORT:NEXTHOP; the transport is a service of that name. */
bool postfix_converts_mime(const struct postfix_subject *subject, struct buf *got)
{
	const struct postfix_conf *postfix = subject->site->postfix;
	const char *filter = postfix_value(postfix, subject->entry->service, "content_filter");
	char *transport = view_string(got->mem, view_slice(view_of(filter), 0, view_find(view_of(filter), ':')));
	const struct postfix_service *service = transport ? postfix_service_find(postfix, transport, "unix") : NULL;

	talloc_free(transport);
	if (!service || !postfix_is_delivery(service) || postfix_is_yes(postfix_value(postfix, service, "disable_mime_output_conversion")))
		return false;
	buf_printf(got, "content_filter = %s, service %s/%s", filter, service->name, service->type);
	return true;
}

/* The smallest limit of all services that deliver; 0: none folds. */
static long smallest_line_limit(const struct postfix_site *site, const struct postfix_service **ret)
{
	long smallest = 0;

	for (size_t i = 0; i < site->postfix->service_count; i++) {
		const struct postfix_service *service = &site->postfix->services[i];
		const bool is_smtp = strcmp(service->command, "smtp") == 0;
		long limit;

		if (!postfix_is_delivery(service))
			continue;
		limit = strtol(postfix_value(site->postfix, service, is_smtp ? "smtp_line_length_limit" : "lmtp_line_length_limit"), NULL, 10);
		if (limit > 0 && (smallest == 0 || limit < smallest)) {
			smallest = limit;
			*ret = service;
		}
	}
	return smallest;
}

static bool folds(const struct postfix_subject *subject, long from, long to, struct buf *got)
{
	const struct postfix_service *service = NULL;
	const long limit = smallest_line_limit(subject->site, &service);

	if (!service || limit < from || limit > to)
		return false;
	buf_printf(got, "%s_line_length_limit = %ld for %s/%s", service->command, limit, service->name, service->type);
	return true;
}

bool postfix_folds_long_lines(const struct postfix_subject *subject, struct buf *got)
{
	return folds(subject, 1, LINE_MAX_RFC - 1, got);
}

bool postfix_folds_usual_lines(const struct postfix_subject *subject, struct buf *got)
{
	return folds(subject, LINE_MAX_RFC, LONG_MAX, got);
}
