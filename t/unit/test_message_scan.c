/* milter/message_scan.c and gate_scan.c: a message past a scan child, from MAIL to the plan. */
#include "support.h"

#include "milter/gate.h"
#include "milter/message.h"
#include "milter/session.h"
#include "t/unit/scan_child.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <talloc.h>

/* %s: further options of section av. */
static const char conf_text[] =
	"authserv-id = \"mx.example.net\"\n"
	"header-count-limit = 10\n"
	"listener inbound { socket = \"inet:4443@127.0.0.1\" role = verify scan = yes }\n"
	"dns { servers = {\"127.0.0.1@1\"} timeout = 1s budget = 1s }\n"
	"av { load-hold = 0 timeout = 300ms max-size = 100K %s }\n";

struct bench {
	void *mem;
	struct shared *shared;
	struct scan_child *child;
	struct gate *gate;
	struct session *session;
	struct message *message;
	char *seen;
};

static struct shared shared; /* more strictly aligned than what talloc gives */

static void begin(struct bench *bench, const char *options, const char *script, bool leadspc)
{
	struct conf_errors errors;
	const struct conf *conf;
	char *text, *error = NULL;
	int jobs;

	*bench = (struct bench){ .mem = talloc_new(NULL) };
	text = talloc_asprintf(bench->mem, conf_text, options);
	assert_int_equal(conf_parse(bench->mem, text, strlen(text), "test.conf", &conf, &errors), 0);
	assert_int_equal(gate_new(bench->mem, conf, &conf->listeners[0], false, &bench->gate, &error), 0);
	assert_int_equal(gate_start(bench->gate, &error), 0);
	memset(&shared, 0, sizeof shared);
	bench->shared = &shared;
	assert_int_equal(av_shared_init(&bench->shared->av), 0);
	bench->gate->shared = bench->shared;
	bench->gate->counters = &bench->shared->row[0].counters;
	bench->child = scan_child_start(script, &jobs);
	assert_int_equal(gate_start_scanning(bench->gate, jobs, &error), 0);
	assert_int_equal(session_new(bench->gate, leadspc, &bench->session), 0);
}

static void mail(struct bench *bench, const char *client, unsigned port, const char *sender, const char *auth_type)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };

	assert_int_equal(inet_pton(AF_INET, client, &address.sin_addr), 1);
	assert_int_equal(session_connect(bench->session, "localhost", (const struct sockaddr *)&address, "MTA", "j.example.net"), 0);
	assert_int_equal(session_mail(bench->session, sender, auth_type), 0);
	bench->message = bench->session->message;
}

static void finish(struct bench *bench)
{
	while (message_finish(bench->message, 20) == 1)
		;
	message_log(bench->message, "test", NULL);
}

static void end(struct bench *bench)
{
	talloc_free(bench->session);
	assert_int_equal(bench->shared->av.usage[0].jobs, 0);
	assert_int_equal(bench->shared->av.usage[0].octets, 0);
	if (bench->child)
		assert_true(scan_child_stop(bench->child, NULL, NULL));
	talloc_free(bench->mem);
	free(bench->seen);
}

/* The plan as text, without Authentication-Results: "-NAME INDEX;", "+NAME: VALUE;", "!CODE TEXT", "~REASON", "discard". */
static char *plan(struct bench *bench)
{
	const struct actions *actions = message_actions(bench->message);
	const struct actions_reply_text *reply = actions_reply_wanted(actions);
	char *text = talloc_strdup(bench->mem, "");
	struct actions_step *steps;
	size_t count;

	if (actions_discard_wanted(actions))
		return talloc_strdup(bench->mem, "discard");
	if (reply)
		return talloc_asprintf(bench->mem, "!%s %s %s", reply->code, reply->enhanced_code, reply->text);
	assert_int_equal(actions_steps(actions, bench->mem, &steps, &count), 0);
	for (size_t i = count; i > 0; i--) {
		const struct actions_step *step = &steps[i - 1];

		if (step->kind == ACTIONS_DELETE)
			text = talloc_asprintf_append(text, "-%s %u;", step->name, step->index);
		else if (strcmp(step->name, "X-Virus-Scanned") == 0) /* the version changes */
			text = talloc_asprintf_append(text, "+%s: ...%s;", step->name, strstr(step->value, " at "));
		else if (strncmp(step->name, "X-Virus-", strlen("X-Virus-")) == 0)
			text = talloc_asprintf_append(text, "+%s:%s;", step->name, step->value);
	}
	return actions_quarantine_reason(actions) ? talloc_asprintf_append(text, "~%s", actions_quarantine_reason(actions)) : text;
}

#define STATUS(text) "+X-Virus-Scanned: ... at mx.example.net (ClamAV 1.4.6, database 27500);+X-Virus-Status: " text ";"
#define NOT_SCANNED(why) "+X-Virus-Status: Not-Scanned (" why ");"
#define OUTSIDE "192.0.2.1"
#define EICAR "Eicar-Test-Signature"

