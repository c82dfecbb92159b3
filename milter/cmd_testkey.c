/* postern testkey: asks DNS for keys, and compares them with the private ones. */
#include "dkim/idna.h"
#include "milter/cmd.h"
#include "milter/cmd_options.h"
#include "milter/gate.h"
#include "milter/json.h"
#include "milter/key_answer.h"
#include "milter/key_report.h"
#include "milter/key_source.h"
#include "milter/key_test.h"
#include "milter/sign_tables.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>
#include <talloc.h>
#include <time.h>

#define REPORT_OCTETS_MAX ((size_t)64 * 1024 * 1024) /* a full configuration has 10,000 keys */
#define SENTENCE_OCTETS_MAX 8192
#define TIMEOUT_S 20

struct testkey {
	const char *config, *records, *trust_anchor;
	struct cmd_strings servers;
	long long timeout;
	bool json;
	const struct conf *conf;     /* NULL without --config */
	struct conf_key *keys;       /* what to test; file NULL: no private key */
	size_t key_count;
	const char *server_names;    /* for people */
	struct key_source *source;
	struct buf out;
	int code;                    /* of the first key that failed */
};

/* One key under test. */
struct subject {
	const struct conf_key *conf;
	struct key_test test;
	struct dkim_private_key *key;
	struct dkim_key_lookup *lookup;
	struct buf sentence;
	int code;
};

static const struct cmd_option options[] = {
	{ "config", 'c', "FILE", "test the keys of this configuration, as it asks DNS", CMD_STRING, offsetof(struct testkey, config), 0, 0,
	  NULL },
	{ "records", 'r', "FILE", "TXT records as in a zone file, answered before any\nserver; without --server no DNS is asked",
	  CMD_STRING, offsetof(struct testkey, records), 0, 0, NULL },
	{ "server", 's', "ADDRESS@PORT", "a DNS server; may be repeated\n(those of /etc/resolv.conf)", CMD_STRINGS,
	  offsetof(struct testkey, servers), 0, 0, NULL },
	{ "trust-anchor", 0, "FILE", "DS or DNSKEY records: validate with DNSSEC", CMD_STRING, offsetof(struct testkey, trust_anchor), 0,
	  0, NULL },
	{ "timeout", 0, "SECONDS", "for each answer of DNS (20)", CMD_NUMBER, offsetof(struct testkey, timeout), 1, 3600, NULL },
	{ "json", 0, NULL, "print JSON; an octet above 127 appears as the\ncharacter of that number", CMD_FLAG,
	  offsetof(struct testkey, json), 0, 0, NULL },
};

static const struct cmd_syntax syntax = {
	.name = "testkey",
	.usage = "[options] DOMAIN SELECTOR [KEYFILE]\n       postern testkey -c FILE [--json] [NAME]",
	.doc = "Asks DNS for the key at SELECTOR._domainkey.DOMAIN, shows the answer, and says whether mail can be\n"
	       "signed with it: whether it is the other half of the private key in KEYFILE, when one is given. With -c,\n"
	       "the key that is called NAME there, or all of them.\n\n"
	       "Exit codes: 0 good; 68 no record; 65 a record that cannot be used (malformed, revoked, not for mail),\n"
	       "or a file that is no key; 78 the record is not the other half of KEYFILE, or the configuration is\n"
	       "wrong; 76 forged, says DNSSEC; 75 no answer; 66 a file cannot be read; 64, 70, 71, 74 sysexits.h.\n"
	       "Of several keys the first that is not good counts.\n",
	.options = options,
	.option_count = sizeof options / sizeof *options,
	.operands_max = 3,
};

/* The name to ask for; NULL when memory is out. */
static char *key_name(struct testkey *testkey, const struct conf_key *conf)
{
	return talloc_asprintf(testkey, "%s._domainkey.%s", conf->selector, conf->domain);
}

static int load_file(struct testkey *testkey, struct subject *subject)
{
	char *error = NULL;
	int r;

	if (!subject->conf->file)
		return EX_OK;
	r = dkim_private_key_load(testkey, subject->conf->file, &subject->key, &error);
	subject->test.key = subject->key;
	if (r < 0)
		buf_add_string(&subject->sentence, error ? error : strerror(-r));
	talloc_free(error);
	return r < 0 ? cmd_code(r) : EX_OK;
}

static int ask(struct testkey *testkey, struct subject *subject)
{
	const struct conf_key *conf = subject->conf;
	const unsigned wait_ms = (testkey->conf ? testkey->conf->dns.timeout_ms : (unsigned)testkey->timeout * 1000) + 1000;
	int r;

	r = dkim_key_lookup_start(testkey->source->cache, view_of(conf->selector), view_of(conf->domain), &subject->lookup);
	if (r == -EINVAL)
		buf_printf(&subject->sentence, "%s is no possible name in DNS", subject->test.name);
	else if (r < 0 || dkim_key_lookup_wait(subject->lookup, wait_ms) != 0)
		buf_add_string(&subject->sentence, strerror(r < 0 ? -r : ETIMEDOUT));
	else
		subject->test.set = dkim_key_lookup_result(subject->lookup);
	return r == -EINVAL ? EX_DATAERR : subject->sentence.n > 0 ? EX_OSERR : EX_OK;
}

