/* postern verify: verifies the signatures of one message. */
#include "dkim/verify.h"
#include "milter/authres.h"
#include "milter/cmd.h"
#include "milter/cmd_message.h"
#include "milter/cmd_options.h"
#include "milter/explain_report.h"
#include "milter/json.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <talloc.h>
#include <time.h>
#include <unistd.h>

#define EXIT_NOTHING_PASSED 1
/* The daemon's own defaults. */
#define SIGNATURES_MAX 8
#define CLOCK_SKEW_S 300
#define MINIMUM_RSA_BITS 1024
#define DNS_BUDGET_S 20

/* As JSON, where an octet may take six: the header block and the tags of each signature of a hostile header. */
#define RESULTS_OCTETS_MAX (SIGNATURES_MAX * 6UL * 3 * HEADER_OCTETS_MAX)
#define WAIT_MS 1000 /* between two looks at the budget, which dkim_verify_finish() keeps */

struct verify {
	const char *records_file, *trust_anchor, *authserv_id;
	struct cmd_strings servers;
	long long now, timeout, minimum_rsa_bits;
	bool json, explain, header_block;
	const char *server_names; /* for people */
	struct cmd_message message;
	struct dkim_records *records;
	struct dkim_resolver *resolver;
	struct dkim_key_cache *cache;
	struct dkim_verify_params params;
};

static const struct cmd_option options[] = {
	{ "records", 'r', "FILE", "TXT records as in a zone file, answered before any\nserver; without --server no DNS is asked",
	  CMD_STRING, offsetof(struct verify, records_file), 0, 0, NULL },
	{ "server", 's', "ADDRESS@PORT", "a DNS server; may be repeated\n(those of /etc/resolv.conf)",
	  CMD_STRINGS, offsetof(struct verify, servers), 0, 0, NULL },
	{ "trust-anchor", 0, "FILE", "DS or DNSKEY records: validate with DNSSEC", CMD_STRING,
	  offsetof(struct verify, trust_anchor), 0, 0, NULL },
	{ "authserv-id", 'a', "ID", "who says so (the host name)", CMD_STRING, offsetof(struct verify, authserv_id), 0, 0, NULL },
	{ "now", 0, "SECONDS", "the time of reception, since 1970", CMD_NUMBER, offsetof(struct verify, now), 0, INT64_MAX / 2,
	  NULL },
	{ "timeout", 0, "SECONDS", "for DNS, all signatures together (20)", CMD_NUMBER, offsetof(struct verify, timeout), 1, 3600,
	  NULL },
	{ "minimum-rsa-bits", 0, "N", "smallest RSA key that may pass (1024)", CMD_NUMBER, offsetof(struct verify, minimum_rsa_bits),
	  0, 65536, NULL },
	{ "explain", 'e', NULL, "print what each verdict rests on, and which change on the\nway would explain a failure", CMD_FLAG,
	  offsetof(struct verify, explain), 0, 0, NULL },
	{ "header-block", 0, NULL, "explain, and print the canonical header block, too;\nits line ends appear as \\r\\n", CMD_FLAG,
	  offsetof(struct verify, header_block), 0, 0, NULL },
	{ "json", 0, NULL, "print the results as JSON; an octet above 127 appears\nas the character of that number",
	  CMD_FLAG, offsetof(struct verify, json), 0, 0, NULL },
};

static const struct cmd_syntax syntax = {
	.name = "verify",
	.usage = "[options] [FILE]",
	.doc = "Verifies the DKIM signatures of the message of FILE or standard input and prints the\n"
	       "Authentication-Results field that the daemon would add.\n\n"
	       "Exit codes: 0 at least one signature passes; 1 none does, or there is none; 65 the message or a\n"
	       "file is malformed; 66 a file cannot be read; 64, 70, 71, 74 sysexits.h.\n",
	.options = options,
	.option_count = sizeof options / sizeof *options,
	.operands_max = 1,
};

