/*
 * The commands of `postern`. Each gets its own arguments (argv[0] is the command's name) and returns
 * an exit code of sysexits.h.
 */
#ifndef MILTER_CMD_H
#define MILTER_CMD_H

#include <getopt.h>

int cmd_run(int argc, char **argv);
int cmd_worker(int argc, char **argv); /* what the supervisor starts; not for people */
int cmd_vet(int argc, char **argv);    /* likewise */
int cmd_reload(int argc, char **argv);
int cmd_scan(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_keygen(int argc, char **argv);
int cmd_testkey(int argc, char **argv);
int cmd_sign(int argc, char **argv);
int cmd_verify(int argc, char **argv);
int cmd_probe(int argc, char **argv);
int cmd_reflect(int argc, char **argv);
int cmd_import(int argc, char **argv);

/* Every command answers to --help. */
#define CMD_OPTION_HELP { "help", no_argument, NULL, 'h' }

/* A wrong command line: "postern COMMAND: TEXT" on standard error, and where help is (cmd_options.h has the parser).
 *   format  NULL when getopt_long() has already said what is wrong
 * Returns EX_USAGE. */
int cmd_usage(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Any other failure: "postern COMMAND: TEXT" on standard error. Returns code. */
int cmd_fail(const char *command, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The end of a command: flush standard output. Returns code, or EX_IOERR when octets were lost. */
int cmd_finish(const char *command, int code);

/* The exit code that says the same as a negative errno of reading or writing files. */
int cmd_code(int error);

/* A number within bounds, the whole of `text`: decimal, or hexadecimal behind 0x. Returns 0 or -EINVAL. */
int cmd_number(const char *text, long long minimum, long long maximum, long long *ret);

#endif
