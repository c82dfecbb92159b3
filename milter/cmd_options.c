#include "milter/cmd_options.h"

#include "milter/cmd.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <talloc.h>

#define LONG_OPTION 0x100 /* getopt's value for row i is this + i: above every letter */
#define DOC_COLUMN 28

static bool print_lines(const char *text, int column)
{
	for (; *text; text++)
		if (putchar(*text) == EOF || (*text == '\n' && printf("%*s", column, "") < 0))
			return false;
	return putchar('\n') != EOF;
}

static bool print_option(const struct cmd_option *o)
{
	int n = o->letter ? printf("  -%c, --%s", o->letter, o->name) : printf("  --%s", o->name);
	int value = o->value ? printf(" %s", o->value) : 0;

	if (n < 0 || value < 0)
		return false;
	n += value;
	if (n >= DOC_COLUMN && putchar('\n') == EOF)
		return false;
	return printf("%*s", n >= DOC_COLUMN ? DOC_COLUMN : DOC_COLUMN - n, "") >= 0 && print_lines(o->doc, DOC_COLUMN);
}

static int print_help(const struct cmd_syntax *syntax)
{
	bool ok = printf("usage: postern %s %s\n\n%s\n", syntax->name, syntax->usage, syntax->doc) >= 0;

	for (size_t i = 0; ok && i < syntax->option_count; i++)
		ok = print_option(&syntax->options[i]);
	ok = ok && printf("  %-*s%s\n", DOC_COLUMN - 2, "--help", "this text") >= 0;
	return ok && fflush(stdout) == 0 ? EX_OK : EX_IOERR;
}

static int add_string(void *context, struct cmd_strings *strings, const char *value)
{
	const char **grown;

	if (strings->count >= CMD_STRINGS_MAX)
		return -E2BIG;
	grown = talloc_realloc(context, strings->string, const char *, (unsigned)strings->count + 2);
	if (!grown)
		return -ENOMEM;
	grown[strings->count++] = value;
	grown[strings->count] = NULL;
	strings->string = grown;
	return 0;
}

static int set_option(const struct cmd_option *o, void *context, const char *value)
{
	void *field = (char *)context + o->offset;

	switch (o->kind) {
	case CMD_FLAG:
		*(bool *)field = true;
		return 0;
	case CMD_STRING:
		*(const char **)field = value;
		return 0;
	case CMD_STRINGS:
		return add_string(context, field, value);
	case CMD_NUMBER:
		return cmd_number(value, o->minimum, o->maximum, field);
	case CMD_CALL:
		return o->set(context, value);
	}
	return -EINVAL;
}

static int complain(const struct cmd_syntax *syntax, const struct cmd_option *o, const char *value, int error)
{
	if (error == -ENOMEM)
		return cmd_fail(syntax->name, EX_OSERR, "out of memory");
	if (error == -E2BIG)
		return cmd_usage(syntax->name, "--%s: wanted it less often, got it again with \"%s\"", o->name, value);
	if (o->kind == CMD_NUMBER)
		return cmd_usage(syntax->name, "--%s: wanted a number from %lld to %lld, got \"%s\"", o->name, o->minimum, o->maximum,
		                 value);
	return cmd_usage(syntax->name, "--%s: wanted %s, got \"%s\"", o->name, o->value ? o->value : "no value", value ? value : "");
}

/* The row that getopt_long() found, by row number or by letter. */
static const struct cmd_option *find_option(const struct cmd_syntax *syntax, int found)
{
	for (size_t i = 0; i < syntax->option_count; i++)
		if (found == LONG_OPTION + (int)i || (syntax->options[i].letter && found == syntax->options[i].letter))
			return &syntax->options[i];
	return NULL;
}

static void make_getopt_tables(const struct cmd_syntax *syntax, struct option *ret_long, char *ret_short)
{
	size_t n = 0;

	if (syntax->option_count >= CMD_OPTIONS_MAX)
		abort(); /* a table of our own is too long */
	for (size_t i = 0; i < syntax->option_count; i++) {
		const struct cmd_option *o = &syntax->options[i];

		ret_long[i] = (struct option){ o->name, o->value ? required_argument : no_argument, NULL, LONG_OPTION + (int)i };
		if (o->letter)
			ret_short[n++] = o->letter;
		if (o->letter && o->value)
			ret_short[n++] = ':';
	}
	ret_short[n] = '\0';
	ret_long[syntax->option_count] = (struct option)CMD_OPTION_HELP;
	ret_long[syntax->option_count + 1] = (struct option){ NULL, 0, NULL, 0 };
}

static int check_operands(const struct cmd_syntax *syntax, int count, int *ret_code)
{
	if (count >= syntax->operands_min && count <= syntax->operands_max)
		return 0;
	*ret_code = cmd_usage(syntax->name, "wanted `postern %s %s`, got %d operand%s", syntax->name, syntax->usage, count,
	                      count == 1 ? "" : "s");
	return 1;
}

int cmd_options_parse(int argc, char **argv, const struct cmd_syntax *syntax, void *context, int *ret_operand, int *ret_code)
{
	struct option long_options[CMD_OPTIONS_MAX + 2];
	char letters[2 * CMD_OPTIONS_MAX + 1];
	const struct cmd_option *o;
	int found, r;

	make_getopt_tables(syntax, long_options, letters);
	optind = 1;
	while ((found = getopt_long(argc, argv, letters, long_options, NULL)) != -1) {
		o = find_option(syntax, found);
		if (!o) {
			*ret_code = found == 'h' ? print_help(syntax) : cmd_usage(syntax->name, NULL);
			return 1;
		}
		r = set_option(o, context, optarg);
		if (r < 0) {
			*ret_code = complain(syntax, o, optarg, r);
			return 1;
		}
	}
	*ret_operand = optind;
	return check_operands(syntax, argc - optind, ret_code);
}
