/* Subject, Message-ID and References of an answer. */
#include "milter/answer_fields.h"

#include "t/unit/support.h"

#include <talloc.h>

static const struct subject_row {
	const char *name;
	struct view in;
	const char *out;
} subject_rows[] = {
	{ "ASCII", VIEW_INIT(" test"), "Re: test" },
	{ "no second Re", VIEW_INIT(" Re: RE:re: test"), "Re: test" },
	{ "nothing", VIEW_INIT(""), "Re: (no subject)" },
	{ "Re alone", VIEW_INIT(" Re: "), "Re: (no subject)" },
	{ "folds and runs of blanks become one", VIEW_INIT(" a\r\n\tb  c"), "Re: a b c" },
	{ "a line end cannot add a field", VIEW_INIT(" a\r\nBcc: b@example.com"), "Re: a Bcc: b@example.com" },
	{ "controls", VIEW_INIT(" a\0\x1b" "b\x7f"), "Re: a b?" },
	{ "encoded words stay", VIEW_INIT(" =?UTF-8?B?w7w=?= x"), "Re: =?UTF-8?B?w7w=?= x" },
	{ "UTF-8 becomes encoded words (RFC 2047)", VIEW_INIT(" gr\xc3\xbc\xc3\x9f" "e"), "Re:\n =?UTF-8?B?Z3LDvMOfZQ==?=" },
	{ "octets of no known set", VIEW_INIT(" gr\xfc\xdf" "e"), "Re: gr??e" },
	{ "a fold before column 78",
	  VIEW_INIT(" one two three four five six seven eight nine ten eleven twelve thirteen fourteen"),
	  "Re: one two three four five six seven eight nine ten eleven twelve\n thirteen fourteen" },
	{ "characters are not torn apart",
	  VIEW_INIT(" \xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc"
	            "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc"),
	  "Re:\n =?UTF-8?B?w7zDvMO8w7zDvMO8w7zDvMO8w7zDvMO8w7zDvMO8w7zDvMO8w7zDvMO8w7w=?=\n =?UTF-8?B?w7w=?=" },
};

static void test_subject(void **state)
{
	const struct subject_row *row = *state;
	void *mem = talloc_new(NULL);
	struct view in = guarded(row->in);
	struct buf out;

	buf_init(&out, mem, 4096);
	answer_add_subject(in, &out);
	assert_string_equal(buf_string(&out), row->out);
	guarded_free(in);
	talloc_free(mem);
}

static void test_long_subject(void **state)
{
	char text[2000];
	void *mem = talloc_new(NULL);
	struct buf out;

	(void)state;
	memset(text, 'a', sizeof text);
	buf_init(&out, mem, 4096);
	answer_add_subject((struct view){ text, sizeof text }, &out);
	assert_int_equal(out.n, strlen("Re:\n ") + ANSWER_SUBJECT_MAX);
	buf_clear(&out);
	text[ANSWER_SUBJECT_MAX - 10] = ' ';
	answer_add_subject((struct view){ text, sizeof text }, &out);
	assert_int_equal(out.n, strlen("Re:\n ") + ANSWER_SUBJECT_MAX - 10);
	talloc_free(mem);
}

static const struct id_row {
	const char *name;
	struct view in, out;
} id_rows[] = {
	{ "plain", VIEW_INIT(" <1@example.com>"), VIEW_INIT("<1@example.com>") },
	{ "comment", VIEW_INIT(" (x) <1@example.com> (y)"), VIEW_INIT("<1@example.com>") },
	{ "none", VIEW_INIT(" 1@example.com"), { NULL, 0 } },
	{ "blank inside", VIEW_INIT("<1 @example.com>"), { NULL, 0 } },
	{ "line end inside", VIEW_INIT("<1\r\n\t@example.com>"), { NULL, 0 } },
	{ "8-bit inside", VIEW_INIT("<\xff@example.com> <2@example.com>"), VIEW_INIT("<2@example.com>") },
	{ "empty", VIEW_INIT("<>"), { NULL, 0 } },
	{ "open", VIEW_INIT("<1"), { NULL, 0 } },
};

static void test_id(void **state)
{
	const struct id_row *row = *state;
	struct view in = guarded(row->in), got = answer_message_id(in);

	assert_true(view_eq(got, row->out));
	guarded_free(in);
}

static const struct references_row {
	const char *name;
	struct view header;
	const char *out;
} references_rows[] = {
	{ "the first of a thread", VIEW_INIT("Message-ID: <1@x>\r\n\r\n"), "<1@x>" },
	{ "References and Message-ID", VIEW_INIT("References: <1@x>\r\n <2@x>\r\nIn-Reply-To: <9@x>\r\nMessage-ID: <3@x>\r\n\r\n"), "<1@x>\n <2@x>\n <3@x>" },
	{ "In-Reply-To without References", VIEW_INIT("In-Reply-To: <2@x>\r\nMessage-ID: <3@x>\r\n\r\n"), "<2@x>\n <3@x>" },
	{ "no Message-ID", VIEW_INIT("References: <1@x>\r\n\r\n"), "" },
	{ "the last twenty", VIEW_INIT("References: <1@x><2@x><3@x><4@x><5@x><6@x><7@x><8@x><9@x><10@x><11@x><12@x><13@x><14@x><15@x><16@x><17@x><18@x><19@x><20@x><21@x>\r\n"
	                               "Message-ID: <22@x>\r\n\r\n"),
	  "<2@x>\n <3@x>\n <4@x>\n <5@x>\n <6@x>\n <7@x>\n <8@x>\n <9@x>\n <10@x>\n <11@x>\n <12@x>\n <13@x>\n <14@x>\n <15@x>\n <16@x>\n <17@x>\n <18@x>\n"
	  " <19@x>\n <20@x>\n <21@x>\n <22@x>" },
};

static void test_references(void **state)
{
	const struct references_row *row = *state;
	void *mem = talloc_new(NULL);
	struct header_list *headers;
	struct view body;
	struct buf out;

	assert_int_equal(header_list_new(mem, NULL, &headers), 0);
	assert_int_equal(header_list_parse(headers, row->header, &body), 0);
	buf_init(&out, mem, 4096);
	answer_add_references(headers, &out);
	assert_string_equal(buf_string(&out), row->out);
	talloc_free(mem);
}

int main(void)
{
	TEST_ROWS(subject_rows, test_subject);
	test_add("a long subject is cut, between words when there are any", test_long_subject);
	TEST_ROWS(id_rows, test_id);
	TEST_ROWS(references_rows, test_references);
	return test_run("answer_fields");
}
