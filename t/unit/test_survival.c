/* milter/survival.c: each warning, each limit, and chunks that are cut anywhere. */
#include "support.h"

#include "milter/survival.h"

#include <talloc.h>

#define TEN "0123456789"
#define NINETY TEN TEN TEN TEN TEN TEN TEN TEN TEN
#define NINE_HUNDRED NINETY NINETY NINETY NINETY NINETY NINETY NINETY NINETY NINETY NINETY
#define LINE_998 NINE_HUNDRED NINETY "12345678"
#define DATE "Date: x\r\nMessage-ID: <x>\r\n"

struct row {
	const char *name;
	const char *mta, *argument;
	struct view header, body;
	const char *want;
};

static const struct row rows[] = {
	{ "nothing to say", "", "", VIEW_INIT(DATE), VIEW_INIT("a\r\n\r\nb\r\n"), "" },
	{ "an empty body", "", "", VIEW_INIT(DATE), VIEW_INIT(""), "" },
	{ "a body without a line end", "", "", VIEW_INIT(DATE), VIEW_INIT("a"), "" },
	{ "a line of 998", "Postfix 3.7.11", "", VIEW_INIT(DATE), VIEW_INIT("a\r\n" LINE_998 "\r\n"), "" },
	{ "a line of 999", "Postfix 3.7.11", "", VIEW_INIT(DATE), VIEW_INIT("a\r\n" LINE_998 "9\r\n"), "long-lines" },
	{ "two lines of 998", "Postfix 3.7.11", "", VIEW_INIT(DATE), VIEW_INIT(LINE_998 "\r\n" LINE_998), "" },
	{ "Sendmail: a line of 990", "8.17.1.9", "", VIEW_INIT(DATE), VIEW_INIT(NINE_HUNDRED NINETY "\r\n"), "" },
	{ "Sendmail: a line of 991", "8.17.1.9", "", VIEW_INIT(DATE), VIEW_INIT(NINE_HUNDRED NINETY "1\r\n"), "long-lines" },
	{ "an MTA without a name: as Sendmail", "", "", VIEW_INIT(DATE), VIEW_INIT(LINE_998 "\r\n"), "long-lines" },
	{ "a CR in the line counts", "", "", VIEW_INIT(DATE), VIEW_INIT("\r" LINE_998 "\r\n"), "long-lines,bare-cr" },
	{ "a bare CR", "", "", VIEW_INIT(DATE), VIEW_INIT("a\rb\r\n"), "bare-cr" },
	{ "two CR", "", "", VIEW_INIT(DATE), VIEW_INIT("a\r\r\n"), "bare-cr" },
	{ "a bare CR at the end", "", "", VIEW_INIT(DATE), VIEW_INIT("a\r"), "bare-cr" },
	{ "a bare LF", "", "", VIEW_INIT(DATE), VIEW_INIT("a\nb\r\n"), "bare-lf" },
	{ "a bare LF first", "", "", VIEW_INIT(DATE), VIEW_INIT("\n"), "bare-lf" },
	{ "LF CR", "", "", VIEW_INIT(DATE), VIEW_INIT("a\n\r"), "bare-cr,bare-lf" },
	{ "R104 8-bit without a word", "", "", VIEW_INIT(DATE), VIEW_INIT("\xc3\xa4\r\n"), "8bit-body" },
	{ "R104 8-bit in spite of BODY=7BIT", "", "BODY=7BIT", VIEW_INIT(DATE), VIEW_INIT("\x80\r\n"), "8bit-body" },
	{ "R104 8-bit with BODY=8BITMIME", "", "body=8bitmime", VIEW_INIT(DATE), VIEW_INIT("\xff\r\n"), "" },
	{ "R104 8-bit with BODY=BINARYMIME", "", "BODY=BINARYMIME", VIEW_INIT(DATE), VIEW_INIT("\xff\r\n"), "" },
	{ "other arguments", "", "SIZE=1", VIEW_INIT(DATE), VIEW_INIT("\xff\r\n"), "8bit-body" },
	{ "7-bit to the last", "", "", VIEW_INIT(DATE), VIEW_INIT("\x7f\0\r\n"), "" },
	{ "an 8-bit header", "", "BODY=8BITMIME", VIEW_INIT(DATE "Subject: \xc3\xa4\r\n"), VIEW_INIT(""), "8bit-header" },
	{ "an 8-bit header with SMTPUTF8", "", "SMTPUTF8", VIEW_INIT(DATE "Subject: \xc3\xa4\r\n"), VIEW_INIT(""), "" },
	{ "a field of 998", "", "", VIEW_INIT(DATE "A:" NINE_HUNDRED NINETY "123456\r\n"), VIEW_INIT(""), "" },
	{ "a field of 999", "", "", VIEW_INIT(DATE "A:" NINE_HUNDRED NINETY "1234567\r\n"), VIEW_INIT(""), "long-header-lines" },
	{ "a folded field", "", "", VIEW_INIT(DATE "A:" NINE_HUNDRED "\r\n " NINE_HUNDRED "\r\n"), VIEW_INIT(""), "" },
	{ "a bare CR in a field", "", "", VIEW_INIT(DATE "A: b\rc\r\n"), VIEW_INIT(""), "bare-cr" },
	{ "no Date, no Message-ID: Sendmail adds them behind us", "8.17.1.9", "", VIEW_INIT("From: x\r\n"), VIEW_INIT(""), "no-date,no-message-id" },
	{ "no Date", "", "", VIEW_INIT("message-id: x\r\n"), VIEW_INIT(""), "no-date" },
	{ "no Message-ID", "", "", VIEW_INIT("date: x\r\n"), VIEW_INIT(""), "no-message-id" },
	{ "Postfix adds them before us, or never", "Postfix 3.7.11", "", VIEW_INIT("From: x\r\n"), VIEW_INIT(""), "" },
	{ "a dot in a name", "8.17.1.9", "", VIEW_INIT(DATE "From: A. Smith <a@example.com>\r\n"), VIEW_INIT(""), "unquoted-name" },
	{ "Postfix leaves it so", "Postfix 3.7.11", "", VIEW_INIT(DATE "From: A. Smith <a@example.com>\r\n"), VIEW_INIT(""), "" },
	{ "a dot in a field without addresses", "8.17.1.9", "", VIEW_INIT(DATE "Subject: A. Smith <a@example.com>,b\r\n"), VIEW_INIT(""), "" },
	{ "the second name, the fourth field", "", "", VIEW_INIT(DATE "to: a@example.com,\r\n O'Neil\r\n <b@example.com>\r\n"), VIEW_INIT(""), "unquoted-name" },
	{ "both faults in two fields", "", "", VIEW_INIT(DATE "To: a@example.com,b@example.com\r\nCc: c@d <e@f>\r\n"), VIEW_INIT(""),
	  "unquoted-name,tight-address-list" },
	{ "all at once", "", "", VIEW_INIT("A:" LINE_998 "\xff\r\n"), VIEW_INIT(LINE_998 "\xff\r9\n"),
	  "long-header-lines,long-lines,bare-cr,bare-lf,8bit-header,8bit-body,no-date,no-message-id" },
};

