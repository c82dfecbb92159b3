#include "conf/conf.h"
#include "t/unit/support.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <talloc.h>
#include <unistd.h>

#define IN "listener \"in\" { socket = \"inet:4443@127.0.0.1\" role = verify }\n"
#define KEY "key \"k\" { domain = \"example.com\" file = \"/k\" }"
#define SOCKET_WANTED "inet:PORT@HOST (Postfix writes inet:HOST:PORT for it), inet6:PORT@HOST, unix:/PATH or systemd:NAME"

struct fault_row {
	const char *name;
	const char *text;
	const char *faults; /* one per line */
};

static const struct fault_row fault_rows[] = {
	{ "line numbers: comments count as the lines they have",
	  "# one\n// two\n/* three\nfour */ user = \"\"\n" IN,
	  "f:4: user: wanted a user's name, got \"\"" },
	{ "line numbers: strings over lines, lists over lines, sections",
	  IN "log { # c\n\n level = \"de\nbug\" }\ndns { servers = {\n\"127.0.0.1\",\n\"x\"\n} }\nuser = \"a b\"",
	  "f:4: log.level: wanted error, warning, info or debug, got \"de\\x0abug\"\n"
	  "f:6: dns.servers: wanted addresses such as 127.0.0.1, 127.0.0.1@5353 or ::1@53, got \"x\"\n"
	  "f:10: user: wanted a user's name, got \"a b\"" },
	{ "all faults of one file, in the order of their lines",
	  "drain-timeout = 5\nlistener \"in\" {\n\tsocket = \"inet:127.0.0.1:4443\"\n\trole = verfy\n\tworkers = -1\n\tsocket-mode = 0888\n}\n"
	  "verify {\n\ton-fail = bounce\n\tmax-signatures = 0\n}",
	  "f:1: drain-timeout: wanted 0, or a time such as 500ms, 5s or 2m, at most 1h, got \"5\"\n"
	  "f:3: listener \"in\" socket: wanted " SOCKET_WANTED ", got \"inet:127.0.0.1:4443\"\n"
	  "f:4: listener \"in\" role: wanted verify, sign or auto, got \"verfy\"\n"
	  "f:5: listener \"in\" workers: wanted a number from 0 to 64, got \"-1\"\n"
	  "f:6: listener \"in\" socket-mode: wanted permissions in octal such as 0660, got \"0888\"\n"
	  "f:9: verify.on-fail: wanted accept, tempfail, reject or quarantine, got \"bounce\"\n"
	  "f:10: verify.max-signatures: wanted a number from 1 to 32, got \"0\"" },
	{ "unknown names: the nearest is named, reading goes on",
	  IN "usr = \"x\"\ndns { timout = 3s\n budget = 1 }\nlogg { level = x a { } }\nfrobnicate { }\nzig {} verify { domain = x }",
	  "f:2: usr: wanted a name known here (user?), got usr\n"
	  "f:3: dns.timout: wanted a name known here (timeout?), got timout\n"
	  "f:4: dns.budget: wanted a time such as 500ms, 5s or 2m, from 10ms to 10m, got \"1\"\n"
	  "f:5: logg: wanted a name known here (log?), got logg\n"
	  "f:6: frobnicate: wanted a name known here, got frobnicate\n"
	  "f:7: zig: wanted a name known here, got zig\n"
	  "f:7: verify.domain: wanted a name known here (domain stands in section key), got domain" },
	{ "unknown names: one from outside of sections", IN "log { user = \"x\" }",
	  "f:2: log.user: wanted a name known here (user stands outside of sections), got user" },
	{ "unknown names: a section of another section", IN "key \"k\" { domain = \"example.com\" }",
	  "f:2: key: wanted a name known here (key stands in section sign), got key" },
	{ "unknown names: our own mark", IN "log { __section = \"\" }",
	  "f:2: log.__section: wanted a name known here, got __section" },
	{ "names stand without quotes", IN "\"user\" = \"x\"\n\"sign|key\" \"k\" { domain = \"a.example\" file = \"/k\" }",
	  "f:2: user: wanted the name of an option, without quotes, got quotes\n"
	  "f:3: key: wanted the name of a section, without quotes, got quotes" },
	{ "names in quotes may hold anything: it is not printed raw", IN "\"\x1b[2Juser\" = x\nuser x\n",
	  "f:2: \"\\\"\\x1b[2Juser\\\"\": wanted a name known here, got \"\\\"\\x1b[2Juser\\\"\"\n"
	  "f:3: syntax: wanted = after an option's name, got x" },
	{ "an empty name in quotes", IN "\"\" = x\n", "f:2: syntax: wanted the name of an option or a section, got \"\"" },
	{ "a name in quotes that an escape empties", IN "\"\\0x\" = x\n",
	  "f:2: syntax: wanted \\x01 to \\xff or \\1 to \\377 after a backslash, got 0" },
	{ "an empty name in quotes, in a section", IN "log { level = info \"\" }\n",
	  "f:2: syntax: wanted the name of an option or a section, got \"\"" },
	{ "no include", IN "include(\"other.conf\")\nuser = \"\"",
	  "f:2: syntax: wanted quotes around a value with parentheses, got parentheses\n"
	  "f:2: include: wanted all options in this file, as there is no include, got include\n"
	  "f:3: user: wanted a user's name, got \"\"" },
	{ "twice: option", IN "user = \"a\"\nuser = \"b\"\n", "f:3: user: wanted it once, got it again (first on line 2)" },
	{ "twice: empty lists count", IN "dns { servers = {}\nservers = {} }", "f:3: dns.servers: wanted it once, got it again (first on line 2)" },
	{ "twice: section", IN "log { }\nlog { level = x }",
	  "f:3: log: wanted it once, got it again (first on line 2)\n"
	  "f:3: log.level: wanted error, warning, info or debug, got \"x\"" },
	{ "twice: title", IN "listener \"in\" { socket = \"inet:1@127.0.0.1\" role = verify }\n",
	  "f:2: listener \"in\": wanted it once, got it again (first on line 1)" },
	{ "twice: socket", IN "listener \"b\" { socket = \"unix:/s\" role = verify }\nlistener \"c\" { socket = \"local:/s\" role = verify }\n"
	  "listener \"d\" { socket = \"inet:4443@127.0.0.1\" role = verify }",
	  "f:3: listener \"c\": wanted a socket of its own, got that of the listener on line 2\n"
	  "f:4: listener \"d\": wanted a socket of its own, got that of the listener on line 1" },
	{ "twice: selector of a domain", IN "sign { " KEY "\nkey \"l\" { selector = \"K\" domain = \"Example.com\" file = \"/l\" } }",
	  "f:3: key \"l\": wanted one key for a domain and selector, got those of the key on line 2" },
	{ "a signature covers nothing that scanning changes",
	  "listener \"out\" { socket = \"inet:1@127.0.0.1\" role = sign scan = yes }\n"
	  "sign { headers = {\"from\", \"x-virus-status\"} oversign = {\"X-Spam\"} " KEY " }\nav { remove-headers = {\"X-Spam\"} }",
	  "f: sign.headers: wanted fields that scanning neither removes nor adds, got \"x-virus-status\"\n"
	  "f: sign.oversign: wanted fields that scanning neither removes nor adds, got \"X-Spam\"" },
	{ "a listener says socket and role", "listener \"in\" {\n}",
	  "f:1: listener \"in\" socket: wanted " SOCKET_WANTED ", got nothing: it must be given\n"
	  "f:1: listener \"in\" role: wanted verify, sign or auto, got nothing: it must be given" },
	{ "a title is not empty", "listener \"\" { socket = \"inet:1@127.0.0.1\" role = verify }",
	  "f:1: listener \"\": wanted a title that is not empty, got \"\"" },
	{ "a title that is no selector", IN "sign { key \"my key\" { domain = \"example.com\" file = \"/k\" } }",
	  "f:2: key \"my key\": wanted a selector, or a title that can be one, got \"my key\"" },
	{ "a role that signs needs a key", "listener \"out\" { socket = \"inet:1@127.0.0.1\" role = sign }\nlistener \"both\" { socket = \"inet:2@127.0.0.1\" role = auto }",
	  "f:1: listener \"out\": wanted a key in section sign for a role that signs, got none\n"
	  "f:2: listener \"both\": wanted a key in section sign for a role that signs, got none" },
	{ "there is a listener", "", "f: listener: wanted at least one section listener, got none" },
	{ "a budget holds one query", IN "dns { timeout = 30s }", "f: dns.budget: wanted a time not below dns.timeout, got a shorter one" },
	{ "a list where one value is wanted", IN "user = {\"a\"}\nlog { level = {} }",
	  "f:2: user: wanted a user's name, got a list\n"
	  "f:3: log.level: wanted error, warning, info or debug, got a list" },
	{ "a bad one of a list", IN "sign { oversign = {\"From\", \"Sub ject\", \"To\"} }",
	  "f:2: sign.oversign: wanted names of header fields, without colon, got \"Sub ject\"" },
	{ "syntax: ends the reading, not the checking", IN "user = \"\"\nlog level = x\nverify { on-fail = x }",
	  "f:2: user: wanted a user's name, got \"\"\n"
	  "f:3: syntax: wanted { after a section's name or title, got level" },
	{ "syntax: no value", IN "user = \n", "f:3: syntax: wanted a value, got end of file" },
	{ "syntax: no equal sign", IN "user \"x\"", "f:2: syntax: wanted = after an option's name, got \"x\"" },
	{ "syntax: no title", "listener { }", "f:1: syntax: wanted a title after the section's name, got {" },
	{ "syntax: no comma", IN "dns { servers = {\"127.0.0.1\"\n\"127.0.0.2\"} }", "f:3: syntax: wanted , or }, got \"127.0.0.2\"" },
	{ "syntax: two values", IN "user = \"a\" = \"b\"", "f:2: syntax: wanted the name of an option or a section, got =" },
	{ "syntax: octets that are passed over are still faults", IN "listener \"b\" { socket = \"inet:1@127.0.0.1\" role = verify workers = *2 }",
	  "f:2: syntax: wanted quotes around a value with this character, got *" },
};

