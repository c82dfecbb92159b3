/* milter/scan_policy.c and scan_policy_text.c: what becomes of a scanned message. */
#include "milter/scan_policy.h"
#include "t/unit/support.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <talloc.h>

#define HEADER CONF_SCAN_HEADER
#define ACCEPT CONF_SCAN_ACCEPT
#define HOLD CONF_SCAN_QUARANTINE
#define TEMPFAIL CONF_SCAN_TEMPFAIL
#define DISCARD CONF_SCAN_DISCARD
#define REJECT CONF_SCAN_REJECT

static const char *const none[] = { NULL };
static const char *const copied[] = { "suspect", "error", NULL };

/* The defaults of the option table. */
static struct conf_av usual(void)
{
	return (struct conf_av){
		.on_infected = REJECT, .on_suspect = HEADER, .on_encrypted = HEADER, .on_banned = REJECT, .on_unscannable = HEADER,
		.on_error = TEMPFAIL, .on_error_authenticated = TEMPFAIL, .on_error_local = TEMPFAIL, .local_reject = HOLD,
		.reject_text = "message refused: %c (%v)", .copy = (const char **)copied, .skip_senders = (const char **)none,
		.skip_recipients = (const char **)none,
	};
}

static struct sockaddr_in address_of(const char *text, unsigned port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };

	assert_int_equal(inet_pton(AF_INET, text, &address.sin_addr), 1);
	return address;
}

enum { SMTP, LOCAL, AUTHENTICATED };

static const struct policy_row {
	const char *name;
	const char *found;   /* letters of classes: i b e u s n(encrypted) c */
	enum av_outcome outcome;
	int from;
	enum conf_scan_action on_infected, on_suspect, on_error, local_reject;
	enum av_class class;
	enum conf_scan_action action;
	const char *codes;   /* NULL: none */
} policy_rows[] = {
	{ "clean mail gets its fields", "c", AV_SCANNED, SMTP, REJECT, HEADER, TEMPFAIL, HOLD, AV_CLASS_CLEAN, HEADER, NULL },
	{ "infected", "i", AV_SCANNED, SMTP, REJECT, HEADER, TEMPFAIL, HOLD, AV_CLASS_INFECTED, REJECT, "550 5.7.1" },
	{ "the strictest action decides, whatever the class", "is", AV_SCANNED, SMTP, HEADER, HOLD, TEMPFAIL, HOLD, AV_CLASS_SUSPECT, HOLD, NULL },
	{ "of two alike the earlier class", "si", AV_SCANNED, SMTP, HEADER, HEADER, TEMPFAIL, HOLD, AV_CLASS_INFECTED, HEADER, NULL },
	{ "discard is stricter than tempfail", "ie", AV_SCANNED, SMTP, DISCARD, HEADER, TEMPFAIL, HOLD, AV_CLASS_INFECTED, DISCARD, NULL },
	{ "reject is stricter than discard", "is", AV_SCANNED, SMTP, REJECT, DISCARD, TEMPFAIL, HOLD, AV_CLASS_INFECTED, REJECT, "550 5.7.1" },
	{ "tempfail is stricter than quarantine", "is", AV_SCANNED, SMTP, TEMPFAIL, HOLD, TEMPFAIL, HOLD, AV_CLASS_INFECTED, TEMPFAIL, "451 4.7.1" },
	{ "a scanner that fails", "e", AV_FAILED, SMTP, REJECT, HEADER, TEMPFAIL, HOLD, AV_CLASS_ERROR, TEMPFAIL, "451 4.3.0" },
	{ "a failure that admins let pass", "e", AV_FAILED, SMTP, REJECT, HEADER, ACCEPT, HOLD, AV_CLASS_ERROR, ACCEPT, NULL },
	{ "a full queue is tempfail whatever on-error says", "e", AV_BUSY, SMTP, REJECT, HEADER, ACCEPT, HOLD, AV_CLASS_ERROR, TEMPFAIL, "451 4.3.2" },
	{ "local mail: reject becomes local-reject", "i", AV_SCANNED, LOCAL, REJECT, HEADER, TEMPFAIL, HOLD, AV_CLASS_INFECTED, HOLD, NULL },
	{ "local mail: so does discard", "i", AV_SCANNED, LOCAL, DISCARD, HEADER, TEMPFAIL, HEADER, AV_CLASS_INFECTED, HEADER, NULL },
	{ "local mail: and then it is as strict as that", "is", AV_SCANNED, LOCAL, REJECT, HOLD, TEMPFAIL, HEADER, AV_CLASS_SUSPECT, HOLD, NULL },
	{ "local mail: local-reject may be reject", "i", AV_SCANNED, LOCAL, REJECT, HEADER, TEMPFAIL, REJECT, AV_CLASS_INFECTED, REJECT, "550 5.7.1" },
	{ "local mail: on-error-local", "e", AV_FAILED, LOCAL, REJECT, HEADER, REJECT, HOLD, AV_CLASS_ERROR, ACCEPT, NULL },
	{ "authenticated: on-error-authenticated", "e", AV_FAILED, AUTHENTICATED, REJECT, HEADER, REJECT, HOLD, AV_CLASS_ERROR, HEADER, NULL },
};

