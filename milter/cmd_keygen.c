/* postern keygen: makes a key and the DNS record that publishes it. */
#include "dkim/domain.h"
#include "dkim/idna.h"
#include "dkim/private_key.h"
#include "milter/cmd.h"
#include "milter/cmd_options.h"
#include "milter/json.h"
#include "milter/keygen_record.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <talloc.h>
#include <unistd.h>

#define RSA_BITS_USUAL 2048  /* RFC 8301 section 3.2: signers SHOULD use at least this (R76) */
#define RSA_BITS_LARGEST 8192 /* dkim_private_key_generate()'s maximum */
#define RECORD_MAX (64 * 1024) /* octets of all forms together; an RSA key of 8,192 bits makes 5,000 */

enum format { FORMAT_ZONE, FORMAT_LINE, FORMAT_NSUPDATE, FORMAT_ALL };

struct keygen {
	const char *domain, *selector, *directory, *output;
	enum dkim_key_type type;
	enum format format;
	long long bits, ttl;
	bool relative, json;
	struct keygen_record record;
	const char *path;
};

static int set_type(void *context, const char *value)
{
	struct keygen *keygen = context;

	keygen->type = strcmp(value, "rsa") == 0 ? DKIM_KEY_RSA : DKIM_KEY_ED25519;
	return strcmp(value, "rsa") == 0 || strcmp(value, "ed25519") == 0 ? 0 : -EINVAL;
}

static int set_format(void *context, const char *value)
{
	static const char *const names[] = { "zone", "line", "nsupdate", "all" };
	struct keygen *keygen = context;

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(value, names[i]) == 0) {
			keygen->format = (enum format)i;
			return 0;
		}
	return -EINVAL;
}

static const struct cmd_option options[] = {
	{ "domain", 'd', "DOMAIN", "the signing domain; an international one in UTF-8 or as xn--...", CMD_STRING, offsetof(struct keygen, domain), 0, 0, NULL },
	{ "selector", 's', "SELECTOR", "the name of the key below the domain", CMD_STRING, offsetof(struct keygen, selector), 0, 0,
	  NULL },
	{ "type", 't', "rsa|ed25519", "(rsa)", CMD_CALL, 0, 0, 0, set_type },
	{ "bits", 'b', "N", "size of an RSA key (2048)", CMD_NUMBER, offsetof(struct keygen, bits), DKIM_RSA_BITS_MIN_SIGN,
	  RSA_BITS_LARGEST, NULL },
	{ "directory", 'D', "DIR", "write DIR/SELECTOR.DOMAIN.pem (.)", CMD_STRING, offsetof(struct keygen, directory), 0, 0, NULL },
	{ "output", 'o', "FILE", "write FILE instead", CMD_STRING, offsetof(struct keygen, output), 0, 0, NULL },
	{ "format", 'f', "zone|line|nsupdate|all", "lines of a zone file, one value for a form,\nor input for nsupdate (zone)",
	  CMD_CALL, 0, 0, 0, set_format },
	{ "relative", 0, NULL, "zone lines with a name relative to DOMAIN", CMD_FLAG, offsetof(struct keygen, relative), 0, 0,
	  NULL },
	{ "ttl", 0, "SECONDS", "of the record (3600)", CMD_NUMBER, offsetof(struct keygen, ttl), 0, INT32_MAX, NULL },
	{ "json", 0, NULL, "print all of it as JSON", CMD_FLAG, offsetof(struct keygen, json), 0, 0, NULL },
};

static const struct cmd_syntax syntax = {
	.name = "keygen",
	.usage = "--domain DOMAIN --selector SELECTOR [options]",
	.doc = "Makes a private key, writes it to a new file that only its owner can read, and prints the\n"
	       "record to publish at SELECTOR._domainkey.DOMAIN. A file that exists is never touched.\n\n"
	       "Exit codes: 0 both are done; 73 the file exists or cannot be made; 64, 70, 71, 74 sysexits.h.\n",
	.options = options,
	.option_count = sizeof options / sizeof *options,
};

/* The A-labels of a name that was given in either form, as DNS wants them. */
static int map_name(struct keygen *keygen, const char **name, const char *option, const char *wanted)
{
	struct view ascii;
	int r = *name ? idna_to_ascii(keygen, view_of(*name), &ascii) : -EINVAL;

	if (r == -EINVAL)
		return cmd_usage("keygen", "%s: wanted %s, got \"%s\"", option, wanted, *name ? *name : "");
	if (r == 0)
		*name = view_string(keygen, ascii);
	return r == 0 && *name ? EX_OK : cmd_fail("keygen", EX_OSERR, "out of memory");
}

