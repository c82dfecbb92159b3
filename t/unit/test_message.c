/* milter/session.c, message*.c and gate.c: a message from MAIL to the plan of what to do with it, without an MTA. */
#include "support.h"

#include "milter/gate.h"
#include "milter/message.h"
#include "milter/session.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <talloc.h>
#include <unistd.h>

static char folder[] = "/tmp/postern-test-message-XXXXXX";

/* %s: the folder of this run. No server answers: the records file and loopback's silence are all the DNS there is. */
static const char conf_text[] =
	"authserv-id = \"mx.example.net\"\n"
	"header-size-limit = 20K\n"
	"header-count-limit = 100\n"
	"listener inbound { socket = \"inet:4443@127.0.0.1\" role = verify }\n"
	"listener originating { socket = \"inet:4445@127.0.0.1\" role = sign }\n"
	"listener both { socket = \"inet:4446@127.0.0.1\" role = auto internal-hosts = {\"192.0.2.0/24\"} }\n"
	"dns { servers = {\"127.0.0.1@1\"} records = \"%s/records\" timeout = 1s budget = 1s }\n"
	"sign {\n"
	"  key r { domain = \"example.com\" file = \"%s/r.pem\" }\n"
	"  key e { domain = \"example.com\" file = \"%s/e.pem\" }\n"
	"  key lost { domain = \"lost.example.org\" file = \"%s/absent.pem\" }\n"
	"  key deep { domain = \"deep.example.com\" file = \"%s/e.pem\" }\n"
	"  key u-label { selector = e domain = \"B\xc3\x9c" "CHER.example\" file = \"%s/e.pem\" }\n"
	"  key \"schl\xc3\xbcssel\" { domain = \"xn--mller-kva.example\" file = \"%s/e.pem\" }\n"
	"  subdomains = yes on-key-error = tempfail\n"
	"}\n"
	"verify { minimum-rsa-bits = 1024 on-fail = reject on-none = quarantine }\n";

static const struct conf *conf;
static struct gate *gates[3]; /* inbound, originating, both */

/* One run of a message and what came of it. */
struct run {
	struct session *session;
	struct message *message;
	void *mem;
};

