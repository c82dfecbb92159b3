/*
 * A whole session: the input is a list of milter events, in any order that libmilter lets through. What must hold at
 * each end of message:
 *   - there is a plan, and it deletes every Authentication-Results that claims our name, and nothing else;
 *   - it is the same when the body comes in one piece;
 *   - the one log line is one line;
 *   - a message that was signed verifies behind it, and does not once an octet was added to its body.
 */
#include "milter/authres.h"
#include "milter/message.h"
#include "t/fuzz/capture.h"
#include "t/fuzz/fuzz.h"
#include "t/fuzz/keys.h"

#include <arpa/inet.h>
#include <string.h>
#include <talloc.h>

#define FIELDS_MAX 256
#define BODY_MAX (1024 * 1024)

static const char conf_text[] =
	"authserv-id = \"mx.example.net\"\n"
	"header-size-limit = 4K\n"
	"header-count-limit = 16\n"
	"listener inbound { socket = \"inet:4443@127.0.0.1\" role = verify }\n"
	"listener originating { socket = \"inet:4445@127.0.0.1\" role = sign }\n"
	"listener both { socket = \"inet:4446@127.0.0.1\" role = auto internal-hosts = {\"192.0.2.0/24\"} originating-daemons = {\"OUT\"} }\n"
	"sign {\n"
	"  key r { domain = \"example.com\" file = \"/rsa.pem\" }\n"
	"  key e { domain = \"example.com\" file = \"/ed25519.pem\" }\n"
	"  key f { domain = \"sub.example.com\" file = \"/ed25519.pem\" }\n"
	"  key lost { domain = \"lost.example.org\" file = \"/absent.pem\" }\n"
	"  subdomains = yes on-key-error = tempfail\n"
	"}\n"
	"verify { minimum-rsa-bits = 1024 on-fail = reject on-none = quarantine on-policy = tempfail }\n"
	"log { target = stderr }\n";

enum { INBOUND, ORIGINATING, BOTH, GATES };
static struct gate gates[GATES];

struct field {
	struct view name, value; /* as the MTA gave them */
};

/* The message under way, as the MTA knows it. */
struct mail {
	void *mem;
	struct field fields[FIELDS_MAX];
	size_t count;
	struct buf body;
};

static void write_record(const char *name, const struct dkim_private_key *key, struct buf *out)
{
	buf_printf(out, "%s TXT \"v=DKIM1; k=%s; p=\" \"", name, dkim_private_key_type(key) == DKIM_KEY_RSA ? "rsa" : "ed25519");
	CLAIM(dkim_private_key_public_text(key, out) == 0);
	buf_add_string(out, "\"\n");
}

/* Keys in the order of the configuration; the last one could not be loaded. */
static void make_keys(const struct conf *conf, struct dkim_records **ret)
{
	static struct gate_key keys[4];
	static struct loaded_key loaded[2];
	struct buf text;
	char *error;

	CLAIM(conf->sign.key_count == 4);
	for (size_t i = 0; i < 4; i++)
		keys[i].conf = &conf->sign.keys[i];
	loaded[0].key = make_key(DKIM_KEY_RSA);
	loaded[1].key = make_key(DKIM_KEY_ED25519);
	keys[0].loaded = &loaded[0];
	keys[1].loaded = keys[2].loaded = &loaded[1];
	for (size_t i = 0; i < GATES; i++) {
		gates[i].keys = keys;
		gates[i].key_count = 4;
	}
	buf_init(&text, NULL, DKIM_TXT_OCTETS_MAX);
	write_record("r._domainkey.example.com", loaded[0].key, &text);
	write_record("e._domainkey.example.com", loaded[1].key, &text);
	write_record("f._domainkey.sub.example.com", loaded[1].key, &text);
	buf_add_string(&text, "revoked._domainkey.example.com TXT \"v=DKIM1; p=\"\ntest._domainkey.example.com TXT \"t=y; p=AA\"\n");
	CLAIM(dkim_records_parse(NULL, "records", buf_view(&text), ret, &error) == 0);
	buf_free(&text);
}

