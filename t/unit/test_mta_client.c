/* The MTA's side of the milter protocol: against a libmilter filter, and against octets that no filter should send. */
#include "milter/mta_session.h"

#include "t/unit/support.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <talloc.h>
#include <unistd.h>

#define TIMEOUT_MS 20000
#define BEHAVIOURS_MAX 8
#define OFFERED 0x1fffff

static char directory[] = "/tmp/test_mta_client.XXXXXX";

static struct socket_address address_of(const char *path)
{
	struct socket_address address = { .n = sizeof address.u.local };

	address.u.local.sun_family = AF_UNIX;
	assert_true(snprintf(address.u.local.sun_path, sizeof address.u.local.sun_path, "%s", path) > 0);
	return address;
}

/* --- a filter of libmilter --- */

struct filter_row {
	const char *name;
	const char *behaviours[BEHAVIOURS_MAX];
	struct mta_offer offer;
	enum mta_stage stage;
	enum mta_verdict verdict;
	const char *reply; /* what the MTA tells its client */
	const char *expected; /* a part of the changes as text; NULL: no changes at all */
};

#define FULL_OFFER { 6, 0x1ff, OFFERED }

static const struct filter_row filter_rows[] = {
	{ "a filter that does nothing", { "nothing" }, FULL_OFFER, MTA_END_OF_MESSAGE, MTA_CONTINUE, "", NULL },
	{ "accept at the end", { "accept-eom" }, FULL_OFFER, MTA_END_OF_MESSAGE, MTA_ACCEPT, "", NULL },
	{ "accept at connect ends the session", { "accept-connect" }, FULL_OFFER, MTA_CONNECT, MTA_ACCEPT, "", NULL },
	{ "reject at connect", { "reject-connect" }, FULL_OFFER, MTA_CONNECT, MTA_REJECT, "554 5.7.1 Command rejected", NULL },
	{ "tempfail at mail", { "tempfail-mail" }, FULL_OFFER, MTA_MAIL, MTA_TEMPFAIL,
	  "451 4.7.1 Service unavailable - try again later", NULL },
	{ "every recipient rejected", { "reject-rcpt" }, FULL_OFFER, MTA_RCPT, MTA_REJECT, "550 5.7.1 Command rejected", NULL },
	{ "one recipient rejected, the message goes on", { "reject-first-rcpt" }, FULL_OFFER, MTA_END_OF_MESSAGE, MTA_CONTINUE,
	  "", NULL },
	{ "discard at data", { "discard-data" }, FULL_OFFER, MTA_DATA, MTA_DISCARD, "", NULL },
	{ "version 2 has no data command", { "discard-data" }, { 2, 0x3f, 0x7f }, MTA_END_OF_MESSAGE, MTA_CONTINUE, "", NULL },
	{ "a reply of the filter's own, percent signs undone", { "reply-eom" }, FULL_OFFER, MTA_END_OF_MESSAGE, MTA_TEMPFAIL,
	  "451 4.7.1 later, 50% likely", NULL },
	{ "what the filter is told", { "echo" }, FULL_OFFER, MTA_END_OF_MESSAGE, MTA_CONTINUE, "",
	  "add-header 0 X-Connect=mail.example.org;add-header 0 X-Helo=helo.example.org;add-header 0 X-Mail=<a@example.org>;"
	  "add-header 0 X-Rcpt=<first@example.net><second@example.net>;" },
	{ "macros in their stages", { "echo" }, FULL_OFFER, MTA_END_OF_MESSAGE, MTA_CONTINUE, "",
	  "X-Macros=connect:{daemon_name}=MTA;connect:{client_addr}=(none);connect:i=(none);mail:{auth_type}=PLAIN;"
	  "rcpt:{rcpt_addr}=first@example.net;rcpt:{rcpt_addr}=second@example.net;data:i=Q1;" },
	{ "macros that the filter asks for", { "echo", "symbols" }, FULL_OFFER, MTA_END_OF_MESSAGE, MTA_CONTINUE, "",
	  "X-Macros=connect:{daemon_name}=(none);connect:{client_addr}=192.0.2.7;connect:i=(none);" },
	{ "the body in chunks", { "echo" }, FULL_OFFER, MTA_END_OF_MESSAGE, MTA_CONTINUE, "", "X-Counts=headers=3 chunks=3 body=11;" },
	{ "skip ends the body", { "echo", "skip" }, FULL_OFFER, MTA_END_OF_MESSAGE, MTA_CONTINUE, "",
	  "X-Counts=headers=3 chunks=1 body=4;" },
	{ "no body wanted", { "echo", "no-body" }, FULL_OFFER, MTA_END_OF_MESSAGE, MTA_CONTINUE, "",
	  "X-Counts=headers=3 chunks=0 body=0;" },
	{ "no helo wanted", { "echo", "no-helo" }, FULL_OFFER, MTA_END_OF_MESSAGE, MTA_CONTINUE, "", "X-Helo=;" },
	{ "no replies to anything but the end", { "echo", "no-reply" }, FULL_OFFER, MTA_END_OF_MESSAGE, MTA_CONTINUE, "",
	  "X-Counts=headers=3 chunks=3 body=11;" },
	{ "R39 without leading space one space is stripped, a fold is LF (R40)", { "echo" }, FULL_OFFER, MTA_END_OF_MESSAGE,
	  MTA_CONTINUE, "", "X-Last=X-Fold:[ two\n\tlines];" },
	{ "with leading space all comes", { "echo", "leading-space" }, FULL_OFFER, MTA_END_OF_MESSAGE, MTA_CONTINUE, "",
	  "X-Last=X-Fold:[  two\n\tlines];" },
	{ "leading space wanted but not offered", { "echo", "leading-space" }, { 6, 0x1ff, 0xfffff }, MTA_END_OF_MESSAGE,
	  MTA_CONTINUE, "", "X-Last=X-Fold:[ two\n\tlines];" },
	{ "changes of the header", { "headers" }, FULL_OFFER, MTA_END_OF_MESSAGE, MTA_CONTINUE, "",
	  "delete-header 2 X-Old=;change-header 1 Subject= changed;change-header 1 X-Missing= appended;"
	  "insert-header 0 X-Top= a\n\tb;insert-header 2 X-Second= below the MTA's own Received;add-header 0 X-End= end;" },
	{ "all other changes", { "rest" }, FULL_OFFER, MTA_END_OF_MESSAGE, MTA_CONTINUE, "",
	  "progress 0 =;replace-body 0 =new body\r\n;replace-body 0 =new body\r\n;change-from 0 =<new@example.org> RET=HDRS;"
	  "add-recipient 0 =<more@example.net>;add-recipient-with-parameters 0 =<par@example.net> NOTIFY=NEVER;"
	  "delete-recipient 0 =<second@example.net>;quarantine 0 =held \x01 back;" },
};