static void find(struct av_verdicts *verdicts, const char *found)
{
	static const char letters[] = "ibeusnc";

	for (; *found; found++) {
		size_t class = (size_t)(strchr(letters, *found) - letters);

		verdicts->name[class] = "Name";
		verdicts->part[class] = "";
	}
}

static void test_policy(void **state)
{
	const struct policy_row *row = *state;
	struct sockaddr_in client = row->from == LOCAL ? address_of("127.0.0.1", 0) : address_of("192.0.2.1", 1234);
	struct scan_sender sender = { .client_name = row->from == LOCAL ? "localhost" : "mail.example.org",
	                              .client = (const struct sockaddr *)&client, .authenticated = row->from == AUTHENTICATED };
	struct av_verdicts verdicts = { .name = { NULL } };
	struct conf_av conf = usual();
	struct scan_verdict verdict;
	char codes[32] = "";

	conf.on_infected = row->on_infected;
	conf.on_suspect = row->on_suspect;
	conf.on_error = row->on_error;
	conf.on_error_local = ACCEPT;
	conf.on_error_authenticated = HEADER;
	conf.local_reject = row->local_reject;
	find(&verdicts, row->found);
	scan_policy(&conf, row->outcome, &verdicts, &sender, &verdict);
	assert_string_equal(av_class_text(verdict.class), av_class_text(row->class));
	assert_string_equal(conf_scan_action_text(verdict.action), conf_scan_action_text(row->action));
	if (verdict.code)
		snprintf(codes, sizeof codes, "%s %s", verdict.code, verdict.enhanced_code);
	assert_string_equal(codes, row->codes ? row->codes : "");
	assert_int_equal(verdict.copy, strpbrk(row->found, "se") != NULL);
}

static const struct local_row {
	const char *name, *client_name, *address;
	unsigned port;
	bool local;
} local_rows[] = {
	{ "Postfix's pickup", "localhost", "127.0.0.1", 0, true },
	{ "a client on this host", "localhost", "127.0.0.1", 40000, false },
	{ "a port that is not known, of another host", "localhost", "192.0.2.1", 0, false },
	{ "another name", "mail.example.org", "127.0.0.1", 0, false },
};

static void test_local(void **state)
{
	const struct local_row *row = *state;
	struct sockaddr_in client = address_of(row->address, row->port);
	struct scan_sender sender = { .client_name = row->client_name, .client = (const struct sockaddr *)&client };

	assert_int_equal(scan_is_local(&sender), row->local);
	sender.client = NULL;
	assert_false(scan_is_local(&sender));
}

static const char *const skipped_senders[] = { "*@lists.example.org", "<>", NULL };
static const char *const skipped_recipients[] = { "abuse@*", NULL };

static const struct skip_row {
	const char *name, *client, *sender;
	bool authenticated, skip_authenticated;
	const char *recipients[3];
	enum scan_skip want;
} skip_rows[] = {
	{ "nothing fits", "192.0.2.1", "a@example.com", false, true, { "b@example.net" }, SCAN_NOT_SKIPPED },
	{ "skip-networks", "198.51.100.7", "a@example.com", false, false, { "b@example.net" }, SCAN_SKIP_NETWORK },
	{ "skip-authenticated", "192.0.2.1", "a@example.com", true, true, { NULL }, SCAN_SKIP_AUTHENTICATED },
	{ "authenticated, but that is not skipped", "192.0.2.1", "a@example.com", true, false, { NULL }, SCAN_NOT_SKIPPED },
	{ "skip-senders, in any case", "192.0.2.1", "News@LISTS.example.org", false, false, { NULL }, SCAN_SKIP_SENDER },
	{ "skip-senders, the null sender", "192.0.2.1", "", false, false, { NULL }, SCAN_SKIP_SENDER },
	{ "all recipients are listed", "192.0.2.1", "a@example.com", false, false, { "abuse@example.net", "Abuse@example.org" }, SCAN_SKIP_RECIPIENTS },
	{ "one recipient is not", "192.0.2.1", "a@example.com", false, false, { "abuse@example.net", "b@example.net" }, SCAN_NOT_SKIPPED },
	{ "no recipient was seen", "192.0.2.1", "a@example.com", false, false, { NULL }, SCAN_NOT_SKIPPED },
};