static void add_file_text(const struct subject *subject, struct buf *out)
{
	struct key_report report;

	key_answer_line(out, "file");
	buf_add_string(out, subject->conf->file);
	if (subject->key && key_report_fill(out->mem, subject->conf, subject->key, NULL, subject->test.set, time(NULL), &report) == 0) {
		buf_printf(out, ": %u-bit %s", report.bits, key_type_text(report.type));
		buf_add_string(out, ", changed ");
		key_report_age(report.age_s, out);
		buf_add_string(out, " ago");
	}
	buf_add_char(out, '\n');
}

static void add_text(const struct testkey *testkey, const struct subject *subject, struct buf *out)
{
	if (out->n > 0)
		buf_add_char(out, '\n');
	buf_printf(out, "%s\n", subject->test.name);
	if (testkey->conf) {
		key_answer_line(out, "key");
		buf_printf(out, "%s, state %s\n", subject->conf->name, conf_key_state_text(subject->conf->state));
	}
	if (subject->conf->file)
		add_file_text(subject, out);
	if (subject->test.set)
		key_answer_text(subject->test.set, "answer", testkey->server_names, out);
	key_answer_line(out, "result");
	buf_printf(out, "%s: %s\n", subject->code == EX_OK ? "good" : "not good", buf_string(&subject->sentence));
}

static void add_json(const struct testkey *testkey, const struct subject *subject, struct buf *out)
{
	struct key_report report;

	json_separate(out);
	buf_add_char(out, '{');
	json_member(out, "name", view_of(subject->test.name));
	json_bool(out, "good", subject->code == EX_OK);
	json_number(out, "code", (uint64_t)subject->code);
	json_member(out, "result", buf_view(&subject->sentence));
	if (subject->test.set) {
		json_name(out, "answer");
		buf_add_char(out, '{');
		key_answer_json(subject->test.set, testkey->server_names, out);
		buf_add_char(out, '}');
	}
	if (subject->key && key_report_fill(out->mem, subject->conf, subject->key, NULL, subject->test.set, time(NULL), &report) == 0) {
		json_name(out, "key");
		key_report_json(&report, out);
	}
	buf_add_char(out, '}');
}

static void test_one(struct testkey *testkey, const struct conf_key *conf)
{
	struct subject subject = { .conf = conf, .test = { .name = key_name(testkey, conf), .file = conf->file } };

	buf_init(&subject.sentence, testkey, SENTENCE_OCTETS_MAX);
	subject.code = subject.test.name ? load_file(testkey, &subject) : EX_OSERR;
	if (subject.code == EX_OK)
		subject.code = ask(testkey, &subject);
	if (subject.code == EX_OK)
		subject.code = key_test_judge(&subject.test, &subject.sentence);
	if (testkey->json)
		add_json(testkey, &subject, &testkey->out);
	else
		add_text(testkey, &subject, &testkey->out);
	if (testkey->code == EX_OK)
		testkey->code = buf_error(&subject.sentence) ? EX_OSERR : subject.code;
	buf_free(&subject.sentence);
	dkim_key_lookup_free(subject.lookup);
	dkim_private_key_free(subject.key);
}

static int test_all(struct testkey *testkey)
{
	buf_init(&testkey->out, testkey, REPORT_OCTETS_MAX);
	buf_add_string(&testkey->out, testkey->json ? "{\"keys\":[" : "");
	for (size_t i = 0; i < testkey->key_count; i++)
		test_one(testkey, &testkey->keys[i]);
	buf_add_string(&testkey->out, testkey->json ? "]}\n" : "");
	if (buf_error(&testkey->out))
		return cmd_fail("testkey", EX_OSERR, "out of memory");
	if (fputs(buf_string(&testkey->out), stdout) == EOF)
		return cmd_fail("testkey", EX_IOERR, "standard output: %s", strerror(errno));
	return testkey->code;
}

/* Add what is wanted of a list; a row of a table for any domain has no name to ask for. */
static int add_key(struct testkey *testkey, const struct conf_key *key, const char *wanted)
{
	struct conf_key *larger;

	if ((wanted && strcasecmp(key->name, wanted) != 0) || strcmp(key->domain, "%") == 0)
		return 0;
	larger = talloc_realloc(testkey, testkey->keys, struct conf_key, (unsigned)testkey->key_count + 1);
	if (!larger)
		return -ENOMEM;
	larger[testkey->key_count++] = *key;
	testkey->keys = larger;
	return 0;
}

/* All that is wrong with a file. */
static int tell_faults(const struct conf_errors *errors, int r)
{
	int code = r == -EINVAL ? EX_CONFIG : EX_OSERR;

	for (size_t i = 0; i < errors->count; i++)
		code = cmd_fail("testkey", EX_CONFIG, "%s", errors->text[i]);
	return errors->count ? code : cmd_fail("testkey", code, "%s", strerror(-r));
}

