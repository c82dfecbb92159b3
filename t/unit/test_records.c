#include "dkim/records.h"

#include "t/unit/support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <talloc.h>
#include <time.h>
#include <unistd.h>

struct found_row {
	const char *name;
	struct view text, asked;
	size_t index;
	const char *want; /* NULL: no such record */
};

static const struct found_row found_rows[] = {
	{ "a line", VIEW_INIT("s._domainkey.example.com TXT \"v=DKIM1; p=\"\n"), VIEW_INIT("s._domainkey.example.com"), 0,
	  "v=DKIM1; p=" },
	{ "no line end", VIEW_INIT("a.example TXT \"x\""), VIEW_INIT("a.example"), 0, "x" },
	{ "CRLF", VIEW_INIT("a.example TXT \"x\"\r\nb.example TXT \"y\"\r\n"), VIEW_INIT("b.example"), 0, "y" },
	{ "TTL", VIEW_INIT("a.example 3600 TXT \"x\""), VIEW_INIT("a.example"), 0, "x" },
	{ "IN", VIEW_INIT("a.example IN TXT \"x\""), VIEW_INIT("a.example"), 0, "x" },
	{ "TTL IN", VIEW_INIT("a.example\t3600 in txt\t\"x\""), VIEW_INIT("a.example"), 0, "x" },
	{ "IN TTL", VIEW_INIT("a.example IN 3600 TXT \"x\""), VIEW_INIT("a.example"), 0, "x" },
	{ "R13 any case", VIEW_INIT("A.eXample TXT \"x\""), VIEW_INIT("a.ExamplE"), 0, "x" },
	{ "a dot at the end", VIEW_INIT("a.example. TXT \"x\""), VIEW_INIT("a.example"), 0, "x" },
	{ "another name", VIEW_INIT("a.example TXT \"x\""), VIEW_INIT("b.example"), 0, NULL },
	{ "a part of the name", VIEW_INIT("a.example TXT \"x\""), VIEW_INIT("example"), 0, NULL },
	{ "R54 strings are joined with nothing between", VIEW_INIT("a.example TXT \"v=\" \"DK\"\"IM1\""),
	  VIEW_INIT("a.example"), 0, "v=DKIM1" },
	{ "an empty string", VIEW_INIT("a.example TXT \"\""), VIEW_INIT("a.example"), 0, "" },
	{ "R67 the second of three", VIEW_INIT("a.example TXT \"x\"\nb.example TXT \"n\"\nA.example TXT \"y\"\na.example TXT \"z\""),
	  VIEW_INIT("a.example"), 1, "y" },
	{ "R67 the third of three", VIEW_INIT("a.example TXT \"x\"\nb.example TXT \"n\"\nA.example TXT \"y\"\na.example TXT \"z\""),
	  VIEW_INIT("a.example"), 2, "z" },
	{ "R67 the fourth of three", VIEW_INIT("a.example TXT \"x\"\na.example TXT \"y\"\na.example TXT \"z\""),
	  VIEW_INIT("a.example"), 3, NULL },
	{ "comments and empty lines", VIEW_INIT("; one\n\n  # two\na.example TXT \"x\" ; three\n\t\n#four"),
	  VIEW_INIT("a.example"), 0, "x" },
	{ "comment right behind a string", VIEW_INIT("a.example TXT \"x\";y"), VIEW_INIT("a.example"), 0, "x" },
	{ "no comment inside quotes", VIEW_INIT("a.example TXT \"x;y#z\""), VIEW_INIT("a.example"), 0, "x;y#z" },
	{ "parentheses over lines", VIEW_INIT("a.example IN TXT ( \"v=DKIM1; \"\n\t\"p=x\" ) ; key a\nb.example TXT \"y\""),
	  VIEW_INIT("a.example"), 0, "v=DKIM1; p=x" },
	{ "the line after parentheses", VIEW_INIT("a.example IN TXT ( \"x\" ; c\n\n\"y\"\n)\nb.example TXT (\"z\")"),
	  VIEW_INIT("b.example"), 0, "z" },
	{ "escaped quote", VIEW_INIT("a.example TXT \"x\\\"y\""), VIEW_INIT("a.example"), 0, "x\"y" },
	{ "escaped backslash", VIEW_INIT("a.example TXT \"x\\\\\""), VIEW_INIT("a.example"), 0, "x\\" },
	{ "R64 an escaped semicolon is a semicolon", VIEW_INIT("a.example TXT \"x\\;y\""), VIEW_INIT("a.example"), 0, "x;y" },
	{ "octet by number", VIEW_INIT("a.example TXT \"\\0651\\255\""), VIEW_INIT("a.example"), 0, "A1\xff" },
	{ "a number for a name", VIEW_INIT("1 2 TXT \"x\""), VIEW_INIT("1"), 0, "x" },
	{ "R108 a U-label in a name", VIEW_INIT("s._domainkey.B\xc3\xbc" "cher.example. TXT \"x\"\na.example TXT \"y\""),
	  VIEW_INIT("s._domainkey.xn--bcher-kva.example"), 0, "x" },
	{ "R108 the line behind it", VIEW_INIT("b\xc3\xbc" "cher.example TXT \"x\"\na.example TXT \"y\""), VIEW_INIT("a.example"), 0, "y" },
	{ "nothing at all", VIEW_INIT(""), VIEW_INIT("a.example"), 0, NULL },
};