static void test_skip(void **state)
{
	const struct skip_row *row = *state;
	struct sockaddr_in client = address_of(row->client, 1);
	struct conf_network network = { AF_INET, { 198, 51, 100 }, 24 };
	struct scan_sender sender = { .client_name = "x", .client = (const struct sockaddr *)&client, .authenticated = row->authenticated,
	                              .address = view_of(row->sender) };
	struct conf_av conf = usual();

	conf.skip_networks = (struct conf_networks){ &network, 1 };
	conf.skip_authenticated = row->skip_authenticated;
	conf.skip_senders = (const char **)skipped_senders;
	conf.skip_recipients = (const char **)skipped_recipients;
	for (; sender.recipients < 3 && row->recipients[sender.recipients]; sender.recipients++)
		sender.recipients_to_skip += scan_skips_recipient(&conf, view_of(row->recipients[sender.recipients]));
	assert_string_equal(scan_skip_text(scan_skip(&conf, &sender)), scan_skip_text(row->want));
}

static const struct status_row {
	const char *name;
	enum av_class class;
	const char *finding, *want;
} status_rows[] = {
	{ "clean", AV_CLASS_CLEAN, "", "Clean" },
	{ "infected", AV_CLASS_INFECTED, "Win.Test.EICAR_HDB-1", "Infected (Win.Test.EICAR_HDB-1)" },
	{ "suspect", AV_CLASS_SUSPECT, "PUA.X", "Suspect (PUA.X)" },
	{ "encrypted says no more", AV_CLASS_ENCRYPTED, "zip", "Encrypted" },
	{ "banned", AV_CLASS_BANNED, "exe", "Banned (exe)" },
	{ "unscannable", AV_CLASS_UNSCANNABLE, "size", "Not-Scanned (size)" },
	{ "error", AV_CLASS_ERROR, "no scanner", "Not-Scanned (no scanner)" },
	{ "a name cannot end its comment or fold the field", AV_CLASS_INFECTED, "a) b\r\nX: \"y\" \xe9", "Infected (a_ b__X: _y_ _)" },
};

static void test_status(void **state)
{
	const struct status_row *row = *state;
	char *text = scan_status_text(NULL, row->class, row->finding);

	assert_string_equal(text, row->want);
	talloc_free(text);
}

static const struct scanned_row {
	const char *name;
	struct av_facts facts;
	const char *want;
} scanned_rows[] = {
	{ "engine and database", { .engine = "1.4.6", .database = 27500 }, "(ClamAV 1.4.6, database 27500)" },
	{ "unsigned databases alone", { .engine = "1.4.6" }, "(ClamAV 1.4.6)" },
	{ "nothing is known", { .engine = "" }, NULL },
};

static void test_scanned(void **state)
{
	const struct scanned_row *row = *state;
	char *text = scan_scanned_text(NULL, "mx.example.net", &row->facts);
	const char *at = strstr(text, " at mx.example.net");

	assert_int_equal(strncmp(text, "postern ", strlen("postern ")), 0);
	assert_non_null(at);
	at += strlen(" at mx.example.net");
	assert_string_equal(at, row->want ? talloc_asprintf(text, " %s", row->want) : "");
	talloc_free(text);
}

static const struct reply_row {
	const char *name, *text;
	enum av_class class;
	enum conf_scan_action action;
	const char *want;
} reply_rows[] = {
	{ "class and name", "refused: %c (%v)", AV_CLASS_INFECTED, REJECT, "refused: infected (Na_me)" },
	{ "a percent sign", "100%% %c", AV_CLASS_BANNED, REJECT, "100% banned" },
	{ "others stay", "%d %", AV_CLASS_BANNED, REJECT, "%d %" },
	{ "tempfail of a class uses it too", "%c", AV_CLASS_SUSPECT, TEMPFAIL, "suspect" },
	{ "a failure of ours does not blame the message", "%c", AV_CLASS_ERROR, TEMPFAIL, "message cannot be scanned now, try again later: Na_me" },
	{ "unless it is refused for good", "%c", AV_CLASS_ERROR, REJECT, "error" },
};

static void test_reply(void **state)
{
	const struct reply_row *row = *state;
	const struct scan_verdict verdict = { .class = row->class, .action = row->action, .name = "Na\nme" };
	struct conf_av conf = { .reject_text = row->text };
	char *text = scan_reply_text(NULL, &conf, &verdict);

	assert_string_equal(text, row->want);
	talloc_free(text);
}

int main(void)
{
	TEST_ROWS(policy_rows, test_policy);
	TEST_ROWS(local_rows, test_local);
	TEST_ROWS(skip_rows, test_skip);
	TEST_ROWS(status_rows, test_status);
	TEST_ROWS(scanned_rows, test_scanned);
	TEST_ROWS(reply_rows, test_reply);
	return test_run("scan_policy");
}
