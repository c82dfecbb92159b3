#include "conf/conf.h"
#include "milter/cmd.h"
#include "milter/log.h"
#include "milter/program.h"
#include "milter/run_text.h"
#include "milter/supervisor.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <talloc.h>

#define DEFAULT_FILE "/etc/postern/postern.conf"
#define SHORT_FORM_NAME "command-line" /* stands for the file's name in errors */
#define RUN_WORKERS_MAX 64             /* as in the option table */

static const struct cmd_option options[] = {
	{ "config", 'c', "FILE", "the configuration (" DEFAULT_FILE ")", CMD_STRING, offsetof(struct run_options, file), 0, 0, NULL },
	{ "verify", 0, "SOCKET", "verify the mail of MTAs that come here:\ninet:PORT@HOST, inet6:PORT@HOST, unix:/PATH",
	  CMD_STRING, offsetof(struct run_options, verify), 0, 0, NULL },
	{ "sign", 0, "SOCKET", "sign the mail of MTAs that come here", CMD_STRING, offsetof(struct run_options, sign), 0, 0, NULL },
	{ "key", 0, "DOMAIN:SELECTOR:FILE", "a key to sign with; may be repeated", CMD_STRINGS, offsetof(struct run_options, keys),
	  0, 0, NULL },
	{ "scan", 0, "DATABASE", "scan all mail with this database of ClamAV's\nsignatures, a folder or a file", CMD_STRING,
	  offsetof(struct run_options, scan), 0, 0, NULL },
	{ "records", 0, "FILE", "TXT records that are answered before DNS is asked",
	  CMD_STRING, offsetof(struct run_options, records), 0, 0, NULL },
	{ "dns", 0, "ADDRESS@PORT", "a resolver to ask; may be repeated\n(those of /etc/resolv.conf)",
	  CMD_STRINGS, offsetof(struct run_options, dns), 0, 0, NULL },
	{ "authserv-id", 0, "NAME", "name in Authentication-Results\n(what the MTA calls itself)",
	  CMD_STRING, offsetof(struct run_options, authserv_id), 0, 0, NULL },
	{ "user", 0, "NAME", "user to run as when started by root (postern)",
	  CMD_STRING, offsetof(struct run_options, user), 0, 0, NULL },
	{ "workers", 0, "N", "processes per socket\n(one per CPU, at most 4)",
	  CMD_NUMBER, offsetof(struct run_options, workers), 1, RUN_WORKERS_MAX, NULL },
	{ "log-level", 0, "LEVEL", "error, warning, info or debug (info)",
	  CMD_STRING, offsetof(struct run_options, log_level), 0, 0, NULL },
	{ "print-config", 0, NULL, "print the configuration that the other options\namount to, and end",
	  CMD_FLAG, offsetof(struct run_options, print_config), 0, 0, NULL },
};

static const struct cmd_syntax syntax = {
	.name = "run",
	.usage = "[-c FILE]\n       postern run [--verify SOCKET] [--sign SOCKET --key DOMAIN:SELECTOR:FILE...] [--scan DATABASE]\n                   [options]",
	.doc = "Serve MTAs until SIGTERM: verify what comes in, sign what goes out, scan both. Takes a configuration\n"
	       "file, or with --verify or --sign none at all; --print-config then shows what such a file would say.\n",
	.options = options,
	.option_count = sizeof options / sizeof *options,
};

static bool is_short_form(const struct run_options *o)
{
	return o->verify || o->sign || o->keys.count || o->scan || o->records || o->dns.count || o->authserv_id || o->user || o->workers ||
	       o->log_level;
}

struct configuration {
	const char *file;
	char *text;
	size_t n;
	const struct conf *conf;
	bool from_file;
};

static int read_long_form(void *mem, const struct run_options *o, struct configuration *ret)
{
	char *error = NULL;
	int r;

	ret->file = o->file ? o->file : DEFAULT_FILE;
	ret->from_file = true;
	r = conf_read_file(mem, ret->file, &ret->text, &ret->n, &error);
	if (r < 0)
		return cmd_fail("run", EX_NOINPUT, "%s", error ? error : strerror(-r));
	return EX_OK;
}

static int make_short_form(void *mem, const struct run_options *o, struct configuration *ret)
{
	char *error = NULL;
	int r;

	ret->file = SHORT_FORM_NAME;
	r = run_text(mem, o, &ret->text, &error);
	if (r == -EINVAL)
		return cmd_usage("run", "%s", error ? error : strerror(-r));
	if (r < 0)
		return cmd_fail("run", EX_OSERR, "%s", strerror(-r));
	ret->n = strlen(ret->text);
	return EX_OK;
}

/* Every error, one per line, in the order of the file. */
static int parse(void *mem, struct configuration *configuration)
{
	struct conf_errors errors;
	int r;

	r = conf_parse(mem, configuration->text, configuration->n, configuration->file, &configuration->conf, &errors);
	for (size_t i = 0; i < errors.count; i++)
		(void)fprintf(stderr, "%s\n", errors.text[i]); /* nothing is left to do when this fails */
	if (r == -EINVAL)
		return cmd_fail("run", EX_CONFIG, "%s: %zu error%s", configuration->file, errors.count, errors.count == 1 ? "" : "s");
	return r < 0 ? cmd_fail("run", EX_OSERR, "%s", strerror(-r)) : EX_OK;
}

static int serve(void *mem, const struct configuration *configuration)
{
	char *program = NULL;
	int r;

	r = program_own(mem, &program);
	if (r < 0)
		return cmd_fail("run", EX_OSERR, "/proc/self/exe: %s", strerror(-r));
	r = log_open(&configuration->conf->log, "supervisor");
	if (r < 0)
		return cmd_fail("run", EX_CONFIG, "log: wanted to open the target, got \"%s\"", strerror(-r));
	return supervisor_run(&(struct supervisor_params){ configuration->conf, configuration->text, configuration->n,
	                                                   configuration->file, program, configuration->from_file });
}

static int run(struct run_options *o)
{
	struct configuration configuration = { 0 };
	int code;

	if (o->file && is_short_form(o))
		return cmd_usage("run", "wanted either -c FILE or a configuration by options, got both");
	code = is_short_form(o) ? make_short_form(o, o, &configuration) : read_long_form(o, o, &configuration);
	if (code == EX_OK && o->print_config) {
		(void)fwrite(configuration.text, 1, configuration.n, stdout); /* cmd_finish() looks at ferror() */
		return cmd_finish("run", EX_OK);
	}
	if (code == EX_OK)
		code = parse(o, &configuration);
	return code == EX_OK ? serve(o, &configuration) : code;
}

int cmd_run(int argc, char **argv)
{
	struct run_options *o = talloc_zero(NULL, struct run_options);
	int operand, code;

	if (!o)
		return cmd_fail("run", EX_OSERR, "out of memory");
	if (cmd_options_parse(argc, argv, &syntax, o, &operand, &code) == 0)
		code = run(o);
	talloc_free(o);
	return code;
}
