/* Socket notations: what was read, written again, must read the same; errors must be fit for people. */
#include "milter/socket_spec.h"
#include "t/fuzz/fuzz.h"

#include <errno.h>
#include <string.h>
#include <talloc.h>

static char *written(void *mem, const struct socket_spec *spec)
{
	const char *family = spec->kind == SOCKET_INET ? "inet" : "inet6";

	if (spec->kind == SOCKET_UNIX)
		return talloc_asprintf(mem, "unix:%s", spec->path);
	if (spec->kind == SOCKET_SYSTEMD)
		return talloc_asprintf(mem, "systemd:%s", spec->name);
	return spec->host ? talloc_asprintf(mem, "%s:%u@[%s]", family, spec->port, spec->host)
	                  : talloc_asprintf(mem, "%s:%u", family, spec->port);
}

static bool same(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static void claim_reads_back(void *mem, const struct socket_spec *spec)
{
	struct socket_spec again;
	char *error;

	CLAIM(socket_spec_parse(mem, written(mem, spec), &again, &error) == 0);
	CLAIM(again.kind == spec->kind && again.port == spec->port);
	CLAIM(same(again.host, spec->host) && same(again.path, spec->path) && same(again.name, spec->name));
}

/* What needs no name server. */
static void claim_address(void *mem, const struct socket_spec *spec)
{
	struct socket_address address;
	char *error;
	int r;

	if (spec->host)
		return;
	r = socket_spec_resolve(mem, spec, SOCKET_LISTEN, &address, &error);
	CLAIM(r == (spec->kind == SOCKET_SYSTEMD ? -EINVAL : 0));
	CLAIM(r < 0 || address.n <= sizeof address.u);
	if (spec->kind == SOCKET_UNIX)
		CLAIM(strcmp(address.u.local.sun_path, spec->path) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t n)
{
	void *mem = talloc_new(NULL);
	char *text = talloc_strndup(mem, (const char *)octets, n);
	struct socket_spec spec;
	char *error = NULL;
	int r;

	CLAIM(text);
	r = socket_spec_parse(mem, text, &spec, &error);
	CLAIM(r == 0 || r == -EINVAL || r == -ENAMETOOLONG);
	if (r < 0) {
		claim_error_text(error, "wanted ");
	} else {
		claim_reads_back(mem, &spec);
		claim_address(mem, &spec);
	}
	talloc_free(mem);
	return 0;
}
