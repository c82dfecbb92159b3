/* The plan of a message, carried out by a real libmilter in a child process towards the MTA's side of mta_session.h. */
#include "milter/actions_apply.h"
#include "milter/mta_apply.h"
#include "milter/mta_session.h"
#include "t/unit/support.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <talloc.h>
#include <unistd.h>

#define TIMEOUT_MS 20000
#define EVERY_ACTION ((uint32_t)ACTIONS_NEGOTIATE)

#define MESSAGE "A: 1\r\nB: 1\r\nA: 2\r\nA: 3\r\n\r\nbody\r\n"

struct row {
	const char *name;
	void (*plan)(struct actions *actions);
	uint32_t actions; /* that the MTA offers */
	bool leadspc;
	enum mta_verdict want;
	const char *want_reply;   /* "" for none */
	const char *want_message; /* as delivered; NULL: not looked at */
	size_t want_changes;
	int want_return;
	const char *want_error;   /* what the error text begins with */
};

static void plan_nothing(struct actions *actions)
{
	(void)actions;
}

static void plan_edits(struct actions *actions)
{
	actions_insert(actions, VIEW("A"), VIEW(" top;\r\n\tfolded"));
	actions_delete(actions, VIEW("A"), 1);
	actions_insert(actions, VIEW("C"), VIEW(" second"));
	actions_delete(actions, VIEW("a"), 2);
	actions_delete(actions, VIEW("A"), 1);
}

static void plan_two_blanks(struct actions *actions)
{
	actions_insert(actions, VIEW("C"), VIEW("  two"));
}

static void plan_no_blank(struct actions *actions)
{
	actions_insert(actions, VIEW("C"), VIEW("none"));
}

static void plan_quarantine(struct actions *actions)
{
	plan_edits(actions);
	actions_quarantine(actions, "signature not accepted");
}

static void plan_empty_quarantine(struct actions *actions)
{
	actions_quarantine(actions, "");
}

static void plan_reject(struct actions *actions)
{
	plan_quarantine(actions);
	actions_reply(actions, "550", "5.7.20", "100% of %s did not verify");
}

static void plan_tempfail(struct actions *actions)
{
	actions_reply(actions, "451", "4.7.5", "key query timed out");
}

static void plan_discard(struct actions *actions)
{
	plan_quarantine(actions);
	actions_discard(actions);
}

static void plan_without_enhanced_code(struct actions *actions)
{
	actions_reply(actions, "554", NULL, "no");
}

static void plan_empty_text(struct actions *actions)
{
	actions_reply(actions, "550", "5.7.20", "");
}

static char many_octets[70000];

/* 399 octets, a blank, 3 octets: the first line ends at the blank. */
static void plan_two_lines(struct actions *actions)
{
	char *text = talloc_asprintf(actions, "%.399s end", many_octets);

	actions_reply(actions, "550", "5.7.20", text);
}

static void plan_longest_reply(struct actions *actions)
{
	char *text = talloc_size(actions, ACTIONS_REPLY_MAX + 2);

	memset(text, '%', ACTIONS_REPLY_MAX + 1);
	text[ACTIONS_REPLY_MAX + 1] = '\0';
	for (size_t i = 201; i < ACTIONS_REPLY_MAX; i += 202)
		text[i] = ' ';
	actions_reply(actions, "550", "5.7.20", text);
}

static void plan_bad(struct actions *actions)
{
	plan_edits(actions);
	actions_insert(actions, VIEW("X"), VIEW(" a\r\nForged: b"));
}

static void plan_large(struct actions *actions)
{
	plan_edits(actions);
	actions_insert(actions, VIEW("X"), (struct view){ many_octets, sizeof many_octets });
}

#define EDITED "A: top;\r\n\tfolded\r\nC: second\r\nB: 1\r\nA: 3\r\n\r\nbody\r\n"
#define ANY "*" /* a reply text that is looked at elsewhere */

