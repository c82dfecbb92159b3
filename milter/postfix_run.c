#include "milter/postfix_run.h"

#include "milter/run_program.h"

#include <talloc.h>

int postfix_run(void *mem, const char *const *argv, int timeout_ms, char **ret, char **ret_error)
{
	return run_program(mem, argv, timeout_ms, ret, NULL, ret_error);
}

int postfix_conf_read(void *mem, const char *directory, const struct postfix_conf **ret, char **ret_error)
{
	static const char *const asked[] = { "-x", "-M", "-Px" }; /* values with their $names filled in; services; what these set */
	char *output[sizeof asked / sizeof *asked] = { NULL };
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof asked / sizeof *asked; i++) {
		const char *const argv[] = { "postconf", asked[i], directory ? "-c" : NULL, directory, NULL };

		r = postfix_run(mem, argv, POSTFIX_RUN_MS, &output[i], ret_error);
	}
	if (r == 0)
		r = postfix_conf_parse(mem, output[0], output[1], output[2], ret, ret_error);
	for (size_t i = 0; i < sizeof asked / sizeof *asked; i++)
		talloc_free(output[i]);
	return r;
}
