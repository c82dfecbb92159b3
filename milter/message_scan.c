#include "milter/message_scan.h"

#include "milter/message.h"
#include "milter/scan_copy.h"
#include "milter/scan_policy.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>

/* What libclamav sees first: a message that it knows for one whatever the sender's first field is, and never a "From " line, which
 * lets a sender make the message look like a mailbox. The same for every message, so that libclamav's cache knows one that comes again. */
#define PREFIX "Received: from localhost by localhost; Thu, 1 Jan 1970 00:00:00 +0000\r\n"

#define RECIPIENTS_SHOWN_MAX 100 /* recipients that a copy names */

struct removal {
	struct view name;
	unsigned seen;
};

struct message_scan {
	struct scan_sender sender;
	bool begun;                  /* it was decided whether to scan */
	enum scan_skip skip;
	struct av_scan *scan;        /* NULL: not yet, or skipped */
	struct removal *removals;    /* per field of av.remove-headers */
	size_t removal_count;
	unsigned removed;
	const char **recipients;     /* talloc array, at most RECIPIENTS_SHOWN_MAX */
	const struct av_report *report; /* when it is done */
	struct scan_verdict verdict;
	char *copy;                  /* what became of the copy, for the log; NULL: none was made */
};

static const struct conf_av *conf_of(const struct message *message)
{
	return &message->session->gate->conf->av;
}

static int new_removals(struct message_scan *state, const char *const *names)
{
	while (names[state->removal_count])
		state->removal_count++;
	state->removals = talloc_zero_array(state, struct removal, (unsigned)state->removal_count);
	if (!state->removals)
		return -ENOMEM;
	for (size_t i = 0; i < state->removal_count; i++)
		state->removals[i].name = view_of(names[i]);
	return 0;
}

int message_scan_new(struct message *message, bool authenticated)
{
	const struct session *session = message->session;
	struct message_scan *state;

	if (!session->gate->av_client)
		return 0;
	state = talloc_zero(message, struct message_scan);
	if (!state)
		return -ENOMEM;
	message->scan = state;
	state->sender = (struct scan_sender){
		.client_name = session->client_name,
		.client = session->client_known ? (const struct sockaddr *)&session->client : NULL,
		.authenticated = authenticated,
		.address = message_address(view_of(message->sender)),
	};
	return new_removals(state, conf_of(message)->remove_headers);
}

static int keep_recipient(struct message_scan *state, struct view address)
{
	const size_t count = state->sender.recipients;

	if (count >= RECIPIENTS_SHOWN_MAX || view_find(address, '\0') < address.n)
		return 0;
	state->recipients = talloc_realloc(state, state->recipients, const char *, (unsigned)count + 1);
	if (!state->recipients)
		return -ENOMEM;
	state->recipients[count] = view_string(state->recipients, address);
	return state->recipients[count] ? 0 : -ENOMEM;
}

int message_scan_recipient(struct message *message, const char *recipient)
{
	struct message_scan *state = message->scan;
	struct view address = message_address(view_of(recipient));
	int r;

	if (!state)
		return 0;
	r = keep_recipient(state, address);
	state->sender.recipients++;
	state->sender.recipients_to_skip += scan_skips_recipient(conf_of(message), address);
	return r;
}

/* The first thing behind the envelope: now all that the rules ask for is known. */
static int begin(struct message *message)
{
	struct message_scan *state = message->scan;

	if (state->begun)
		return 0;
	state->begun = true;
	state->skip = scan_skip(conf_of(message), &state->sender);
	if (state->skip != SCAN_NOT_SKIPPED)
		return 0;
	return av_scan_new(state, message->session->gate->av_client, VIEW(PREFIX), &state->scan);
}

static void plan_removal(struct message *message, struct view name)
{
	struct message_scan *state = message->scan;

	for (size_t i = 0; i < state->removal_count; i++)
		if (view_eq_nocase(name, state->removals[i].name)) {
			actions_delete(message->actions, name, ++state->removals[i].seen);
			state->removed++;
			return;
		}
}

/* Folds come as bare LF, and leave as CRLF. */
static void append_value(struct av_scan *scan, struct view value)
{
	struct view line;

	while (value.p && view_next(&value, '\n', &line)) {
		av_scan_append(scan, line);
		if (value.p)
			av_scan_append(scan, line.n > 0 && line.p[line.n - 1] == '\r' ? VIEW("\n") : VIEW("\r\n"));
	}
}