static void write_file(const char *name, const char *text)
{
	char *path = talloc_asprintf(NULL, "%s/%s", folder, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	talloc_free(path);
}

static void write_key(const char *selector, enum dkim_key_type type, struct buf *records)
{
	static const char *const domains[] = { "example.com", "b\xc3\xbc" "cher.example" };
	struct dkim_private_key *key;
	struct buf pem;
	char *name = talloc_asprintf(NULL, "%s.pem", selector);
	struct buf public;

	buf_init(&pem, name, 16384);
	buf_init(&public, name, 16384);
	assert_int_equal(dkim_private_key_generate(type, 1024, &key), 0);
	assert_int_equal(dkim_private_key_pem(key, &pem), 0);
	assert_int_equal(dkim_private_key_public_text(key, &public), 0);
	write_file(name, buf_string(&pem));
	for (size_t i = 0; i < sizeof domains / sizeof domains[0]; i++)
		buf_printf(records, "%s._domainkey.%s TXT \"v=DKIM1; k=%s; p=\" \"%s\"\n", selector, domains[i],
		           type == DKIM_KEY_RSA ? "rsa" : "ed25519", buf_string(&public));
	dkim_private_key_free(key);
	talloc_free(name);
}

static struct gate *make_gate(const struct conf_listener *listener)
{
	struct gate *gate;
	char *error = NULL;

	assert_int_equal(gate_new(NULL, conf, listener, false, &gate, &error), 0);
	assert_int_equal(gate_start(gate, &error), 0);
	return gate;
}

static int set_up(void **state)
{
	struct conf_errors errors;
	struct buf records;
	char *text;

	(void)state;
	assert_non_null(mkdtemp(folder));
	buf_init(&records, NULL, 16384);
	write_key("r", DKIM_KEY_RSA, &records);
	write_key("e", DKIM_KEY_ED25519, &records);
	write_file("records", buf_string(&records));
	buf_free(&records);
	text = talloc_asprintf(NULL, conf_text, folder, folder, folder, folder, folder, folder, folder);
	assert_int_equal(conf_parse(NULL, text, strlen(text), "test.conf", &conf, &errors), 0);
	talloc_free(text);
	for (size_t i = 0; i < 3; i++)
		gates[i] = make_gate(&conf->listeners[i]);
	return 0;
}

static int tear_down(void **state)
{
	static const char *const names[] = { "r.pem", "e.pem", "records" };

	(void)state;
	for (size_t i = 0; i < 3; i++)
		talloc_free(gates[i]);
	talloc_free((void *)(uintptr_t)conf);
	for (size_t i = 0; i < 3; i++) {
		char *path = talloc_asprintf(NULL, "%s/%s", folder, names[i]);

		assert_int_equal(unlink(path), 0);
		talloc_free(path);
	}
	assert_int_equal(rmdir(folder), 0);
	return 0;
}

/* The header as an MTA with HDR_LEADSPC sends it: folds as bare LF. */
static void send_header(struct message *message, struct view header)
{
	struct header_list *list;
	struct view body;

	assert_int_equal(header_list_new(message, NULL, &list), 0);
	assert_int_equal(header_list_parse(list, header, &body), 0);
	for (size_t i = 0; i < header_list_count(list); i++) {
		const struct header_field *field = header_list_at(list, i);
		struct buf value;

		buf_init(&value, message, field->value.n + 1);
		for (size_t k = 0; k < field->value.n; k++)
			if (field->value.p[k] != '\r')
				buf_add_char(&value, field->value.p[k]);
		message_header(message, field->name, buf_view(&value));
	}
}

static struct run run_message_with(const char *parameter, const struct gate *gate, const char *client, const char *auth_type,
                                   const char *sender, struct view header, struct view body)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	struct run run = { .mem = talloc_new(NULL) };

	assert_int_equal(inet_pton(AF_INET, client, &address.sin_addr), 1);
	assert_int_equal(session_new(gate, true, &run.session), 0);
	assert_int_equal(session_connect(run.session, "client", (const struct sockaddr *)&address, "MTA", "j.example.net"), 0);
	assert_int_equal(session_mail(run.session, sender, auth_type), 0);
	run.message = run.session->message;
	if (parameter)
		message_mail_parameter(run.message, parameter);
	send_header(run.message, header);
	message_eoh(run.message);
	for (size_t i = 0; i < body.n; i += 7)
		message_body(run.message, view_slice(body, i, i + 7));
	while (message_finish(run.message, 100) == 1)
		;
	message_log(run.message, "accept", NULL);
	return run;
}

static struct run run_message(const struct gate *gate, const char *client, const char *auth_type, const char *sender,
                              struct view header, struct view body)
{
	return run_message_with(NULL, gate, client, auth_type, sender, header, body);
}

static void run_free(struct run *run)
{
	talloc_free(run->session);
	talloc_free(run->mem);
}

/* The plan as text: "-NAME INDEX" and "+NAME" per edit, "!CODE" for a reply, "~" for quarantine. */
static char *plan(struct run *run)
{
	const struct actions *actions = message_actions(run->message);
	char *text = talloc_strdup(run->mem, "");
	struct actions_step *steps;
	size_t count;

	if (actions_reply_wanted(actions))
		return talloc_asprintf(run->mem, "!%s %s", actions_reply_wanted(actions)->code,
		                       actions_reply_wanted(actions)->enhanced_code);
	assert_int_equal(actions_steps(actions, run->mem, &steps, &count), 0);
	for (size_t i = 0; i < count; i++)
		text = steps[i].kind == ACTIONS_DELETE ? talloc_asprintf(run->mem, "%s-%s %u;", text, steps[i].name, steps[i].index)
		                                       : talloc_asprintf(run->mem, "%s+%s;", text, steps[i].name);
	if (actions_quarantine_reason(actions))
		text = talloc_asprintf(run->mem, "%s~", text);
	return text;
}

/* The value of inserted field number i. */
static const char *inserted(struct run *run, size_t wanted)
{
	struct actions_step *steps;
	size_t count, seen = 0;

	assert_int_equal(actions_steps(message_actions(run->message), run->mem, &steps, &count), 0);
	for (size_t i = 0; i < count; i++)
		if (steps[i].kind == ACTIONS_INSERT && seen++ == wanted)
			return steps[i].value;
	return "";
}

enum { INBOUND, ORIGINATING, BOTH };

struct plan_row {
	const char *name;
	int gate;
	const char *client, *auth_type, *sender;
	const char *header;
	const char *want;     /* the plan */
	const char *contains; /* in the first value inserted; NULL: not looked at */
};

