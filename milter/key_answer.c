#include "milter/key_answer.h"

#include "milter/json.h"

#include <errno.h>
#include <inttypes.h>
#include <talloc.h>

#define VALUE_OCTETS_SHOWN 4096 /* of a tag or key record: a 16,384-bit key has 2,800 */

void key_answer_line(struct buf *out, const char *title)
{
	buf_printf(out, "  %-8s ", title);
}

void key_answer_escaped(struct buf *out, struct view octets)
{
	char *text = view_escape(out->mem, octets, VALUE_OCTETS_SHOWN);

	if (text)
		buf_add_string(out, text);
	else
		out->error = -ENOMEM;
	talloc_free(text);
}

/* What the record says besides the key. */
static void add_restrictions(const struct dkim_key_record *record, struct buf *out)
{
	if (record->test_mode)
		buf_add_string(out, ", t=y: test mode");
	if (record->strict_identity)
		buf_add_string(out, ", t=s: no subdomains in i=");
	if (!record->allows_sha256)
		buf_add_string(out, ", h= refuses sha256");
	if (!record->allows_email)
		buf_add_string(out, ", s= refuses email");
}

static void add_record(const struct dkim_key *key, struct view text, struct buf *out)
{
	key_answer_line(out, "");
	buf_add_string(out, "record \"");
	key_answer_escaped(out, text);
	buf_add_string(out, "\" (");
	if (key->reason == DKIM_REASON_PASS) {
		buf_printf(out, "%u bits", dkim_public_key_bits(key->key));
		add_restrictions(&key->record, out);
	} else {
		buf_printf(out, "%s; %s, %s", dkim_reason_text(key->reason), dkim_reason_rule(key->reason), dkim_reason_clause(key->reason));
	}
	buf_add_string(out, ")\n");
}

void key_answer_text(const struct dkim_key_set *set, const char *title, const char *from, struct buf *out)
{
	const struct dkim_dns_answer *answer = set->answer;

	key_answer_line(out, title);
	buf_printf(out, "%s, from %s, TTL %" PRIu32 " s, %s by DNSSEC, %u ms\n", dkim_dns_status_text(answer->status),
	           answer->from_records ? "the records file" : from, answer->ttl, answer->secure ? "validated" : "not validated",
	           answer->milliseconds);
	if (answer->canonical_name) {
		key_answer_line(out, "");
		buf_add_string(out, "CNAMEs lead to ");
		key_answer_escaped(out, view_of(answer->canonical_name));
		buf_add_char(out, '\n');
	}
	for (size_t i = 0; i < answer->text_count; i++)
		add_record(&set->keys[i], answer->texts[i], out);
}

static void add_records(const struct dkim_key_set *set, struct buf *out)
{
	json_name(out, "records");
	buf_add_char(out, '[');
	for (size_t i = 0; i < set->answer->text_count; i++) {
		const struct dkim_key *key = &set->keys[i];

		json_separate(out);
		buf_add_char(out, '{');
		json_member(out, "text", set->answer->texts[i]);
		json_number(out, "bits", key->reason == DKIM_REASON_PASS ? dkim_public_key_bits(key->key) : 0);
		json_bool(out, "test_mode", key->reason == DKIM_REASON_PASS && key->record.test_mode);
		json_text(out, "fault", key->reason == DKIM_REASON_PASS ? NULL : dkim_reason_text(key->reason));
		buf_add_char(out, '}');
	}
	buf_add_char(out, ']');
}

void key_answer_json(const struct dkim_key_set *set, const char *servers, struct buf *out)
{
	const struct dkim_dns_answer *answer = set->answer;

	json_text(out, "status", dkim_dns_status_text(answer->status));
	json_text(out, "servers", answer->from_records ? NULL : servers);
	json_bool(out, "from_records", answer->from_records);
	json_text(out, "canonical_name", answer->canonical_name);
	json_number(out, "ttl", answer->ttl);
	json_bool(out, "secure", answer->secure);
	json_number(out, "milliseconds", answer->milliseconds);
	add_records(set, out);
}