static int add_rows(struct testkey *testkey, const char *wanted)
{
	struct sign_tables *tables = NULL;
	struct conf_errors errors;
	int r;

	if (!*testkey->conf->sign.key_table)
		return EX_OK;
	r = sign_tables_read(testkey, &testkey->conf->sign, &tables, &errors);
	if (r < 0)
		return tell_faults(&errors, r);
	for (size_t i = 0; r == 0 && i < tables->keys->count; i++) {
		const struct conf_key key = sign_tables_conf_key(&tables->keys->rows[i]);

		r = add_key(testkey, &key, wanted);
	}
	return r < 0 ? cmd_fail("testkey", EX_OSERR, "out of memory") : EX_OK;
}

static int read_configuration(struct testkey *testkey)
{
	struct conf_errors errors = { NULL, 0 };
	char *text, *error = NULL;
	size_t n;
	int r;

	r = conf_read_file(testkey, testkey->config, &text, &n, &error);
	if (r < 0)
		return cmd_fail("testkey", EX_NOINPUT, "%s", error ? error : strerror(-r));
	r = conf_parse(testkey, text, n, testkey->config, &testkey->conf, &errors);
	return r < 0 ? tell_faults(&errors, r) : EX_OK;
}

static int take_configuration(struct testkey *testkey, const char *wanted)
{
	int code = read_configuration(testkey), r = 0;

	for (size_t i = 0; code == EX_OK && r == 0 && i < testkey->conf->sign.key_count; i++)
		r = add_key(testkey, &testkey->conf->sign.keys[i], wanted);
	if (r < 0)
		return cmd_fail("testkey", EX_OSERR, "out of memory");
	if (code == EX_OK)
		code = add_rows(testkey, wanted);
	if (code == EX_OK && testkey->key_count == 0)
		code = wanted ? cmd_fail("testkey", EX_CONFIG, "%s: wanted a key \"%s\", got none", testkey->config, wanted)
		              : cmd_fail("testkey", EX_CONFIG, "%s: wanted a key, got none", testkey->config);
	return code;
}

/* In A-labels, as they are asked for. NULL when it is no name. */
static const char *ascii_name(struct testkey *testkey, const char *name)
{
	struct view ascii;

	return idna_to_ascii(testkey, view_of(name), &ascii) < 0 ? NULL : view_string(testkey, ascii);
}

/* DOMAIN SELECTOR [FILE] */
static int take_operands(struct testkey *testkey, char **operand)
{
	struct conf_key key = { .name = operand[1], .state = CONF_KEY_ACTIVE, .file = operand[2] };

	key.domain = ascii_name(testkey, operand[0]);
	key.selector = ascii_name(testkey, operand[1]);
	if (!key.domain || !key.selector)
		return cmd_usage("testkey", "wanted DOMAIN SELECTOR, got \"%s\" \"%s\"", operand[0], operand[1]);
	return add_key(testkey, &key, NULL) < 0 ? cmd_fail("testkey", EX_OSERR, "out of memory") : EX_OK;
}

static int open_source(struct testkey *testkey)
{
	struct dkim_resolver_params params = {
		.servers = testkey->servers.string,
		.server_count = testkey->servers.count,
		.records_only = testkey->records && testkey->servers.count == 0,
		.timeout_ms = (unsigned)testkey->timeout * 1000,
		.trust_anchor = testkey->trust_anchor,
	};
	char *error = NULL;
	int r;

	if (testkey->conf)
		gate_resolver_params(&testkey->conf->dns, NULL, &params);
	testkey->server_names = key_source_servers(testkey, &params);
	if (!testkey->server_names)
		return cmd_fail("testkey", EX_OSERR, "out of memory");
	r = dkim_private_key_init();
	if (r == 0)
		r = key_source_new(testkey, &params, testkey->conf ? testkey->conf->dns.records : testkey->records, &testkey->source, &error);
	return r < 0 ? cmd_fail("testkey", cmd_code(r), "%s", error ? error : strerror(-r)) : EX_OK;
}

static int testkey_run(struct testkey *testkey, int count, char **operand)
{
	int code;

	if (testkey->config ? count > 1 : count < 2)
		return cmd_usage("testkey", "wanted DOMAIN SELECTOR [KEYFILE], or -c FILE [NAME], got %d operand%s", count, count == 1 ? "" : "s");
	if (testkey->config && (testkey->records || testkey->trust_anchor || testkey->servers.count > 0))
		return cmd_usage("testkey", "wanted --config or options about DNS, got both: the configuration says how DNS is asked");
	code = testkey->config ? take_configuration(testkey, operand[0]) : take_operands(testkey, operand);
	if (code == EX_OK)
		code = open_source(testkey);
	return code == EX_OK ? test_all(testkey) : code;
}

int cmd_testkey(int argc, char **argv)
{
	struct testkey *testkey = talloc_zero(NULL, struct testkey);
	int first, code;

	if (!testkey)
		return cmd_fail("testkey", EX_OSERR, "out of memory");
	testkey->timeout = TIMEOUT_S;
	if (cmd_options_parse(argc, argv, &syntax, testkey, &first, &code) == 0)
		code = testkey_run(testkey, argc - first, argv + first);
	talloc_free(testkey);
	return cmd_finish("testkey", code);
}