static char *join(void *mem, const struct conf_errors *errors)
{
	char *text = talloc_strdup(mem, "");

	for (size_t i = 0; i < errors->count; i++)
		text = talloc_asprintf_append(text, "%s%s", i > 0 ? "\n" : "", errors->text[i]);
	return text;
}

static void test_faults(void **state)
{
	const struct fault_row *row = *state;
	const struct conf *conf = NULL;
	struct conf_errors errors;
	struct view text = guarded((struct view){ row->text, strlen(row->text) });
	void *mem = talloc_new(NULL);

	assert_int_equal(conf_parse(mem, text.p, text.n, "f", &conf, &errors), -EINVAL);
	assert_string_equal(join(mem, &errors), row->faults);
	assert_null(conf);
	guarded_free(text);
	talloc_free(mem);
}

static const struct conf *parsed(void *mem, const char *text)
{
	const struct conf *conf = NULL;
	struct conf_errors errors;
	int r = conf_parse(mem, text, strlen(text), "f", &conf, &errors);

	assert_string_equal(join(mem, &errors), "");
	assert_int_equal(r, 0);
	return conf;
}

static void test_defaults(void **state)
{
	void *mem = talloc_new(NULL);
	const struct conf *conf = parsed(mem, IN);

	(void)state;
	assert_string_equal(conf->authserv_id, "");
	assert_string_equal(conf->user, "postern");
	assert_int_equal(conf->drain_timeout_ms, 60000);
	assert_int_equal(conf->idle_timeout_s, 7200);
	assert_int_equal(conf->header_size_limit, 2 * 1024 * 1024);
	assert_int_equal(conf->header_count_limit, 10000);
	assert_int_equal(conf->listener_count, 1);
	assert_string_equal(conf->listeners[0].name, "in");
	assert_int_equal(conf->listeners[0].line, 1);
	assert_int_equal(conf->listeners[0].socket_mode, 0660);
	assert_int_equal(conf->listeners[0].internal_hosts.count, 2);
	assert_string_equal(conf->listeners[0].originating_daemons[0], "ORIGINATING");
	assert_null(conf->listeners[0].originating_daemons[1]);
	assert_int_equal(conf->dns.server_count, 0);
	assert_null(conf->dns.servers[0]);
	assert_int_equal(conf->dns.timeout_ms, 5000);
	assert_int_equal(conf->dns.budget_ms, 20000);
	assert_int_equal(conf->sign.key_count, 0);
	assert_int_equal(conf->sign.header_canon, CONF_RELAXED);
	assert_int_equal(conf->sign.body_canon, CONF_RELAXED);
	assert_null(conf->sign.headers[0]);
	assert_null(conf->sign.omit_headers[0]);
	assert_string_equal(conf->sign.oversign[0], "From");
	assert_int_equal(conf->sign.on_key_error, CONF_TEMPFAIL);
	assert_false(conf->sign.subdomains);
	assert_int_equal(conf->verify.minimum_rsa_bits, 1024);
	assert_int_equal(conf->verify.max_signatures, 8);
	assert_int_equal(conf->verify.clock_skew_s, 300);
	assert_false(conf->verify.expired_is_policy);
	assert_int_equal(conf->verify.on_fail, CONF_ACCEPT);
	assert_int_equal(conf->verify.on_policy, CONF_ACCEPT);
	assert_int_equal(conf->log.target, CONF_LOG_AUTO);
	assert_int_equal(conf->log.level, CONF_LOG_INFO);
	talloc_free(mem);
}