static const struct row {
	const char *name, *options, *script;
	const char *client, *auth_type, *want;
	unsigned port;
	int counter; /* class, or -1 for skipped */
} rows[] = {
	{ "clean", "", "c", OUTSIDE, NULL, STATUS("Clean"), 25, AV_CLASS_CLEAN },
	{ "infected: refused", "", "i", OUTSIDE, NULL, "!550 5.7.1 message refused: infected (" EICAR ")", 25, AV_CLASS_INFECTED },
	{ "infected: on-infected = header", "on-infected = header", "i", OUTSIDE, NULL, STATUS("Infected (" EICAR ")"), 25, AV_CLASS_INFECTED },
	{ "infected: on-infected = accept leaves no field", "on-infected = accept", "i", OUTSIDE, NULL, "", 25, AV_CLASS_INFECTED },
	{ "infected: on-infected = quarantine", "on-infected = quarantine reject-text = \"%v\"", "i", OUTSIDE, NULL, STATUS("Infected (" EICAR ")") "~" EICAR, 25, AV_CLASS_INFECTED },
	{ "infected: on-infected = discard", "on-infected = discard", "i", OUTSIDE, NULL, "discard", 25, AV_CLASS_INFECTED },
	{ "infected: on-infected = tempfail", "on-infected = tempfail", "i", OUTSIDE, NULL, "!451 4.7.1 message refused: infected (" EICAR ")", 25, AV_CLASS_INFECTED },
	{ "infected, local: quarantine", "reject-text = \"%c\"", "i", "127.0.0.1", NULL, STATUS("Infected (" EICAR ")") "~infected", 0, AV_CLASS_INFECTED },
	{ "ignored", "ignore = {\"eicar*\"}", "i", OUTSIDE, NULL, STATUS("Clean"), 25, AV_CLASS_CLEAN },
	{ "encrypted", "", "e", OUTSIDE, NULL, STATUS("Encrypted"), 25, AV_CLASS_ENCRYPTED },
	{ "a scanner that cannot", "", "f", OUTSIDE, NULL, "!451 4.3.0 message cannot be scanned now, try again later: temporary files are full", 25, AV_CLASS_ERROR },
	{ "on-error-authenticated", "on-error-authenticated = header", "g", OUTSIDE, "PLAIN", NOT_SCANNED("failure"), 25, AV_CLASS_ERROR },
	{ "on-error-local", "on-error-local = accept", "g", "127.0.0.1", NULL, "", 0, AV_CLASS_ERROR },
	{ "crashed twice", "", "dd", OUTSIDE, NULL, NOT_SCANNED("crash"), 25, AV_CLASS_UNSCANNABLE },
	{ "late twice", "", "ll", OUTSIDE, NULL, "!451 4.3.0 message cannot be scanned now, try again later: timeout", 25, AV_CLASS_ERROR },
	{ "nobody scans", "on-error = header", "nc", OUTSIDE, NULL, NOT_SCANNED("no scanner"), 25, AV_CLASS_ERROR },
	{ "no room in the queue", "on-error = accept queue-size = 1M", "Bc", OUTSIDE, NULL, "!451 4.3.2 message cannot be scanned now, try again later: busy", 25, AV_CLASS_ERROR },
	{ "skipped", "skip-networks = {\"192.0.2.0/24\"}", "i", OUTSIDE, NULL, "", 25, -1 },
	{ "skipped, and told so", "skip-authenticated = yes skip-header = yes", "i", OUTSIDE, "PLAIN", NOT_SCANNED("policy"), 25, -1 },
};

static void test_row(void **state)
{
	const struct row *row = *state;
	struct bench bench;

	begin(&bench, row->options, *row->script == 'B' ? "c" : row->script, true);
	if (*row->script == 'B')
		bench.shared->av.usage[1].octets = 1024 * 1024;
	mail(&bench, row->client, row->port, "<a@example.com>", row->auth_type);
	message_header(bench.message, VIEW("Subject"), VIEW(" x"));
	message_eoh(bench.message);
	message_body(bench.message, VIEW("Hello\r\n"));
	finish(&bench);
	assert_string_equal(plan(&bench), row->want);
	assert_int_equal(bench.gate->counters->value[row->counter < 0 ? COUNTER_SCAN_SKIPPED : COUNTER_SCAN_CLASS + row->counter], 1);
	end(&bench);
}

static const struct seen_row {
	const char *name;
	bool leadspc;
	const char *want;
} seen_rows[] = {
	{ "with leading blanks", true, "Subject: a\r\n\tb\r\nX:v\r\n\r\nHello\r\n" },
	{ "without them", false, "Subject:  a\r\n\tb\r\nX: v\r\n\r\nHello\r\n" },
};

