/* postern sign: signs one message. */
#include "dkim/domain.h"
#include "dkim/idna.h"
#include "dkim/sign.h"
#include "milter/cmd.h"
#include "milter/cmd_message.h"
#include "milter/cmd_options.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <talloc.h>
#include <time.h>

#define SIGN_KEYS_MAX 16 /* signatures of one message; two is usual (RFC 8463 section 3) */
#define SIGN_NAMES_MAX 1000 /* names in --headers and the like */

struct sign {
	struct cmd_strings keys;
	const char *headers, *omit, *oversign;
	long long expire, now;
	bool header_only;
	struct dkim_sign_params params;
	struct dkim_private_key *private_key[SIGN_KEYS_MAX];
	struct dkim_sign_key key[SIGN_KEYS_MAX];
	size_t key_count;
	struct cmd_message message;
};

static bool parse_canon(struct view word, enum dkim_canon *ret)
{
	*ret = view_eq(word, VIEW("simple")) ? DKIM_SIMPLE : DKIM_RELAXED;
	return view_eq(word, VIEW("simple")) || view_eq(word, VIEW("relaxed"));
}

/* As in c=: one word is that of the header, the body is simple then (R11). */
static int set_canon(void *context, const char *value)
{
	struct sign *sign = context;
	struct view words = view_of(value);
	size_t slash = view_find(words, '/');

	sign->params.body_canon = DKIM_SIMPLE;
	if (!parse_canon(view_slice(words, 0, slash), &sign->params.header_canon))
		return -EINVAL;
	if (slash < words.n && !parse_canon(view_slice(words, slash + 1, words.n), &sign->params.body_canon))
		return -EINVAL;
	return 0;
}

static const struct cmd_option options[] = {
	{ "key", 'k', "DOMAIN:SELECTOR:FILE", "a key to sign with; may be repeated", CMD_STRINGS, offsetof(struct sign, keys), 0, 0,
	  NULL },
	{ "canonicalization", 'c', "HEADER/BODY", "simple or relaxed each (relaxed/relaxed)", CMD_CALL, 0, 0, 0, set_canon },
	{ "headers", 0, "NAME:NAME...", "fields to sign when present, besides From", CMD_STRING, offsetof(struct sign, headers), 0, 0,
	  NULL },
	{ "omit", 0, "NAME:NAME...", "fields to leave out of these", CMD_STRING, offsetof(struct sign, omit), 0, 0, NULL },
	{ "oversign", 0, "NAME:NAME...", "fields of which no more may be added (From)", CMD_STRING, offsetof(struct sign, oversign),
	  0, 0, NULL },
	{ "expire", 'x', "SECONDS", "the signature expires so long after now", CMD_NUMBER, offsetof(struct sign, expire), 1,
	  INT32_MAX, NULL },
	{ "now", 0, "SECONDS", "the time of signing, since 1970", CMD_NUMBER, offsetof(struct sign, now), 0, INT64_MAX / 2, NULL },
	{ "header-only", 0, NULL, "write the DKIM-Signature fields alone", CMD_FLAG, offsetof(struct sign, header_only), 0, 0, NULL },
};

static const struct cmd_syntax syntax = {
	.name = "sign",
	.usage = "--key DOMAIN:SELECTOR:FILE [options] [FILE]",
	.doc = "Signs the message of FILE or standard input and writes it to standard output with one\n"
	       "DKIM-Signature field per key on top. Line ends are CRLF, as on the wire, whatever they were.\n\n"
	       "Exit codes: 0 signed; 65 the message has no single From field with an address or too many\n"
	       "fields to sign, or a key file is none; 66 a file cannot be read; 64, 70, 71, 74 sysexits.h.\n",
	.options = options,
	.option_count = sizeof options / sizeof *options,
	.operands_max = 1,
};

/* A colon list as the NULL-terminated array that dkim_sign_params wants. NULL when there are too many, or no memory. */
static const char *const *split_names(void *mem, const char *text)
{
	const char **names = talloc_zero_array(mem, const char *, SIGN_NAMES_MAX + 1);
	struct view rest = view_of(text), name;
	size_t n = 0;

	while (names && view_next(&rest, ':', &name)) {
		if (name.n == 0)
			continue;
		if (n == SIGN_NAMES_MAX)
			return NULL;
		names[n] = view_string(mem, name);
		if (!names[n++])
			return NULL;
	}
	return (const char *const *)names;
}

static int make_params(struct sign *sign)
{
	sign->params.headers = sign->headers ? split_names(sign, sign->headers) : dkim_sign_default_headers;
	sign->params.omit = split_names(sign, sign->omit ? sign->omit : "");
	sign->params.oversign = split_names(sign, sign->oversign ? sign->oversign : "");
	sign->params.expire = sign->expire;
	if (!sign->params.headers || !sign->params.omit || !sign->params.oversign)
		return cmd_fail("sign", EX_DATAERR, "wanted at most %d names in a list, got more, or memory is out", SIGN_NAMES_MAX);
	return EX_OK;
}

