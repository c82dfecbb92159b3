#include "milter/explain_report.h"

#include "dkim/base64.h"
#include "milter/json.h"
#include "milter/key_answer.h"

static void add_digest(struct buf *out, const char *name, const uint8_t digest[DKIM_DIGEST_OCTETS])
{
	json_name(out, name);
	buf_add_char(out, '"');
	base64_encode(out, digest, DKIM_DIGEST_OCTETS);
	buf_add_char(out, '"');
}

static void add_tags(const struct tag_list *tags, struct buf *out)
{
	json_name(out, "tags");
	buf_add_char(out, '[');
	for (size_t i = 0; i < tags->count; i++) {
		json_separate(out);
		buf_add_char(out, '{');
		json_member(out, "name", tags->tag[i].name);
		json_member(out, "value", tags->tag[i].value);
		buf_add_char(out, '}');
	}
	buf_add_char(out, ']');
}

static void add_key(const struct explain_report *report, struct buf *out)
{
	json_name(out, "key");
	buf_add_char(out, '{');
	json_text(out, "name", report->explain->key_name);
	if (report->keys) {
		json_bool(out, "cached", report->result->key_cached);
		key_answer_json(report->keys, report->servers, out);
	} else {
		json_text(out, "status", NULL);
	}
	buf_add_char(out, '}');
}

static void add_header(const struct dkim_explain *explain, struct buf *out)
{
	json_name(out, "header");
	buf_add_char(out, '{');
	json_member(out, "state", view_of(explain_state_text(explain->header)));
	json_number(out, "octets", explain->header_block.n);
	json_member(out, "block", explain->header_block);
	add_digest(out, "computed", explain->header_hash);
	if (explain->header_claim_known)
		add_digest(out, "claimed", explain->header_hash_claimed);
	else
		json_text(out, "claimed", NULL);
	buf_add_char(out, '}');
}

static void add_body(const struct explain_report *report, struct buf *out)
{
	const struct dkim_explain *explain = report->explain;

	json_name(out, "body");
	buf_add_char(out, '{');
	json_member(out, "state", view_of(explain_state_text(explain->body)));
	json_number(out, "octets", explain->body_octets);
	json_number(out, "octets_hashed", explain->body_octets_hashed);
	add_digest(out, "computed", explain->body_hash);
	add_digest(out, "claimed", report->result->signature.body_hash);
	buf_add_char(out, '}');
}

static void add_guesses(const struct dkim_explain *explain, struct buf *out)
{
	json_name(out, "would_verify_if");
	buf_add_char(out, '[');
	for (size_t i = 0; i < explain->guess_count; i++) {
		const struct dkim_guess *guess = &explain->guesses[i];

		json_separate(out);
		buf_add_char(out, '{');
		json_member(out, "part", view_of(explain_part_text(guess->part)));
		json_member(out, "name", view_of(guess->name));
		json_member(out, "text", view_of(guess->text));
		json_text(out, "detail", guess->detail);
		buf_add_char(out, '}');
	}
	buf_add_char(out, ']');
	json_number(out, "tries", explain->tries);
	json_text(out, "not_searched", explain->not_searched);
}

void explain_report_json(const struct explain_report *report, struct buf *out)
{
	enum dkim_reason reason = report->result->reason;

	buf_add_char(out, '{');
	json_member(out, "rule", view_of(dkim_reason_rule(reason)));
	json_member(out, "clause", view_of(dkim_reason_clause(reason)));
	add_tags(&report->explain->tags, out);
	if (report->explain->tags.count == 0)
		json_member(out, "bad_tag", report->explain->bad_tag);
	add_key(report, out);
	if (report->explain->hashed) {
		add_header(report->explain, out);
		add_body(report, out);
		add_guesses(report->explain, out);
	}
	buf_add_char(out, '}');
}