static void test_everything_said(void **state)
{
	void *mem = talloc_new(NULL);
	const struct conf *conf = parsed(mem,
		"authserv-id = mx.example.net user = 'mail' drain-timeout = 500ms idle-timeout = 10m header-size-limit = 64K header-count-limit = 50\n"
		"listener a { socket = \"unix:/run/a\" role = auto workers = 3 socket-mode = 0600 socket-group = mail\n"
		"  internal-hosts = {192.0.2.0/24, \"2001:db8::/32\"} originating-daemons = {A, B} }\n"
		"listener b { socket = \"systemd:b\" role = sign originating-daemons = {} }\n"
		"dns { servers = {\"127.0.0.1@5353\"} timeout = 1s budget = 2s trust-anchor = \"/a\" records = \"/r\" }\n"
		"sign { canonicalization = simple/relaxed headers = {Subject} omit-headers = {\"To\"} oversign = {} expire = 14d subdomains = yes\n"
		"  on-key-error = accept\n"
		"  key one { domain = example.com file = /k1 }\n"
		"  key two { domain = example.org file = \"/k 2\" selector = one } }\n"
		"verify { minimum-rsa-bits = 2048 max-signatures = 3 clock-skew = 0 on-expired = policy on-fail = reject on-none = tempfail\n"
		"  on-permerror = quarantine on-temperror = tempfail on-policy = reject }\n"
		"log { target = syslog format = json level = debug }\n");

	(void)state;
	assert_string_equal(conf->authserv_id, "mx.example.net");
	assert_string_equal(conf->user, "mail");
	assert_int_equal(conf->drain_timeout_ms, 500);
	assert_int_equal(conf->idle_timeout_s, 600);
	assert_int_equal(conf->header_size_limit, 65536);
	assert_int_equal(conf->header_count_limit, 50);
	assert_int_equal(conf->listener_count, 2);
	assert_string_equal(conf->listeners[0].socket, "unix:/run/a");
	assert_int_equal(conf->listeners[0].role, CONF_AUTO);
	assert_int_equal(conf->listeners[0].workers, 3);
	assert_int_equal(conf->listeners[0].socket_mode, 0600);
	assert_string_equal(conf->listeners[0].socket_group, "mail");
	assert_int_equal(conf->listeners[0].internal_hosts.count, 2);
	assert_string_equal(conf->listeners[0].originating_daemons[1], "B");
	assert_null(conf->listeners[1].originating_daemons[0]);
	assert_int_equal(conf->listeners[1].internal_hosts.count, 2);
	assert_int_equal(conf->listeners[1].line, 4);
	assert_string_equal(conf->dns.servers[0], "127.0.0.1@5353");
	assert_int_equal(conf->dns.server_count, 1);
	assert_string_equal(conf->dns.trust_anchor, "/a");
	assert_string_equal(conf->dns.records, "/r");
	assert_int_equal(conf->sign.header_canon, CONF_SIMPLE);
	assert_string_equal(conf->sign.headers[0], "Subject");
	assert_string_equal(conf->sign.omit_headers[0], "To");
	assert_null(conf->sign.oversign[0]);
	assert_int_equal(conf->sign.expire_s, 14 * 86400);
	assert_true(conf->sign.subdomains);
	assert_int_equal(conf->sign.on_key_error, CONF_ACCEPT);
	assert_int_equal(conf->sign.key_count, 2);
	assert_string_equal(conf->sign.keys[0].selector, "one");
	assert_int_equal(conf->sign.keys[0].line, 8);
	assert_string_equal(conf->sign.keys[1].name, "two");
	assert_string_equal(conf->sign.keys[1].selector, "one");
	assert_string_equal(conf->sign.keys[1].file, "/k 2");
	assert_true(conf->verify.expired_is_policy);
	assert_int_equal(conf->verify.on_none, CONF_TEMPFAIL);
	assert_int_equal(conf->verify.on_permerror, CONF_QUARANTINE);
	assert_int_equal(conf->log.format, CONF_LOG_JSON);
	talloc_free(mem);
}

