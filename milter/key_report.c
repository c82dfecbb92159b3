#include "milter/key_report.h"

#include "milter/json.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <talloc.h>

#define TEXT_MAX 8192 /* octets: a line for each of DKIM_TXT_RECORDS_MAX records, and a name */

const char *key_type_text(enum dkim_key_type type)
{
	return type == DKIM_KEY_RSA ? "RSA" : "Ed25519";
}

static const char *record_text(enum dkim_reason reason)
{
	return reason == DKIM_REASON_SIGNATURE_DIFFERS ? "another key" : dkim_reason_text(reason);
}

/* A row of the key table whose domain is that of each sender. */
static bool is_any(const char *domain)
{
	return strcmp(domain, "%") == 0;
}

static void add_key_name(const struct key_report *report, struct buf *out)
{
	buf_printf(out, "%s._domainkey.%s", report->selector, report->domain);
}

/* One record is described by what is wrong with it, several each by its own (R67: each could be the one). */
static void add_records(const struct dkim_private_key *key, const struct dkim_key_set *set, struct buf *out)
{
	const enum dkim_reason reason = dkim_key_fits(key, &set->keys[0]);

	if (set->answer->text_count == 1) {
		buf_printf(out, reason == DKIM_REASON_SIGNATURE_DIFFERS ? " publishes %s" : ": %s", record_text(reason));
		return;
	}
	buf_printf(out, " has %zu records, none of which is this key", set->answer->text_count);
	for (size_t i = 0; i < set->answer->text_count; i++)
		buf_printf(out, "%s %zu: %s", i ? "," : ":", i + 1, record_text(dkim_key_fits(key, &set->keys[i])));
}

static void add_published(const struct dkim_key_set *set, const struct dkim_published *published, struct key_report *report,
                          struct buf *out)
{
	report->agreement = KEY_AGREES;
	report->test_mode = set->keys[published->record].record.test_mode;
	buf_printf(out, "published %s%s%s", set->answer->from_records ? "in the records file" : "by DNS",
	           set->answer->secure ? ", validated" : "", report->test_mode ? ", in test mode (t=y)" : "");
}

static void add_unknown(const struct dkim_key_set *set, struct key_report *report, struct buf *out)
{
	if (is_any(report->domain)) {
		buf_add_string(out, "DNS is not asked");
	} else if (!set) {
		buf_add_string(out, "DNS gave no answer");
	} else {
		add_key_name(report, out);
		buf_printf(out, " could not be asked for: %s",
		           set->answer->status == DKIM_DNS_FOUND ? "out of memory" : dkim_dns_status_text(set->answer->status));
	}
}

static void compare(const struct dkim_private_key *key, const struct dkim_key_set *set, struct key_report *report, struct buf *out)
{
	struct dkim_published published;

	dkim_key_published(key, set, &published);
	switch (published.state) {
	case DKIM_PUBLISHED:
		add_published(set, &published, report, out);
		break;
	case DKIM_PUBLISHED_OTHERS:
		report->agreement = KEY_DISAGREES;
		add_key_name(report, out);
		add_records(key, set, out);
		break;
	case DKIM_PUBLISHED_NOT:
		report->agreement = KEY_DISAGREES;
		add_key_name(report, out);
		buf_add_string(out, " is not published");
		break;
	case DKIM_PUBLISHED_UNKNOWN:
		add_unknown(set, report, out);
		break;
	}
}

int key_report_fill(void *mem, const struct conf_key *conf, const struct dkim_private_key *key, const char *error,
                    const struct dkim_key_set *set, int64_t now, struct key_report *ret)
{
	struct key_report report = { .name = conf->name, .domain = conf->domain, .selector = conf->selector, .state = conf->state,
		                     .error = error, .modified = -1, .age_s = -1, .agreement = KEY_UNKNOWN, .dns = "not compared" };
	struct buf dns;
	int r;

	if (key) {
		report.type = dkim_private_key_type(key);
		report.bits = dkim_private_key_bits(key);
		report.modified = dkim_private_key_modified(key);
		report.age_s = report.modified < 0 ? -1 : now > report.modified ? now - report.modified : 0;
		buf_init(&dns, mem, TEXT_MAX);
		compare(key, set, &report, &dns);
		r = buf_error(&dns);
		if (r < 0)
			return r;
		report.dns = buf_string(&dns); /* the memory stays with mem */
	}
	*ret = report;
	return 0;
}

void key_report_age(int64_t seconds, struct buf *out)
{
	const int64_t minutes = seconds / 60, hours = minutes / 60, days = hours / 24;

	if (hours < 2)
		buf_printf(out, "%" PRId64 " minute%s", minutes, minutes == 1 ? "" : "s");
	else if (days < 2)
		buf_printf(out, "%" PRId64 " hours", hours);
	else
		buf_printf(out, "%" PRId64 " days", days);
}

void key_report_text(const struct key_report *report, struct buf *out)
{
	buf_printf(out, "%s, ", conf_key_state_text(report->state));
	if (report->error) {
		buf_add_string(out, report->error);
		return;
	}
	buf_printf(out, "%u-bit %s", report->bits, key_type_text(report->type));
	buf_printf(out, " for %s", is_any(report->domain) ? "the domain of each sender" : report->domain);
	if (report->age_s >= 0) {
		buf_add_string(out, ", file changed ");
		key_report_age(report->age_s, out);
		buf_add_string(out, " ago");
	}
	buf_printf(out, "; %s", report->dns);
}

static void add_number(struct buf *out, const char *name, int64_t number)
{
	json_name(out, name);
	if (number < 0)
		buf_add_string(out, "null");
	else
		buf_printf(out, "%" PRId64, number);
}

static void add_key_members(const struct key_report *report, struct buf *out)
{
	static const char *const agreements[] = { [KEY_AGREES] = "true", [KEY_DISAGREES] = "false", [KEY_UNKNOWN] = "null" };

	json_member(out, "type", view_of(report->type == DKIM_KEY_RSA ? "rsa" : "ed25519"));
	add_number(out, "bits", report->bits);
	add_number(out, "modified", report->modified);
	add_number(out, "age_s", report->age_s);
	json_name(out, "dns_agrees");
	buf_add_string(out, agreements[report->agreement]);
	json_bool(out, "test_mode", report->test_mode);
	json_member(out, "dns", view_of(report->dns));
}

void key_report_json(const struct key_report *report, struct buf *out)
{
	buf_add_char(out, '{');
	json_member(out, "name", view_of(report->name));
	json_member(out, "domain", view_of(report->domain));
	json_member(out, "selector", view_of(report->selector));
	json_member(out, "state", view_of(conf_key_state_text(report->state)));
	if (report->error)
		json_member(out, "error", view_of(report->error));
	else
		add_key_members(report, out);
	buf_add_char(out, '}');
}