#define OUTSIDE "198.51.100.1"
#define SIGNED "+DKIM-Signature;+DKIM-Signature;"
#define FROM "From: joe@example.com\r\n"

static const struct plan_row plan_rows[] = {
	{ "R87 unsigned mail gets dkim=none, and what on-none says", INBOUND, OUTSIDE, NULL, "<a@example.com>", FROM,
	  "+Authentication-Results;~", "dkim=none" },
	{ "R89 forged results go, foreign ones stay", INBOUND, OUTSIDE, NULL, "<a@example.com>",
	  "Authentication-Results: mx.example.net; dkim=pass\r\nAuthentication-Results: other.example.org; dkim=pass\r\n" FROM
	  "authentication-results: (c) MX.EXAMPLE.NET 1; none\r\n",
	  "-authentication-results 3;-Authentication-Results 1;+Authentication-Results;~", "dkim=none" },
	{ "a broken signature is refused as on-permerror and on-fail say", INBOUND, OUTSIDE, NULL, "<a@example.com>",
	  "DKIM-Signature: v=1\r\n" FROM, "+Authentication-Results;", "dkim=permerror" },
	{ "both keys of the domain sign", ORIGINATING, "127.0.0.1", NULL, "<a@example.com>", FROM, SIGNED, "s=e;" },
	{ "R105 a null sender is signed like any mail", ORIGINATING, "127.0.0.1", NULL, "<>", FROM, SIGNED, NULL },
	{ "R94 two From fields are not signed", ORIGINATING, "127.0.0.1", NULL, "a@example.com", FROM FROM, "", NULL },
	{ "R94 no From field is not signed", ORIGINATING, "127.0.0.1", NULL, "a@example.com", "Subject: x\r\n", "", NULL },
	{ "no key for the domain", ORIGINATING, "127.0.0.1", NULL, "a@example.com", "From: joe@example.net\r\n", "", NULL },
	{ "a subdomain is signed by its parent's keys", ORIGINATING, "127.0.0.1", NULL, "a@example.com", "From: joe@sub.example.com\r\n",
	  SIGNED, "d=example.com;" },
	{ "the nearest domain with a key signs alone", ORIGINATING, "127.0.0.1", NULL, "a@example.com", "From: joe@x.deep.example.com\r\n",
	  "+DKIM-Signature;", "d=deep.example.com;" },
	{ "a key that could not be loaded: on-key-error", ORIGINATING, "127.0.0.1", NULL, "a@example.com", "From: joe@lost.example.org\r\n",
	  "!451 4.7.5", NULL },
	{ "forged results go on the way out too", ORIGINATING, "127.0.0.1", NULL, "a@example.com",
	  "Authentication-Results: mx.example.net; dkim=pass\r\n" FROM, "-Authentication-Results 1;" SIGNED, NULL },
	{ "R108 a U-label in From finds the key of its domain", ORIGINATING, "127.0.0.1", NULL, "a@example.com",
	  "From: J\xc3\xb6rg <j\xc3\xb6rg@b\xc3\xbc" "cher.example>\r\n", "+DKIM-Signature;", "d=xn--bcher-kva.example;" },
	{ "R108 so does its A-label", ORIGINATING, "127.0.0.1", NULL, "a@example.com", "From: joe@XN--Bcher-kva.example\r\n",
	  "+DKIM-Signature;", "d=xn--bcher-kva.example;" },
	{ "R108 and a subdomain of it, not in NFC", ORIGINATING, "127.0.0.1", NULL, "a@example.com",
	  "From: joe@post.bu\xcc\x88" "cher.example\r\n", "+DKIM-Signature;", "d=xn--bcher-kva.example;" },
	{ "R108 a U-label in From, the A-label in the configuration", ORIGINATING, "127.0.0.1", NULL, "a@example.com",
	  "From: joe@m\xc3\xbcller.example\r\n", "+DKIM-Signature;", "d=xn--mller-kva.example;" },
	{ "R100 a selector with a U-label leaves as an A-label", ORIGINATING, "127.0.0.1", NULL, "a@example.com",
	  "From: joe@xn--mller-kva.example\r\n", "+DKIM-Signature;", "s=xn--schlssel-95a;" },
	{ "R108 another U-label has no key", ORIGINATING, "127.0.0.1", NULL, "a@example.com", "From: joe@b\xc3\xb6" "cher.example\r\n", "",
	  NULL },
	{ "R110 a domain in From that is bad IDNA has no key", ORIGINATING, "127.0.0.1", NULL, "a@example.com",
	  "From: joe@\xf0\x9f\x98\x80.example\r\n", "", NULL },
	{ "R110 d= that is bad IDNA is permerror", INBOUND, OUTSIDE, NULL, "a@example.com",
	  "DKIM-Signature: v=1; a=rsa-sha256; d=\xf0\x9f\x98\x80.example; s=s; h=from; bh=frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=;"
	  " b=dGVz\r\n" FROM, "+Authentication-Results;", "dkim=permerror" },
	{ "auto: an internal host's mail is signed", BOTH, "192.0.2.9", NULL, "a@example.com", FROM, SIGNED, NULL },
	{ "auto: an authenticated client's mail is signed", BOTH, OUTSIDE, "PLAIN", "a@example.com", FROM, SIGNED, NULL },
	{ "auto: anybody else's mail is verified", BOTH, OUTSIDE, NULL, "a@example.com", FROM, "+Authentication-Results;~", "dkim=none" },
};

