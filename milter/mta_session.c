#include "milter/mta_session.h"

#include "dkim/buf.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <talloc.h>

struct session {
	struct mta_client *client;
	const struct mta_message *message;
	struct mta_outcome *outcome;
	struct buf data; /* arguments of the command that is sent next */
	struct mta_macro *macro; /* the message's, behind one that names the recipient at hand */
	bool over;       /* the verdict on the message has fallen */
};

static void add_string(struct buf *out, const char *string)
{
	buf_add(out, (struct view){ string, strlen(string) + 1 });
}

static bool refuses(enum mta_verdict verdict)
{
	return verdict == MTA_REJECT || verdict == MTA_TEMPFAIL;
}

static int send_view(struct session *s, enum mta_stage stage, struct view data, struct mta_reply *ret)
{
	struct mta_macros macros = { s->macro, s->message->macros->count + 1 };
	double before = mta_client_elapsed_ms(s->client);
	int r = mta_client_command(s->client, stage, &macros, data, ret);

	s->outcome->stage_ms[stage] += mta_client_elapsed_ms(s->client) - before;
	return r;
}

/* Send what s->data holds. */
static int send_data(struct session *s, enum mta_stage stage, struct mta_reply *ret)
{
	int r = buf_error(&s->data);

	if (r == 0)
		r = send_view(s, stage, buf_view(&s->data), ret);
	buf_clear(&s->data);
	return r;
}

/* A stage's reply decides over the message unless it lets it pass on. */
static void judge(struct session *s, enum mta_stage stage, const struct mta_reply *reply)
{
	if (reply->verdict == MTA_CONTINUE || reply->verdict == MTA_NOT_SENT || reply->verdict == MTA_SKIP)
		return;
	s->outcome->stage = stage;
	s->outcome->reply = *reply;
	s->over = true;
}

static int run_simple(struct session *s, enum mta_stage stage)
{
	struct mta_reply reply;
	int r = send_data(s, stage, &reply);

	if (r == 0)
		judge(s, stage, &reply);
	return r;
}

/* Name, family, port in network order, address (SMFIA_*). */
static int run_connect(struct session *s)
{
	const struct mta_envelope *e = s->message->envelope;
	uint16_t port = htons(e->client_port);
	struct in6_addr address;

	add_string(&s->data, e->client_name);
	if (inet_pton(AF_INET, e->client_address, &address) == 1)
		buf_add_char(&s->data, '4');
	else
		buf_add_char(&s->data, inet_pton(AF_INET6, e->client_address, &address) == 1 ? '6' : 'L');
	buf_add(&s->data, (struct view){ (const char *)&port, sizeof port });
	add_string(&s->data, e->client_address);
	return run_simple(s, MTA_CONNECT);
}

static int run_helo(struct session *s)
{
	add_string(&s->data, s->message->envelope->helo);
	return run_simple(s, MTA_HELO);
}

static int run_mail(struct session *s)
{
	add_string(&s->data, s->message->envelope->sender);
	return run_simple(s, MTA_MAIL);
}

/* Macros hold an address without its angle brackets. */
static char *bare_address(void *mem, const char *path)
{
	size_t n = strlen(path);

	if (n >= 2 && path[0] == '<' && path[n - 1] == '>')
		return talloc_strndup(mem, path + 1, n - 2);
	return talloc_strdup(mem, path);
}

/* A refusal concerns one recipient; the message ends when none is left. */
static int run_rcpt(struct session *s)
{
	const struct mta_envelope *e = s->message->envelope;
	struct mta_reply *reply = s->outcome->recipients;
	size_t refused = 0;
	int r;

	for (size_t i = 0; i < e->recipient_count && !s->over; i++) {
		s->macro[0].value = bare_address(s->macro, e->recipients[i]);
		if (!s->macro[0].value)
			return -ENOMEM;
		add_string(&s->data, e->recipients[i]);
		r = send_data(s, MTA_RCPT, &reply[i]);
		if (r < 0)
			return r;
		if (!refuses(reply[i].verdict))
			judge(s, MTA_RCPT, &reply[i]);
		else if (++refused == e->recipient_count)
			judge(s, MTA_RCPT, &reply[i]);
	}
	return 0;
}

static int run_data(struct session *s)
{
	return run_simple(s, MTA_DATA);
}

/* A field as it goes over the wire: folds are bare LF; without SMFIP_HDR_LEADSPC the MTA strips exactly one space. */
static void add_field(struct session *s, const struct header_field *field)
{
	struct view value = field->value;

	if (!(mta_client_answer(s->client)->protocol & MTA_PROTOCOL_LEADING_SPACE) && value.n > 0 && value.p[0] == ' ')
		value = view_slice(value, 1, value.n);
	buf_add(&s->data, field->name);
	buf_add_char(&s->data, '\0');
	for (size_t i = 0; i < value.n; i++)
		if (value.p[i] != '\r' || i + 1 == value.n || value.p[i + 1] != '\n')
			buf_add_char(&s->data, value.p[i]);
	buf_add_char(&s->data, '\0');
}