static const struct row rows[] = {
	{ "nothing to do", plan_nothing, EVERY_ACTION, true, MTA_CONTINUE, "", MESSAGE, 0, 0, NULL },
	{ "R90 deletions, then insertions", plan_edits, EVERY_ACTION, true, MTA_CONTINUE, "", EDITED, 4, 0, NULL },
	{ "R88 the MTA adds the leading blank", plan_edits, EVERY_ACTION, false, MTA_CONTINUE, "", EDITED, 4, 0, NULL },
	{ "R88 a second blank is ours", plan_two_blanks, EVERY_ACTION, false, MTA_CONTINUE, "", "C:  two\r\n" MESSAGE, 1, 0, NULL },
	{ "R88 a value without a blank loses nothing", plan_no_blank, EVERY_ACTION, false, MTA_CONTINUE, "", "C: none\r\n" MESSAGE, 1, 0, NULL },
	{ "R88 a value without a blank gets none of ours", plan_no_blank, EVERY_ACTION, true, MTA_CONTINUE, "", "C:none\r\n" MESSAGE, 1, 0,
	  NULL },
	{ "quarantine, edits are made", plan_quarantine, EVERY_ACTION, true, MTA_CONTINUE, "", EDITED, 5, 0, NULL },
	{ "R92 a reject: the text as it is, no edits", plan_reject, EVERY_ACTION, true, MTA_REJECT,
	  "550 5.7.20 100% of %s did not verify", MESSAGE, 0, 0, NULL },
	{ "R92 a tempfail", plan_tempfail, EVERY_ACTION, true, MTA_TEMPFAIL, "451 4.7.5 key query timed out", MESSAGE, 0, 0, NULL },
	{ "a discard: no edits", plan_discard, EVERY_ACTION, true, MTA_DISCARD, "", MESSAGE, 0, 0, NULL },
	{ "no enhanced code", plan_without_enhanced_code, EVERY_ACTION, true, MTA_REJECT, "554 no", MESSAGE, 0, 0, NULL },
	{ "an empty text", plan_empty_text, EVERY_ACTION, true, MTA_REJECT, "550 5.7.20 ", MESSAGE, 0, 0, NULL },
	{ "a long text is cut into lines at a blank", plan_two_lines, EVERY_ACTION, true, MTA_REJECT, ANY, MESSAGE, 0, 0, NULL },
	{ "the longest text, all of it doubled", plan_longest_reply, EVERY_ACTION, true, MTA_REJECT, ANY, MESSAGE, 0, 0, NULL },
	{ "a plan with an error is not begun", plan_bad, EVERY_ACTION, true, MTA_TEMPFAIL, "", MESSAGE, 0, -EINVAL, "plan of header edits" },
	{ "a value that no packet holds", plan_large, EVERY_ACTION, true, MTA_TEMPFAIL, "", NULL, 2, -EIO, "smfi_insheader X (step 3 of 5)" },
	{ "deletions that the MTA does not allow", plan_edits, EVERY_ACTION & ~(uint32_t)SMFIF_CHGHDRS, true, MTA_TEMPFAIL, "", MESSAGE, 0,
	  -EIO, "smfi_chgheader" },
	{ "insertions that the MTA does not allow", plan_edits, EVERY_ACTION & ~(uint32_t)SMFIF_ADDHDRS, true, MTA_TEMPFAIL, "", NULL, 2,
	  -EIO, "smfi_insheader" },
	{ "a quarantine that the MTA does not allow", plan_quarantine, EVERY_ACTION & ~(uint32_t)SMFIF_QUARANTINE, true, MTA_TEMPFAIL, "",
	  NULL, 4, -EIO, "smfi_quarantine" },
	{ "a quarantine that libmilter refuses", plan_empty_quarantine, EVERY_ACTION, true, MTA_TEMPFAIL, "", NULL, 0, -EIO,
	  "smfi_quarantine" },
};

/* What the filter has to say about actions_apply(), to the test. */
struct said {
	int r;
	char error[200];
};

static int said_pipe[2];
static char socket_name[64];
static pid_t filter;

