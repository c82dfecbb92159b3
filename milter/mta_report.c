#include "milter/mta_report.h"

#include "milter/json.h"

#include <errno.h>
#include <talloc.h>

#define SHOWN_MAX 65535 /* octets of one value shown as text; --json shows all */

/* The view in quotes, escaped. */
static void add_quoted(struct buf *out, struct view v)
{
	char *text = view_escape(out->mem, v, SHOWN_MAX);

	if (!text) {
		out->error = -ENOMEM;
		return;
	}
	buf_printf(out, " \"%s\"", text);
	talloc_free(text);
}

static bool has_index(enum mta_change_kind kind)
{
	return kind == MTA_INSERT_HEADER || kind == MTA_CHANGE_HEADER || kind == MTA_DELETE_HEADER;
}

static bool has_name(enum mta_change_kind kind)
{
	return kind == MTA_ADD_HEADER || has_index(kind);
}

static bool has_value(enum mta_change_kind kind)
{
	return kind != MTA_DELETE_HEADER && kind != MTA_PROGRESS && kind != MTA_REPLACE_BODY;
}

static void add_change_text(struct buf *out, const struct mta_change *change)
{
	buf_add_string(out, mta_change_name(change->kind));
	if (has_index(change->kind))
		buf_printf(out, " %u", change->index);
	if (has_name(change->kind))
		add_quoted(out, change->name);
	if (has_value(change->kind))
		add_quoted(out, change->value);
	if (change->parameters.n > 0)
		add_quoted(out, change->parameters);
	if (change->kind == MTA_REPLACE_BODY)
		buf_printf(out, " %zu octets", change->value.n);
	buf_add_char(out, '\n');
}

static void add_answer_text(struct buf *out, const struct mta_answer *answer)
{
	buf_printf(out, "negotiated version %u, actions 0x%x, protocol 0x%x\n", answer->version, answer->actions, answer->protocol);
	for (size_t i = 0; i < MTA_SYMBOL_LISTS; i++) {
		if (!answer->macros[i])
			continue;
		buf_printf(out, "macros for list %zu:", i);
		add_quoted(out, view_of(answer->macros[i]));
		buf_add_char(out, '\n');
	}
}

static void add_recipients_text(struct buf *out, const struct mta_message *message, const struct mta_outcome *outcome)
{
	for (size_t i = 0; i < message->envelope->recipient_count; i++) {
		const struct mta_reply *reply = &outcome->recipients[i];

		if (reply->verdict != MTA_REJECT && reply->verdict != MTA_TEMPFAIL)
			continue;
		buf_add_string(out, "recipient");
		add_quoted(out, view_of(message->envelope->recipients[i]));
		buf_printf(out, ": %s", mta_verdict_name(reply->verdict));
		add_quoted(out, mta_reply_text(reply, MTA_RCPT));
		buf_add_char(out, '\n');
	}
}

static void add_verdict_text(struct buf *out, const struct mta_outcome *outcome)
{
	struct view text = mta_reply_text(&outcome->reply, outcome->stage);

	buf_printf(out, "verdict at %s: %s", mta_stages[outcome->stage].name, mta_verdict_name(outcome->reply.verdict));
	if (text.n > 0)
		add_quoted(out, text);
	buf_add_char(out, '\n');
}

static void add_times_text(struct buf *out, const struct mta_outcome *outcome)
{
	for (size_t i = 0; i < MTA_STAGES; i++)
		buf_printf(out, "time %s: %.3f ms\n", mta_stages[i].name, outcome->stage_ms[i]);
	buf_printf(out, "time total: %.3f ms\n", outcome->total_ms);
}