static int run_headers(struct session *s)
{
	int r;

	for (size_t i = 0; i < header_list_count(s->message->headers) && !s->over; i++) {
		add_field(s, header_list_at(s->message->headers, i));
		r = run_simple(s, MTA_HEADER);
		if (r < 0)
			return r;
	}
	return 0;
}

static int run_end_of_header(struct session *s)
{
	return run_simple(s, MTA_END_OF_HEADER);
}

static int run_body(struct session *s)
{
	struct view rest = s->message->body;
	struct mta_reply reply;
	int r;

	while (rest.n > 0 && !s->over && !s->outcome->body_skipped) {
		r = send_view(s, MTA_BODY, view_slice(rest, 0, s->message->chunk), &reply);
		if (r < 0)
			return r;
		s->outcome->body_skipped = reply.verdict == MTA_SKIP;
		judge(s, MTA_BODY, &reply);
		rest = view_slice(rest, s->message->chunk, rest.n);
	}
	return 0;
}

static int run_end_of_message(struct session *s)
{
	struct mta_reply reply;
	int r = send_data(s, MTA_END_OF_MESSAGE, &reply);

	if (r == 0) {
		s->outcome->stage = MTA_END_OF_MESSAGE;
		s->outcome->reply = reply;
	}
	return r;
}

static int (*const run_stage[MTA_STAGES])(struct session *s) = {
	[MTA_CONNECT] = run_connect,
	[MTA_HELO] = run_helo,
	[MTA_MAIL] = run_mail,
	[MTA_RCPT] = run_rcpt,
	[MTA_DATA] = run_data,
	[MTA_HEADER] = run_headers,
	[MTA_END_OF_HEADER] = run_end_of_header,
	[MTA_BODY] = run_body,
	[MTA_END_OF_MESSAGE] = run_end_of_message,
};

static int new_recipients(void *mem, size_t count, struct mta_reply **ret)
{
	struct mta_reply *replies = talloc_zero_size(mem, (count + 1) * sizeof *replies);

	if (!replies)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		replies[i].verdict = MTA_NOT_SENT;
	*ret = replies;
	return 0;
}

static int new_macros(void *mem, const struct mta_macros *macros, struct mta_macro **ret)
{
	struct mta_macro *macro = talloc_zero_size(mem, (macros->count + 1) * sizeof *macro);

	if (!macro)
		return -ENOMEM;
	macro[0] = (struct mta_macro){ "{rcpt_addr}", "", MTA_RCPT };
	if (macros->count > 0)
		memcpy(macro + 1, macros->macro, macros->count * sizeof *macro);
	*ret = macro;
	return 0;
}

int mta_session_run(void *mem, struct mta_client *client, const struct mta_message *message, struct mta_outcome *ret)
{
	struct mta_outcome outcome = { .stage = MTA_CONNECT };
	struct session s = { .client = client, .message = message, .outcome = &outcome };
	int r = new_recipients(mem, message->envelope->recipient_count, &outcome.recipients);

	if (r == 0)
		r = new_macros(mem, message->macros, &s.macro);
	buf_init(&s.data, mem, MTA_COMMAND_OCTETS_MAX);
	for (enum mta_stage stage = 0; r == 0 && stage < MTA_STAGES && !s.over; stage++)
		r = run_stage[stage](&s);
	if (r == 0)
		r = mta_client_quit(client);
	buf_free(&s.data);
	if (r < 0)
		return r;
	outcome.total_ms = mta_client_elapsed_ms(client);
	*ret = outcome;
	return 0;
}

struct view mta_reply_text(const struct mta_reply *reply, enum mta_stage stage)
{
	if (reply->text.n > 0)
		return reply->text;
	switch (reply->verdict) {
	case MTA_REJECT:
		return stage == MTA_CONNECT ? VIEW("554 5.7.1 Command rejected") : VIEW("550 5.7.1 Command rejected");
	case MTA_TEMPFAIL:
		return VIEW("451 4.7.1 Service unavailable - try again later");
	case MTA_SHUTDOWN:
	case MTA_CONNECTION_FAIL:
		return VIEW("421 4.3.0 Service unavailable");
	case MTA_CONTINUE:
	case MTA_ACCEPT:
	case MTA_DISCARD:
	case MTA_SKIP:
	case MTA_NOT_SENT:
		break;
	}
	return (struct view){ NULL, 0 };
}
