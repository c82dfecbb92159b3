/* The program `postern`: finds the command and hands over. */
#include "milter/cmd.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

static const struct command {
	const char *name;
	int (*function)(int argc, char **argv);
	const char *doc; /* NULL: not for people, left out of --help */
} commands[] = {
	{ "run",    cmd_run,    "serve MTAs: verify, sign and scan mail" },
	{ "check",  cmd_check,  "say what would go wrong at start, and what was found" },
	{ "reload", cmd_reload, "have the running daemon read its configuration anew" },
	{ "status", cmd_status, "show what the running daemon is doing" },
	{ "scan",   cmd_scan,   "scan files as mail is scanned" },
	{ "keygen", cmd_keygen, "make a key and the DNS record that publishes it" },
	{ "testkey", cmd_testkey, "ask DNS for a key, and compare it with the private key" },
	{ "sign",   cmd_sign,   "sign a message" },
	{ "verify", cmd_verify, "verify the signatures of a message" },
	{ "probe",  cmd_probe,  "show what a milter would do to a message" },
	{ "reflect", cmd_reflect, "answer a message with what its signatures are worth" },
	{ "import", cmd_import, "make a configuration of opendkim's and clamav-milter's" },
	{ "worker", cmd_worker, NULL },
	{ "vet",    cmd_vet,    NULL },
};

#define COMMANDS (sizeof commands / sizeof *commands)

static bool print_overview(FILE *out)
{
	bool ok = fputs("postern: DKIM at the gate of a mail server\n\n"
	                "usage: postern COMMAND [options]\n"
	                "       postern --help | --version\n\n", out) != EOF;

	for (size_t i = 0; ok && i < COMMANDS; i++)
		if (commands[i].doc)
			ok = fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].doc) >= 0;
	return ok && fputs("\n`postern COMMAND --help` tells more. Exit codes are those of sysexits.h.\n", out) != EOF;
}

static int print_and_flush(bool printed)
{
	return printed && fflush(stdout) == 0 ? EX_OK : EX_IOERR;
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : NULL;

	if (name && (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0))
		return print_and_flush(print_overview(stdout));
	if (name && strcmp(name, "--version") == 0)
		return print_and_flush(printf("postern %s\n", POSTERN_VERSION) >= 0);
	for (size_t i = 0; name && i < COMMANDS; i++)
		if (strcmp(name, commands[i].name) == 0)
			return commands[i].function(argc - 1, argv + 1);
	if (name)
		(void)fprintf(stderr, "postern: wanted a command, got \"%s\"\n\n", name);
	(void)print_overview(stderr);
	return EX_USAGE;
}