static int start_resolver(struct verify *verify)
{
	struct dkim_resolver_params params = {
		.servers = verify->servers.string,
		.server_count = verify->servers.count,
		.records_only = verify->records_file && verify->servers.count == 0,
		.timeout_ms = (unsigned)verify->timeout * 1000,
		.trust_anchor = verify->trust_anchor,
	};
	char *error = NULL;
	int r = 0;

	if (verify->records_file)
		r = dkim_records_load(verify, verify->records_file, &verify->records, &error);
	params.records = verify->records;
	if (r == 0)
		r = dkim_resolver_new(verify, &params, &verify->resolver, &error);
	if (r == 0)
		r = dkim_key_cache_new(verify->resolver, DKIM_KEY_CACHE_ENTRIES, DKIM_KEY_CACHE_OCTETS, &verify->cache);
	return r < 0 ? cmd_fail("verify", cmd_code(r), "%s", error ? error : strerror(-r)) : EX_OK;
}

static int check_message(struct verify *verify, struct dkim_verify **ret)
{
	int r;

	verify->params = (struct dkim_verify_params){
		.minimum_rsa_bits = (unsigned)verify->minimum_rsa_bits,
		.maximum_signatures = SIGNATURES_MAX,
		.clock_skew = CLOCK_SKEW_S,
		.budget_ms = (unsigned)verify->timeout * 1000,
	};
	r = dkim_verify_new(verify, &verify->params, verify->cache, verify->now, verify->message.headers, ret);
	if (r == 0)
		r = dkim_verify_body(*ret, verify->message.body);
	if (r == 0)
		do
			r = dkim_verify_finish(*ret, WAIT_MS);
		while (r == 1);
	if (r < 0)
		return cmd_fail("verify", r == -ENOMEM ? EX_OSERR : EX_SOFTWARE, "the message could not be verified: %s", strerror(-r));
	return EX_OK;
}

/* "servers 192.0.2.1@53, ..." */
static int name_servers(struct verify *verify)
{
	char *text = talloc_strdup(verify, verify->servers.count ? "server" : "the servers of /etc/resolv.conf");

	for (size_t i = 0; text && i < verify->servers.count; i++)
		text = talloc_asprintf_append(text, "%s %s", i ? "," : "", verify->servers.string[i]);
	verify->server_names = text;
	return text ? 0 : -ENOMEM;
}

/* Append what explains result i, in one form or the other. */
static int add_explanation(const struct verify *verify, const struct dkim_verify *results, size_t i, struct buf *out)
{
	struct explain_report report = {
		.result = dkim_verify_result(results, i),
		.keys = dkim_verify_keys(results, i),
		.servers = verify->server_names,
		.header_block = verify->header_block,
	};
	const struct dkim_explain_input input = {
		.headers = verify->message.headers,
		.body = verify->message.body,
		.result = report.result,
		.keys = report.keys,
	};
	struct dkim_explain *explain;
	int r = dkim_explain(out->mem, &input, &explain);

	if (r < 0)
		return r;
	report.explain = explain;
	if (verify->json)
		explain_report_json(&report, out);
	else
		explain_report_text(&report, out);
	talloc_free(explain);
	return 0;
}

static int add_explanations(const struct verify *verify, const struct dkim_verify *results, struct buf *out)
{
	size_t count = dkim_verify_count(results);
	int r = 0;

	for (size_t i = 0; i < count && r == 0; i++) {
		buf_printf(out, "\nsignature %zu of %zu\n", i + 1, dkim_verify_found(results));
		r = add_explanation(verify, results, i, out);
	}
	return r;
}

static void add_signature_json(const struct dkim_verify_result *result, struct buf *out)
{
	const struct dkim_signature *signature = &result->signature;

	json_member(out, "result", view_of(dkim_result_text(dkim_reason_result(result->reason))));
	json_member(out, "reason", view_of(dkim_reason_text(result->reason)));
	json_member(out, "domain", signature->signing_domain);
	json_member(out, "selector", signature->selector);
	json_member(out, "identity", signature->identity);
	json_member(out, "algorithm", signature->algorithm_name);
	json_name(out, "key_bits");
	buf_printf(out, "%u", result->key_bits);
	json_name(out, "timestamp");
	buf_printf(out, "%" PRId64, signature->timestamp);
	json_name(out, "test_mode");
	buf_add_string(out, result->test_mode ? "true" : "false");
	json_name(out, "secure");
	buf_add_string(out, result->secure ? "true" : "false");
	json_name(out, "dns_ms");
	buf_printf(out, "%u", result->dns_ms);
}