static int check_names(struct keygen *keygen)
{
	struct view domain, selector;
	int code = map_name(keygen, &keygen->domain, "--domain", "a domain name without a dot at its end");

	if (code == EX_OK)
		code = map_name(keygen, &keygen->selector, "--selector", "a selector such as sel2026");
	if (code != EX_OK)
		return code;
	domain = view_of(keygen->domain);
	selector = view_of(keygen->selector);
	if (selector.n + strlen("._domainkey.") + domain.n > DOMAIN_NAME_MAX)
		return cmd_usage("keygen", "wanted SELECTOR._domainkey.DOMAIN of at most %d octets, got %zu (R71)", DOMAIN_NAME_MAX,
		                 selector.n + strlen("._domainkey.") + domain.n);
	if (keygen->directory && keygen->output)
		return cmd_usage("keygen", "wanted --directory or --output, got both");
	if (keygen->type == DKIM_KEY_ED25519 && keygen->bits)
		return cmd_usage("keygen", "--bits: wanted with --type rsa only, got it with ed25519");
	return EX_OK;
}

/* Write and fsync; the file is new. Returns 0 or a negative errno. */
static int write_new_file(int fd, struct view octets)
{
	size_t done = 0;
	ssize_t n;

	while (done < octets.n) {
		n = write(fd, octets.p + done, octets.n - done);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			done += (size_t)n;
	}
	return fsync(fd) < 0 ? -errno : 0;
}

/* The name of a new file is safe on disk once its directory is. */
static int sync_directory(void *mem, const char *path)
{
	char *copy = talloc_strdup(mem, path);
	int fd, r;

	if (!copy)
		return -ENOMEM;
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	talloc_free(copy);
	if (fd < 0)
		return -errno;
	r = fsync(fd) < 0 ? -errno : 0;
	(void)close(fd); /* only synced */
	return r;
}