/* The filter's side. Sessions come one after the other. */

static bool filter_leadspc;
static size_t filter_row;

static sfsistat on_negotiate(SMFICTX *ctx, unsigned long actions, unsigned long protocol, unsigned long f2, unsigned long f3,
                             unsigned long *ret_actions, unsigned long *ret_protocol, unsigned long *ret_f2, unsigned long *ret_f3)
{
	(void)ctx, (void)f2, (void)f3;
	filter_leadspc = protocol & SMFIP_HDR_LEADSPC;
	*ret_actions = actions & ACTIONS_NEGOTIATE;
	*ret_protocol = protocol & SMFIP_HDR_LEADSPC;
	*ret_f2 = *ret_f3 = 0;
	return SMFIS_CONTINUE;
}

/* The sender's local part is the number of the row. */
static sfsistat on_mail(SMFICTX *ctx, char **arguments)
{
	(void)ctx;
	filter_row = strtoul(arguments[0] + 1, NULL, 10);
	return SMFIS_CONTINUE;
}

static sfsistat on_eom(SMFICTX *ctx)
{
	struct actions *actions = NULL;
	struct said said = { .r = 0 };
	void *mem = talloc_new(NULL);
	char *error = NULL;
	sfsistat status;

	if (actions_new(mem, &actions) < 0)
		abort();
	rows[filter_row].plan(actions);
	said.r = actions_apply(actions, ctx, filter_leadspc, mem, &status, &error);
	if (error)
		snprintf(said.error, sizeof said.error, "%s", error);
	if (write(said_pipe[1], &said, sizeof said) != sizeof said)
		abort();
	talloc_free(mem);
	return status;
}

static void run_filter(int ready)
{
	struct smfiDesc description = { .xxfi_name = (char *)"test", .xxfi_version = SMFI_VERSION, .xxfi_flags = ACTIONS_NEGOTIATE,
	                                .xxfi_negotiate = on_negotiate, .xxfi_envfrom = on_mail, .xxfi_eom = on_eom };

	/* a test that dies leaves no filter behind */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || smfi_setconn(socket_name) != MI_SUCCESS || smfi_register(description) != MI_SUCCESS ||
	    smfi_opensocket(true) != MI_SUCCESS || write(ready, "", 1) != 1)
		abort();
	_exit(smfi_main() == MI_SUCCESS ? 0 : 1);
}

static int start_filter(void **state)
{
	static char directory[] = "/tmp/postern-test-XXXXXX";
	int ready[2];
	char octet;

	(void)state;
	memset(many_octets, 'a', sizeof many_octets);
	if (!mkdtemp(directory) || pipe(ready) < 0 || pipe(said_pipe) < 0)
		return -1;
	snprintf(socket_name, sizeof socket_name, "unix:%s/socket", directory);
	filter = fork();
	if (filter == 0)
		run_filter(ready[1]);
	close(ready[1]);
	close(said_pipe[1]);
	return filter > 0 && read(ready[0], &octet, 1) == 1 && close(ready[0]) == 0 ? 0 : -1;
}

static int stop_filter(void **state)
{
	char *path = socket_name + strlen("unix:");

	(void)state;
	if (kill(filter, SIGKILL) < 0 || waitpid(filter, NULL, 0) != filter || unlink(path) < 0)
		return -1;
	*strrchr(path, '/') = '\0';
	return rmdir(path);
}

/* The MTA's side. */

static struct mta_client *connect_filter(void *mem, const struct row *row)
{
	const struct mta_offer offer = { .version = MTA_VERSION_MAX, .actions = row->actions,
	                                 .protocol = row->leadspc ? MTA_PROTOCOL_LEADING_SPACE : 0 };
	struct socket_spec spec;
	struct socket_address address;
	struct mta_client *client = NULL;
	char *error = NULL;