static pid_t start_filter(const char *path, const char *const *behaviours)
{
	char program[4096], socket[200];
	char *arguments[BEHAVIOURS_MAX + 3] = { program, socket };
	ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
	pid_t pid;

	assert_true(n > 0);
	program[n] = '\0';
	assert_true((size_t)(strrchr(program, '/') - program) + sizeof "/echo_filter" < sizeof program);
	strcpy(strrchr(program, '/'), "/echo_filter");
	assert_true(snprintf(socket, sizeof socket, "unix:%s", path) > 0);
	for (size_t i = 0; i < BEHAVIOURS_MAX && behaviours[i]; i++)
		arguments[i + 2] = (char *)(uintptr_t)behaviours[i];
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		execv(program, arguments);
		_exit(127);
	}
	return pid;
}

static struct mta_client *connect_to(void *mem, const char *path, unsigned timeout_ms)
{
	struct socket_address address = address_of(path);
	struct mta_client *client;
	char *error;
	int r = -ENOENT;

	for (int i = 0; i < 1000 && (r == -ENOENT || r == -ECONNREFUSED); i++) {
		r = mta_client_connect(mem, &address, timeout_ms, &client, &error);
		if (r < 0)
			assert_int_equal(poll(NULL, 0, 10), 0);
	}
	assert_int_equal(r, 0);
	return client;
}

/* The filter may have ended by itself: then kill() finds its body, which waitpid() then takes away. */
static void stop(pid_t pid)
{
	int status;

	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
}