static void test_environment(void **state)
{
	void *mem = talloc_new(NULL);

	(void)state;
	assert_int_equal(setenv("POSTERN_TEST", "x", 1), 0);
	assert_string_equal(parsed(mem, IN "dns { records = \"/${POSTERN_TEST}\" }")->dns.records, "/${POSTERN_TEST}");
	talloc_free(mem);
}

/* Each octet alone and before each of a few that could join it. */
static void test_quote(void **state)
{
	static const char after[] = "0a{}\"\\$\n";

	(void)state;
	for (int c = 1; c < 256; c++) {
		for (size_t i = 0; i < sizeof after; i++) {
			const char value[] = { '/', (char)c, after[i], '\0' };
			void *mem = talloc_new(NULL);
			char *quoted = conf_quote(mem, value);

			for (const char *p = quoted; *p; p++)
				assert_true(*p >= ' ' && *p <= '~');
			assert_string_equal(parsed(mem, talloc_asprintf(mem, IN "dns { records = %s }", quoted))->dns.records, value);
			talloc_free(mem);
		}
	}
}

static void test_defaults_text(void **state)
{
	void *mem = talloc_new(NULL);
	const char *text = conf_defaults_text(mem);
	const struct conf *conf = parsed(mem, text);
	const struct conf_option_info *info;

	(void)state;
	assert_int_equal(conf->listener_count, 1);
	assert_int_equal(conf->sign.key_count, 1);
	assert_int_equal(conf->drain_timeout_ms, parsed(mem, IN)->drain_timeout_ms);
	for (size_t i = 0; (info = conf_option_info(i)); i++) {
		assert_non_null(strstr(text, info->doc));
		assert_non_null(strstr(text, info->wanted));
		assert_non_null(strstr(text, talloc_asprintf(mem, "\t%s = ", info->name) + (*info->section ? 0 : 1)));
		assert_true(info->doc[strlen(info->doc) - 1] == '.');
	}
	talloc_free(mem);
}

