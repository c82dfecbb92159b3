#include "milter/mta_client.h"

#include "dkim/buf.h"
#include "milter/mta_wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <talloc.h>

#define NEGOTIATION_WORDS 3 /* version, actions, protocol */

struct mta_client {
	struct mta_wire *wire;
	struct mta_offer offer;
	struct mta_answer answer;
	struct mta_changes changes;
	char *error;
};

static int fail(struct mta_client *client, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));

static int fail(struct mta_client *client, int error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	client->error = talloc_vasprintf(client, format, arguments);
	va_end(arguments);
	return client->error ? error : -ENOMEM;
}

const char *mta_client_error(const struct mta_client *client)
{
	return client->error ? client->error : "";
}

const struct mta_answer *mta_client_answer(const struct mta_client *client)
{
	return &client->answer;
}

const struct mta_changes *mta_client_changes(const struct mta_client *client)
{
	return &client->changes;
}

double mta_client_elapsed_ms(const struct mta_client *client)
{
	return mta_wire_elapsed_ms(client->wire);
}

int mta_client_connect(void *mem, const struct socket_address *address, unsigned timeout_ms, struct mta_client **ret,
                       char **ret_error)
{
	struct mta_client *client = talloc_zero(mem, struct mta_client);
	int r;

	*ret_error = NULL;
	if (!client)
		return -ENOMEM;
	r = mta_wire_connect(client, address, timeout_ms, &client->wire);
	if (r < 0) {
		talloc_free(client);
		*ret_error = talloc_asprintf(mem, "wanted a connection, got: %s", strerror(-r));
		return *ret_error ? r : -ENOMEM;
	}
	*ret = client;
	return 0;
}

static int send_packet(struct mta_client *client, char command, struct view data, const char *stage)
{
	int r = mta_wire_send(client->wire, command, data);

	if (r == -EPIPE || r == -ECONNRESET)
		return fail(client, -EPROTO, "%s: wanted to send a command, got the end of the connection", stage);
	return r < 0 ? fail(client, r, "%s: wanted to send a command, got: %s", stage, strerror(-r)) : 0;
}

static int receive_packet(struct mta_client *client, const char *stage, char *ret_reply, struct view *ret_data)
{
	int r = mta_wire_receive(client->wire, ret_reply, ret_data);

	switch (r) {
	case 0:
		return 0;
	case -ECONNRESET:
		return fail(client, -EPROTO, "%s: wanted a reply, got the end of the connection", stage);
	case -EPROTO:
	case -EMSGSIZE:
		return fail(client, -EPROTO, "%s: wanted a packet of 1 to %d octets, got one of %u",
		            stage, MTA_PACKET_MAX, mta_wire_announced(client->wire));
	case -ETIMEDOUT:
		return fail(client, r, "%s: wanted a reply, got none in time", stage);
	default:
		return fail(client, r, "%s: wanted a reply, got: %s", stage, strerror(-r));
	}
}

/* The printable name of a packet, for error texts. */
static char *packet_name(struct mta_client *client, char reply)
{
	return view_escape(client, (struct view){ &reply, 1 }, 1);
}

/* The filter's wish for one macro list: its number (SMFIM_*) and a string. */
static int take_macro_list(struct mta_client *client, struct view *rest)
{
	uint32_t list;
	size_t n;

	if (rest->n < sizeof list)
		return fail(client, -EPROTO, "negotiation: wanted the number of a macro list, got %zu octets", rest->n);
	memcpy(&list, rest->p, sizeof list);
	list = ntohl(list);
	*rest = view_slice(*rest, sizeof list, rest->n);
	n = view_find(*rest, '\0');
	if (list >= MTA_SYMBOL_LISTS || n == rest->n || n > MTA_MACRO_LIST_MAX)
		return fail(client, -EPROTO, "negotiation: wanted a macro list numbered 0 to %d of at most %d octets ending in NUL, "
		            "got number %u and %zu octets", MTA_SYMBOL_LISTS - 1, MTA_MACRO_LIST_MAX, list, n);
	client->answer.macros[list] = view_string(client, view_slice(*rest, 0, n));
	if (!client->answer.macros[list])
		return -ENOMEM;
	*rest = view_slice(*rest, n + 1, rest->n);
	return 0;
}