static void test_found(void **state)
{
	const struct found_row *row = *state;
	struct view text = guarded(row->text), got = { NULL, 0 };
	struct dkim_records *records = NULL;
	void *mem = talloc_new(NULL);
	char *error = NULL;

	if (dkim_records_parse(mem, "records", text, &records, &error))
		fail_msg("%s", error);
	guarded_free(text);
	assert_int_equal(dkim_records_find(records, row->asked, row->index, &got), row->want != NULL);
	if (row->want && !view_eq(got, view_of(row->want)))
		fail_msg("want \"%s\", got \"%s\"", row->want, view_escape(mem, got, 100));
	talloc_free(mem);
}

struct fault_row {
	const char *name;
	struct view text;
	const char *want;
};

static const struct fault_row fault_rows[] = {
	{ "no type", VIEW_INIT("a.example"), "r:1: wanted TXT, got the end of the line" },
	{ "another type", VIEW_INIT("\n\na.example IN MX 10 b.example"), "r:3: wanted TXT, got \"MX\"" },
	{ "another class", VIEW_INIT("a.example CH TXT \"x\""), "r:1: wanted TXT, got \"CH\"" },
	{ "two TTLs", VIEW_INIT("a.example 1 2 TXT \"x\""), "r:1: wanted TXT, got \"2\"" },
	{ "no string", VIEW_INIT("a.example TXT\nb.example TXT \"x\""),
	  "r:1: wanted a string in quotes, got the end of the line" },
	{ "no quotes", VIEW_INIT("a.example TXT v=DKIM1"), "r:1: wanted a string in quotes, got \"v=DKIM1\"" },
	{ "one quote", VIEW_INIT("a.example TXT \"x\nb.example TXT \"y\""), "r:1: wanted a string in quotes, got \"\\\"x\"" },
	{ "one quote, escaped", VIEW_INIT("a.example TXT \"x\\\""), "r:1: wanted a string in quotes, got \"\\\"x\\\\\\\"\"" },
	{ "one quote, backslash last", VIEW_INIT("a.example TXT \"x\\"), "r:1: wanted a string in quotes, got \"\\\"x\\\\\"" },
	{ "$ORIGIN", VIEW_INIT("# c\n$ORIGIN example.com."), "r:2: wanted a domain name, got \"$ORIGIN\"" },
	{ "wildcard", VIEW_INIT("*.example.com TXT \"x\""), "r:1: wanted a domain name, got \"*.example.com\"" },
	{ "empty label", VIEW_INIT("a..example TXT \"x\""), "r:1: wanted a domain name, got \"a..example\"" },
	{ "only a dot", VIEW_INIT(". TXT \"x\""), "r:1: wanted a domain name, got \".\"" },
	{ "name left out", VIEW_INIT("a.example TXT \"x\"\n\tTXT \"y\""), "r:2: wanted TXT, got \"y\"" },
	{ "octet above 255", VIEW_INIT("a.example TXT \"\\256\""),
	  "r:1: wanted \\ and three digits up to 255, got \"\\\\256\"" },
	{ "two digits", VIEW_INIT("a.example TXT \"\\25x\""), "r:1: wanted \\ and three digits up to 255, got \"\\\\25x\"" },
	{ "parenthesis left open", VIEW_INIT("a.example TXT ( \"x\"\n\n"),
	  "r:3: wanted a closing parenthesis, got the end of the line" },
	{ "parenthesis alone", VIEW_INIT("("), "r:1: wanted a domain name, got the end of the line" },
	{ "closed twice", VIEW_INIT("a.example TXT ( \"x\" ) )"), "r:1: wanted a string in quotes, got \")\"" },
	{ "opened twice", VIEW_INIT("a.example TXT ( (\"x\" )"), "r:1: wanted a string in quotes, got \"(\"" },
	{ "word behind the strings", VIEW_INIT("a.example TXT \"x\" y"), "r:1: wanted a string in quotes, got \"y\"" },
	{ "NUL", VIEW_INIT("a.example TXT \0"), "r:1: wanted a string in quotes, got \"\\x00\"" },
	{ "NUL in a name", VIEW_INIT("a\0b TXT \"x\""), "r:1: wanted TXT, got \"\\x00\"" },
};

