#include "conf/checks.h"

#include "conf/values.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <talloc.h>

static int fault(struct fault_list *faults, unsigned line, const char *kind, const char *title, const char *wanted, char *got)
{
	char *quoted = conf_quote(faults, title);
	char *name = quoted ? talloc_asprintf(faults, "%s %s", kind, quoted) : NULL;
	int r = name && got ? 0 : -ENOMEM;

	if (r == 0)
		faults_add(faults, line, name, wanted, got);
	talloc_free(name);
	talloc_free(quoted);
	talloc_free(got);
	return r;
}

/* An empty title would be an empty word in every log line. */
static int check_title(struct fault_list *faults, unsigned line, const char *kind, const char *title)
{
	return *title ? 0 : fault(faults, line, kind, title, "a title that is not empty", talloc_strdup(faults, "\"\""));
}

static const char *after_colon(const char *socket)
{
	const char *colon = strchr(socket, ':');

	return colon ? colon + 1 : socket;
}

/* "unix:" and "local:" are the same. */
static bool same_socket(const char *a, const char *b)
{
	if (strcmp(a, b) == 0)
		return true;
	return *after_colon(a) == '/' && strcmp(after_colon(a), after_colon(b)) == 0;
}

static int check_listener(const struct conf *conf, size_t i, struct fault_list *faults)
{
	const struct conf_listener *listener = &conf->listeners[i];
	int r = check_title(faults, listener->line, "listener", listener->name);

	for (size_t j = 0; j < i && r == 0; j++) {
		const struct conf_listener *other = &conf->listeners[j];

		if (listener->socket && other->socket && same_socket(listener->socket, other->socket))
			r = fault(faults, listener->line, "listener", listener->name, "a socket of its own",
			          talloc_asprintf(faults, "that of the listener on line %u", other->line));
	}
	if (r == 0 && listener->role != CONF_VERIFY && conf->sign.key_count == 0 &&
	    conf->sign.signing_table && !*conf->sign.signing_table)
		r = fault(faults, listener->line, "listener", listener->name, "a key in section sign for a role that signs",
		          talloc_strdup(faults, "none"));
	return r;
}

static int check_key(const struct conf *conf, size_t i, struct fault_list *faults)
{
	const struct conf_key *key = &conf->sign.keys[i];
	int r = check_title(faults, key->line, "key", key->name);

	/* A title may be anything, a selector may not. */
	if (r == 0 && *key->name && key->selector && !value_is_selector(key->selector))
		r = fault(faults, key->line, "key", key->name, "a selector, or a title that can be one", conf_quote(faults, key->selector));
	for (size_t j = 0; j < i && r == 0; j++) {
		const struct conf_key *other = &conf->sign.keys[j];

		if (!key->domain || !other->domain || !key->selector || !other->selector)
			continue;
		if (strcasecmp(key->domain, other->domain) == 0 && strcasecmp(key->selector, other->selector) == 0)
			r = fault(faults, key->line, "key", key->name, "one key for a domain and selector",
			          talloc_asprintf(faults, "those of the key on line %u", other->line));
	}
	return r;
}

/* Each is of no use without the other. */
static void check_tables(const struct conf_sign *sign, struct fault_list *faults)
{
	if (!sign->key_table || !sign->signing_table)
		return;
	if (*sign->key_table && !*sign->signing_table)
		faults_add(faults, 0, "sign.signing-table", "a table that uses sign.key-table", "none");
	if (!*sign->key_table && *sign->signing_table)
		faults_add(faults, 0, "sign.key-table", "the table that sign.signing-table names keys of", "none");
}

static bool scanning_changes(const struct conf_av *av, const char *field)
{
	static const char *const inserted[] = { "X-Virus-Scanned", "X-Virus-Status" };

	for (size_t i = 0; i < sizeof inserted / sizeof inserted[0]; i++)
		if (strcasecmp(inserted[i], field) == 0)
			return true;
	for (size_t i = 0; av->remove_headers && av->remove_headers[i]; i++)
		if (strcasecmp(av->remove_headers[i], field) == 0)
			return true;
	return false;
}

static int check_signed_fields(const struct conf *conf, const char *option, const char *const *fields, struct fault_list *faults)
{
	for (size_t i = 0; fields && fields[i]; i++) {
		char *quoted;

		if (!scanning_changes(&conf->av, fields[i]))
			continue;
		quoted = conf_quote(faults, fields[i]);
		if (!quoted)
			return -ENOMEM;
		faults_add(faults, 0, option, "fields that scanning neither removes nor adds", quoted);
		talloc_free(quoted);
	}
	return 0;
}

/* A signature over a field that this daemon itself removes or adds would never verify. */
static int check_scanning(const struct conf *conf, struct fault_list *faults)
{
	bool both = false;
	int r = 0;

	for (size_t i = 0; i < conf->listener_count; i++)
		both = both || (conf->listeners[i].scan && conf->listeners[i].role != CONF_VERIFY);
	if (both)
		r = check_signed_fields(conf, "sign.headers", conf->sign.headers, faults);
	if (both && r == 0)
		r = check_signed_fields(conf, "sign.oversign", conf->sign.oversign, faults);
	return r;
}

int check_conf(const struct conf *conf, struct fault_list *faults)
{
	int r = 0;

	if (conf->listener_count == 0)
		faults_add(faults, 0, "listener", "at least one section listener", "none");
	for (size_t i = 0; i < conf->listener_count && r == 0; i++)
		r = check_listener(conf, i, faults);
	for (size_t i = 0; i < conf->sign.key_count && r == 0; i++)
		r = check_key(conf, i, faults);
	check_tables(&conf->sign, faults);
	if (r == 0)
		r = check_scanning(conf, faults);
	if (conf->dns.budget_ms > 0 && conf->dns.budget_ms < conf->dns.timeout_ms)
		faults_add(faults, 0, "dns.budget", "a time not below dns.timeout", "a shorter one");
	return r;
}