/* In chunks of `step` octets, each of which ends at an unreadable page. */
static void check(const struct row *row, const struct header_list *headers, size_t step)
{
	struct survival_params params = { 0 };
	struct survival survival;
	char *text;

	survival_mta(&params, view_of(row->mta));
	survival_mail_argument(&params, view_of(row->argument));
	survival_header(&survival, &params, headers);
	for (size_t i = 0; i < row->body.n; i += step) {
		struct view chunk = guarded(view_slice(row->body, i, i + step));

		survival_body(&survival, &params, chunk);
		guarded_free(chunk);
	}
	survival_end(&survival);
	text = survival_text(NULL, &survival);
	assert_string_equal(text, row->want);
	talloc_free(text);
}

static void test_row(void **state)
{
	const struct row *row = *state;
	struct header_list *headers;
	struct view body;

	assert_int_equal(header_list_new(NULL, NULL, &headers), 0);
	assert_int_equal(header_list_parse(headers, row->header, &body), 0);
	for (size_t step = 1; step < 8; step++)
		check(row, headers, step);
	check(row, headers, 998);
	check(row, headers, 65535);
	talloc_free(headers);
}

/* What Sendmail 8.17 did to each of these in From. */
#define NAME (1u << SURVIVAL_UNQUOTED_NAME)
#define LIST (1u << SURVIVAL_TIGHT_LIST)