	assert_int_equal(socket_spec_parse(mem, socket_name, &spec, &error), 0);
	assert_int_equal(socket_spec_resolve(mem, &spec, SOCKET_CONNECT, &address, &error), 0);
	assert_int_equal(mta_client_connect(mem, &address, TIMEOUT_MS, &client, &error), 0);
	assert_int_equal(mta_client_negotiate(client, &offer), 0);
	return client;
}

static void check_message(void *mem, const struct row *row, const struct mta_client *client, const struct mta_message *message)
{
	struct buf delivered;

	buf_init(&delivered, mem, 1024 * 1024);
	assert_int_equal(mta_apply(mem, message->headers, message->body, mta_client_changes(client), row->leadspc, &delivered), 0);
	assert_string_equal(buf_string(&delivered), row->want_message);
}

/* Every line begins with code and enhanced code, has at most 512 octets with its end, and all of them say the whole text. */
static void check_long_reply(const struct row *row, struct view reply)
{
	struct view text = reply;
	size_t lines = 0, octets = 0;

	while (text.n > 0) {
		size_t n = view_find(text, '\r');
		bool last = n == text.n;

		assert_memory_equal(text.p, last ? "550 5.7.20 " : "550-5.7.20 ", 11);
		assert_true(n <= 510);
		octets += n - 11 + 1;
		lines++;
		text = view_slice(text, n + 2, text.n);
	}
	if (row->plan == plan_two_lines) {
		assert_int_equal(lines, 2);
		assert_int_equal(octets - 1, 399 + strlen(" end"));
		assert_memory_equal(reply.p + reply.n - strlen(" end"), " end", strlen(" end"));
	} else {
		assert_int_equal(octets - 1, ACTIONS_REPLY_MAX);
		assert_memory_equal(reply.p + reply.n - 3, "...", 3);
	}
}

static void check_reply(const struct row *row, const struct mta_reply *reply)
{
	assert_int_equal(reply->verdict, row->want);
	if (strcmp(row->want_reply, ANY) == 0)
		check_long_reply(row, reply->text);
	else
		assert_true(view_eq(reply->text, view_of(row->want_reply)));
}

static void check_said(const struct row *row)
{
	struct said said;

	assert_int_equal(read(said_pipe[0], &said, sizeof said), sizeof said);
	assert_int_equal(said.r, row->want_return);
	if (row->want_error)
		assert_memory_equal(said.error, row->want_error, strlen(row->want_error));
	else
		assert_string_equal(said.error, "");
}

static void test_apply(void **state)
{
	const struct row *row = *state;
	void *mem = talloc_new(NULL);
	const struct mta_envelope envelope = {
		.client_name = "mail.example.org", .client_address = "192.0.2.7", .client_port = 25, .helo = "mail.example.org",
		.sender = talloc_asprintf(mem, "<%zu@example.org>", (size_t)(row - rows)),
		.recipients = (const char *const[]){ "<a@example.net>" }, .recipient_count = 1,
	};
	const struct mta_macros no_macros = { NULL, 0 };
	struct mta_message message = { .envelope = &envelope, .chunk = MTA_CHUNK_OCTETS, .macros = &no_macros };
	struct mta_client *client = connect_filter(mem, row);
	struct header_list *headers = NULL;
	struct mta_outcome outcome;

	assert_int_equal(header_list_new(mem, NULL, &headers), 0);
	assert_int_equal(header_list_parse(headers, VIEW(MESSAGE), &message.body), 0);
	message.headers = headers;
	assert_int_equal(mta_session_run(mem, client, &message, &outcome), 0);
	assert_int_equal(outcome.stage, MTA_END_OF_MESSAGE);
	check_said(row);
	check_reply(row, &outcome.reply);
	assert_int_equal(mta_client_changes(client)->count, row->want_changes);
	if (row->want_message)
		check_message(mem, row, client, &message);
	assert_int_equal(mta_client_quit(client), 0);
	talloc_free(mem);
}

int main(void)
{
	if (start_filter(NULL) < 0) {
		perror("the filter did not start");
		return 1;
	}
	TEST_ROWS(rows, test_apply);
	return test_run("actions_apply") | (stop_filter(NULL) < 0);
}