static void test_plan(void **state)
{
	const struct plan_row *row = *state;
	struct run run = run_message(gates[row->gate], row->client, row->auth_type, row->sender, view_of(row->header), VIEW("Hello\r\n"));

	assert_string_equal(plan(&run), row->want);
	if (row->contains)
		assert_non_null(strstr(inserted(&run, 0), row->contains));
	run_free(&run);
}

/* The plan's values fold with LF alone, as libmilter wants them; a message has CRLF. */
static char *with_crlf(void *mem, const char *text)
{
	struct buf out;

	buf_init(&out, mem, 2 * strlen(text) + 1);
	for (; *text; text++) {
		if (*text == '\n' && (out.n == 0 || out.p[out.n - 1] != '\r'))
			buf_add_char(&out, '\r');
		buf_add_char(&out, *text);
	}
	assert_int_equal(buf_error(&out), 0);
	return out.p;
}

/* Sign on one gate; what leaves is verified by the other. */
static void test_there_and_back(void **state)
{
	static const char header[] = "Received: by a\r\nFrom: Joe\r\n <joe@example.com>\r\nSubject:x\r\n";
	struct view body = VIEW("Hello\r\n\r\n  Joe\r\n\r\n");
	struct run out = run_message(gates[ORIGINATING], "127.0.0.1", NULL, "a@example.com", view_of(header), body);
	char *signed_header = talloc_asprintf(out.mem, "DKIM-Signature:%s\r\nDKIM-Signature:%s\r\n%s", inserted(&out, 1),
	                                      inserted(&out, 0), header);
	struct run in;

	(void)state;
	signed_header = with_crlf(out.mem, signed_header);
	in = run_message(gates[INBOUND], OUTSIDE, NULL, "a@example.com", view_of(signed_header), body);
	assert_string_equal(plan(&in), "+Authentication-Results;");
	assert_non_null(strstr(inserted(&in, 0), "dkim=pass (1024-bit rsa)"));
	assert_non_null(strstr(inserted(&in, 0), "dkim=pass (256-bit ed25519)"));
	run_free(&in);
	in = run_message(gates[INBOUND], OUTSIDE, NULL, "a@example.com", view_of(signed_header), VIEW("Hallo\r\n"));
	assert_string_equal(plan(&in), "!550 5.7.20");
	run_free(&in);
	run_free(&out);
}

struct shown_row {
	const char *name;
	const char *parameter; /* of MAIL */
	const char *want;      /* in Authentication-Results */
};

static const struct shown_row shown_rows[] = {
	{ "R108 SMTPUTF8: U-labels are shown", "SMTPUTF8", "header.d=\"b\xc3\xbc" "cher.example\"" },
	{ "R108 in any case", "smtputf8", "header.i=\"@b\xc3\xbc" "cher.example\"" },
	{ "R100 other mail: A-labels are shown", NULL, "header.d=xn--bcher-kva.example" },
	{ "R100 another parameter", "SMTPUTF8X", "header.i=@xn--bcher-kva.example" },
};