struct address_row {
	const char *name;
	struct view value;
	unsigned want;
};

static const struct address_row address_rows[] = {
	{ "an address", VIEW_INIT(" a@example.com"), 0 },
	{ "with a comment", VIEW_INIT(" a@example.com (A. Smith)"), 0 },
	{ "in brackets", VIEW_INIT(" <a.b@example.com>"), 0 },
	{ "with a name", VIEW_INIT(" Alice B <a.b@example.com>"), 0 },
	{ "with a name, no blank", VIEW_INIT("Alice<a@example.com>"), 0 },
	{ "a quoted name", VIEW_INIT(" \"A. Smith, B\" <a@example.com>"), 0 },
	{ "a quoted quote", VIEW_INIT(" \"A \\\" . B\" <a@example.com>"), 0 },
	{ "a comment in the name", VIEW_INIT(" Alice (the. (one)) <a@example.com>"), 0 },
	{ "an escape in a comment", VIEW_INIT(" Alice (the \\). one) <a@example.com>"), 0 },
	{ "an encoded word", VIEW_INIT(" =?utf-8?Q?J=C3=B6rg?= =?utf-8?Q?_M=2E?= <a@example.com>"), 0 },
	{ "a local part in quotes", VIEW_INIT(" Alice <\"a. b\"@example.com>"), 0 },
	{ "a slash", VIEW_INIT(" Alice / Bob <a@example.com>"), 0 },
	{ "a colon", VIEW_INIT(" a:b <a@example.com>"), 0 },
	{ "a group", VIEW_INIT(" Friends: a@example.com, b@example.com;"), 0 },
	{ "two mailboxes", VIEW_INIT(" Alice <a@example.com>, Bob <b@example.com>"), 0 },
	{ "a list that folds", VIEW_INIT(" a@example.com,\r\n\tBob <b@example.com>"), 0 },
	{ "a route", VIEW_INIT(" <@a.example,@b.example:c@example.com>"), 0 },
	{ "a comma at the end", VIEW_INIT(" a@example.com,"), 0 },
	{ "a list without blanks", VIEW_INIT(" a@example.com,b@example.com"), LIST },
	{ "a dot", VIEW_INIT(" Alice B. Smith <a@example.com>"), NAME },
	{ "an apostrophe", VIEW_INIT(" O'Neil <a@example.com>"), NAME },
	{ "an at sign", VIEW_INIT(" Alice @ Home <a@example.com>"), NAME },
	{ "brackets", VIEW_INIT(" Alice [x] <a@example.com>"), NAME },
	{ "a backslash", VIEW_INIT(" Alice\\B <a@example.com>"), NAME },
	{ "a dot in the second name", VIEW_INIT(" Alice <a@example.com>, B. <b@example.com>"), NAME },
	{ "nothing", VIEW_INIT(""), 0 },
	{ "an open comment", VIEW_INIT(" (((("), 0 },
	{ "an open quote", VIEW_INIT(" \"a\\"), 0 },
};

static void test_addresses(void **state)
{
	const struct address_row *row = *state;
	struct view value = guarded(row->value);

	assert_int_equal(survival_addresses(value), row->want);
	guarded_free(value);
}

int main(void)
{
	TEST_ROWS(rows, test_row);
	TEST_ROWS(address_rows, test_addresses);
	return test_run("survival");
}
