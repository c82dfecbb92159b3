/* The short form of `postern run` as a configuration (milter/run_text.h); conf_parse() reads it back. */
#include "conf/conf.h"
#include "milter/run_text.h"
#include "t/unit/support.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>
#include <unistd.h>

static const char *two_keys[] = { "example.com:sel:/keys/rsa", "example.org:sel:/keys/a:b", NULL };
static const char *two_servers[] = { "127.0.0.1@5353", "::1", NULL };

static const struct conf *read_back(void *mem, const struct run_options *options)
{
	const struct conf *conf = NULL;
	struct conf_errors errors;
	char *text = NULL, *error;

	assert_int_equal(run_text(mem, options, &text, &error), 0);
	if (conf_parse(mem, text, strlen(text), "command-line", &conf, &errors) < 0)
		fail_msg("%s\n%s", text, errors.count ? errors.text[0] : "no memory");
	return conf;
}

static void test_everything(void **state)
{
	const struct run_options options = {
		.verify = "inet:4443@127.0.0.1", .sign = "unix:/run/postern/sign", .keys = { two_keys, 2 }, .records = "/etc/records", .scan = "/var/lib/clamav",
		.dns = { two_servers, 2 }, .authserv_id = "mx.example.net", .user = "nobody", .workers = 3, .log_level = "debug",
	};
	void *mem = talloc_new(NULL);
	const struct conf *conf = read_back(mem, &options);

	(void)state;
	assert_int_equal(conf->listener_count, 2);
	assert_string_equal(conf->listeners[0].socket, options.verify);
	assert_int_equal(conf->listeners[0].role, CONF_VERIFY);
	assert_int_equal(conf->listeners[0].workers, 3);
	assert_string_equal(conf->listeners[1].socket, options.sign);
	assert_int_equal(conf->listeners[1].role, CONF_SIGN);
	assert_int_equal(conf->sign.key_count, 2);
	assert_string_equal(conf->sign.keys[1].domain, "example.org");
	assert_string_equal(conf->sign.keys[1].selector, "sel");
	assert_string_equal(conf->sign.keys[1].file, "/keys/a:b");
	assert_string_equal(conf->dns.records, "/etc/records");
	assert_true(conf->listeners[0].scan && conf->listeners[1].scan);
	assert_string_equal(conf->av.database, "/var/lib/clamav");
	assert_int_equal(conf->dns.server_count, 2);
	assert_string_equal(conf->authserv_id, "mx.example.net");
	assert_string_equal(conf->user, "nobody");
	assert_int_equal(conf->log.level, CONF_LOG_DEBUG);
	talloc_free(mem);
}

/* What is not said keeps the default of the option table. */
static void test_least(void **state)
{
	const struct run_options options = { .verify = "inet:4443@127.0.0.1" };
	void *mem = talloc_new(NULL);
	const struct conf *conf = read_back(mem, &options);

	(void)state;
	assert_int_equal(conf->listener_count, 1);
	assert_int_equal(conf->listeners[0].workers, 0);
	assert_string_equal(conf->user, "postern");
	assert_int_equal(conf->log.level, CONF_LOG_INFO);
	talloc_free(mem);
}

static void test_relative_files(void **state)
{
	const char *keys[] = { "example.com:sel:key.pem", NULL };
	const struct run_options options = { .sign = "inet:4445@127.0.0.1", .keys = { keys, 1 }, .records = "records" };
	void *mem = talloc_new(NULL);
	const struct conf *conf = read_back(mem, &options);
	char *folder = getcwd(NULL, 0);

	(void)state;
	assert_non_null(folder);
	assert_string_equal(conf->sign.keys[0].file, talloc_asprintf(mem, "%s/key.pem", folder));
	assert_string_equal(conf->dns.records, talloc_asprintf(mem, "%s/records", folder));
	free(folder);
	talloc_free(mem);
}

static const struct value_row {
	const char *name;
	const char *value;
} values[] = {
	{ "a quote in a value", "/keys/a\"b" },
	{ "a backslash in a value", "/keys/a\\n" },
	{ "a dollar sign in a value", "/keys/${HOME}" },
	{ "a brace and a comment in a value", "/keys/} # //" },
};

/* A value stays one value: nothing in it can become an option. */
static void test_value(void **state)
{
	const struct value_row *row = *state;
	const struct run_options options = { .verify = "inet:4443@127.0.0.1", .records = row->value };
	void *mem = talloc_new(NULL);

	assert_string_equal(read_back(mem, &options)->dns.records, row->value);
	talloc_free(mem);
}

static const struct value_row bad_keys[] = {
	{ "a key without parts", "example.com" },
	{ "a key without a file", "example.com:sel" },
	{ "a key with an empty file", "example.com:sel:" },
	{ "a key without a domain", ":sel:/keys/a" },
	{ "a key without a selector", "example.com::/keys/a" },
	{ "an empty key", "" },
};

static void test_bad_key(void **state)
{
	const struct value_row *row = *state;
	const char *keys[] = { row->value, NULL };
	const struct run_options options = { .sign = "inet:4445@127.0.0.1", .keys = { keys, 1 } };
	void *mem = talloc_new(NULL);
	char *text = NULL, *error = NULL;

	assert_int_equal(run_text(mem, &options, &text, &error), -EINVAL);
	assert_non_null(strstr(error, "wanted DOMAIN:SELECTOR:FILE"));
	talloc_free(mem);
}

int main(void)
{
	test_add("everything that can be said", test_everything);
	test_add("the least that can be said", test_least);
	test_add("relative file names become absolute", test_relative_files);
	TEST_ROWS(values, test_value);
	TEST_ROWS(bad_keys, test_bad_key);
	return test_run("run_text");
}
