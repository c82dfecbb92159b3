/* postern check: everything that would go wrong at start, and what was found. */
#include "dkim/buf.h"
#include "dkim/library.h"
#include "milter/check.h"
#include "milter/cmd.h"
#include "milter/cmd_options.h"
#include "milter/json.h"

#include <errno.h>
#include <libmilter/mfapi.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <talloc.h>

#define TABLE_MAX ((size_t)1024 * 1024) /* octets of the option table as JSON */
#define DEFAULT_FILE "/etc/postern/postern.conf"

struct check_options {
	const char *file, *postfix_directory;
	bool defaults, json, postfix;
};

static const struct cmd_option options[] = {
	{ "config", 'c', "FILE", "the configuration (" DEFAULT_FILE ")", CMD_STRING, offsetof(struct check_options, file), 0, 0, NULL },
	{ "defaults", 0, NULL, "print all options with their defaults as a\nconfiguration, and end", CMD_FLAG,
	  offsetof(struct check_options, defaults), 0, 0, NULL },
	{ "json", 0, NULL, "print JSON", CMD_FLAG, offsetof(struct check_options, json), 0, 0, NULL },
	{ "postfix", 0, NULL, "look also for what in Postfix's configuration\nwould break signatures or keep mail away", CMD_FLAG,
	  offsetof(struct check_options, postfix), 0, 0, NULL },
	{ "postfix-directory", 0, "DIR", "the same for the Postfix of DIR/main.cf", CMD_STRING,
	  offsetof(struct check_options, postfix_directory), 0, 0, NULL },
};

static const struct cmd_syntax syntax = {
	.name = "check",
	.usage = "[-c FILE] [--postfix] [--json]\n       postern check --defaults [--json]",
	.doc = "Reads the configuration, shows all its errors, and then looks for what would go wrong at start: the user,\n"
	       "files, sockets (bound for a moment), keys, and whether DNS publishes these keys. Run it as the user\n"
	       "that starts postern.\n\n"
	       "Exit codes: 0 nothing would fail; 78 something would; 66 no such file; 64, 71, 74 sysexits.h.\n",
	.options = options,
	.option_count = sizeof options / sizeof *options,
};

static void add_option(struct buf *out, const struct conf_option_info *option)
{
	json_separate(out);
	buf_add_char(out, '{');
	json_member(out, "section", view_of(option->section));
	json_member(out, "name", view_of(option->name));
	json_member(out, "wanted", view_of(option->wanted));
	json_text(out, "default", option->default_value);
	json_member(out, "doc", view_of(option->doc));
	buf_add_char(out, '}');
}

static int print_table_json(void *mem)
{
	struct buf out;

	buf_init(&out, mem, TABLE_MAX);
	buf_add_char(&out, '[');
	for (size_t i = 0; conf_option_info(i); i++)
		add_option(&out, conf_option_info(i));
	buf_add_string(&out, "]\n");
	if (buf_error(&out))
		return cmd_fail("check", EX_OSERR, "out of memory");
	return fputs(buf_string(&out), stdout) == EOF ? EX_IOERR : EX_OK;
}

static int print_table(void *mem)
{
	const char *text = conf_defaults_text(mem);

	if (!text)
		return cmd_fail("check", EX_OSERR, "out of memory");
	return fputs(text, stdout) == EOF ? EX_IOERR : EX_OK;
}

static void check_libraries(struct check *check)
{
	struct dkim_library library;
	unsigned major, minor, patch;

	(void)smfi_version(&major, &minor, &patch); /* cannot fail: it has no other answer */
	check_add(check, CHECK_OK, "library", "libmilter", "%u.%u.%u", major, minor, patch);
	for (size_t i = 0; dkim_library_version(i, &library); i++)
		check_add(check, CHECK_OK, "library", library.name, "%s", library.version);
}

static void check_all(struct check *check, const struct conf *conf, const char *file)
{
	check_user(check, conf);
	check_records(check, conf);
	check_listeners(check, conf);
	check_delivery(check, conf);
	check_keys(check, conf);
	check_scan(check, conf, file);
}

/* The file alone: its errors, or what it says. NULL when it cannot be used. */
static const struct conf *read_file(void *mem, const char *file, struct check *check, int *ret_code)
{
	const struct conf *conf = NULL;
	struct conf_errors errors = { NULL, 0 };
	char *text, *error = NULL;
	size_t n;
	int r;

	r = conf_read_file(mem, file, &text, &n, &error);
	if (r < 0) {
		*ret_code = cmd_fail("check", EX_NOINPUT, "%s", error ? error : strerror(-r));
		return NULL;
	}
	r = conf_parse(mem, text, n, file, &conf, &errors);
	for (size_t i = 0; i < errors.count; i++)
		check_add(check, CHECK_FAILS, "file", "", "%s", errors.text[i]);
	if (r == 0)
		check_add(check, CHECK_OK, "file", "", "%s: %zu listener%s, %zu key%s", file, conf->listener_count,
		          conf->listener_count == 1 ? "" : "s", conf->sign.key_count, conf->sign.key_count == 1 ? "" : "s");
	else if (r != -EINVAL)
		*ret_code = cmd_fail("check", EX_OSERR, "%s", strerror(-r));
	return r == 0 ? conf : NULL;
}

static int check_file(void *mem, const struct check_options *o)
{
	const char *file = o->file ? o->file : DEFAULT_FILE;
	struct check *check = check_new(mem);
	const struct conf *conf;
	int code = EX_OK;

	if (!check)
		return cmd_fail("check", EX_OSERR, "out of memory");
	conf = read_file(mem, file, check, &code);
	if (code != EX_OK)
		return code;
	check_libraries(check);
	if (conf)
		check_all(check, conf, file);
	if (conf && (o->postfix || o->postfix_directory))
		check_postfix(check, conf, o->postfix_directory);
	return check_print(check, file, o->json);
}

int cmd_check(int argc, char **argv)
{
	struct check_options *o = talloc_zero(NULL, struct check_options);
	int operand, code = EX_OSERR;

	if (!o)
		return cmd_fail("check", EX_OSERR, "out of memory");
	if (cmd_options_parse(argc, argv, &syntax, o, &operand, &code) == 0) {
		if (o->defaults)
			code = o->json ? print_table_json(o) : print_table(o);
		else
			code = check_file(o, o);
		code = cmd_finish("check", code);
	}
	talloc_free(o);
	return code;
}
