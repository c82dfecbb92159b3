/* postern reload: have the running daemon read its configuration anew. */
#include "milter/cmd.h"
#include "milter/cmd_options.h"
#include "milter/status_client.h"

#include <errno.h>
#include <stdio.h>
#include <sysexits.h>
#include <talloc.h>

struct reload_options {
	const char *file;
	const char *socket;
};

static const struct cmd_option options[] = {
	{ "config", 'c', "FILE", "where the daemon's status.socket is written\n(/etc/postern/postern.conf)", CMD_STRING,
	  offsetof(struct reload_options, file), 0, 0, NULL },
	{ "socket", 0, "PATH", "the daemon's status.socket itself", CMD_STRING, offsetof(struct reload_options, socket), 0, 0, NULL },
};

static const struct cmd_syntax syntax = {
	.name = "reload",
	.usage = "[-c FILE | --socket PATH]",
	.doc = "Has the running daemon read its configuration, keys and tables anew, and waits until that is in force: new workers\n"
	       "take over, the old ones finish their messages. When something is wrong, says what, and all stays as it was.\n\n"
	       "Exit codes: 0 the new configuration is in force; 78 it is not, the former one is; 69 no daemon; 64, 66, 71 sysexits.h.\n",
	.options = options,
	.option_count = sizeof options / sizeof *options,
};

/* A file with errors is refused here already, in the same words. */
static int reload(struct reload_options *o)
{
	const struct conf *conf;
	const char *path = o->socket;
	char *error = NULL;
	int code = EX_OK, r;

	if (!path)
		code = status_find(o, "reload", o->file, &conf, &path);
	if (code != EX_OK)
		return code;
	if (!*path)
		return cmd_fail("reload", EX_CONFIG, "status.socket is empty: send SIGHUP to the daemon instead");
	r = status_ask(o, path, "reload", NULL, NULL, NULL, &error);
	if (r == 0)
		return EX_OK;
	(void)fprintf(stderr, "%s\n", error ? error : "out of memory"); /* nothing is left to do when this fails */
	if (r == -EBADMSG)
		return cmd_fail("reload", EX_CONFIG, "the configuration before stays in force");
	return cmd_fail("reload", EX_UNAVAILABLE, "nothing was reloaded");
}

int cmd_reload(int argc, char **argv)
{
	struct reload_options *o = talloc_zero(NULL, struct reload_options);
	int operand, code;

	if (!o)
		return cmd_fail("reload", EX_OSERR, "out of memory");
	if (cmd_options_parse(argc, argv, &syntax, o, &operand, &code) == 0)
		code = reload(o);
	talloc_free(o);
	return code;
}