static int take_answer(struct mta_client *client, struct view data)
{
	uint32_t words[NEGOTIATION_WORDS];
	uint32_t actions, protocol;
	int r = 0;

	if (data.n < sizeof words)
		return fail(client, -EPROTO, "negotiation: wanted %zu octets or more, got %zu", sizeof words, data.n);
	memcpy(words, data.p, sizeof words);
	client->answer.version = ntohl(words[0]);
	client->answer.actions = ntohl(words[1]);
	client->answer.protocol = ntohl(words[2]);
	if (client->answer.version > client->offer.version || client->answer.version < 2)
		return fail(client, -EPROTO, "negotiation: wanted version 2 to %u, got %u", client->offer.version, client->answer.version);
	actions = client->answer.actions & ~client->offer.actions;
	protocol = client->answer.protocol & ~(client->offer.protocol | MTA_PROTOCOL_DATA_SIZES);
	if (actions || protocol)
		return fail(client, -EPROTO, "negotiation: wanted no more than was offered, got actions 0x%x and protocol 0x%x "
		            "beyond it", actions, protocol);
	data = view_slice(data, sizeof words, data.n);
	while (r == 0 && data.n > 0)
		r = take_macro_list(client, &data);
	return r;
}

int mta_client_negotiate(struct mta_client *client, const struct mta_offer *offer)
{
	uint32_t words[NEGOTIATION_WORDS] = { htonl(offer->version), htonl(offer->actions), htonl(offer->protocol) };
	struct view data;
	char reply;
	int r;

	client->offer = *offer;
	r = send_packet(client, 'O', (struct view){ (const char *)words, sizeof words }, "negotiation");
	if (r == 0)
		r = receive_packet(client, "negotiation", &reply, &data);
	if (r < 0)
		return r;
	if (reply != 'O')
		return fail(client, -EPROTO, "negotiation: wanted a packet 'O', got '%s'", packet_name(client, reply));
	return take_answer(client, data);
}

/* The value of a macro at a stage; NULL when the MTA does not know it yet, or never. `name` may lack its braces:
 * filters ask for either form. */
static const char *find_macro(const struct mta_macros *macros, struct view name, enum mta_stage stage)
{
	for (size_t i = macros->count; i-- > 0;) {
		struct view known = view_of(macros->macro[i].name);

		if (macros->macro[i].since > stage)
			continue;
		if (view_eq(known, name) || (known.n == name.n + 2 && view_eq(view_slice(known, 1, known.n - 1), name)))
			return macros->macro[i].value;
	}
	return NULL;
}

static void add_string(struct buf *out, const char *string)
{
	buf_add(out, (struct view){ string, strlen(string) + 1 });
}

/* Macros come before each command, as Postfix does it, even when there are none. */
static int send_macros(struct mta_client *client, enum mta_stage stage, const struct mta_macros *macros)
{
	const struct mta_stage_row *row = &mta_stages[stage];
	const char *list = client->answer.macros[row->symbol_list];
	struct view rest = view_of(list ? list : row->macros), name;
	const char *value;
	struct buf out;
	int r;

	buf_init(&out, client, MTA_COMMAND_OCTETS_MAX);
	buf_add_char(&out, row->command);
	while (view_next(&rest, ' ', &name)) {
		value = name.n > 0 ? find_macro(macros, name, stage) : NULL;
		if (!value)
			continue;
		buf_add(&out, name);
		buf_add_char(&out, '\0');
		add_string(&out, value);
	}
	r = buf_error(&out) ? fail(client, buf_error(&out), "%s: macros: %s", row->name, strerror(-buf_error(&out)))
	                    : send_packet(client, 'D', buf_view(&out), row->name);
	buf_free(&out);
	return r;
}

static struct view moved(struct view v, const char *from, const char *to)
{
	return v.p ? (struct view){ to + (v.p - from), v.n } : v;
}

/* Keep a change: its views still point into the packet. */
static int keep_change(struct mta_client *client, const struct mta_change *change, struct view data)
{
	struct mta_changes *changes = &client->changes;
	struct mta_change *grown;
	unsigned room = (unsigned)talloc_array_length(changes->change); /* at most 2 * MTA_CHANGES_MAX */
	const char *copy;

	if (changes->count >= MTA_CHANGES_MAX || data.n > MTA_CHANGES_OCTETS_MAX - changes->octets)
		return fail(client, -EPROTO, "end-of-message: wanted at most %d changes of %d octets together, got more",
		            MTA_CHANGES_MAX, MTA_CHANGES_OCTETS_MAX);
	if (changes->count == room) {
		grown = talloc_realloc(client, changes->change, struct mta_change, room ? 2 * room : 16);
		if (!grown)
			return -ENOMEM;
		changes->change = grown;
	}
	copy = talloc_memdup(client, data.p, data.n);
	if (!copy)
		return -ENOMEM;
	changes->change[changes->count++] = (struct mta_change){
		.kind = change->kind,
		.index = change->index,
		.name = moved(change->name, data.p, copy),
		.value = moved(change->value, data.p, copy),
		.parameters = moved(change->parameters, data.p, copy),
	};
	changes->octets += data.n;
	return 0;
}