/* A mail from a domain with a U-label: signed by the key of its A-label domain, sent back and verified. */
static void test_international(void **state)
{
	const struct shown_row *row = *state;
	static const char from[] = "From: J\xc3\xb6rg <j\xc3\xb6rg@b\xc3\xbc" "cher.example>\r\n";
	struct run out = run_message(gates[ORIGINATING], "127.0.0.1", NULL, "a@example.com", VIEW(from), VIEW("x\r\n"));
	char *header = with_crlf(out.mem, talloc_asprintf(out.mem, "DKIM-Signature:%s\r\n%s", inserted(&out, 0), from));
	struct run in = run_message_with(row->parameter, gates[INBOUND], OUTSIDE, NULL, "a@example.com", view_of(header), VIEW("x\r\n"));

	assert_string_equal(plan(&in), "+Authentication-Results;");
	assert_non_null(strstr(inserted(&in, 0), "dkim=pass"));
	assert_non_null(strstr(inserted(&in, 0), row->want));
	run_free(&in);
	run_free(&out);
}

/* The plan deletes a forged result and inserts signatures; what then leaves is what was signed. */
static void test_what_leaves(void **state)
{
	static const char kept[] = "Authentication-Results: other.example.org; none\r\n" FROM "Subject: x\r\n";
	struct view body = VIEW("Hello\r\n");
	char *header = talloc_asprintf(NULL, "Authentication-Results: mx.example.net; dkim=pass\r\n%s", kept);
	struct run out = run_message(gates[ORIGINATING], "127.0.0.1", NULL, "a@example.com", view_of(header), body);
	struct run in;

	(void)state;
	assert_string_equal(plan(&out), "-Authentication-Results 1;" SIGNED);
	in = run_message(gates[INBOUND], OUTSIDE, NULL, "a@example.com",
	                 view_of(with_crlf(out.mem, talloc_asprintf(out.mem, "DKIM-Signature:%s\r\nDKIM-Signature:%s\r\n%s",
	                                                            inserted(&out, 1), inserted(&out, 0), kept))), body);
	assert_string_equal(plan(&in), "+Authentication-Results;");
	assert_non_null(strstr(inserted(&in, 0), "dkim=pass (1024-bit rsa)"));
	assert_non_null(strstr(inserted(&in, 0), "dkim=pass (256-bit ed25519)"));
	run_free(&in);
	run_free(&out);
	talloc_free(header);
}

struct no_eoh_row {
	const char *name;
	int gate;
	const char *body; /* NULL: not even that */
	const char *want;
};

static const struct no_eoh_row no_eoh_rows[] = {
	{ "no end of header, verify: body", INBOUND, "x", "+Authentication-Results;~" },
	{ "no end of header, verify: end of message", INBOUND, NULL, "+Authentication-Results;~" },
	{ "no end of header, sign: body", ORIGINATING, "x", SIGNED },
	{ "no end of header, sign: end of message", ORIGINATING, NULL, SIGNED },
};

static void test_no_eoh(void **state)
{
	const struct no_eoh_row *row = *state;
	struct run run = { .mem = talloc_new(NULL) };

	assert_int_equal(session_new(gates[row->gate], true, &run.session), 0);
	assert_int_equal(session_connect(run.session, "client", NULL, NULL, NULL), 0);
	assert_int_equal(session_mail(run.session, "<a@example.com>", NULL), 0);
	run.message = run.session->message;
	send_header(run.message, view_of(FROM));
	if (row->body)
		message_body(run.message, view_of(row->body));
	assert_int_equal(message_finish(run.message, 1000), 0);
	assert_string_equal(plan(&run), row->want);
	run_free(&run);
}

struct limit_row {
	const char *name;
	size_t fields, octets; /* of filler: so many fields of so many octets each */
	const char *want;
};

static const struct limit_row limit_rows[] = {
	{ "header-count-limit", 120, 10, "header-count-limit" },
	{ "header-size-limit", 3, 9000, "header-size-limit" },
};

/* Forged results beyond the limit go all the same. */
static void test_limit(void **state)
{
	const struct limit_row *row = *state;
	void *mem = talloc_new(NULL);
	struct buf header;
	struct run run;

	buf_init(&header, mem, 1024 * 1024);
	buf_add_string(&header, FROM);
	for (size_t i = 0; i < row->fields; i++)
		buf_printf(&header, "X-Filler: %0*d\r\n", (int)row->octets, 1);
	buf_add_string(&header, "Authentication-Results: mx.example.net; dkim=pass\r\n");
	run = run_message(gates[INBOUND], OUTSIDE, NULL, "a@example.com", buf_view(&header), VIEW("x"));
	assert_string_equal(run.message->limit, row->want);
	assert_int_equal(run.message->authres_forged, 1);
	assert_non_null(strstr(inserted(&run, 0), "dkim=neutral"));
	assert_non_null(strstr(inserted(&run, 0), row->want));
	run_free(&run);
	run = run_message(gates[ORIGINATING], "127.0.0.1", NULL, "a@example.com", buf_view(&header), VIEW("x"));
	assert_string_equal(plan(&run), "-Authentication-Results 1;");
	run_free(&run);
	talloc_free(mem);
}

