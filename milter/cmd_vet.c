/*
 * `postern vet FILE`: look at a configuration, for a reload. The supervisor starts it with the octets on CHILD_CONFIGURATION, so
 * that what might be wrong with them befalls this process first. Each fault is said as CONTROL_FAILED; CONTROL_READY: there is none.
 */
#include "conf/conf.h"
#include "milter/child.h"
#include "milter/cmd.h"
#include "milter/control.h"

#include <errno.h>
#include <string.h>
#include <sysexits.h>
#include <talloc.h>

static int say(enum control_kind kind, const char *text)
{
	return control_send(CHILD_CONTROL, kind, text) < 0 ? EX_OSERR : EX_OK;
}

static int vet(void *mem, const char *file)
{
	const struct conf *conf;
	struct conf_errors errors = { NULL, 0 };
	char *text;
	size_t n;
	int code = EX_CONFIG, r;

	r = child_configuration(mem, &text, &n);
	if (r == 0)
		r = conf_parse(mem, text, n, file, &conf, &errors);
	if (r == 0)
		return say(CONTROL_READY, "");
	if (errors.count == 0)
		(void)say(CONTROL_FAILED, strerror(-r)); /* the exit code says it too */
	for (size_t i = 0; code == EX_CONFIG && i < errors.count; i++)
		code = say(CONTROL_FAILED, errors.text[i]) == EX_OK ? EX_CONFIG : EX_OSERR;
	return code;
}

int cmd_vet(int argc, char **argv)
{
	void *mem;
	int code;

	if (argc != 2)
		return cmd_fail("vet", EX_USAGE, "this command is the supervisor's; `postern reload` leads to it");
	mem = talloc_new(NULL);
	code = mem ? vet(mem, argv[1]) : EX_OSERR;
	talloc_free(mem);
	return code;
}