int message_scan_header(struct message *message, struct view name, struct view value)
{
	struct message_scan *state = message->scan;
	int r;

	if (!state)
		return 0;
	r = begin(message);
	plan_removal(message, name);
	if (r < 0 || !state->scan)
		return r;
	av_scan_append(state->scan, name);
	av_scan_append(state->scan, message->session->leadspc ? VIEW(":") : VIEW(": "));
	append_value(state->scan, value);
	av_scan_append(state->scan, VIEW("\r\n"));
	return 0;
}

int message_scan_eoh(struct message *message)
{
	struct message_scan *state = message->scan;
	int r;

	if (!state)
		return 0;
	r = begin(message);
	if (r == 0 && state->scan)
		av_scan_append(state->scan, VIEW("\r\n"));
	return r;
}

int message_scan_body(struct message *message, struct view chunk)
{
	struct message_scan *state = message->scan;

	if (state && state->scan)
		av_scan_append(state->scan, chunk);
	return 0;
}

void message_scan_send(struct message *message)
{
	struct message_scan *state = message->scan;

	if (state && state->scan)
		av_scan_send(state->scan);
}

int message_scan_finish(struct message *message, unsigned milliseconds)
{
	struct message_scan *state = message->scan;

	if (!state || !state->scan)
		return 0;
	if (av_scan_wait(state->scan, milliseconds) == 1)
		return 1;
	state->report = av_scan_report(state->scan);
	return 0;
}

static int insert(struct message *message, struct view name, char *value)
{
	char *spaced = value ? talloc_asprintf(message->scan, " %s", value) : NULL;

	if (!spaced)
		return -ENOMEM;
	actions_insert(message->actions, name, view_of(spaced));
	return 0;
}

/* X-Virus-Scanned only of what was scanned: a program that knows no more than this field must not be misled. */
static int insert_fields(struct message *message)
{
	const struct message_scan *state = message->scan;
	const struct scan_verdict *verdict = &state->verdict;
	int r = 0;

	if (state->report->outcome == AV_SCANNED)
		r = insert(message, VIEW("X-Virus-Scanned"),
		           scan_scanned_text(message->scan, message->session->authserv_id, &state->report->reply.facts));
	if (r == 0)
		r = insert(message, VIEW("X-Virus-Status"), scan_status_text(message->scan, verdict->class, verdict->name));
	return r;
}

static int refuse(struct message *message)
{
	const struct scan_verdict *verdict = &message->scan->verdict;
	char *text = scan_reply_text(message->scan, conf_of(message), verdict);

	if (!text)
		return -ENOMEM;
	if (verdict->action == CONF_SCAN_QUARANTINE)
		actions_quarantine(message->actions, text);
	else
		actions_reply(message->actions, verdict->code, verdict->enhanced_code, text);
	return 0;
}

static int carry_out(struct message *message)
{
	const enum conf_scan_action action = message->scan->verdict.action;
	int r = 0;

	if (action != CONF_SCAN_ACCEPT)
		r = insert_fields(message);
	if (r == 0 && action == CONF_SCAN_DISCARD)
		actions_discard(message->actions);
	else if (r == 0 && (action == CONF_SCAN_REJECT || action == CONF_SCAN_TEMPFAIL || action == CONF_SCAN_QUARANTINE))
		r = refuse(message);
	return r;
}

/* A copy that cannot be made changes nothing for the message. */
static void copy(struct message *message)
{
	struct message_scan *state = message->scan;
	const struct scan_verdict *verdict = &state->verdict;
	const struct scan_copy_facts facts = {
		.queue_id = message->queue_id, .client = session_client_text(message->session, state), .sender = state->sender.address,
		.recipients = state->recipients, .recipient_count = talloc_array_length(state->recipients),
		.class = av_class_text(verdict->class), .action = conf_scan_action_text(verdict->action), .report = state->report,
	};
	char *path, *error;
	uint8_t digest[AV_DIGEST_OCTETS];
	int r = av_scan_digest(state->scan, digest);

	if (r == 0)
		r = scan_copy(message->session->gate->copies, state, av_scan_octets(state->scan), digest, &facts, &path, &error);
	if (r == 0)
		state->copy = path;
	else
		state->copy = talloc_asprintf(state, "none: %s", r == -ENODATA ? "beyond max-size" : error ? error : strerror(-r));
}