static const struct mta_macro known_macros[] = {
	{ "{daemon_name}", "never seen", MTA_CONNECT },
	{ "{daemon_name}", "MTA", MTA_CONNECT },
	{ "{client_addr}", "192.0.2.7", MTA_CONNECT },
	{ "{auth_type}", "PLAIN", MTA_CONNECT },
	{ "i", "Q1", MTA_DATA },
};
static const struct mta_macros macros = { known_macros, sizeof known_macros / sizeof *known_macros };

static int run(void *mem, struct mta_client *client, struct mta_outcome *ret)
{
	static const char *const recipients[] = { "<first@example.net>", "<second@example.net>" };
	static const struct mta_envelope envelope = { "mail.example.org", "192.0.2.7", 25, "helo.example.org", "<a@example.org>",
	                                              recipients, 2 };
	struct mta_message message = { .envelope = &envelope, .chunk = 4, .macros = &macros };
	struct header_list *headers;

	assert_int_equal(header_list_new(mem, NULL, &headers), 0);
	assert_int_equal(header_list_parse(headers, VIEW("From: a@example.org\r\nSubject: s\r\nX-Fold:  two\r\n\tlines\r\n\r\n"
	                                                 "body\r\nbody2"), &message.body), 0);
	message.headers = headers;
	return mta_session_run(mem, client, &message, ret);
}

static const char *changes_text(void *mem, const struct mta_client *client)
{
	const struct mta_changes *changes = mta_client_changes(client);
	char *text = talloc_strdup(mem, "");

	for (size_t i = 0; i < changes->count; i++) {
		const struct mta_change *c = &changes->change[i];

		text = talloc_asprintf_append(text, "%s %u %.*s=%.*s%s%.*s;", mta_change_name(c->kind), c->index, (int)c->name.n,
		                              c->name.p, (int)c->value.n, c->value.p, c->parameters.n ? " " : "",
		                              (int)c->parameters.n, c->parameters.p);
		assert_non_null(text);
	}
	return text;
}

static void test_filter(void **state)
{
	const struct filter_row *row = *state;
	void *mem = talloc_new(NULL);
	char *path = talloc_asprintf(mem, "%s/filter", directory);
	pid_t pid = start_filter(path, row->behaviours);
	struct mta_client *client = connect_to(mem, path, TIMEOUT_MS);
	struct mta_outcome outcome;
	struct view reply;

	assert_int_equal(mta_client_negotiate(client, &row->offer), 0);
	assert_int_equal(run(mem, client, &outcome), 0);
	assert_int_equal(outcome.stage, row->stage);
	assert_int_equal(outcome.reply.verdict, row->verdict);
	reply = mta_reply_text(&outcome.reply, outcome.stage);
	assert_true(view_eq(reply, view_of(row->reply)));
	if (!row->expected)
		assert_int_equal(mta_client_changes(client)->count, 0);
	else if (!strstr(changes_text(mem, client), row->expected))
		fail_msg("wanted \"%s\", got \"%s\"", row->expected, changes_text(mem, client));
	talloc_free(mem);
	stop(pid);
	assert_int_equal(unlink(path), 0);
}

static void test_one_recipient(void **state)
{
	const char *behaviours[] = { "reject-first-rcpt", NULL };
	const struct mta_offer offer = FULL_OFFER;
	void *mem = talloc_new(NULL);
	char *path = talloc_asprintf(mem, "%s/filter", directory);
	pid_t pid = start_filter(path, behaviours);
	struct mta_client *client = connect_to(mem, path, TIMEOUT_MS);
	struct mta_outcome outcome;

	(void)state;
	assert_int_equal(mta_client_negotiate(client, &offer), 0);
	assert_int_equal(run(mem, client, &outcome), 0);
	assert_int_equal(outcome.recipients[0].verdict, MTA_REJECT);
	assert_true(view_eq(outcome.recipients[0].text, VIEW("550-5.1.1 nobody here\r\n550 5.1.1 100% sure")));
	assert_int_equal(outcome.recipients[1].verdict, MTA_CONTINUE);
	talloc_free(mem);
	stop(pid);
	assert_int_equal(unlink(path), 0);
}

