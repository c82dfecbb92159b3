/* Log lines (milter/log.h), read back from where stderr goes. */
#include "milter/log.h"
#include "milter/log_write.h"
#include "t/unit/support.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <syslog.h>
#include <talloc.h>
#include <unistd.h>

static int captured = -1, real_stderr = -1;

static void capture(enum conf_log_format format, enum conf_log_level level)
{
	const struct conf_log params = { CONF_LOG_STDERR, format, level };

	captured = memfd_create("log", MFD_CLOEXEC);
	assert_true(captured >= 0);
	real_stderr = dup(STDERR_FILENO);
	assert_int_equal(dup2(captured, STDERR_FILENO), STDERR_FILENO);
	assert_int_equal(log_open(&params, "inbound"), 0);
}

/* All that was written since; a talloc string. */
static char *written(void)
{
	struct stat st;
	char *text;

	assert_int_equal(dup2(real_stderr, STDERR_FILENO), STDERR_FILENO);
	assert_int_equal(fstat(captured, &st), 0);
	text = talloc_zero_array(NULL, char, (unsigned)st.st_size + 1);
	assert_int_equal(pread(captured, text, (size_t)st.st_size, 0), st.st_size);
	close(captured);
	close(real_stderr);
	return text;
}

/* What stands behind the fixed part, which ends with the event. */
static const char *fields_of(const char *text, const char *event)
{
	const char *found = strstr(text, event);

	assert_non_null(found);
	return found + strlen(event);
}

static const struct value_row {
	const char *name;
	struct view value;
	const char *text, *json;
} values[] = {
	{ "a word stands bare", VIEW_INIT("a@example.com"), " k=a@example.com\n", ",\"k\":\"a@example.com\"}\n" },
	{ "blanks take quotes", VIEW_INIT("a b"), " k=\"a b\"\n", ",\"k\":\"a b\"}\n" },
	{ "an empty value takes quotes", VIEW_INIT(""), " k=\"\"\n", ",\"k\":\"\"}\n" },
	{ "a line end cannot end the line", VIEW_INIT("a\r\nb"), " k=\"a\\r\\nb\"\n", ",\"k\":\"a\\u000d\\u000ab\"}\n" },
	{ "a key cannot be forged", VIEW_INIT("a dkim=pass"), " k=\"a dkim=pass\"\n", ",\"k\":\"a dkim=pass\"}\n" },
	{ "not without a blank either", VIEW_INIT("dkim=pass"), " k=\"dkim=pass\"\n", ",\"k\":\"dkim=pass\"}\n" },
	{ "a quote cannot end the value", VIEW_INIT("a\" b=\"c"), " k=\"a\\\" b=\\\"c\"\n", ",\"k\":\"a\\\" b=\\\"c\"}\n" },
	{ "a backslash is doubled", VIEW_INIT("a\\"), " k=\"a\\\\\"\n", ",\"k\":\"a\\\\\"}\n" },
	{ "NUL and octets above ASCII", VIEW_INIT("\0\xff\x1b"), " k=\"\\x00\\xff\\x1b\"\n", ",\"k\":\"\\u0000\\u00ff\\u001b\"}\n" },
};

static char *line_with(enum conf_log_format format, struct view value)
{
	struct log_line *line;

	capture(format, CONF_LOG_INFO);
	line = log_begin(NULL, CONF_LOG_INFO, "test");
	log_field(line, "k", value);
	log_end(line);
	return written();
}

static void test_value(void **state)
{
	const struct value_row *row = *state;
	char *text = line_with(CONF_LOG_TEXT, row->value), *json = line_with(CONF_LOG_JSON, row->value);

	assert_string_equal(fields_of(text, "event=test"), row->text);
	assert_string_equal(fields_of(json, "\"event\":\"test\""), row->json);
	talloc_free(text);
	talloc_free(json);
}

static void test_prefix(void **state)
{
	char *text = line_with(CONF_LOG_TEXT, VIEW("v")), *json = line_with(CONF_LOG_JSON, VIEW("v")), wanted[64];

	(void)state;
	assert_int_equal(strncmp(text, "time=", 5), 0);
	(void)snprintf(wanted, sizeof wanted, " pid=%d level=info process=inbound event=test", (int)getpid());
	assert_non_null(strstr(text, wanted));
	assert_int_equal(strncmp(json, "{\"time\":\"", 9), 0);
	(void)snprintf(wanted, sizeof wanted, ",\"pid\":%d,\"level\":\"info\",", (int)getpid());
	assert_non_null(strstr(json, wanted));
	talloc_free(text);
	talloc_free(json);
}

static void test_kinds(void **state)
{
	struct log_line *line;
	char *text;

	(void)state;
	capture(CONF_LOG_JSON, CONF_LOG_DEBUG);
	line = log_begin(NULL, CONF_LOG_DEBUG, "test");
	log_number(line, "n", -9223372036854775807LL);
	log_string(line, "s", NULL);
	log_format(line, "f", "%d-%s", 7, "x");
	log_end(line);
	log_text(CONF_LOG_ERROR, "other", "%s", "100%");
	text = written();
	assert_non_null(strstr(text, ",\"n\":-9223372036854775807,\"s\":\"\",\"f\":\"7-x\"}\n"));
	assert_non_null(strstr(text, "\"level\":\"error\",\"process\":\"inbound\",\"event\":\"other\",\"text\":\"100%\"}\n"));
	talloc_free(text);
}