/* Folds as on the wire, and a field of ours in front that makes a message of whatever comes. */
static void test_seen(void **state)
{
	const struct seen_row *row = *state;
	struct bench bench;

	begin(&bench, "", "c", row->leadspc);
	mail(&bench, OUTSIDE, 25, "<a@example.com>", NULL);
	message_header(bench.message, VIEW("Subject"), VIEW(" a\n\tb"));
	message_header(bench.message, VIEW("X"), VIEW("v"));
	message_body(bench.message, VIEW("Hello\r\n")); /* without an end of header */
	finish(&bench);
	assert_true(scan_child_stop(bench.child, NULL, &bench.seen));
	bench.child = NULL;
	assert_int_equal(strncmp(bench.seen, "Received: ", strlen("Received: ")), 0);
	assert_string_equal(strstr(bench.seen, "\r\n") + 2, row->want);
	end(&bench);
}

/* From the top index down, beyond the header limits too; other fields and other people's words stay. */
static void test_forged(void **state)
{
	struct bench bench;

	(void)state;
	begin(&bench, "remove-headers = {\"X-Virus-Status\", \"X-Own\"}", "c", true);
	mail(&bench, OUTSIDE, 25, "<a@example.com>", NULL);
	message_header(bench.message, VIEW("x-virus-status"), VIEW(" Clean"));
	for (int i = 0; i < 12; i++)
		message_header(bench.message, VIEW("X-Virus-Report"), VIEW(" x"));
	message_header(bench.message, VIEW("X-OWN"), VIEW(" x"));
	message_header(bench.message, VIEW("X-Virus-Status"), VIEW(" Clean"));
	message_eoh(bench.message);
	finish(&bench);
	assert_string_equal(plan(&bench), STATUS("Clean") "-x-virus-status 1;-X-OWN 1;-X-Virus-Status 2;");
	end(&bench);
}

/* A message with any recipient that is not listed is scanned. */
static void test_recipients(void **state)
{
	struct bench bench;

	(void)state;
	begin(&bench, "skip-recipients = {\"abuse@*\"}", "i", true);
	assert_true(gate_wants_recipients(bench.gate));
	for (int i = 0; i < 2; i++) {
		mail(&bench, OUTSIDE, 25, "<a@example.com>", NULL);
		message_recipient(bench.message, "<Abuse@example.net>");
		if (i == 1)
			message_recipient(bench.message, "<bob@example.net>");
		message_eoh(bench.message);
		finish(&bench);
		assert_string_equal(plan(&bench), i == 0 ? "" : "!550 5.7.1 message refused: infected (" EICAR ")");
	}
	end(&bench);
}

static void test_too_large(void **state)
{
	char *octets = talloc_zero_array(NULL, char, 100 * 1024);
	struct bench bench;

	(void)state;
	begin(&bench, "", "c", true);
	mail(&bench, OUTSIDE, 25, "<a@example.com>", NULL);
	message_eoh(bench.message);
	message_body(bench.message, (struct view){ octets, 100 * 1024 });
	assert_int_equal(bench.shared->av.usage[0].octets, 0);
	finish(&bench);
	assert_string_equal(plan(&bench), NOT_SCANNED("size"));
	talloc_free(octets);
	end(&bench);
}

/* Of two opinions the stricter one stands: DKIM's reject over the scanner's discard. */
static void test_with_dkim(void **state)
{
	struct bench bench;

	(void)state;
	begin(&bench, "on-infected = discard }\nverify { on-none = reject", "i", true);
	mail(&bench, OUTSIDE, 25, "<a@example.com>", NULL);
	message_eoh(bench.message);
	finish(&bench);
	assert_string_equal(plan(&bench), "!550 5.7.20 message has no DKIM signature");
	end(&bench);
}

static void test_no_scanning(void **state)
{
	struct bench bench;

	(void)state;
	begin(&bench, "", "i", true);
	talloc_free(bench.gate->av_client);
	bench.gate->av_client = NULL; /* as where the listener does not scan */
	mail(&bench, OUTSIDE, 25, "<a@example.com>", NULL);
	message_header(bench.message, VIEW("X-Virus-Status"), VIEW(" Clean"));
	message_eoh(bench.message);
	message_body(bench.message, VIEW("x"));
	finish(&bench);
	assert_string_equal(plan(&bench), "");
	end(&bench);
}

int main(void)
{
	TEST_ROWS(rows, test_row);
	TEST_ROWS(seen_rows, test_seen);
	test_add("forged fields go", test_forged);
	test_add("skip-recipients", test_recipients);
	test_add("a message beyond max-size", test_too_large);
	test_add("DKIM's reject outranks a discard", test_with_dkim);
	test_add("a listener that does not scan touches nothing", test_no_scanning);
	return test_run("message_scan");
}