static void test_deadline(void **state)
{
	const char *behaviours[] = { "hang", NULL };
	const struct mta_offer offer = FULL_OFFER;
	void *mem = talloc_new(NULL);
	char *path = talloc_asprintf(mem, "%s/filter", directory);
	pid_t pid = start_filter(path, behaviours);
	struct mta_client *client = connect_to(mem, path, 300);
	struct mta_outcome outcome;

	(void)state;
	assert_int_equal(mta_client_negotiate(client, &offer), 0);
	assert_int_equal(run(mem, client, &outcome), -ETIMEDOUT);
	assert_string_equal(mta_client_error(client), "connect: wanted a reply, got none in time");
	assert_true(mta_client_elapsed_ms(client) < 5000);
	talloc_free(mem);
	stop(pid);
	assert_int_equal(unlink(path), 0);
}

/* --- a peer that sends what it likes --- */

#define ANSWER "\0\0\0\x0dO\0\0\0\x06\0\0\x01\xff\0\x1f\xf3\xff" /* wants the end of the message only */
#define ALL_STAGES "\0\0\0\x0dO\0\0\0\x06\0\0\x01\xff\0\0\0\0"

struct broken_row {
	const char *name;
	struct view sent; /* all at once, then the connection is closed */
	int r;
	const char *error;
};

static const struct broken_row broken_rows[] = {
	{ "nothing", VIEW_INIT(""), -EPROTO, "negotiation: wanted a reply, got the end of the connection" },
	{ "an empty packet", VIEW_INIT("\0\0\0\0"), -EPROTO, "negotiation: wanted a packet of 1 to 1048576 octets, got one of 0" },
	{ "an SMTP greeting", VIEW_INIT("220 mail.example.org ESMTP\r\n"), -EPROTO, "got one of 842149920" },
	{ "a packet cut short", VIEW_INIT("\0\0\0\x0dO\0\0"), -EPROTO, "negotiation: wanted a reply, got the end of the connection" },
	{ "another packet than the answer", VIEW_INIT("\0\0\0\x01" "c"), -EPROTO, "negotiation: wanted a packet 'O', got 'c'" },
	{ "an answer too short", VIEW_INIT("\0\0\0\x05O\0\0\0\x06"), -EPROTO, "negotiation: wanted 12 octets or more, got 4" },
	{ "a version above the offer", VIEW_INIT("\0\0\0\x0dO\0\0\0\x07\0\0\0\0\0\0\0\0"), -EPROTO,
	  "negotiation: wanted version 2 to 6, got 7" },
	{ "actions beyond the offer", VIEW_INIT("\0\0\0\x0dO\0\0\0\x06\0\0\x02\0\0\0\0\0"), -EPROTO,
	  "got actions 0x200 and protocol 0x0 beyond it" },
	{ "protocol bits beyond the offer", VIEW_INIT("\0\0\0\x0dO\0\0\0\x06\0\0\0\0\x01\0\0\0"), -EPROTO,
	  "got actions 0x0 and protocol 0x1000000 beyond it" },
	{ "a macro list of no stage", VIEW_INIT("\0\0\0\x13O\0\0\0\x06\0\0\0\0\0\0\0\0\0\0\0\x07i\0"), -EPROTO,
	  "wanted a macro list numbered 0 to 6" },
	{ "a macro list without its NUL", VIEW_INIT("\0\0\0\x12O\0\0\0\x06\0\0\0\0\0\0\0\0\0\0\0\0i"), -EPROTO,
	  "wanted a macro list numbered 0 to 6" },
	{ "half a number of a macro list", VIEW_INIT("\0\0\0\x0fO\0\0\0\x06\0\0\0\0\0\0\0\0\0\0"), -EPROTO,
	  "wanted the number of a macro list, got 2 octets" },
	{ "an unknown reply", VIEW_INIT(ANSWER "\0\0\0\x01\x07"), -EPROTO,
	  "end-of-message: wanted a milter reply, got packet '\\x07'" },
	{ "the end of the connection instead of a verdict", VIEW_INIT(ANSWER), -EPROTO,
	  "end-of-message: wanted a reply, got the end of the connection" },
	{ "skip at the end", VIEW_INIT(ANSWER "\0\0\0\x01s"), -EPROTO, "end-of-message: wanted skip in the body only" },
	{ "a field without a value", VIEW_INIT(ANSWER "\0\0\0\x03hX\0"), -EPROTO, "wanted packet 'h' with two strings" },
	{ "a value without its NUL", VIEW_INIT(ANSWER "\0\0\0\x04hX\0v"), -EPROTO, "wanted packet 'h' with two strings" },
	{ "octets behind the value", VIEW_INIT(ANSWER "\0\0\0\x06hX\0v\0z"), -EPROTO, "wanted packet 'h' with two strings" },
	{ "an index cut short", VIEW_INIT(ANSWER "\0\0\0\x03i\0\0"), -EPROTO, "wanted packet 'i' with an index" },
	{ "progress with data", VIEW_INIT(ANSWER "\0\0\0\x02px"), -EPROTO, "wanted packet 'p' with no data" },
	{ "a change that was not negotiated", VIEW_INIT("\0\0\0\x0dO\0\0\0\x06\0\0\0\0\0\x1f\xf3\xff" "\0\0\0\x05hX\0v\0"), -EPROTO,
	  "wanted a filter that negotiated SMFIF_ADDHDRS, got its packet 'h' without" },
	{ "a change before the end of the message", VIEW_INIT(ALL_STAGES "\0\0\0\x05hX\0v\0"), -EPROTO,
	  "connect: wanted changes at end-of-message only, got add-header" },
	{ "a reply text with a good code", VIEW_INIT(ANSWER "\0\0\0\x0cy250 2.0.0 \0"), -EPROTO, "wanted a reply text with code 4xx or 5xx" },
	{ "a reply text without its NUL", VIEW_INIT(ANSWER "\0\0\0\x09y550 5.0."), -EPROTO, "wanted a reply text" },
	{ "a reply text that is no code", VIEW_INIT(ANSWER "\0\0\0\x06y5x0 \0"), -EPROTO, "got \"5x0 \"" },
};

