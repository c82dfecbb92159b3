/* The options of a command as a table: parsing, --help and the texts of errors come from the same rows. */
#ifndef MILTER_CMD_OPTIONS_H
#define MILTER_CMD_OPTIONS_H

#include <stddef.h>

#define CMD_OPTIONS_MAX 48 /* rows of one table, --help included */
#define CMD_STRINGS_MAX 1000 /* times that one option may be repeated */

struct cmd_strings {
	const char **string; /* talloc array, NULL-terminated once it holds anything; the strings are argv's */
	size_t count;
};

enum cmd_option_kind {
	CMD_FLAG,    /* bool; takes no value */
	CMD_STRING,  /* const char * */
	CMD_STRINGS, /* struct cmd_strings: each use adds one */
	CMD_NUMBER,  /* long long from minimum to maximum, decimal, or hexadecimal behind 0x */
	CMD_CALL,    /* set() decides */
};

struct cmd_option {
	const char *name;
	char letter;          /* the one-letter form; 0: none */
	const char *value;    /* what stands for the value in --help and errors; NULL for a flag */
	const char *doc;      /* one line, or several with \n */
	enum cmd_option_kind kind;
	size_t offset;        /* where in the command's own struct; not for CMD_CALL */
	long long minimum, maximum;
	int (*set)(void *context, const char *value); /* 0, -EINVAL, -E2BIG (too often) or -ENOMEM */
};

struct cmd_syntax {
	const char *name;      /* of the command */
	const char *usage;     /* what follows the name: "SOCKET [options] [FILE]" */
	const char *doc;       /* what it does, what it needs, its exit codes */
	const struct cmd_option *options; /* without --help, which every command has */
	size_t option_count;
	int operands_min, operands_max;
};

/* Read a command line.
 *   context      the command's own struct, which a row's offset counts from; a talloc object
 *   ret_operand  index in argv of the first operand
 *   ret_code     exit code, written when the command is over
 * Returns 0, or 1 when the command is over: help was printed, or the command line is wrong and was complained about. */
int cmd_options_parse(int argc, char **argv, const struct cmd_syntax *syntax, void *context, int *ret_operand, int *ret_code);

#endif
