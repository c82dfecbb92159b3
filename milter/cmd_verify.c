/* postern verify: verifies the signatures of one message. */
#include "milter/cmd.h"
#include "milter/cmd_options.h"
#include "milter/json.h"
#include "milter/verify_message.h"

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

struct verify {
	const char *records_file, *trust_anchor, *authserv_id;
	struct cmd_strings servers;
	long long now, timeout, minimum_rsa_bits;
	bool json, explain, header_block;
	struct cmd_message message;
	struct verify_setup setup;
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

static int add_explanations(const struct verify *verify, const struct verified *verified, struct buf *out)
{
	const struct verified_form form = { .header_block = verify->header_block };
	const struct dkim_verify *results = verified_results(verified);
	size_t count = dkim_verify_count(results);
	int r = 0;

	for (size_t i = 0; i < count && r == 0; i++) {
		buf_printf(out, "\nsignature %zu of %zu\n", i + 1, dkim_verify_found(results));
		r = verified_add_explanation(verified, i, &form, out);
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
	json_number(out, "key_bits", result->key_bits);
	json_name(out, "timestamp");
	buf_printf(out, "%" PRId64, signature->timestamp);
	json_bool(out, "test_mode", result->test_mode);
	json_bool(out, "secure", result->secure);
	json_number(out, "dns_ms", result->dns_ms);
}

static int add_json(const struct verify *verify, const struct verified *verified, struct buf *out)
{
	const struct verified_form form = { .json = true };
	const struct dkim_verify *results = verified_results(verified);
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
			r = verified_add_explanation(verified, i, &form, out);
		}
		buf_add_char(out, '}');
	}
	buf_add_string(out, "]}\n");
	return r;
}

static int print_results(struct verify *verify, const struct verified *verified)
{
	struct buf out;
	int r;

	buf_init(&out, verify, RESULTS_OCTETS_MAX);
	r = verify->json ? add_json(verify, verified, &out) : verified_add_field(verified, &out);
	if (r == 0 && verify->explain && !verify->json)
		r = add_explanations(verify, verified, &out);
	if (r == 0)
		r = buf_error(&out);
	if (r < 0)
		return cmd_fail("verify", EX_OSERR, "results: %s", strerror(-r));
	if (fputs(buf_string(&out), stdout) == EOF)
		return cmd_fail("verify", EX_IOERR, "standard output: %s", strerror(errno));
	return verified_passes(verified) ? EX_OK : EXIT_NOTHING_PASSED;
}

static void make_setup(struct verify *verify)
{
	verify->setup = (struct verify_setup){
		.resolver = {
			.servers = verify->servers.string,
			.server_count = verify->servers.count,
			.records_only = verify->records_file && verify->servers.count == 0,
			.timeout_ms = (unsigned)verify->timeout * 1000,
			.trust_anchor = verify->trust_anchor,
		},
		.records_file = verify->records_file,
		.authserv_id = verify->authserv_id,
		.now = verify->now,
		.params = {
			.minimum_rsa_bits = (unsigned)verify->minimum_rsa_bits,
			.maximum_signatures = SIGNATURES_MAX,
			.clock_skew = CLOCK_SKEW_S,
			.budget_ms = (unsigned)verify->timeout * 1000,
		},
	};
}

static int verify_message(struct verify *verify)
{
	struct verified *verified = NULL;
	char *error;
	int code, r;

	make_setup(verify);
	r = verified_new(verify, &verify->setup, &verify->message, &verified, &error);
	if (r < 0)
		return cmd_fail("verify", cmd_code(r), "%s", error ? error : strerror(-r));
	r = verified_judge(verified);
	if (r < 0)
		code = cmd_fail("verify", r == -ENOMEM ? EX_OSERR : EX_SOFTWARE, "the message could not be verified: %s", strerror(-r));
	else
		code = print_results(verify, verified);
	verified_free(verified);
	return code;
}

static int verify_run(struct verify *verify, const char *path)
{
	char host[HOST_NAME_MAX + 1] = "localhost";
	int code;

	if (!verify->authserv_id && gethostname(host, sizeof host - 1) < 0)
		return cmd_fail("verify", EX_OSERR, "host name: %s", strerror(errno));
	if (!verify->authserv_id)
		verify->authserv_id = talloc_strdup(verify, host);
	if (!verify->authserv_id)
		return cmd_fail("verify", EX_OSERR, "out of memory");
	code = cmd_message_read("verify", verify, path, &verify->message);
	return code == EX_OK ? verify_message(verify) : code;
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
	talloc_free(verify);
	return cmd_finish("verify", code);
}