/* What gate_new() and gate_start() make, without files and without DNS. Once per process. */
static void make_gates(void)
{
	struct dkim_resolver_params params = { .records_only = true, .timeout_ms = 1000 };
	struct dkim_key_cache *cache;
	struct dkim_resolver *resolver;
	struct dkim_records *records;
	struct conf_errors errors;
	const struct conf *conf;
	char *error;

	CLAIM(conf_parse(NULL, conf_text, strlen(conf_text), "fuzz", &conf, &errors) == 0);
	CLAIM(log_open(&conf->log, "fuzz") == 0);
	make_keys(conf, &records);
	params.records = records;
	CLAIM(dkim_resolver_new(NULL, &params, &resolver, &error) == 0);
	CLAIM(dkim_key_cache_new(resolver, DKIM_KEY_CACHE_ENTRIES, DKIM_KEY_CACHE_OCTETS, &cache) == 0);
	for (size_t i = 0; i < GATES; i++) {
		gates[i].conf = conf;
		gates[i].listener = &conf->listeners[i];
		gates[i].host_name = "localhost";
		gates[i].records = records;
		gates[i].resolver = resolver;
		gates[i].key_cache = cache;
		gate_sign_params(&conf->sign, &gates[i].sign_params);
		gate_verify_params(conf, &gates[i].verify_params);
	}
}

/* The message once more through a session of its own, the body in one piece, ` extra` behind it.
 * Returns the session: whoever called frees it. */
static struct session *replay(const struct gate *gate, bool leadspc, const struct mail *mail, struct view extra)
{
	struct session *session;

	CLAIM(session_new(gate, leadspc, &session) == 0);
	CLAIM(session_connect(session, "client.example.org", NULL, NULL, NULL) == 0);
	CLAIM(session_mail(session, "<a@example.org>", NULL) == 0);
	for (size_t i = 0; i < mail->count; i++)
		message_header(session->message, mail->fields[i].name, mail->fields[i].value);
	message_eoh(session->message);
	message_body(session->message, buf_view(&mail->body));
	if (extra.n > 0)
		message_body(session->message, extra);
	CLAIM(message_finish(session->message, 1000) == 0);
	return session;
}

static bool claims_our_name(const struct field *field)
{
	return view_eq_nocase(field->name, VIEW("Authentication-Results")) &&
	       authres_claims(field->value, VIEW("mx.example.net"));
}

/* Where the MTA finds field number `index` of that name among those that are left. */
static size_t find_field(const struct mail *mail, const char *name, unsigned index)
{
	size_t i = 0;

	for (; i < mail->count; i++)
		if (view_eq_nocase(mail->fields[i].name, view_of(name)) && --index == 0)
			break;
	CLAIM(i < mail->count);
	return i;
}

static void delete_field(struct mail *mail, const struct actions_step *step)
{
	size_t i = find_field(mail, step->name, step->index);

	CLAIM(claims_our_name(&mail->fields[i]));
	memmove(&mail->fields[i], &mail->fields[i + 1], (mail->count - i - 1) * sizeof mail->fields[0]);
	mail->count--;
}

/* Put a field on top, as an MTA with HDR_LEADSPC does. */
static void insert_field(struct mail *mail, const struct actions_step *step)
{
	CLAIM(mail->count < FIELDS_MAX);
	memmove(&mail->fields[1], &mail->fields[0], mail->count * sizeof mail->fields[0]);
	mail->fields[0] = (struct field){ view_of(step->name), view_of(step->value) };
	mail->count++;
}

/* Without HDR_LEADSPC the MTA took a space away, which it puts back; a tab or a fold it shows (R39). */
static void restore_spaces(struct mail *mail)
{
	for (size_t i = 0; i < mail->count; i++) {
		struct view value = mail->fields[i].value;

		if (value.n == 0 || (value.p[0] != '\t' && value.p[0] != '\n'))
			mail->fields[i].value = view_of(talloc_asprintf(mail->mem, " %.*s", (int)value.n, value.p));
	}
}

