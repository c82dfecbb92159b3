/* Who is answered (RFC 3834). */
#include "milter/answer_whom.h"

#include "t/unit/support.h"

#include <talloc.h>

#define OWN "dkim-test@example.org"
#define PLAIN "From: Joe <joe@example.com>\r\n\r\n"
#define JOE "joe@example.com"

static const struct row {
	const char *name;
	const char *sender; /* NULL: not said */
	const char *from_line;
	const char *header;
	enum answer_whom whom;
	const char *address;
} rows[] = {
	{ "the envelope sender that the MTA says", "a@example.com", NULL, PLAIN, ANSWER_YES, "a@example.com" },
	{ "in angle brackets", "<a@example.com>", NULL, PLAIN, ANSWER_YES, "a@example.com" },
	{ "that of the From line", NULL, "b@example.com", PLAIN, ANSWER_YES, "b@example.com" },
	{ "that of Return-Path", NULL, NULL, "Return-Path: <c@example.com>\r\n" PLAIN, ANSWER_YES, "c@example.com" },
	{ "of two Return-Path the topmost", NULL, NULL, "Return-Path: <c@example.com>\r\nReturn-Path: <d@example.com>\r\n" PLAIN, ANSWER_YES, "c@example.com" },
	{ "the MTA's word before the others", "a@example.com", "b@example.com", "Return-Path: <c@example.com>\r\n" PLAIN, ANSWER_YES, "a@example.com" },
	{ "the envelope sender before Reply-To", "a@example.com", NULL, "Reply-To: r@example.com\r\n" PLAIN, ANSWER_YES, "a@example.com" },
	{ "Reply-To when no envelope sender is known", NULL, NULL, "Reply-To: R <r@example.com>\r\n" PLAIN, ANSWER_YES, "r@example.com" },
	{ "From when there is nothing else", NULL, NULL, PLAIN, ANSWER_YES, JOE },
	{ "From behind a Reply-To that cannot be read", NULL, NULL, "Reply-To: nobody\r\n" PLAIN, ANSWER_YES, JOE },
	{ "an empty sender", "", NULL, PLAIN, ANSWER_BOUNCE, NULL },
	{ "the null path", "<>", NULL, PLAIN, ANSWER_BOUNCE, NULL },
	{ "MAILER-DAEMON, as pipe(8) writes the null sender", "MAILER-DAEMON", NULL, PLAIN, ANSWER_BOUNCE, NULL },
	{ "MAILER-DAEMON of a domain", "Mailer-Daemon@example.com", NULL, PLAIN, ANSWER_BOUNCE, NULL },
	{ "Return-Path is empty", "a@example.com", NULL, "Return-Path: <>\r\n" PLAIN, ANSWER_BOUNCE, NULL },
	{ "the From line is a bounce's", NULL, "MAILER-DAEMON", PLAIN, ANSWER_BOUNCE, NULL },
	{ "auto-replied", JOE, NULL, "Auto-Submitted: auto-replied\r\n" PLAIN, ANSWER_AUTOMATIC, NULL },
	{ "auto-generated with a parameter", JOE, NULL, "auto-submitted: auto-generated; owner-email=\"a@b\"\r\n" PLAIN, ANSWER_AUTOMATIC, NULL },
	{ "Auto-Submitted: no", JOE, NULL, "Auto-Submitted: No (really)\r\n" PLAIN, ANSWER_YES, JOE },
	{ "List-Id", JOE, NULL, "List-Id: <l.example.com>\r\n" PLAIN, ANSWER_LIST, NULL },
	{ "List-Unsubscribe", JOE, NULL, "LIST-UNSUBSCRIBE: <https://example.com>\r\n" PLAIN, ANSWER_LIST, NULL },
	{ "Mailing-List", JOE, NULL, "Mailing-List: contact a@example.com\r\n" PLAIN, ANSWER_LIST, NULL },
	{ "a name that only begins like that", JOE, NULL, "Listen: no\r\n" PLAIN, ANSWER_YES, JOE },
	{ "Precedence: bulk", JOE, NULL, "Precedence: bulk\r\n" PLAIN, ANSWER_BULK, NULL },
	{ "Precedence: junk", JOE, NULL, "Precedence: Junk\r\n" PLAIN, ANSWER_BULK, NULL },
	{ "Precedence: list", JOE, NULL, "Precedence: list\r\n" PLAIN, ANSWER_BULK, NULL },
	{ "Precedence: first-class", JOE, NULL, "Precedence: first-class\r\n" PLAIN, ANSWER_YES, JOE },
	{ "a report", JOE, NULL, "Content-Type: multipart/report; report-type=delivery-status\r\n" PLAIN, ANSWER_REPORT, NULL },
	{ "a list's owner", "owner-list@example.com", NULL, PLAIN, ANSWER_ROBOT, NULL },
	{ "a list's bounces", "list-bounces@example.com", NULL, PLAIN, ANSWER_ROBOT, NULL },
	{ "a list's request address", "list-request@example.com", NULL, PLAIN, ANSWER_ROBOT, NULL },
	{ "noreply", "noreply@example.com", NULL, PLAIN, ANSWER_ROBOT, NULL },
	{ "the reflector itself", "DKIM-test@example.org", NULL, PLAIN, ANSWER_OURSELVES, NULL },
	{ "a sender without a domain", "joe", NULL, PLAIN, ANSWER_NO_ADDRESS, NULL },
	{ "a sender that would be two arguments", "a@example.com,b@example.com", NULL, PLAIN, ANSWER_NO_ADDRESS, NULL },
	{ "nobody", NULL, NULL, "Subject: x\r\n\r\n", ANSWER_NO_ADDRESS, NULL },
	{ "two From fields with one address each: the last, as RFC 5322 has but one", NULL, NULL, "From: a@example.com\r\nFrom: b@example.com\r\n\r\n", ANSWER_YES, "b@example.com" },
};

static void test_whom(void **state)
{
	const struct row *row = *state;
	void *mem = talloc_new(NULL);
	struct answer_request request = { .sender = view_of(row->sender), .from_line = view_of(row->from_line), .own = OWN };
	struct header_list *headers;
	struct view body;
	enum answer_whom whom;
	char *address;

	assert_int_equal(header_list_new(mem, NULL, &headers), 0);
	assert_int_equal(header_list_parse(headers, view_of(row->header), &body), 0);
	request.headers = headers;
	assert_int_equal(answer_whom(mem, &request, &whom, &address), 0);
	assert_string_equal(answer_whom_text(whom), answer_whom_text(row->whom));
	if (row->whom == ANSWER_YES)
		assert_string_equal(address, row->address);
	talloc_free(mem);
}

int main(void)
{
	TEST_ROWS(rows, test_whom);
	return test_run("answer_whom");
}