static void test_sample(void **state)
{
	void *mem = talloc_new(NULL);
	char *path = talloc_asprintf(mem, "%s/conf/postern.conf", getenv("POSTERN_SOURCE"));
	char *text, *error = NULL;
	const struct conf *conf;
	size_t n;

	(void)state;
	assert_int_equal(conf_read_file(mem, path, &text, &n, &error), 0);
	conf = parsed(mem, talloc_strndup(mem, text, n));
	assert_int_equal(conf->listener_count, 2);
	assert_string_equal(conf->listeners[0].socket, "inet:4443@127.0.0.1");
	assert_string_equal(conf->listeners[1].socket, "inet:4445@127.0.0.1");
	talloc_free(mem);
}

static void test_many_faults(void **state)
{
	void *mem = talloc_new(NULL);
	const struct conf *conf;
	struct conf_errors errors;
	char *text = talloc_strdup(mem, "");

	(void)state;
	for (int i = 0; i < CONF_ERRORS_MAX + 1; i++)
		text = talloc_asprintf_append_buffer(text, "x%d = 1\n", i);
	assert_int_equal(conf_parse(mem, text, strlen(text), "f", &conf, &errors), -EINVAL);
	assert_int_equal(errors.count, CONF_ERRORS_MAX);
	assert_string_equal(errors.text[0], "f:1: x0: wanted a name known here, got x0");
	assert_string_equal(errors.text[CONF_ERRORS_MAX - 1], "f: there are more errors than these 99");
	talloc_free(mem);
}