/* The message as it goes on; number of fields inserted. What claims our name is ours. */
static size_t carry_out(const struct message *message, struct mail *mail)
{
	struct actions_step *steps;
	size_t count, inserts = 0, claims = 0;

	CLAIM(actions_error(message_actions(message)) == 0);
	CLAIM(actions_steps(message_actions(message), mail->mem, &steps, &count) == 0);
	if (!message->session->leadspc)
		restore_spaces(mail);
	for (size_t i = 0; i < count; i++) {
		CLAIM(steps[i].kind == ACTIONS_INSERT || inserts == 0);
		if (steps[i].kind == ACTIONS_DELETE)
			delete_field(mail, &steps[i]);
		else
			insert_field(mail, &steps[i]);
		inserts += steps[i].kind == ACTIONS_INSERT;
	}
	for (size_t i = 0; i < mail->count; i++)
		claims += claims_our_name(&mail->fields[i]);
	CLAIM(claims == (message->role == &message_verify ? 1 : 0));
	return inserts;
}

static void claim_same_plan(const struct message *a, const struct message *b, void *mem)
{
	const struct actions_reply_text *x = actions_reply_wanted(message_actions(a)), *y = actions_reply_wanted(message_actions(b));
	struct actions_step *one, *other;
	size_t count, other_count;

	CLAIM(actions_steps(message_actions(a), mem, &one, &count) == 0);
	CLAIM(actions_steps(message_actions(b), mem, &other, &other_count) == 0);
	CLAIM(count == other_count);
	for (size_t i = 0; i < count; i++) {
		CLAIM(one[i].kind == other[i].kind && one[i].index == other[i].index);
		CLAIM_SAME(view_of(one[i].value), view_of(other[i].value));
	}
	CLAIM(!x == !y);
	if (x)
		CLAIM_SAME(view_of(x->text), view_of(y->text));
}

/* The results in the plan of a verifying session; its Authentication-Results is the only field that it adds. */
static struct view results_of(const struct message *message, void *mem)
{
	struct actions_step *steps;
	size_t count;

	CLAIM(actions_steps(message_actions(message), mem, &steps, &count) == 0);
	CLAIM(count > 0 && steps[count - 1].kind == ACTIONS_INSERT);
	CLAIM(count == 1 || steps[count - 2].kind == ACTIONS_DELETE);
	CLAIM(claims_our_name(&(struct field){ view_of(steps[count - 1].name), view_of(steps[count - 1].value) }));
	return view_of(steps[count - 1].value);
}

static size_t count_of(struct view text, const char *word)
{
	struct view wanted = view_of(word);
	size_t count = 0;

	for (size_t i = 0; i + wanted.n <= text.n; i++)
		count += view_eq(view_slice(text, i, i + wanted.n), wanted);
	return count;
}

/* What was signed verifies as the last hop sees it. */
static void claim_verifies(const struct mail *mail, size_t signatures)
{
	struct session *session = replay(&gates[INBOUND], true, mail, (struct view){ NULL, 0 });
	size_t passes = count_of(results_of(session->message, mail->mem), "\n\tdkim=pass");

	/* The header may be beyond the limit only now that the signatures are in it. */
	CLAIM(passes == signatures || session->message->limit);
	talloc_free(session);
	session = replay(&gates[INBOUND], true, mail, VIEW("x"));
	CLAIM(count_of(results_of(session->message, mail->mem), "\n\tdkim=pass") == 0);
	talloc_free(session);
}

static bool was_signed(const struct message *message, size_t inserts)
{
	return message->role == &message_sign && inserts > 0;
}

static void claim_log(const struct message *message, void *mem)
{
	struct view line;

	capture_begin();
	message_log(message, "accept", NULL);
	line = capture_end(mem);
	CLAIM(line.n > 0 && line.n <= LOG_LINE_MAX + 1 && line.p[line.n - 1] == '\n');
	CLAIM(is_printable(view_slice(line, 0, line.n - 1)));
}

static void end_of_message(struct session *session, struct mail *mail)
{
	const struct gate *again_gate = &gates[session->message->role == &message_sign ? ORIGINATING : INBOUND];
	struct session *again = replay(again_gate, session->leadspc, mail, (struct view){ NULL, 0 });
	size_t inserts;

	CLAIM(message_finish(session->message, 1000) == 0);
	CLAIM(session->message->error == 0);
	claim_log(session->message, mail->mem);
	if (session->message->role == &message_verify) {
		(void)results_of(session->message, mail->mem);
		claim_same_plan(session->message, again->message, mail->mem); /* signatures may differ in t= */
	}
	inserts = carry_out(session->message, mail);
	if (was_signed(session->message, inserts))
		claim_verifies(mail, inserts);
	talloc_free(again);
}

