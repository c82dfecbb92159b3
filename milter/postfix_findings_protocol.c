/* Conditions of milter/postfix_findings.h: how Postfix talks to the filter, and what it does when it gets no answer. */
#include "milter/postfix_findings.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PROTOCOL_WANTED 6   /* the first with SMFIP_HDR_LEADSPC and SMFIR_PROGRESS for all commands */
#define PATIENCE_MIN_S 10   /* three signs of life: one comes every 3 s while a message waits for DNS or the scanner */
#define COMMAND_MIN_S 5     /* the answer itself takes no time; a start of all workers up to a second */

static const char *milter_value(const struct postfix_subject *s, const char *name)
{
	return postfix_milter_value(s->milter, s->site->postfix, s->entry->service, name);
}

bool postfix_protocol_is_old(const struct postfix_subject *subject, struct buf *got)
{
	const char *protocol = postfix_value(subject->site->postfix, subject->entry->service, "milter_protocol");

	buf_printf(got, "milter_protocol = %s", protocol);
	return strtol(protocol, NULL, 10) < PROTOCOL_WANTED;
}

static bool default_action_is(const struct postfix_subject *subject, const char *const *actions, struct buf *got)
{
	const char *action = milter_value(subject, "default_action");

	buf_printf(got, "milter_default_action = %s for %s", action, subject->milter->spec);
	for (; *actions; actions++)
		if (strcasecmp(action, *actions) == 0)
			return true;
	return false;
}

bool postfix_accepts_without_us(const struct postfix_subject *subject, struct buf *got)
{
	static const char *const actions[] = { "accept", NULL };

	return default_action_is(subject, actions, got);
}

bool postfix_refuses_without_us(const struct postfix_subject *subject, struct buf *got)
{
	static const char *const actions[] = { "reject", "shutdown", NULL };

	return default_action_is(subject, actions, got);
}

static bool time_is_below(const struct postfix_subject *subject, const char *name, long seconds, struct buf *got)
{
	const char *time = milter_value(subject, name);
	const long given = postfix_seconds(time);

	if (given < 0 || given >= seconds)
		return false;
	buf_printf(got, "%smilter_%s = %s", got->n ? ", " : "", name, time);
	return true;
}

bool postfix_gives_up_early(const struct postfix_subject *subject, struct buf *got)
{
	return time_is_below(subject, "content_timeout", PATIENCE_MIN_S, got);
}

/* The longest that a message may wait at its end; DNS and scanner work side by side. */
static unsigned longest_wait_ms(const struct postfix_subject *subject, const char **ret_name)
{
	const struct conf *ours = subject->site->ours;
	const bool scanner_is_slower = subject->listener->scan && ours->av.timeout_ms > ours->dns.budget_ms;

	*ret_name = scanner_is_slower ? "av.timeout" : "dns.budget";
	return scanner_is_slower ? ours->av.timeout_ms : ours->dns.budget_ms;
}

bool postfix_waits_less_than_we_work(const struct postfix_subject *subject, struct buf *got)
{
	const char *name;
	const unsigned wait_ms = longest_wait_ms(subject, &name);

	if (postfix_gives_up_early(subject, got))
		return false; /* has a finding of its own */
	if (!time_is_below(subject, "content_timeout", ((long)wait_ms + 999) / 1000, got))
		return false;
	buf_printf(got, ", %s = %ums", name, wait_ms);
	return true;
}

bool postfix_command_timeout_is_short(const struct postfix_subject *subject, struct buf *got)
{
	const bool connect = time_is_below(subject, "connect_timeout", COMMAND_MIN_S, got);

	return time_is_below(subject, "command_timeout", COMMAND_MIN_S, got) || connect;
}
