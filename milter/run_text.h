/* The short form of `postern run`: what stands on the command line, written as a configuration, so that there is one
 * way to read one. */
#ifndef MILTER_RUN_TEXT_H
#define MILTER_RUN_TEXT_H

#include "milter/cmd_options.h"

#include <stdbool.h>

/* NULL: not said, and the option's default holds. */
struct run_options {
	const char *file;          /* -c: the long form */
	const char *verify;        /* sockets */
	const char *sign;
	struct cmd_strings keys;   /* DOMAIN:SELECTOR:FILE */
	const char *scan;          /* the database */
	const char *records;
	struct cmd_strings dns;    /* ADDRESS@PORT */
	const char *authserv_id;
	const char *user;
	long long workers;         /* 0: not said */
	const char *log_level;
	bool print_config;
};

#define RUN_TEXT_MAX ((size_t)1024 * 1024) /* octets; a command line is not longer on Linux unless told so */

/* Write the configuration. Relative file names become absolute ones. Values are quoted, not judged: conf_parse() does
 * that.
 *   ret        a talloc string of mem
 *   ret_error  on -EINVAL: wanted and got; a talloc string of mem
 * Returns 0, -EINVAL, -ENOMEM, -EMSGSIZE or the errno of getcwd(). */
int run_text(void *mem, const struct run_options *options, char **ret, char **ret_error);

#endif