static int add_json(const struct verify *verify, const struct dkim_verify *results, struct buf *out)
{
	int r = 0;

	buf_add_char(out, '{');
	json_member(out, "authserv_id", view_of(verify->authserv_id));
	json_name(out, "signatures_found");
	buf_printf(out, "%zu", dkim_verify_found(results));
	json_name(out, "signatures");
	buf_add_char(out, '[');
	for (size_t i = 0; i < dkim_verify_count(results) && r == 0; i++) {
		json_separate(out);
		buf_add_char(out, '{');
		add_signature_json(dkim_verify_result(results, i), out);
		if (verify->explain) {
			json_name(out, "explanation");
			r = add_explanation(verify, results, i, out);
		}
		buf_add_char(out, '}');
	}
	buf_add_string(out, "]}\n");
	return r;
}

/* The field with the line ends of a terminal. */
static int add_field(const struct verify *verify, const struct dkim_verify *results, struct buf *out)
{
	size_t count = dkim_verify_count(results);
	const struct dkim_verify_result **list = talloc_zero_size(out->mem, (count + 1) * sizeof *list);
	const struct authres authres = { .authserv_id = verify->authserv_id, .results = list, .count = count };
	struct buf value;
	struct view v;

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		list[i] = dkim_verify_result(results, i);
	buf_init(&value, out->mem, AUTHRES_VALUE_MAX);
	authres_build(&authres, &value);
	v = buf_view(&value);
	buf_add_string(out, "Authentication-Results:");
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] != '\r' || i + 1 == v.n || v.p[i + 1] != '\n')
			buf_add_char(out, v.p[i]);
	buf_add_char(out, '\n');
	return buf_error(&value);
}

static int print_results(const struct verify *verify, struct dkim_verify *results)
{
	struct buf out;
	int r = 0;

	buf_init(&out, results, RESULTS_OCTETS_MAX);
	if (verify->json)
		r = add_json(verify, results, &out);
	else
		r = add_field(verify, results, &out);
	if (r == 0 && verify->explain && !verify->json)
		r = add_explanations(verify, results, &out);
	if (r == 0)
		r = buf_error(&out);
	if (r < 0)
		return cmd_fail("verify", EX_OSERR, "results: %s", strerror(-r));
	if (fputs(buf_string(&out), stdout) == EOF)
		return cmd_fail("verify", EX_IOERR, "standard output: %s", strerror(errno));
	for (size_t i = 0; i < dkim_verify_count(results); i++)
		if (dkim_reason_result(dkim_verify_result(results, i)->reason) == DKIM_PASS)
			return EX_OK;
	return EXIT_NOTHING_PASSED;
}

static int verify_run(struct verify *verify, const char *path)
{
	struct dkim_verify *results = NULL;
	char host[HOST_NAME_MAX + 1] = "localhost";
	int code;

	if (!verify->authserv_id && gethostname(host, sizeof host - 1) < 0)
		return cmd_fail("verify", EX_OSERR, "host name: %s", strerror(errno));
	if (!verify->authserv_id)
		verify->authserv_id = talloc_strdup(verify, host);
	if (!verify->authserv_id)
		return cmd_fail("verify", EX_OSERR, "out of memory");
	code = cmd_message_read("verify", verify, path, &verify->message);
	if (code == EX_OK && name_servers(verify) < 0)
		code = cmd_fail("verify", EX_OSERR, "out of memory");
	if (code == EX_OK)
		code = start_resolver(verify);
	if (code == EX_OK)
		code = check_message(verify, &results);
	if (code == EX_OK)
		code = print_results(verify, results);
	talloc_free(results); /* lets go of its key lookups before the cache goes */
	return code;
}

int cmd_verify(int argc, char **argv)
{
	struct verify *verify = talloc_zero(NULL, struct verify);
	int first, code;

	if (!verify)
		return cmd_fail("verify", EX_OSERR, "out of memory");
	verify->now = time(NULL);
	verify->timeout = DNS_BUDGET_S;
	verify->minimum_rsa_bits = MINIMUM_RSA_BITS;
	if (cmd_options_parse(argc, argv, &syntax, verify, &first, &code) == 0) {
		verify->explain |= verify->header_block;
		code = verify_run(verify, argv[first]);
	}
	dkim_key_cache_free(verify->cache);
	dkim_resolver_free(verify->resolver);
	talloc_free(verify);
	return cmd_finish("verify", code);
}
