/* What postconf(1) prints, read back (milter/postfix_conf.h), and the running of it (milter/postfix_run.h). */
#include "milter/postfix_conf.h"
#include "milter/postfix_run.h"
#include "t/unit/support.h"

#include <errno.h>
#include <talloc.h>

static const char parameters[] = "smtpd_milters = inet:127.0.0.1:4443\ncompatibility_level = 3.6\nempty =\nmilter_protocol = 6\n";
static const char services[] =
	"smtp       inet  n       -       y       -       -       smtpd -o {smtpd_milters=$mm, { x, y=z }}\n"
	"private/foo unix n       -       -       -       -       smtp -o smtp_header_checks=\n";
static const char own[] = "smtp/inet/smtpd_milters = inet:127.0.0.1:4445\nprivate/foo/unix/empty = not\n"
                          "smtp/inet/x = first\nsmtp/inet/x = last = one\n";

static const struct postfix_conf *parsed(void *mem)
{
	const struct postfix_conf *conf = NULL;
	char *error;

	assert_int_equal(postfix_conf_parse(mem, parameters, services, own, &conf, &error), 0);
	return conf;
}

static void test_services(void **state)
{
	void *mem = talloc_new(NULL);
	const struct postfix_conf *conf = parsed(mem);

	(void)state;
	assert_int_equal(conf->service_count, 2);
	assert_string_equal(conf->services[0].name, "smtp");
	assert_string_equal(conf->services[0].type, "inet");
	assert_string_equal(conf->services[0].command, "smtpd");
	assert_int_equal(conf->services[0].chroot, 'y');
	assert_ptr_equal(postfix_service_find(conf, "private/foo", "unix"), &conf->services[1]);
	assert_null(postfix_service_find(conf, "private/foo", "inet"));
	talloc_free(mem);
}

static const struct value_row {
	const char *name;
	int service; /* -1: main.cf */
	const char *parameter, *want;
} values[] = {
	{ "main.cf", -1, "smtpd_milters", "inet:127.0.0.1:4443" },
	{ "a service that says nothing", 1, "smtpd_milters", "inet:127.0.0.1:4443" },
	{ "a service with its own value", 0, "smtpd_milters", "inet:127.0.0.1:4445" },
	{ "an empty value", -1, "empty", "" },
	{ "a service whose name has a slash", 1, "empty", "not" },
	{ "the last of two counts, and a value may have =", 0, "x", "last = one" },
	{ "unknown to this Postfix", 0, "no_such", "" },
};

static void test_value(void **state)
{
	const struct value_row *row = *state;
	void *mem = talloc_new(NULL);
	const struct postfix_conf *conf = parsed(mem);
	const struct postfix_service *service = row->service < 0 ? NULL : &conf->services[row->service];

	assert_string_equal(postfix_value(conf, service, row->parameter), row->want);
	talloc_free(mem);
}

static const struct bad_row {
	const char *name, *parameters, *services, *own, *want_error;
} bad[] = {
	{ "a parameter without =", "nonsense\n", "", "", "wanted what postconf prints, got \"nonsense\"" },
	{ "a service with seven columns", "", "smtp inet n - - - -\n", "", "wanted what postconf prints, got \"smtp inet n - - - -\"" },
	{ "an option of no service", "", "", "smtp/inet/a = b\n", "wanted what postconf prints, got \"smtp/inet/a = b\"" },
	{ "an option without service", "", "", "a = b\n", "wanted what postconf prints, got \"a = b\"" },
};

static void test_bad(void **state)
{
	const struct bad_row *row = *state;
	const struct postfix_conf *conf;
	void *mem = talloc_new(NULL);
	char *error = NULL;

	assert_int_equal(postfix_conf_parse(mem, row->parameters, row->services, row->own, &conf, &error), -EINVAL);
	assert_string_equal(error, row->want_error);
	talloc_free(mem);
}

static const struct list_row {
	const char *name, *list, *word;
	bool want;
} lists[] = {
	{ "alone", "bounce", "bounce", true },
	{ "behind a comma", "notify,bounce", "bounce", true },
	{ "behind blanks, another case", " notify ,  BOUNCE ", "bounce", true },
	{ "a part of a word", "bounces, rebounce", "bounce", false },
	{ "empty", "", "bounce", false },
};

static void test_list(void **state)
{
	const struct list_row *row = *state;

	assert_int_equal(postfix_list_has(row->list, row->word), row->want);
}

static const struct time_row {
	const char *name, *value;
	long want;
} times[] = {
	{ "seconds", "300s", 300 }, { "without unit", "7", 7 },     { "minutes", "5m", 300 }, { "hours", "2h", 7200 },
	{ "days", "1d", 86400 },    { "weeks", "1w", 604800 },      { "empty", "", -1 },      { "a unit alone", "s", -1 },
	{ "more behind", "3sx", -1 }, { "another unit", "3y", -1 }, { "negative", "-1", -1 },  { "too large", "9999999999w", -1 },
};

static void test_time(void **state)
{
	const struct time_row *row = *state;

	assert_int_equal(postfix_seconds(row->value), row->want);
}

static const struct run_row {
	const char *name;
	const char *argv[4];
	int want;
	const char *output;
} runs[] = {
	{ "what it prints", { "printf", "%s", "a b;$(c)" }, 0, "a b;$(c)" },
	{ "nothing", { "true" }, 0, "" },
	{ "a failure", { "false" }, -EIO, "false: wanted its output, got its failure" },
	{ "no such program", { "postern-no-such-program" }, -ENOENT, "postern-no-such-program: wanted its output, got No such file or directory" },
	{ "too slow", { "sleep", "60" }, -ETIME, "sleep: wanted its output, got Timer expired" },
	{ "too much", { "cat", "/dev/zero" }, -EMSGSIZE, "cat: wanted its output, got Message too long" },
	{ "a NUL", { "printf", "a\\0b" }, -EINVAL, "printf: wanted its output, got a NUL in it" },
};

static void test_run_program(void **state)
{
	const struct run_row *row = *state;
	void *mem = talloc_new(NULL);
	char *output = NULL, *error = NULL;

	assert_int_equal(postfix_run(mem, row->argv, row->want == -ETIME ? 50 : POSTFIX_RUN_MS, &output, &error), row->want);
	assert_string_equal(row->want ? error : output, row->output);
	talloc_free(mem);
}

int main(void)
{
	test_add("services", test_services);
	TEST_ROWS(values, test_value);
	TEST_ROWS(bad, test_bad);
	TEST_ROWS(lists, test_list);
	TEST_ROWS(times, test_time);
	TEST_ROWS(runs, test_run_program);
	return test_run("postfix_conf");
}
