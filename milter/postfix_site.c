#include "milter/postfix_site.h"

#include "milter/policy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <talloc.h>

#define OUTSIDE_ADDRESS "192.0.2.1" /* RFC 5737: nobody's */

static bool begins(const char *string, const char *with)
{
	return strncmp(string, with, strlen(with)) == 0;
}

/* The port of "smtp", "25", "192.0.2.1:25". */
static const char *port_of(const char *name)
{
	const char *colon = strrchr(name, ':');

	return colon ? colon + 1 : name;
}

static bool is_one_of(const char *word, const char *const *words)
{
	for (; *words; words++)
		if (strcmp(word, *words) == 0)
			return true;
	return false;
}

static enum postfix_entry_kind kind_of(const struct postfix_service *service)
{
	static const char *const outside[] = { "smtp", "25", NULL };
	static const char *const submission[] = { "submission", "587", "submissions", "smtps", "465", NULL };
	const char *name = service->name;

	if (begins(name, "127.") || begins(name, "localhost:") || begins(name, "[::1]:") || begins(name, "::1:") ||
	    strcmp(service->type, "unix") == 0)
		return POSTFIX_LOOPBACK;
	if (strcmp(service->type, "pass") == 0 || is_one_of(port_of(name), outside))
		return POSTFIX_OUTSIDE;
	return is_one_of(port_of(name), submission) ? POSTFIX_SUBMISSION : POSTFIX_OTHER_PORT;
}

bool postfix_has_content_filter(const struct postfix_site *site)
{
	const struct postfix_conf *postfix = site->postfix;

	for (size_t i = 0; i < postfix->service_count; i++)
		if (*postfix_value(postfix, &postfix->services[i], "content_filter") ||
		    *postfix_value(postfix, &postfix->services[i], "smtpd_proxy_filter"))
			return true;
	return false;
}

static int find_milters(struct postfix_site *site, struct postfix_entry *entry, const char *parameter)
{
	const char *list = postfix_value(site->postfix, entry->service, parameter);
	int r = postfix_milters_parse(site->entries, list, site->postfix, entry->service, site->ours, &entry->milters, &entry->milter_count);

	if (r == -ENOMEM)
		return r;
	entry->malformed = r < 0;
	for (size_t i = 0; i < entry->milter_count; i++)
		entry->ours += entry->milters[i].listener != NULL;
	return 0;
}

static int add_smtpd(struct postfix_site *site, struct postfix_entry *entry, const struct postfix_service *service)
{
	const struct postfix_conf *postfix = site->postfix;

	entry->kind = kind_of(service);
	entry->service = service;
	entry->cleanup = postfix_service_find(postfix, postfix_value(postfix, service, "cleanup_service_name"), "unix");
	entry->no_milters = postfix_list_has(postfix_value(postfix, service, "receive_override_options"), "no_milters");
	entry->returns = entry->kind == POSTFIX_LOOPBACK && postfix_has_content_filter(site) &&
	                 !*postfix_value(postfix, service, "content_filter") && !*postfix_value(postfix, service, "smtpd_proxy_filter");
	entry->name = talloc_asprintf(site->entries, "%s/%s", service->name, service->type);
	return entry->name ? find_milters(site, entry, "smtpd_milters") : -ENOMEM;
}

static int add_local(struct postfix_site *site, struct postfix_entry *entry)
{
	const struct postfix_service *pickup = postfix_service_find(site->postfix, "pickup", "unix");

	if (!pickup)
		pickup = postfix_service_find(site->postfix, "pickup", "fifo");
	entry->kind = POSTFIX_LOCAL;
	entry->service = entry->cleanup = postfix_service_find(site->postfix, "cleanup", "unix");
	entry->no_milters = postfix_list_has(postfix_value(site->postfix, pickup, "receive_override_options"), "no_milters");
	entry->name = "non_smtpd_milters";
	return find_milters(site, entry, "non_smtpd_milters");
}

int postfix_site_new(void *mem, const struct postfix_conf *postfix, const struct conf *ours, struct postfix_site **ret)
{
	struct postfix_site *site = talloc_zero(mem, struct postfix_site);
	int r = -ENOMEM;

	if (!site)
		goto out;
	site->postfix = postfix;
	site->ours = ours;
	site->entries = talloc_zero_array(site, struct postfix_entry, (unsigned)postfix->service_count + 1);
	if (!site->entries)
		goto out;
	r = 0;
	for (size_t i = 0; r == 0 && i < postfix->service_count; i++)
		if (strcmp(postfix->services[i].command, "smtpd") == 0)
			r = add_smtpd(site, &site->entries[site->entry_count++], &postfix->services[i]);
	if (r == 0)
		r = add_local(site, &site->entries[site->entry_count++]);
out:
	if (r < 0)
		talloc_free(site);
	else
		*ret = site;
	return r;
}

bool postfix_entry_filtered(const struct postfix_entry *entry)
{
	return entry->ours > 0 && !entry->no_milters;
}

enum conf_role postfix_entry_role(const struct postfix_site *site, const struct postfix_entry *entry, const struct conf_listener *listener)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	struct policy_client client = { .address = (const struct sockaddr *)&address };
	enum policy_role_reason reason;

	address.sin_addr.s_addr = entry->kind == POSTFIX_LOCAL ? htonl(INADDR_LOOPBACK) : inet_addr(OUTSIDE_ADDRESS);
	client.auth_type = entry->kind == POSTFIX_SUBMISSION ? "PLAIN" : NULL;
	client.daemon_name = postfix_value(site->postfix, entry->service, "milter_macro_daemon_name");
	return policy_role(listener, &client, &reason);
}

bool postfix_uses_listener(const struct postfix_site *site, const struct conf_listener *listener)
{
	if (begins(listener->socket, "systemd:"))
		return true;
	for (size_t i = 0; i < site->entry_count; i++) {
		const struct postfix_entry *entry = &site->entries[i];

		for (size_t k = 0; postfix_entry_filtered(entry) && k < entry->milter_count; k++)
			if (entry->milters[k].listener == listener)
				return true;
	}
	return false;
}

bool postfix_is_delivery(const struct postfix_service *service)
{
	return strcmp(service->command, "smtp") == 0 || strcmp(service->command, "lmtp") == 0;
}