/* In a child: accept one connection, send, close once the other side has closed or sent its first command. */
static void serve(int listener, struct view octets)
{
	char sink[4096];
	int fd = accept(listener, NULL, NULL);

	if (fd < 0 || read(fd, sink, sizeof sink) <= 0 || write(fd, octets.p, octets.n) != (ssize_t)octets.n)
		_exit(1);
	if (shutdown(fd, SHUT_WR) < 0)
		_exit(1);
	while (read(fd, sink, sizeof sink) > 0)
		continue;
	_exit(0);
}

static pid_t start_peer(const char *path, struct view octets)
{
	struct socket_address address = address_of(path);
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);
	pid_t pid;

	assert_true(listener >= 0);
	assert_int_equal(bind(listener, &address.u.any, address.n), 0);
	assert_int_equal(listen(listener, 1), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		serve(listener, octets);
	assert_int_equal(close(listener), 0);
	return pid;
}

static void test_broken(void **state)
{
	const struct broken_row *row = *state;
	const struct mta_offer offer = FULL_OFFER;
	void *mem = talloc_new(NULL);
	char *path = talloc_asprintf(mem, "%s/peer", directory);
	pid_t pid = start_peer(path, row->sent);
	struct mta_client *client = connect_to(mem, path, TIMEOUT_MS);
	struct mta_outcome outcome;
	int r = mta_client_negotiate(client, &offer);

	if (r == 0)
		r = run(mem, client, &outcome);
	assert_int_equal(r, row->r);
	if (!strstr(mta_client_error(client), row->error))
		fail_msg("wanted \"...%s...\", got \"%s\"", row->error, mta_client_error(client));
	talloc_free(mem);
	stop(pid);
	assert_int_equal(unlink(path), 0);
}

static void test_unreachable(void **state)
{
	void *mem = talloc_new(NULL);
	struct socket_address address = address_of("/nonexistent/socket");
	struct mta_client *client;
	char *error;

	(void)state;
	assert_int_equal(mta_client_connect(mem, &address, TIMEOUT_MS, &client, &error), -ENOENT);
	assert_string_equal(error, "wanted a connection, got: No such file or directory");
	talloc_free(mem);
}

int main(void)
{
	int r;

	if (!mkdtemp(directory))
		return 1;
	TEST_ROWS(filter_rows, test_filter);
	TEST_ROWS(broken_rows, test_broken);
	test_add("one recipient rejected with a text of two lines", test_one_recipient);
	test_add("a filter that hangs", test_deadline);
	test_add("nobody listens", test_unreachable);
	r = test_run("mta_client");
	return rmdir(directory) == 0 ? r : 1;
}