void mta_report_text(const struct mta_client *client, const struct mta_message *message, const struct mta_outcome *outcome,
                     const struct mta_report_options *options, struct buf *out)
{
	const struct mta_changes *changes = mta_client_changes(client);

	if (!options->quiet) {
		add_answer_text(out, mta_client_answer(client));
		for (size_t i = 0; i < changes->count; i++)
			add_change_text(out, &changes->change[i]);
		add_recipients_text(out, message, outcome);
		if (outcome->body_skipped)
			buf_add_string(out, "rest of the body skipped\n");
	}
	add_verdict_text(out, outcome);
	if (options->time)
		add_times_text(out, outcome);
}

static void add_answer_json(struct buf *out, const struct mta_answer *answer)
{
	json_name(out, "negotiated");
	buf_printf(out, "{\"version\":%u,\"actions\":%u,\"protocol\":%u,\"leading_space\":%s", answer->version, answer->actions,
	           answer->protocol, answer->protocol & MTA_PROTOCOL_LEADING_SPACE ? "true" : "false");
	json_name(out, "macros");
	buf_add_char(out, '{');
	for (size_t stage = 0; stage < MTA_STAGES; stage++) {
		const char *list = answer->macros[mta_stages[stage].symbol_list];

		if (list)
			json_member(out, mta_stages[stage].name, view_of(list));
	}
	buf_add_string(out, "}}");
}

static void add_change_json(struct buf *out, const struct mta_change *change)
{
	json_separate(out);
	buf_add_char(out, '{');
	json_member(out, "change", view_of(mta_change_name(change->kind)));
	if (has_index(change->kind)) {
		json_name(out, "index");
		buf_printf(out, "%u", change->index);
	}
	if (has_name(change->kind))
		json_member(out, "name", change->name);
	if (has_value(change->kind) || change->kind == MTA_REPLACE_BODY)
		json_member(out, "value", change->value);
	if (change->parameters.n > 0)
		json_member(out, "parameters", change->parameters);
	buf_add_char(out, '}');
}

/* The members of a verdict; the caller opens and closes. */
static void add_reply_json(struct buf *out, const struct mta_reply *reply, enum mta_stage stage)
{
	json_member(out, "verdict", view_of(mta_verdict_name(reply->verdict)));
	json_member(out, "reply", mta_reply_text(reply, stage));
}

static void add_recipients_json(struct buf *out, const struct mta_message *message, const struct mta_outcome *outcome)
{
	json_name(out, "recipients");
	buf_add_char(out, '[');
	for (size_t i = 0; i < message->envelope->recipient_count; i++) {
		json_separate(out);
		buf_add_char(out, '{');
		json_member(out, "recipient", view_of(message->envelope->recipients[i]));
		add_reply_json(out, &outcome->recipients[i], MTA_RCPT);
		buf_add_char(out, '}');
	}
	buf_add_char(out, ']');
}

static void add_times_json(struct buf *out, const struct mta_outcome *outcome)
{
	json_name(out, "milliseconds");
	buf_add_char(out, '{');
	for (size_t i = 0; i < MTA_STAGES; i++) {
		json_name(out, mta_stages[i].name);
		buf_printf(out, "%.3f", outcome->stage_ms[i]);
	}
	json_name(out, "total");
	buf_printf(out, "%.3f}", outcome->total_ms);
}

void mta_report_json(const struct mta_client *client, const struct mta_message *message, const struct mta_outcome *outcome,
                     const struct mta_report_options *options, struct buf *out)
{
	const struct mta_changes *changes = mta_client_changes(client);

	buf_add_char(out, '{');
	add_answer_json(out, mta_client_answer(client));
	json_name(out, "changes");
	buf_add_char(out, '[');
	for (size_t i = 0; i < changes->count; i++)
		add_change_json(out, &changes->change[i]);
	buf_add_char(out, ']');
	add_recipients_json(out, message, outcome);
	json_bool(out, "body_skipped", outcome->body_skipped);
	json_member(out, "stage", view_of(mta_stages[outcome->stage].name));
	add_reply_json(out, &outcome->reply, outcome->stage);
	if (options->time)
		add_times_json(out, outcome);
	buf_add_string(out, "}\n");
}
