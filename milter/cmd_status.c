/* postern status: what the running daemon is doing. */
#include "milter/cmd.h"
#include "milter/cmd_options.h"
#include "milter/status_client.h"
#include "milter/status_report.h"

#include <errno.h>
#include <stdio.h>
#include <sysexits.h>
#include <talloc.h>

#define REPORT_MAX ((size_t)64 * 1024 * 1024) /* octets */

struct status_options {
	const char *file;
	const char *socket;
	bool json, keys;
};

static const struct cmd_option options[] = {
	{ "config", 'c', "FILE", "where the daemon's status.socket is written\n(/etc/postern/postern.conf)", CMD_STRING,
	  offsetof(struct status_options, file), 0, 0, NULL },
	{ "socket", 0, "PATH", "the daemon's status.socket itself", CMD_STRING, offsetof(struct status_options, socket), 0, 0, NULL },
	{ "keys", 0, NULL, "look at the keys of the configuration too, and ask\nDNS for them", CMD_FLAG, offsetof(struct status_options, keys), 0, 0, NULL },
	{ "json", 0, NULL, "print JSON", CMD_FLAG, offsetof(struct status_options, json), 0, 0, NULL },
};

static const struct cmd_syntax syntax = {
	.name = "status",
	.usage = "[-c FILE | --socket PATH] [--keys] [--json]",
	.doc = "Shows what the running daemon is doing: since when with which configuration, what each listener has counted,\n"
	       "the scanner and its database, its queue, all processes and their memory. For root, and the user that started it.\n\n"
	       "Exit codes: 0 all is ready; 75 something is not; 69 no daemon; 64, 66, 71, 74, 78 sysexits.h.\n",
	.options = options,
	.option_count = sizeof options / sizeof *options,
};

static int print(const struct status_report *report, const struct status_keys *keys, bool json)
{
	struct buf out;
	int code = status_report_is_well(report) ? EX_OK : EX_TEMPFAIL;

	buf_init(&out, NULL, REPORT_MAX);
	if (json)
		status_report_json(report, keys, &out);
	else
		status_report_text(report, keys, time(NULL), &out);
	if (buf_error(&out))
		code = cmd_fail("status", EX_OSERR, "out of memory");
	else if (fputs(buf_string(&out), stdout) == EOF)
		code = EX_IOERR;
	buf_free(&out);
	return code;
}

static int status(struct status_options *o)
{
	struct status_report *report = status_report_new(o);
	struct status_keys *keys = NULL;
	const struct conf *conf = NULL;
	const char *path = o->socket;
	char *error = NULL;
	int code = EX_OK;

	if (!report)
		return cmd_fail("status", EX_OSERR, "out of memory");
	if (!path)
		code = status_find(o, "status", o->file, &conf, &path);
	if (code != EX_OK)
		return code;
	if (!*path)
		return cmd_fail("status", EX_CONFIG, "status.socket is empty: the daemon tells nothing");
	if (status_ask(o, path, "status", status_report_add, report, NULL, &error) < 0)
		return cmd_fail("status", EX_UNAVAILABLE, "%s", error ? error : "out of memory");
	if (o->keys && !conf)
		return cmd_usage("status", "--keys: wanted a configuration that names keys, got none");
	if (o->keys && status_keys_read(o, conf, &keys, &error) < 0)
		return cmd_fail("status", EX_OSERR, "keys: %s", error ? error : "out of memory");
	return print(report, keys, o->json);
}

int cmd_status(int argc, char **argv)
{
	struct status_options *o = talloc_zero(NULL, struct status_options);
	int operand, code;

	if (!o)
		return cmd_fail("status", EX_OSERR, "out of memory");
	if (cmd_options_parse(argc, argv, &syntax, o, &operand, &code) == 0)
		code = cmd_finish("status", status(o));
	talloc_free(o);
	return code;
}