static void test_fault(void **state)
{
	const struct fault_row *row = *state;
	struct view text = guarded(row->text);
	struct dkim_records *records = NULL;
	void *mem = talloc_new(NULL);
	char *error = NULL;

	assert_int_equal(dkim_records_parse(mem, "r", text, &records, &error), -EBADMSG);
	guarded_free(text);
	assert_null(records);
	assert_string_equal(error, row->want);
	talloc_free(mem);
}

/* A record of n octets, in strings of 200. */
static struct view record_of_size(void *mem, size_t n)
{
	char *text = talloc_strdup(mem, "a.example TXT ");

	while (n > 0) {
		size_t part = n < 200 ? n : 200;

		text = talloc_asprintf_append_buffer(text, "\"%0*d\" ", (int)part, 0);
		n -= part;
	}
	return view_of(text);
}

static void test_largest_record(void **state)
{
	struct dkim_records *records = NULL;
	void *mem = talloc_new(NULL);
	struct view got = { NULL, 0 };
	char *error = NULL;

	(void)state;
	assert_int_equal(dkim_records_parse(mem, "r", record_of_size(mem, DKIM_TXT_OCTETS_MAX), &records, &error), 0);
	assert_true(dkim_records_find(records, VIEW("a.example"), 0, &got));
	assert_int_equal(got.n, DKIM_TXT_OCTETS_MAX);
	assert_int_equal(dkim_records_parse(mem, "r", record_of_size(mem, DKIM_TXT_OCTETS_MAX + 1), &records, &error), -EBADMSG);
	assert_string_equal(error, "r:1: wanted at most 16384 octets in one record, got more");
	talloc_free(mem);
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

enum { MANY = 100000 };

static void write_many(const char *path, int count)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	for (int i = 0; i < count; i++)
		fprintf(file, "s%d._domainkey.example.com 3600 IN TXT ( \"v=DKIM1; k=ed25519; \" \"p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\" )\n", i);
	assert_int_equal(fclose(file), 0);
}

static double load_seconds(void *mem, const char *path, int count, struct dkim_records **ret)
{
	char *error = NULL;
	double began;

	write_many(path, count);
	began = seconds();
	assert_int_equal(dkim_records_load(mem, path, ret, &error), 0);
	return seconds() - began;
}

static void test_many(void **state)
{
	char path[] = "/tmp/postern-test-XXXXXX", name[64];
	struct dkim_records *records = NULL;
	void *mem = talloc_new(NULL);
	struct view got;
	double few;

	(void)state;
	assert_int_equal(close(mkstemp(path)), 0);
	few = load_seconds(mem, path, MANY / 10, &records);
	assert_true(load_seconds(mem, path, MANY, &records) < 40 * few); /* 10 when linear, 100 when each line looks at all */
	assert_int_equal(unlink(path), 0);
	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof name, "s%d._domainkey.example.com", i);
		assert_true(dkim_records_find(records, view_of(name), 0, &got));
	}
	talloc_free(mem);
}

static void test_files(void **state)
{
	char path[] = "/tmp/postern-test-XXXXXX";
	struct dkim_records *records = NULL;
	void *mem = talloc_new(NULL);
	char *error = NULL;
	int fd = mkstemp(path);

	(void)state;
	assert_int_equal(dkim_records_load(mem, path, &records, &error), 0); /* empty: no records */
	assert_int_equal(ftruncate(fd, DKIM_RECORDS_FILE_MAX + 1), 0);
	assert_int_equal(dkim_records_load(mem, path, &records, &error), -EFBIG);
	assert_string_equal(error + strlen(path), ": wanted at most 16777216 octets, got 16777217");
	assert_int_equal(close(fd), 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(dkim_records_load(mem, path, &records, &error), -ENOENT);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(dkim_records_load(mem, path, &records, &error), -EINVAL);
	assert_string_equal(error + strlen(path), ": wanted a regular file, got a fifo");
	assert_int_equal(unlink(path), 0);
	talloc_free(mem);
}

/* Whatever comes in: a result, and no octet read or written that is not ours. */
static void test_noise_in(void **state)
{
	static const char *const words[] = { "a.example", "TXT", "IN", "\"x\"", "\"", "\\", "(", ")", ";", "\n", " ", "3600", "\\065", NULL };
	uint32_t seed = 1;
	char room[200];

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct view text = guarded(test_noise(&seed, words, room, sizeof room));
		struct dkim_records *records = NULL;
		void *mem = talloc_new(NULL);
		char *error = NULL;
		int r = dkim_records_parse(mem, "noise", text, &records, &error);

		assert_true(r == 0 || (r == -EBADMSG && error));
		guarded_free(text);
		talloc_free(mem);
	}
}

int main(void)
{
	TEST_ROWS(found_rows, test_found);
	TEST_ROWS(fault_rows, test_fault);
	test_add("the largest record, and one octet more", test_largest_record);
	test_add("100,000 lines: work grows with the lines", test_many);
	test_add("files that cannot be loaded", test_files);
	test_add("noise", test_noise_in);
	return test_run("records");
}