static void test_level(void **state)
{
	char *text;

	(void)state;
	capture(CONF_LOG_TEXT, CONF_LOG_WARNING);
	assert_true(log_enabled(CONF_LOG_WARNING));
	assert_false(log_enabled(CONF_LOG_INFO));
	assert_null(log_begin(NULL, CONF_LOG_INFO, "test"));
	log_text(CONF_LOG_INFO, "test", "not wanted");
	text = written();
	assert_string_equal(text, "");
	talloc_free(text);
}

static void test_long_value(void **state)
{
	static char octets[2 * LOG_VALUE_MAX];
	char *text;

	(void)state;
	memset(octets, 'x', sizeof octets);
	text = line_with(CONF_LOG_TEXT, (struct view){ octets, sizeof octets });
	assert_int_equal(strlen(fields_of(text, "event=test")), strlen(" k=\"...\"\n") + LOG_VALUE_MAX);
	talloc_free(text);
	text = line_with(CONF_LOG_JSON, (struct view){ octets, sizeof octets });
	assert_int_equal(strlen(fields_of(text, "\"event\":\"test\"")), strlen(",\"k\":\"...\"}\n") + LOG_VALUE_MAX);
	talloc_free(text);
}

static const struct cut_row {
	const char *name;
	enum conf_log_format format;
	const char *end;
} cuts[] = {
	{ "a line too long is cut between fields: text", CONF_LOG_TEXT, " cut=1\n" },
	{ "a line too long is cut between fields: JSON", CONF_LOG_JSON, ",\"cut\":1}\n" },
};

static void test_cut(void **state)
{
	const struct cut_row *row = *state;
	static char octets[LOG_VALUE_MAX];
	struct log_line *line;
	char *text;

	memset(octets, '\x01', sizeof octets);
	capture(row->format, CONF_LOG_INFO);
	line = log_begin(NULL, CONF_LOG_INFO, "test");
	for (int i = 0; i < 100; i++)
		log_field(line, "key", (struct view){ octets, sizeof octets });
	log_string(line, "small", "x"); /* would fit, and stays out: nobody shall think that nothing was left out before it */
	log_end(line);
	text = written();
	assert_true(strlen(text) <= LOG_LINE_MAX + 1 && strlen(text) > LOG_LINE_MAX / 2);
	assert_string_equal(text + strlen(text) - strlen(row->end), row->end);
	assert_null(strstr(text, "small"));
	assert_int_equal(text[strlen(text) - strlen(row->end) - 1], '"');
	talloc_free(text);
}

static void test_library(void **state)
{
	char *text;

	(void)state;
	capture(CONF_LOG_TEXT, CONF_LOG_INFO);
	syslog(LOG_ERR, "%s: accept() returned invalid socket", "postern");
	syslog(LOG_DEBUG, "not wanted at this level");
	text = written();
	assert_string_equal(fields_of(text, "level=error process=inbound event=library"), " text=\"postern: accept() returned invalid socket\"\n");
	assert_null(strstr(text, "not wanted"));
	talloc_free(text);
}

/* systemd.exec(5): $JOURNAL_STREAM names device and inode of the stream. */
static void test_auto_target(void **state)
{
	char stream[64];
	struct stat st;
	int null, saved;

	(void)state;
	assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
	assert_int_equal(log_target_choose(CONF_LOG_SYSLOG), CONF_LOG_SYSLOG);
	saved = dup(STDERR_FILENO);
	null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	assert_int_equal(dup2(null, STDERR_FILENO), STDERR_FILENO);
	assert_int_equal(log_target_choose(CONF_LOG_AUTO), CONF_LOG_SYSLOG);
	close(null);
	null = memfd_create("stderr", MFD_CLOEXEC);
	assert_int_equal(dup2(null, STDERR_FILENO), STDERR_FILENO);
	assert_int_equal(log_target_choose(CONF_LOG_AUTO), CONF_LOG_STDERR);
	assert_int_equal(fstat(null, &st), 0);
	(void)snprintf(stream, sizeof stream, "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	assert_int_equal(setenv("JOURNAL_STREAM", stream, 1), 0);
	assert_int_equal(log_target_choose(CONF_LOG_AUTO), CONF_LOG_JOURNAL);
	assert_int_equal(setenv("JOURNAL_STREAM", "1:1", 1), 0);
	assert_int_equal(log_target_choose(CONF_LOG_AUTO), CONF_LOG_STDERR);
	assert_int_equal(dup2(saved, STDERR_FILENO), STDERR_FILENO);
	close(saved);
	close(null);
}

int main(void)
{
	TEST_ROWS(values, test_value);
	test_add("time, pid, level, process and event come first", test_prefix);
	test_add("numbers, strings and formats", test_kinds);
	test_add("lines below the level are not written", test_level);
	test_add("a value shows LOG_VALUE_MAX octets", test_long_value);
	TEST_ROWS(cuts, test_cut);
	test_add("what a library says to syslog() joins the log", test_library);
	test_add("target auto: journal, stderr, syslog", test_auto_target);
	return test_run("log");
}