static void test_nul(void **state)
{
	static const char text[] = "\nuser = \"a\0b\"";
	const struct conf *conf;
	struct conf_errors errors;
	void *mem = talloc_new(NULL);

	(void)state;
	assert_int_equal(conf_parse(mem, text, sizeof text - 1, "f", &conf, &errors), -EINVAL);
	assert_string_equal(join(mem, &errors), "f:2: syntax: wanted text, got a NUL octet");
	talloc_free(mem);
}

static void test_size(void **state)
{
	const struct conf *conf;
	struct conf_errors errors;
	void *mem = talloc_new(NULL);
	char *text = talloc_size(mem, CONF_FILE_MAX + 1);

	(void)state;
	memset(text, '#', CONF_FILE_MAX + 1);
	assert_int_equal(conf_parse(mem, text, CONF_FILE_MAX + 1, "f", &conf, &errors), -EINVAL);
	assert_string_equal(join(mem, &errors), "f: size: wanted at most 4 MB, got more");
	assert_int_equal(conf_parse(mem, text, CONF_FILE_MAX, "f", &conf, &errors), -EINVAL);
	assert_string_equal(join(mem, &errors), "f: listener: wanted at least one section listener, got none");
	talloc_free(mem);
}

static void test_noise_parses(void **state)
{
	static const char *const words[] = { "{", "}", "=", ",", "\"x\"", "user", "listener", "sign", "key", "log", "level", "info", "#", "\n", " ", NULL };
	uint32_t seed = 7;
	char room[120];

	(void)state;
	for (int i = 0; i < 2000; i++) {
		void *mem = talloc_new(NULL);
		struct view text = guarded(test_noise(&seed, words, room, sizeof room));
		const struct conf *conf;
		struct conf_errors errors;
		int r = conf_parse(mem, text.p, text.n, "f", &conf, &errors);

		assert_true(r == 0 || (r == -EINVAL && errors.count > 0));
		guarded_free(text);
		talloc_free(mem);
	}
	test_defaults(state);
}

static void test_read_file(void **state)
{
	void *mem = talloc_new(NULL);
	char *text = NULL, *error = NULL;
	size_t n;

	(void)state;
	assert_int_equal(conf_read_file(mem, "/nowhere/postern.conf", &text, &n, &error), -ENOENT);
	assert_string_equal(error, "/nowhere/postern.conf: wanted a readable file, got No such file or directory");
	assert_int_equal(conf_read_file(mem, "/", &text, &n, &error), -EISDIR);
	assert_string_equal(error, "/: wanted a readable file, got Is a directory");
	assert_int_equal(conf_read_file(mem, "/dev/zero", &text, &n, &error), -EFBIG);
	assert_string_equal(error, "/dev/zero: wanted at most 4 MB, got more");
	assert_int_equal(conf_read_file(mem, "/dev/null", &text, &n, &error), 0);
	assert_int_equal(n, 0);
	talloc_free(mem);
}

static void test_words(void **state)
{
	(void)state;
	assert_string_equal(conf_action_text(CONF_QUARANTINE), "quarantine");
	assert_string_equal(conf_role_text(CONF_AUTO), "auto");
}

int main(void)
{
	TEST_ROWS(fault_rows, test_faults);
	test_add("what is not said is at its default", test_defaults);
	test_add("what is said is so", test_everything_said);
	test_add("the environment is not read", test_environment);
	test_add("what is quoted is read back", test_quote);
	test_add("the table as text can be read, and has everything", test_defaults_text);
	test_add("the sample can be read", test_sample);
	test_add("faults have an end", test_many_faults);
	test_add("a NUL is no text", test_nul);
	test_add("a text has a size", test_size);
	test_add("any text gets an answer, and the next one its own", test_noise_parses);
	test_add("files that cannot be read", test_read_file);
	test_add("words of values", test_words);
	return test_run("conf");
}