/* DOMAIN:SELECTOR:FILE; FILE may hold colons. */
static int load_key(struct sign *sign, const char *text)
{
	struct view rest = view_of(text), domain, selector;
	bool split = view_next(&rest, ':', &domain) && view_next(&rest, ':', &selector) && rest.p;
	char *error = NULL;
	int r;

	r = split && rest.n > 0 ? idna_to_ascii(sign, domain, &domain) : -EINVAL;
	if (r == 0)
		r = idna_to_ascii(sign, selector, &selector);
	if (r == -ENOMEM)
		return cmd_fail("sign", EX_OSERR, "out of memory");
	if (r < 0)
		return cmd_usage("sign", "--key: wanted DOMAIN:SELECTOR:FILE, got \"%s\"", text);
	if (sign->key_count == SIGN_KEYS_MAX)
		return cmd_usage("sign", "--key: wanted at most %d keys, got more", SIGN_KEYS_MAX);
	r = dkim_private_key_load(sign, rest.p, &sign->private_key[sign->key_count], &error);
	if (r < 0)
		return cmd_fail("sign", cmd_code(r), "%s", error ? error : strerror(-r));
	sign->key[sign->key_count] = (struct dkim_sign_key){
		.key = sign->private_key[sign->key_count],
		.domain = domain,
		.selector = selector,
	};
	sign->key_count++;
	return EX_OK;
}

static int load_keys(struct sign *sign)
{
	int code = EX_OK;

	if (sign->keys.count == 0)
		return cmd_usage("sign", "wanted --key DOMAIN:SELECTOR:FILE, got none");
	if (dkim_private_key_init() < 0)
		return cmd_fail("sign", EX_SOFTWARE, "guarded memory for keys cannot be had");
	for (size_t i = 0; code == EX_OK && i < sign->keys.count; i++)
		code = load_key(sign, sign->keys.string[i]);
	return code;
}

/* One From with an address, or no signature (R94). */
static int check_from(const struct sign *sign)
{
	struct view domain;
	enum from_reason reason = header_from_domain(sign->message.headers, &domain);

	if (reason != FROM_OK)
		return cmd_fail("sign", EX_DATAERR, "message: wanted one From field with an address, got: %s", from_reason_text(reason));
	return EX_OK;
}

static bool write_view(struct view v)
{
	return v.n == 0 || fwrite(v.p, 1, v.n, stdout) == v.n;
}

static int write_signed(const struct sign *sign, const struct dkim_sign *signer)
{
	bool ok = true;

	for (size_t i = 0; ok && i < sign->key_count; i++)
		ok = write_view(VIEW("DKIM-Signature:")) && write_view(dkim_sign_value(signer, i)) && write_view(VIEW("\r\n"));
	if (ok && !sign->header_only)
		ok = write_view(sign->message.text);
	return ok ? EX_OK : cmd_fail("sign", EX_IOERR, "standard output: %s", strerror(errno));
}

static int sign_message(struct sign *sign)
{
	struct dkim_sign *signer;
	int r = dkim_sign_new(sign, &sign->params, sign->key, sign->key_count, sign->now, sign->message.headers, &signer);

	if (r == -EMSGSIZE)
		return cmd_fail("sign", EX_DATAERR, "message: wanted fields to sign whose names take at most %d octets in h=, got more",
		                DKIM_SIGN_NAMES_MAX);
	if (r == 0)
		r = dkim_sign_body(signer, sign->message.body);
	if (r == 0)
		r = dkim_sign_finish(signer);
	if (r < 0)
		return cmd_fail("sign", r == -ENOMEM ? EX_OSERR : EX_SOFTWARE, "the message could not be signed: %s", strerror(-r));
	return write_signed(sign, signer);
}

static int sign_run(struct sign *sign, const char *path)
{
	int code = make_params(sign);

	if (code == EX_OK)
		code = load_keys(sign);
	if (code == EX_OK)
		code = cmd_message_read("sign", sign, path, &sign->message);
	if (code == EX_OK)
		code = check_from(sign);
	if (code == EX_OK)
		code = sign_message(sign);
	return code;
}

int cmd_sign(int argc, char **argv)
{
	struct sign *sign = talloc_zero(NULL, struct sign);
	int first, code;

	if (!sign)
		return cmd_fail("sign", EX_OSERR, "out of memory");
	sign->params.header_canon = sign->params.body_canon = DKIM_RELAXED;
	sign->now = time(NULL);
	if (cmd_options_parse(argc, argv, &syntax, sign, &first, &code) == 0)
		code = sign_run(sign, argv[first]);
	for (size_t i = 0; i < sign->key_count; i++)
		dkim_private_key_free(sign->private_key[i]);
	talloc_free(sign);
	return cmd_finish("sign", code);
}