/* A signature field must fit into one milter packet. */
static void test_many_fields(void **state)
{
	void *mem = talloc_new(NULL);
	struct conf many = *conf;
	struct gate gate = *gates[ORIGINATING];
	struct buf header;
	struct run run;

	(void)state;
	many.header_count_limit = 10000;
	many.header_size_limit = 1024 * 1024;
	gate.conf = &many;
	buf_init(&header, mem, 1024 * 1024);
	buf_add_string(&header, FROM);
	for (size_t i = 0; i < 5000; i++)
		buf_add_string(&header, "To: x\r\n");
	run = run_message(&gate, "127.0.0.1", NULL, "a@example.com", buf_view(&header), VIEW("x"));
	assert_string_equal(plan(&run), "");
	run_free(&run);
	talloc_free(mem);
}

struct space_row {
	const char *name;
	const char *value;
	const char *raw;
	bool guessed;
};

/* R39: what an MTA without HDR_LEADSPC hands over, and what is made of it. */
static const struct space_row space_rows[] = {
	{ "R39 one space is put back", "x", "X: x\r\n", true },
	{ "R39 so for a second space", " x", "X:  x\r\n", true },
	{ "R39 a tab had no space before it", "\tx", "X:\tx\r\n", false },
	{ "R39 nor had a fold", "\n x", "X:\r\n x\r\n", false },
	{ "R36 an empty value", "", "X: \r\n", true },
};

static void test_space(void **state)
{
	const struct space_row *row = *state;
	struct session *session;

	assert_int_equal(session_new(gates[INBOUND], false, &session), 0);
	assert_int_equal(session_connect(session, "client", NULL, NULL, NULL), 0);
	assert_int_equal(session_mail(session, "", NULL), 0);
	message_header(session->message, VIEW("X"), view_of(row->value));
	assert_int_equal(session->message->space_guessed, row->guessed);
	assert_true(view_eq(header_list_at(session->message->headers, 0)->raw, view_of(row->raw)));
	talloc_free(session);
}

static void test_second_message(void **state)
{
	struct run run = run_message(gates[ORIGINATING], "127.0.0.1", NULL, "a@example.com", VIEW(FROM), VIEW("x"));

	(void)state;
	message_set_queue_id(run.message, "4Xk1");
	message_set_queue_id(run.message, "4Xk2");
	assert_string_equal(run.message->queue_id, "4Xk2");
	assert_int_equal(session_mail(run.session, "b@example.com", NULL), 0);
	assert_null(run.session->message->queue_id);
	assert_int_equal(header_list_count(run.session->message->headers), 0);
	session_end_message(run.session);
	assert_null(run.session->message);
	run_free(&run);
}

/* Over a unix socket the MTA hears of a failure at the end of the message only. */
static void test_no_memory_at_connect(void **state)
{
	struct session *session;

	(void)state;
	assert_int_equal(session_new(gates[BOTH], true, &session), 0);
	session->error = -ENOMEM; /* as session_connect() leaves it */
	assert_int_equal(session_mail(session, "a@example.com", NULL), -ENOMEM);
	assert_null(session->message);
	talloc_free(session);
}

int main(void)
{
	if (dkim_private_key_init() < 0) /* set_up() makes keys before there is a gate */
		return 1;
	TEST_ROWS(plan_rows, test_plan);
	TEST_ROWS(shown_rows, test_international);
	TEST_ROWS(no_eoh_rows, test_no_eoh);
	TEST_ROWS(limit_rows, test_limit);
	TEST_ROWS(space_rows, test_space);
	test_add("more fields than h= has room for: left unsigned", test_many_fields);
	test_add("R96 a forged result is deleted, and what leaves verifies", test_what_leaves);
	test_add("signed on one side, passed on the other, changed in the body: refused", test_there_and_back);
	test_add("a second message of a session starts afresh", test_second_message);
	test_add("no memory at connect: no message in a role that was guessed", test_no_memory_at_connect);
	return test_run_with("message", set_up, tear_down);
}