/* Returns 1 when the packet was a change, 0 when it is something else. */
static int take_change(struct mta_client *client, enum mta_stage stage, char reply, struct view data)
{
	struct mta_change change;
	const char *wanted;
	int r = mta_change_parse(reply, data, client->answer.actions, &change, &wanted), kept;

	if (r == -EPERM)
		return fail(client, -EPROTO, "%s: wanted a filter that negotiated %s, got its packet '%s' without",
		            mta_stages[stage].name, wanted, packet_name(client, reply));
	if (r == -EPROTO)
		return fail(client, r, "%s: wanted packet '%s' with %s, got %zu octets that are not", mta_stages[stage].name,
		            packet_name(client, reply), wanted, data.n);
	if (r <= 0)
		return r;
	if (stage != MTA_END_OF_MESSAGE && change.kind != MTA_PROGRESS)
		return fail(client, -EPROTO, "%s: wanted changes at end-of-message only, got %s", mta_stages[stage].name,
		            mta_change_name(change.kind));
	kept = keep_change(client, &change, data);
	return kept < 0 ? kept : 1;
}

/* Undo the doubling of percent signs that both MTAs undo. */
static int unescape_text(struct mta_client *client, struct view text, struct view *ret)
{
	char *out = talloc_size(client, text.n);
	size_t n = 0;

	if (!out)
		return -ENOMEM;
	for (size_t i = 0; i < text.n; i++) {
		out[n++] = text.p[i];
		if (text.p[i] == '%' && i + 1 < text.n && text.p[i + 1] == '%')
			i++;
	}
	*ret = (struct view){ out, n };
	return 0;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "450 4.7.1 text": the code decides; 421 closes the SMTP session. */
static int take_reply_code(struct mta_client *client, enum mta_stage stage, struct view data, struct mta_reply *ret)
{
	struct view text = view_slice(data, 0, view_find(data, '\0'));

	if (text.n == data.n || text.n < 4 || (text.p[0] != '4' && text.p[0] != '5') || !is_digit(text.p[1]) ||
	    !is_digit(text.p[2]) || (text.p[3] != ' ' && text.p[3] != '-'))
		return fail(client, -EPROTO, "%s: wanted a reply text with code 4xx or 5xx, ending in NUL, got \"%s\"",
		            mta_stages[stage].name, view_escape(client, text, 80));
	ret->verdict = text.p[0] == '5' ? MTA_REJECT : MTA_TEMPFAIL;
	if (view_eq(view_slice(text, 0, 3), VIEW("421")))
		ret->verdict = MTA_SHUTDOWN;
	return unescape_text(client, text, &ret->text);
}

static int receive_verdict(struct mta_client *client, enum mta_stage stage, struct mta_reply *ret)
{
	struct view data;
	char reply;
	int r;

	do {
		r = receive_packet(client, mta_stages[stage].name, &reply, &data);
		if (r == 0)
			r = take_change(client, stage, reply, data);
	} while (r == 1);
	if (r < 0)
		return r;
	if (reply == 'y')
		return take_reply_code(client, stage, data, ret);
	if (!mta_verdict_of_reply(reply, &ret->verdict))
		return fail(client, -EPROTO, "%s: wanted a milter reply, got packet '%s'", mta_stages[stage].name,
		            packet_name(client, reply));
	if (ret->verdict == MTA_SKIP && (stage != MTA_BODY || !(client->answer.protocol & MTA_PROTOCOL_SKIP)))
		return fail(client, -EPROTO, "%s: wanted skip in the body only and negotiated, got it without", mta_stages[stage].name);
	return 0;
}

int mta_client_command(struct mta_client *client, enum mta_stage stage, const struct mta_macros *macros, struct view data,
                       struct mta_reply *ret)
{
	const struct mta_stage_row *row = &mta_stages[stage];
	struct mta_reply reply = { .verdict = MTA_NOT_SENT };
	int r;

	if (client->answer.version < row->version || (client->answer.protocol & row->no_send)) {
		*ret = reply;
		return 0;
	}
	r = send_macros(client, stage, macros);
	if (r == 0)
		r = send_packet(client, row->command, data, row->name);
	reply.verdict = MTA_CONTINUE;
	if (r == 0 && !(client->answer.protocol & row->no_reply))
		r = receive_verdict(client, stage, &reply);
	if (r == 0)
		*ret = reply;
	return r;
}

/* A filter that accepted or refused early may already be gone: that is no fault. */
int mta_client_quit(struct mta_client *client)
{
	int r = mta_wire_send(client->wire, 'A', (struct view){ NULL, 0 });

	if (r == 0)
		r = mta_wire_send(client->wire, 'Q', (struct view){ NULL, 0 });
	if (r < 0 && r != -EPIPE && r != -ECONNRESET)
		return fail(client, r, "quit: wanted to send a command, got: %s", strerror(-r));
	return 0;
}