static int save(struct keygen *keygen, struct view pem)
{
	int fd = open(keygen->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int r;

	if (fd < 0)
		return -errno;
	r = write_new_file(fd, pem);
	if (close(fd) < 0 && r == 0)
		r = -errno;
	if (r == 0)
		r = sync_directory(keygen, keygen->path);
	if (r < 0)
		(void)unlink(keygen->path); /* half a key serves nobody; the first error is the one to tell */
	return r;
}

/* Growing would leave copies of the key behind: the room is made at once. */
static void reserve(struct buf *out)
{
	static const char room[DKIM_PRIVATE_KEY_FILE_MAX];

	buf_add(out, (struct view){ room, sizeof room });
	buf_clear(out);
}

static int save_key(struct keygen *keygen, const struct dkim_private_key *key)
{
	struct buf pem;
	int r;

	buf_init(&pem, keygen, DKIM_PRIVATE_KEY_FILE_MAX);
	reserve(&pem);
	r = dkim_private_key_pem(key, &pem);
	if (r == 0)
		r = buf_error(&pem);
	if (r == 0)
		r = save(keygen, buf_view(&pem));
	if (pem.p)
		explicit_bzero(pem.p, pem.capacity);
	buf_free(&pem);
	if (r < 0)
		return cmd_fail("keygen", r == -ENOMEM ? EX_OSERR : EX_CANTCREAT, "%s: wanted to make this file, got: %s",
		                keygen->path, strerror(-r));
	return EX_OK;
}

static int make_record(struct keygen *keygen, const struct dkim_private_key *key, struct buf *text)
{
	int r;

	buf_printf(text, "v=DKIM1; k=%s; p=", keygen->type == DKIM_KEY_RSA ? "rsa" : "ed25519");
	r = dkim_private_key_public_text(key, text);
	if (r == 0)
		r = buf_error(text);
	keygen->record = (struct keygen_record){
		.selector = view_of(keygen->selector),
		.domain = view_of(keygen->domain),
		.text = buf_view(text),
		.ttl = (uint32_t)keygen->ttl,
		.relative = keygen->relative,
	};
	return r;
}

static void add_json(const struct keygen *keygen, const struct dkim_private_key *key, struct buf *out)
{
	struct view string;

	buf_add_char(out, '{');
	json_name(out, "name");
	buf_printf(out, "\"%s._domainkey.%s\"", keygen->selector, keygen->domain);
	json_name(out, "ttl");
	buf_printf(out, "%lld", keygen->ttl);
	json_member(out, "value", keygen->record.text);
	json_name(out, "strings");
	buf_add_char(out, '[');
	for (size_t i = 0; (string = keygen_string(&keygen->record, i)).n > 0; i++) {
		json_separate(out);
		json_string(out, string);
	}
	buf_add_char(out, ']');
	json_member(out, "type", keygen->type == DKIM_KEY_RSA ? VIEW("rsa") : VIEW("ed25519"));
	json_name(out, "bits");
	buf_printf(out, "%u", dkim_private_key_bits(key));
	json_member(out, "file", view_of(keygen->path));
	buf_add_string(out, "}\n");
}

static void add_forms(const struct keygen *keygen, struct buf *out)
{
	bool all = keygen->format == FORMAT_ALL;

	if (all)
		buf_add_string(out, "; lines for a zone file\n");
	if (all || keygen->format == FORMAT_ZONE)
		keygen_zone(&keygen->record, out);
	if (all)
		buf_printf(out, "\n; name and value for a web form (type TXT): %s._domainkey.%s\n", keygen->selector, keygen->domain);
	if (all || keygen->format == FORMAT_LINE)
		keygen_line(&keygen->record, out);
	if (all)
		buf_add_string(out, "\n; input for nsupdate\n");
	if (all || keygen->format == FORMAT_NSUPDATE)
		keygen_nsupdate(&keygen->record, out);
}

/* The record is made before the file is, so that no key stays behind that nobody can publish. */
static int save_and_print(struct keygen *keygen, const struct dkim_private_key *key)
{
	struct buf text, out;
	int code;

	buf_init(&text, keygen, RECORD_MAX);
	buf_init(&out, keygen, RECORD_MAX);
	if (make_record(keygen, key, &text) < 0)
		return cmd_fail("keygen", EX_SOFTWARE, "the public key could not be written as text");
	if (keygen->json)
		add_json(keygen, key, &out);
	else
		add_forms(keygen, &out);
	if (buf_error(&out))
		return cmd_fail("keygen", EX_OSERR, "record: %s", strerror(-buf_error(&out)));
	code = save_key(keygen, key);
	if (code != EX_OK)
		return code;
	if (fputs(buf_string(&out), stdout) == EOF)
		return cmd_fail("keygen", EX_IOERR, "standard output: %s", strerror(errno));
	(void)fprintf(stderr, "postern keygen: private key written to %s\n", keygen->path); /* the record is what counts */
	return EX_OK;
}

static int generate(struct keygen *keygen)
{
	struct dkim_private_key *key;
	int r, code;

	keygen->path = keygen->output ? keygen->output : talloc_asprintf(keygen, "%s/%s.%s.pem", keygen->directory ? keygen->directory
	                                                                 : ".", keygen->selector, keygen->domain);
	if (!keygen->path)
		return cmd_fail("keygen", EX_OSERR, "out of memory");
	if (!keygen->bits)
		keygen->bits = RSA_BITS_USUAL;
	if (keygen->type == DKIM_KEY_RSA && keygen->bits < RSA_BITS_USUAL)
		(void)cmd_fail("keygen", EX_OK, "warning: wanted %d bits or more (RFC 8301 section 3.2), got %lld", RSA_BITS_USUAL,
		               keygen->bits);
	r = dkim_private_key_init();
	if (r == 0)
		r = dkim_private_key_generate(keygen->type, (unsigned)keygen->bits, &key);
	if (r < 0)
		return cmd_fail("keygen", r == -ENOMEM ? EX_OSERR : EX_SOFTWARE, "the key could not be made: %s", strerror(-r));
	code = save_and_print(keygen, key);
	dkim_private_key_free(key);
	return code;
}

int cmd_keygen(int argc, char **argv)
{
	struct keygen *keygen = talloc_zero(NULL, struct keygen);
	int first, code;

	if (!keygen)
		return cmd_fail("keygen", EX_OSERR, "out of memory");
	keygen->ttl = 3600;
	if (cmd_options_parse(argc, argv, &syntax, keygen, &first, &code) == 0) {
		code = check_names(keygen);
		if (code == EX_OK)
			code = generate(keygen);
	}
	talloc_free(keygen);
	return cmd_finish("keygen", code);
}