static void forget(struct mail *mail)
{
	mail->count = 0;
	buf_clear(&mail->body);
}

/* As libmilter hands over strings: nothing behind a NUL. */
static struct view take_string(void *mem, struct view *input)
{
	struct view octets = take(input, take_octet(input));

	return view_of(talloc_strndup(mem, octets.p ? octets.p : "", octets.n));
}

static void take_field(struct view *input, struct message *message, struct mail *mail)
{
	static const char *const names[] = {
		"From", "To", "Subject", "Authentication-Results", "AUTHENTICATION-results", "DKIM-Signature", "Received", "Date",
	};
	uint8_t which = take_octet(input);
	struct field field;

	if (mail->count == FIELDS_MAX / 2) /* room for what is inserted */
		return;
	field.name = which < 8 ? view_of(names[which]) : take_string(mail->mem, input);
	field.value = take_string(mail->mem, input);
	mail->fields[mail->count++] = field;
	message_header(message, field.name, field.value);
}

static void take_chunk(struct view *input, struct message *message, struct mail *mail)
{
	struct view chunk = copy_of(mail->mem, take(input, take_octet(input)));

	buf_add(&mail->body, chunk);
	CLAIM(buf_error(&mail->body) == 0);
	message_body(message, chunk);
}

static void take_connect(struct view *input, struct session *session)
{
	static const char *const daemons[] = { NULL, "IN", "OUT" };
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0xc0000200u + take_octet(input)) };
	uint8_t how = take_octet(input);

	CLAIM(session_connect(session, "client.example.org", how & 1 ? (struct sockaddr *)&address : NULL, daemons[(how >> 1) % 3],
	                      how & 8 ? "mta.example.org" : NULL) == 0);
}

enum { HEADER = 'h', END_OF_HEADER = 'e', BODY = 'b', END_OF_MESSAGE = '.', ABORT = 'a', MAIL = 'm', QUEUE_ID = 'q' };

/* libmilter lets a header field through only before the end of the header, and body and end of message only behind
 * MAIL; the end of the header may be missing. */
struct order {
	bool header_over;
};

static void event(uint8_t kind, struct view *input, struct session *session, struct mail *mail, struct order *order)
{
	struct message *message = session->message;

	if (kind == MAIL) {
		forget(mail);
		CLAIM(session_mail(session, take_string(mail->mem, input).p, take_octet(input) & 1 ? "PLAIN" : NULL) == 0);
		order->header_over = false;
	}
	if (!message)
		return;
	if (kind == QUEUE_ID)
		message_set_queue_id(message, take_string(mail->mem, input).p);
	if (kind == HEADER && !order->header_over)
		take_field(input, message, mail);
	if (kind == END_OF_HEADER && !order->header_over) {
		message_eoh(message);
		order->header_over = true;
	}
	if (kind == BODY) {
		order->header_over = true;
		take_chunk(input, message, mail);
	}
	if (kind == END_OF_MESSAGE)
		end_of_message(session, mail);
	if (kind == END_OF_MESSAGE || kind == ABORT) {
		session_end_message(session);
		forget(mail);
	}
}

/* Input: one octet (its lowest bit: HDR_LEADSPC; above: which listener); two about the client; then events, each a
 * letter and what belongs to it. */
int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t n)
{
	static struct mail mail;
	struct view input = { (const char *)octets, n };
	uint8_t flags = take_octet(&input);
	struct order order = { false };
	struct session *session;

	if (!gates[INBOUND].conf)
		make_gates();
	mail.mem = talloc_new(NULL);
	mail.count = 0;
	buf_init(&mail.body, mail.mem, BODY_MAX);
	CLAIM(session_new(&gates[(flags >> 1) % GATES], flags & 1, &session) == 0);
	take_connect(&input, session);
	while (input.n > 0)
		event(take_octet(&input), &input, session, &mail, &order);
	talloc_free(session);
	talloc_free(mail.mem);
	return 0;
}