static int skipped(struct message *message)
{
	counters_add(message->session->gate->counters, COUNTER_SCAN_SKIPPED);
	return conf_of(message)->skip_header ? insert(message, VIEW("X-Virus-Status"),
	                                              scan_status_text(message->scan, AV_CLASS_UNSCANNABLE, "policy")) : 0;
}

int message_scan_decide(struct message *message)
{
	struct message_scan *state = message->scan;
	const struct gate *gate = message->session->gate;
	struct av_verdicts verdicts;

	if (!state)
		return 0;
	if (!state->scan)
		return skipped(message);
	av_classify(gate->class_map, state->report, &verdicts);
	scan_policy(conf_of(message), state->report->outcome, &verdicts, &state->sender, &state->verdict);
	counters_add_class(gate->counters, state->verdict.class);
	if (state->report->outcome == AV_BUSY)
		log_text(CONF_LOG_WARNING, "scan-queue", "queue-jobs (%u) or queue-size (%zu octets) is used up: mail is told to come again later",
		         gate->conf->av.queue_jobs, gate->conf->av.queue_size);
	if (state->verdict.copy && gate->copies)
		copy(message);
	return carry_out(message);
}

static void log_findings(const struct message_scan *state, struct log_line *line)
{
	const struct av_reply *reply = &state->report->reply;
	char names[AV_FINDINGS_MAX * (AV_NAME_MAX + 1) + 1] = "";
	size_t n = 0;

	for (uint32_t i = 0; i < reply->finding_count; i++)
		n += (size_t)snprintf(names + n, sizeof names - n, "%s%s", i ? "," : "", reply->findings[i].name);
	if (n > 0)
		log_string(line, "scan-names", names);
	else if (state->verdict.name[0])
		log_string(line, "scan-names", state->verdict.name);
	if (state->verdict.part[0])
		log_string(line, "scan-part", state->verdict.part);
	if (reply->findings_left_out > 0)
		log_number(line, "scan-names-left-out", reply->findings_left_out);
}

static void log_digest(const struct message_scan *state, struct log_line *line)
{
	uint8_t digest[AV_DIGEST_OCTETS];
	char text[2 * AV_DIGEST_OCTETS + 1];

	if (av_scan_digest(state->scan, digest) < 0)
		return;
	for (size_t i = 0; i < AV_DIGEST_OCTETS; i++)
		snprintf(text + 2 * i, 3, "%02x", digest[i]);
	log_string(line, "sha256", text);
}

static void log_scanner(const struct av_report *report, struct log_line *line)
{
	log_number(line, "scan-ms", report->scan_ms);
	log_number(line, "scan-wait-ms", report->wait_ms);
	if (report->tries > 1)
		log_number(line, "scan-tries", report->tries);
	if (report->reply.facts.engine[0])
		log_string(line, "engine", report->reply.facts.engine);
	if (report->reply.facts.database)
		log_number(line, "database", report->reply.facts.database);
	if (report->clamd)
		log_string(line, "clamd", report->clamd);
	if (report->error)
		log_string(line, "scan-error", strerrorname_np(-report->error));
}

void message_scan_log(const struct message *message, struct log_line *line)
{
	const struct message_scan *state = message->scan;

	if (!state)
		return;
	if (state->removed > 0)
		log_number(line, "virus-fields-removed", state->removed);
	if (state->skip != SCAN_NOT_SKIPPED)
		log_format(line, "scan", "skipped:%s", scan_skip_text(state->skip));
	if (!state->report || !state->verdict.name) /* a failure of our own came first */
		return;
	log_string(line, "scan", av_class_text(state->verdict.class));
	if (state->verdict.class != AV_CLASS_CLEAN) {
		log_findings(state, line);
		log_digest(state, line);
		log_string(line, "scan-action", conf_scan_action_text(state->verdict.action));
	}
	log_scanner(state->report, line);
	if (state->copy)
		log_string(line, "copy", state->copy);
}
