#include "milter/explain_report.h"

#include "dkim/base64.h"
#include "milter/key_answer.h"

#include <errno.h>
#include <inttypes.h>
#include <talloc.h>

#define VALUE_OCTETS_SHOWN 4096 /* of a tag or key record: a 16,384-bit key has 2,800 */

const char *explain_part_text(enum dkim_explain_part part)
{
	return part == DKIM_EXPLAIN_HEADER ? "header" : "body";
}

const char *explain_state_text(enum dkim_explain_state state)
{
	static const char *const texts[] = {
		[DKIM_EXPLAIN_UNKNOWN] = "unknown",
		[DKIM_EXPLAIN_GOOD] = "good",
		[DKIM_EXPLAIN_DIFFERS] = "differs",
	};

	return texts[state];
}

static void add_escaped(struct buf *out, struct view octets, size_t maximum)
{
	char *text = view_escape(out->mem, octets, maximum);

	if (text)
		buf_add_string(out, text);
	else
		out->error = -ENOMEM;
	talloc_free(text);
}

static void add_digest(struct buf *out, const char *what, const uint8_t digest[DKIM_DIGEST_OCTETS])
{
	key_answer_line(out, "");
	buf_printf(out, "hash %-9s", what);
	base64_encode(out, digest, DKIM_DIGEST_OCTETS);
	buf_add_char(out, '\n');
}

static void add_tags(const struct dkim_explain *explain, struct buf *out)
{
	for (size_t i = 0; i < explain->tags.count; i++) {
		key_answer_line(out, i ? "" : "tags");
		add_escaped(out, explain->tags.tag[i].name, VALUE_OCTETS_SHOWN);
		buf_add_char(out, '=');
		add_escaped(out, explain->tags.tag[i].value, VALUE_OCTETS_SHOWN);
		buf_add_char(out, '\n');
	}
	if (explain->tags.count > 0)
		return;
	key_answer_line(out, "tags");
	buf_add_string(out, "unreadable at \"");
	add_escaped(out, explain->bad_tag, VALUE_OCTETS_SHOWN);
	buf_add_string(out, "\"\n");
}

static void add_key(const struct explain_report *report, struct buf *out)
{
	key_answer_line(out, "key");
	add_escaped(out, view_of(report->explain->key_name ? report->explain->key_name : "no name to ask for"),
	            VALUE_OCTETS_SHOWN);
	buf_add_char(out, '\n');
	if (report->keys) {
		key_answer_text(report->keys, "", report->result->key_cached ? "the cache" : report->servers, out);
	} else {
		key_answer_line(out, "");
		buf_add_string(out, "not asked for, or no answer\n");
	}
}

/* Each line with its line end to be seen. */
static void add_header_block(struct view block, struct buf *out)
{
	while (block.n > 0) {
		struct view line = view_slice(block, 0, view_find(block, '\n') + 1);

		key_answer_line(out, "");
		add_escaped(out, line, line.n);
		buf_add_char(out, '\n');
		block = view_slice(block, line.n, block.n);
	}
}

/* Only an RSA signature tells what was hashed; one of another key does not. */
static bool is_foreign(const struct explain_report *report)
{
	return report->result->signature.algorithm == DKIM_RSA_SHA256 && !report->explain->header_claim_known;
}

static void add_hashes(const struct explain_report *report, struct buf *out)
{
	static const char *const fits[] = {
		[DKIM_EXPLAIN_UNKNOWN] = "no key to try the signature with",
		[DKIM_EXPLAIN_GOOD] = "the signature fits",
		[DKIM_EXPLAIN_DIFFERS] = "the signature does not fit",
	};
	const struct dkim_explain *explain = report->explain;

	key_answer_line(out, "header");
	buf_printf(out, "%zu octets in canonical form; %s\n", explain->header_block.n, fits[explain->header]);
	add_digest(out, "computed", explain->header_hash);
	if (explain->header_claim_known)
		add_digest(out, "claimed", explain->header_hash_claimed);
	if (report->header_block)
		add_header_block(explain->header_block, out);
	key_answer_line(out, "body");
	buf_printf(out, "%" PRIu64 " octets in canonical form, %" PRIu64 " of them hashed; the hash %s\n", explain->body_octets,
	           explain->body_octets_hashed, explain->body == DKIM_EXPLAIN_GOOD ? "fits" : "does not fit");
	add_digest(out, "computed", explain->body_hash);
	add_digest(out, "claimed", report->result->signature.body_hash);
}

static void add_guesses(const struct dkim_explain *explain, enum dkim_explain_part part, struct buf *out)
{
	size_t count = 0;

	for (size_t i = 0; i < explain->guess_count; i++) {
		const struct dkim_guess *guess = &explain->guesses[i];

		if (guess->part != part)
			continue;
		key_answer_line(out, "");
		buf_printf(out, "%s %s", count++ ? "and" : "would verify if", guess->text);
		if (guess->detail) {
			buf_add_string(out, ": ");
			buf_add_string(out, guess->detail);
		}
		buf_add_char(out, '\n');
	}
}

static void add_cause(const struct dkim_explain *explain, enum dkim_explain_part part, bool explained, struct buf *out)
{
	key_answer_line(out, "cause");
	buf_printf(out, "the %s was changed on its way, or signed wrongly\n", explain_part_text(part));
	if (explained) {
		add_guesses(explain, part, out);
	} else if (explain->tries > 0) {
		key_answer_line(out, "");
		buf_printf(out, "no change that mail systems are known to make explains it (%zu tries)\n", explain->tries);
	}
}

static void add_causes(const struct explain_report *report, struct buf *out)
{
	const struct dkim_explain *explain = report->explain;

	if (explain->header == DKIM_EXPLAIN_DIFFERS && is_foreign(report)) {
		key_answer_line(out, "cause");
		buf_add_string(out, "the signature was not made by this key, or b= was changed\n");
	} else if (explain->header == DKIM_EXPLAIN_DIFFERS) {
		add_cause(explain, DKIM_EXPLAIN_HEADER, explain->header_explained, out);
	}
	if (explain->body == DKIM_EXPLAIN_DIFFERS)
		add_cause(explain, DKIM_EXPLAIN_BODY, explain->body_explained, out);
	if (explain->not_searched) {
		key_answer_line(out, "");
		buf_printf(out, "the search for causes: %s\n", explain->not_searched);
	}
}

void explain_report_text(const struct explain_report *report, struct buf *out)
{
	const struct dkim_explain *explain = report->explain;
	enum dkim_reason reason = report->result->reason;

	key_answer_line(out, "result");
	buf_printf(out, "%s: %s\n", dkim_result_text(dkim_reason_result(reason)), dkim_reason_text(reason));
	key_answer_line(out, "rule");
	buf_printf(out, "%s, %s\n", dkim_reason_rule(reason), dkim_reason_clause(reason));
	add_tags(explain, out);
	add_key(report, out);
	if (!explain->hashed)
		return;
	add_hashes(report, out);
	add_causes(report, out);
}
