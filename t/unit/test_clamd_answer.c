#include "av/clamd_answer.h"
#include "t/unit/support.h"

#include <stdlib.h>
#include <time.h>

static const struct answer_row {
	const char *name;
	struct view in;
	int kind; /* -1: none */
	unsigned id;
	const char *text;
} answer_rows[] = {
	{ "clean", VIEW_INIT("1: stream: OK"), CLAMD_OK, 1, "OK" },
	{ "found", VIEW_INIT("23: stream: Eicar-Test-Signature FOUND"), CLAMD_FOUND, 23, "Eicar-Test-Signature" },
	{ "a name that ends in OK", VIEW_INIT("1: stream: x OK FOUND"), CLAMD_FOUND, 1, "x OK" },
	{ "too large", VIEW_INIT("2: INSTREAM size limit exceeded. ERROR"), CLAMD_TOO_LARGE, 2, NULL },
	{ "an error", VIEW_INIT("2: stream: Can't allocate memory ERROR"), CLAMD_ERROR, 2, "stream: Can't allocate memory" },
	{ "an error of the daemon", VIEW_INIT("2: Time out ERROR"), CLAMD_ERROR, 2, "Time out" },
	{ "a version", VIEW_INIT("1: ClamAV 1.4.6/27500/Sat Nov 21 08:00:00 2026"), CLAMD_VERSION, 1, "1.4.6/27500/Sat Nov 21 08:00:00 2026" },
	{ "no id", VIEW_INIT("stream: OK"), -1, 0, NULL },
	{ "no blank behind the id", VIEW_INIT("1:stream: OK"), -1, 0, NULL },
	{ "an id of ten digits", VIEW_INIT("1234567890: stream: OK"), -1, 0, NULL },
	{ "OK with something behind", VIEW_INIT("1: stream: OK "), -1, 0, NULL },
	{ "another file", VIEW_INIT("1: /etc/passwd: OK"), -1, 0, NULL },
	{ "nothing", VIEW_INIT(""), -1, 0, NULL },
	{ "an id alone", VIEW_INIT("1: "), -1, 0, NULL },
};

static void test_answer(void **state)
{
	const struct answer_row *row = *state;
	struct view in = guarded(row->in);
	struct clamd_answer answer;
	bool parsed = clamd_answer_parse(in, &answer);

	assert_int_equal(parsed, row->kind >= 0);
	if (parsed) {
		assert_int_equal(answer.kind, row->kind);
		assert_int_equal(answer.id, row->id);
	}
	if (parsed && row->text)
		assert_true(view_eq(answer.text, view_of(row->text)));
	guarded_free(in);
}

static const struct facts_row {
	const char *name;
	struct view in;
	const char *engine;
	uint32_t database;
	int64_t time;
} facts_rows[] = {
	{ "all", VIEW_INIT("1.4.6/27500/Sat Nov 21 08:00:00 2026"), "1.4.6", 27500, 1795248000 },
	{ "a day of one digit", VIEW_INIT("1.4.6/1/Sun Nov  1 08:00:00 2026"), "1.4.6", 1, 1793520000 },
	{ "no signed database", VIEW_INIT("1.4.6"), "1.4.6", 0, 0 },
	{ "no date", VIEW_INIT("1.4.6/27500/"), "1.4.6", 27500, 0 },
	{ "a date that is none", VIEW_INIT("1.4.6/27500/yesterday"), "1.4.6", 27500, 0 },
	{ "a date that is too long", VIEW_INIT("1.4.6/27500/Sat Nov 21 08:00:00 2026                                 "), "1.4.6", 27500, 0 },
	{ "hostile octets", VIEW_INIT("1\r\nX: y/a"), "1__X: y", 0, 0 },
	{ "nothing", VIEW_INIT(""), "", 0, 0 },
};

static void test_facts(void **state)
{
	const struct facts_row *row = *state;
	struct view in = guarded(row->in);
	struct av_facts facts;

	clamd_facts_parse(in, &facts);
	assert_string_equal(facts.engine, row->engine);
	assert_int_equal(facts.database, row->database);
	assert_int_equal(facts.database_time, row->time);
	guarded_free(in);
}

static const struct finding_row {
	const char *name, *answer;
	uint32_t count, kind;
	const char *want;
} finding_rows[] = {
	{ "clean", "1: stream: OK", 0, 0, "" },
	{ "found", "1: stream: Eicar-Test-Signature FOUND", 1, AV_SIGNATURE, "Eicar-Test-Signature" },
	{ "found, without a name: a limit", "1: stream: (null) FOUND", 1, AV_LIMIT, "size" },
	{ "an error", "1: stream: Can't allocate memory ERROR", 1, AV_FAILURE, "stream: Can_t allocate memory" },
};

static void test_finding(void **state)
{
	const struct finding_row *row = *state;
	struct av_reply reply = { .version = AV_WIRE_VERSION, .kind = AV_RESULT };
	struct clamd_answer answer;

	assert_true(clamd_answer_parse(view_of(row->answer), &answer));
	clamd_answer_finding(&answer, &reply);
	assert_true(av_reply_is_valid(&reply, sizeof reply));
	assert_int_equal(reply.finding_count, row->count);
	if (row->count > 0) {
		assert_int_equal(reply.findings[0].kind, row->kind);
		assert_string_equal(reply.findings[0].name, row->want);
	}
}

int main(void)
{
	if (setenv("TZ", "UTC", 1) < 0)
		return 1;
	tzset();
	TEST_ROWS(answer_rows, test_answer);
	TEST_ROWS(facts_rows, test_facts);
	TEST_ROWS(finding_rows, test_finding);
	return test_run("clamd_answer");
}
