#include "milter/policy.h"

#include "dkim/buf.h"
#include "dkim/domain.h"

#include <strings.h>
#include <talloc.h>

/* When nothing passes, the result of the earliest row decides. */
static const struct row {
	enum dkim_result result;
	size_t action;        /* offset of the option in struct conf_verify */
	const char *rejected; /* enhanced status code of a reject */
} rows[] = {
	{ DKIM_TEMPERROR, offsetof(struct conf_verify, on_temperror), "5.7.20" },
	{ DKIM_POLICY,    offsetof(struct conf_verify, on_policy),    "5.7.21" },
	{ DKIM_FAIL,      offsetof(struct conf_verify, on_fail),      "5.7.20" },
	{ DKIM_PERMERROR, offsetof(struct conf_verify, on_permerror), "5.7.20" },
	{ DKIM_NONE,      offsetof(struct conf_verify, on_none),      "5.7.20" },
};
#define ROW_COUNT (sizeof rows / sizeof rows[0])

static const struct row *row_of(enum dkim_result result)
{
	size_t i = 0;

	if (result == DKIM_NEUTRAL)
		result = DKIM_PERMERROR;
	while (i < ROW_COUNT - 1 && rows[i].result != result)
		i++;
	return &rows[i];
}

static struct policy_verdict verdict_of(const struct conf_verify *conf, const struct row *row, size_t decided_by)
{
	struct policy_verdict verdict = { .decided_by = decided_by };

	verdict.action = *(const enum conf_action *)(const void *)((const char *)conf + row->action);
	if (verdict.action == CONF_REJECT) {
		verdict.code = "550";
		verdict.enhanced_code = row->rejected;
	} else if (verdict.action == CONF_TEMPFAIL) {
		verdict.code = "451";
		verdict.enhanced_code = "4.7.5";
	}
	return verdict;
}

struct policy_verdict policy_verify(const struct conf_verify *conf, const struct dkim_verify_result *const *results,
                                    size_t count)
{
	const struct policy_verdict accept = { .action = CONF_ACCEPT, .decided_by = count };
	const struct row *decisive = count == 0 ? row_of(DKIM_NONE) : NULL;
	size_t decided_by = count;

	for (size_t i = 0; i < count; i++) {
		enum dkim_result result = dkim_reason_result(results[i]->reason);

		if (result == DKIM_PASS)
			return accept;
		if (results[i]->test_mode || (decisive && row_of(result) >= decisive))
			continue;
		decisive = row_of(result);
		decided_by = i;
	}
	return decisive ? verdict_of(conf, decisive, decided_by) : accept;
}

struct policy_verdict policy_not_verified(const struct conf_verify *conf)
{
	return verdict_of(conf, row_of(DKIM_PERMERROR), 0);
}

/* Add a name that came with the message: printable ASCII stays, and no more than POLICY_NAME_SHOWN_MAX octets. */
static void add_name(struct buf *buf, const char *before, struct view name, const char *behind)
{
	if (name.n == 0)
		return;
	buf_add_string(buf, before);
	for (size_t i = 0; i < name.n && i < POLICY_NAME_SHOWN_MAX; i++)
		buf_add_char(buf, name.p[i] > 32 && name.p[i] < 127 ? name.p[i] : '?');
	buf_add_string(buf, name.n > POLICY_NAME_SHOWN_MAX ? "..." : "");
	buf_add_string(buf, behind);
}

char *policy_verdict_text(void *mem, const struct policy_verdict *verdict, const struct dkim_verify_result *const *results,
                          size_t count)
{
	const struct dkim_verify_result *result;
	struct buf buf;

	if (verdict->decided_by >= count)
		return talloc_strdup(mem, "message has no DKIM signature");
	result = results[verdict->decided_by];
	buf_init(&buf, mem, 512); /* the texts, and twice POLICY_NAME_SHOWN_MAX */
	buf_add_string(&buf, "signature");
	add_name(&buf, " of ", result->signature.signing_domain, "");
	add_name(&buf, " (selector ", result->signature.selector, ")");
	buf_add_string(&buf, " not accepted: ");
	buf_add_string(&buf, dkim_reason_text(result->reason));
	if (buf_error(&buf)) {
		buf_free(&buf);
		return NULL;
	}
	return buf.p;
}

const char *policy_role_reason_text(enum policy_role_reason reason)
{
	switch (reason) {
	case POLICY_ROLE_FIXED:
		return "role of the listener";
	case POLICY_ROLE_AUTHENTICATED:
		return "client is authenticated";
	case POLICY_ROLE_DAEMON_NAME:
		return "daemon name is in originating-daemons";
	case POLICY_ROLE_INTERNAL_HOST:
		return "client is in internal-hosts";
	case POLICY_ROLE_OUTSIDE:
		break;
	}
	return "client is from outside";
}

static bool names_contain(const char *const *names, const char *name)
{
	for (; names && *names; names++)
		if (strcasecmp(*names, name) == 0)
			return true;
	return false;
}

static enum policy_role_reason role_reason(const struct conf_listener *listener, const struct policy_client *client)
{
	if (listener->role != CONF_AUTO)
		return POLICY_ROLE_FIXED;
	if (client->auth_type && *client->auth_type)
		return POLICY_ROLE_AUTHENTICATED;
	if (client->daemon_name && names_contain(listener->originating_daemons, client->daemon_name))
		return POLICY_ROLE_DAEMON_NAME;
	if (client->address && conf_network_contains(listener->internal_hosts.network, listener->internal_hosts.count, client->address))
		return POLICY_ROLE_INTERNAL_HOST;
	return POLICY_ROLE_OUTSIDE;
}

enum conf_role policy_role(const struct conf_listener *listener, const struct policy_client *client,
                           enum policy_role_reason *ret_reason)
{
	enum policy_role_reason reason = role_reason(listener, client);

	*ret_reason = reason;
	if (reason == POLICY_ROLE_FIXED)
		return listener->role;
	return reason == POLICY_ROLE_OUTSIDE ? CONF_VERIFY : CONF_SIGN;
}

bool policy_key_signs(struct view key_domain, struct view from_domain, bool subdomains)
{
	if (key_domain.n == 0)
		return false;
	return subdomains ? domain_is_within(from_domain, key_domain) : view_eq_nocase(from_domain, key_domain);
}
