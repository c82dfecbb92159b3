/* What an MTA will not take, or will change after it was signed, as far as the configuration shows it. */
#include "milter/check.h"

#include "dkim/view.h"
#include "milter/gate.h"
#include "milter/socket_spec.h"

#include <string.h>
#include <sys/stat.h>
#include <talloc.h>

/* Header fields that Sendmail takes away when it delivers, and that could be asked for in sign.headers. */
static const struct view taken_away[] = { VIEW_INIT("Full-Name") };

static void check_signing(struct check *check, const struct conf_sign *sign)
{
	if (sign->header_canon == CONF_SIMPLE)
		check_add(check, CHECK_WARNING, "sign", "canonicalization", "simple for the header: Sendmail writes fields with addresses anew "
		          "after they were signed; relaxed survives that");
	for (size_t i = 0; sign->headers[i]; i++)
		for (size_t name = 0; name < sizeof taken_away / sizeof *taken_away; name++)
			if (view_eq_nocase(view_of(sign->headers[i]), taken_away[name]))
				check_add(check, CHECK_WARNING, "sign", "headers", "%s: Sendmail takes this field away after it was signed",
				          sign->headers[i]);
}

/* The uppermost directory of the path that everybody may write to; NULL when there is none. */
static const char *open_directory(void *mem, const char *path)
{
	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		char *directory = talloc_strndup(mem, path, slash == path ? 1 : (size_t)(slash - path));
		struct stat status;

		if (directory && stat(directory, &status) == 0 && (status.st_mode & S_IWOTH))
			return directory;
		talloc_free(directory);
	}
	return NULL;
}

static void check_path(struct check *check, const struct conf_listener *listener)
{
	struct socket_spec spec;
	const char *directory;
	char *error = NULL;

	if (socket_spec_parse(check, listener->socket, &spec, &error) < 0 || spec.kind != SOCKET_UNIX)
		return; /* what is wrong with it, check_listeners() says */
	directory = open_directory(check, spec.path);
	if (directory)
		check_add(check, CHECK_WARNING, "listener", listener->name, "%s: Sendmail uses no socket below %s, where everybody may write",
		          listener->socket, directory);
}

void check_delivery(struct check *check, const struct conf *conf)
{
	bool signs = false;

	for (size_t i = 0; i < conf->listener_count; i++) {
		check_path(check, &conf->listeners[i]);
		signs = signs || gate_may_sign(&conf->listeners[i]);
	}
	if (signs)
		check_signing(check, &conf->sign);
}
