/* Configuration text: any octets give a configuration within its bounds or errors fit for people; any string comes back
 * through conf_quote(). */
#include "conf/conf.h"
#include "t/fuzz/fuzz.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>

/* "test.conf:LINE: option: wanted what, got what", in the order of the lines. */
static void claim_errors(const struct conf_errors *errors)
{
	unsigned long before = 0;

	CLAIM(errors->count > 0 && errors->count <= CONF_ERRORS_MAX);
	for (size_t i = 0; i < errors->count; i++) {
		const char *text = errors->text[i];
		unsigned long line = strtoul(text + strlen("test.conf:"), NULL, 10);

		CLAIM(text && is_printable(view_of(text)));
		if (i + 1 == CONF_ERRORS_MAX && strstr(text, "more errors"))
			return;
		CLAIM(matches(view_of(text), "test\\.conf:([0-9]+:)? .*: wanted .+, got .*"));
		CLAIM(line >= before);
		before = line;
	}
}

static void claim_bounds(const struct conf *conf)
{
	CLAIM(conf->authserv_id && conf->user);
	CLAIM(conf->header_size_limit > 0 && conf->header_count_limit > 0);
	CLAIM(conf->verify.minimum_rsa_bits >= 1024 && conf->verify.max_signatures > 0);
	CLAIM(conf->listener_count > 0);
	for (size_t i = 0; i < conf->listener_count; i++) {
		const struct conf_listener *listener = &conf->listeners[i];

		CLAIM(listener->name && listener->socket[0]);
		CLAIM(listener->role == CONF_VERIFY || conf->sign.key_count > 0);
		for (size_t k = 0; k < listener->internal_hosts.count; k++)
			CLAIM(listener->internal_hosts.network[k].prefix <= (listener->internal_hosts.network[k].family == AF_INET ? 32 : 128));
	}
	for (size_t i = 0; i < conf->sign.key_count; i++) {
		CLAIM(conf->sign.keys[i].domain[0] && conf->sign.keys[i].selector[0]);
		CLAIM(conf->sign.keys[i].file[0] == '/');
	}
}

static void try_text(void *mem, struct view text)
{
	struct conf_errors errors;
	const struct conf *conf = NULL;
	int r = conf_parse(mem, text.p, text.n, "test.conf", &conf, &errors);

	CLAIM(r == 0 || r == -EINVAL);
	if (r < 0) {
		CLAIM(!conf);
		claim_errors(&errors);
	} else {
		CLAIM(errors.count == 0);
		claim_bounds(conf);
	}
}

static void try_quote(void *mem, struct view octets)
{
	static const char form[] = "listener in { socket = \"inet:4443@127.0.0.1\" role = verify } dns { records = %s }";
	char *path = talloc_asprintf(mem, "/%s", talloc_strndup(mem, octets.p, octets.n));
	char *quoted = conf_quote(mem, path);
	char *text = talloc_asprintf(mem, form, quoted);
	struct conf_errors errors;
	const struct conf *conf;

	CLAIM(matches(view_of(quoted), "[ -~]*"));
	if (conf_parse(mem, text, strlen(text), "test.conf", &conf, &errors) == 0)
		CLAIM_SAME(view_of(conf->dns.records), view_of(path));
	else
		claim_errors(&errors);
}

/* Input: "Q" and a string to quote, or else a configuration. */
int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t n)
{
	struct view input = { (const char *)octets, n };
	void *mem = talloc_new(NULL);

	if (n > 0 && octets[0] == 'Q')
		try_quote(mem, view_slice(input, 1, n));
	else
		try_text(mem, input);
	talloc_free(mem);
	return 0;
}
