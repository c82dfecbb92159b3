#include "dkim/sign.h"

#include "dkim/base64.h"
#include "dkim/body_hash.h"
#include "dkim/header_hash.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>

const char *const dkim_sign_default_headers[] = {
	/* RFC 6376 section 5.4.1 */
	"From", "Reply-To", "Subject", "Date", "To", "Cc", "Resent-Date", "Resent-From", "Resent-To", "Resent-Cc",
	"In-Reply-To", "References", "List-Id", "List-Help", "List-Unsubscribe", "List-Subscribe", "List-Post",
	"List-Owner", "List-Archive",
	/* what a reader's program acts on: identity, MIME, one-click unsubscription (RFC 8058 section 4, R106) */
	"Message-ID", "MIME-Version", "Content-*", "List-Unsubscribe-Post",
	NULL,
};

const char *const dkim_sign_never_headers[] = {
	"Return-Path", "Received", "Bcc", "Resent-Bcc", "Comments", "Keywords",
	"DKIM-Signature", "Authentication-Results", "ARC-*", "X-Virus-*",
	"Content-Length", /* of a mail file (RFC 4155); Sendmail takes it away when it delivers */
	NULL,
};

#define FIELD_NAME "DKIM-Signature:"
#define LINE_COLUMNS_MAX 78 /* RFC 5322 section 2.1.1 */
#define BASE64_DIGEST_OCTETS 44 /* 32 octets in base64 */
#define SIGNATURE_TEXT_MAX 8192 /* b= of a 16,384-bit key has 2,732 octets */
#define FIELD_OCTETS_MAX (4 * DKIM_SIGN_NAMES_MAX + 2 * SIGNATURE_TEXT_MAX) /* h= may fold at each name; the other tags are short */

struct dkim_sign {
	const struct dkim_sign_params *params;
	const struct dkim_sign_key *keys;
	size_t key_count;
	const struct header_list *headers;
	int64_t now;
	struct dkim_body_hash *body_hash;
	struct buf names;    /* h= without folds, the same for all keys */
	struct view *values; /* the finished field values, one per key */
};

/* A field under construction that breaks its lines between tokens. */
struct folder {
	struct buf *out;
	size_t line_start; /* offset in out of the current line */
};

static bool name_matches(struct view name, const char *pattern)
{
	struct view p = view_of(pattern);

	if (p.n > 0 && p.p[p.n - 1] == '*')
		return name.n >= p.n - 1 && view_eq_nocase(view_slice(name, 0, p.n - 1), view_slice(p, 0, p.n - 1));
	return view_eq_nocase(name, p);
}

static bool name_in(struct view name, const char *const *patterns)
{
	for (; patterns && *patterns; patterns++)
		if (name_matches(name, *patterns))
			return true;
	return false;
}

static bool is_from(struct view name)
{
	return view_eq_nocase(name, VIEW("From"));
}

/* A field name may hold ";" (RFC 5322 section 2.2), which would end h= early: such a field is left unsigned. */
static bool name_fits_tag(struct view name)
{
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] <= ' ' || name.p[i] >= 127 || name.p[i] == ';' || name.p[i] == ':')
			return false;
	return name.n > 0;
}

static bool name_is_signed(const struct dkim_sign_params *params, struct view name)
{
	if (is_from(name))
		return true; /* R94: whatever the lists say */
	if (!name_fits_tag(name))
		return false;
	if (name_in(name, dkim_sign_never_headers) || name_in(name, params->omit))
		return false;
	return name_in(name, params->headers);
}

static void fold_line(struct folder *folder)
{
	buf_add(folder->out, VIEW("\r\n\t"));
	folder->line_start = folder->out->n - 1;
}

static size_t fold_column(const struct folder *folder)
{
	return folder->out->n - folder->line_start;
}

/* Begin a new line unless n octets still fit on this one, or nothing stands on it yet. */
static void fold_reserve(struct folder *folder, size_t n)
{
	if (fold_column(folder) > 1 && fold_column(folder) + n > LINE_COLUMNS_MAX)
		fold_line(folder);
}

/* Append "name=value;", behind a blank or on a new line. */
static void fold_tag(struct folder *folder, const char *name, struct view value)
{
	fold_reserve(folder, strlen(" =;") + strlen(name) + value.n);
	if (fold_column(folder) > 1)
		buf_add_char(folder->out, ' ');
	buf_printf(folder->out, "%s=", name);
	buf_add(folder->out, value);
	buf_add_char(folder->out, ';');
}

static void fold_number_tag(struct folder *folder, const char *name, int64_t number)
{
	char digits[24]; /* 20 octets hold any 64-bit number */

	snprintf(digits, sizeof digits, "%" PRId64, number);
	fold_tag(folder, name, view_of(digits));
}

/* h=, broken behind colons. */
static void fold_signed_headers(struct folder *folder, struct view names)
{
	struct view name;
	bool first = true;

	fold_reserve(folder, strlen(" h=") + view_find(names, ':') + strlen(":"));
	buf_add_string(folder->out, fold_column(folder) > 1 ? " h=" : "h=");
	while (view_next(&names, ':', &name)) {
		if (!first)
			buf_add_char(folder->out, ':');
		first = false;
		fold_reserve(folder, name.n + strlen(":"));
		buf_add(folder->out, name);
	}
	buf_add_char(folder->out, ';');
}

static bool is_bottom_instance(const struct header_list *headers, const struct header_field *field)
{
	return header_list_from_bottom(headers, field->name, 0, NULL) == field;
}

static void add_name(struct buf *names, struct view name)
{
	if (names->n > 0)
		buf_add_char(names, ':');
	buf_add(names, name);
}

/* h=: every instance of a listed name (R97), in message order (R99), then once more each oversigned
 * name that occurs (R98): Sendmail adds missing fields after its filters, so absent ones stay out. */
static void collect_names(struct dkim_sign *sign)
{
	const struct dkim_sign_params *params = sign->params;
	size_t count = header_list_count(sign->headers);

	for (size_t i = 0; i < count; i++) {
		const struct header_field *field = header_list_at(sign->headers, i);

		if (name_is_signed(params, field->name))
			add_name(&sign->names, field->name);
	}
	for (size_t i = 0; i < count; i++) {
		const struct header_field *field = header_list_at(sign->headers, i);

		if (is_bottom_instance(sign->headers, field) && name_is_signed(params, field->name) &&
		    (is_from(field->name) || name_in(field->name, params->oversign)))
			add_name(&sign->names, field->name);
	}
}

static const char *canon_text(const struct dkim_sign_params *params)
{
	static const char *const text[2][2] = {
		[DKIM_SIMPLE] = { [DKIM_SIMPLE] = "simple/simple", [DKIM_RELAXED] = "simple/relaxed" },
		[DKIM_RELAXED] = { [DKIM_SIMPLE] = "relaxed/simple", [DKIM_RELAXED] = "relaxed/relaxed" },
	};

	return text[params->header_canon][params->body_canon];
}

static void fold_body_hash(struct folder *folder, const struct dkim_body_hash *hash)
{
	struct buf text;

	buf_init(&text, folder->out->mem, BASE64_DIGEST_OCTETS);
	base64_encode(&text, dkim_body_hash_digest(hash), DKIM_DIGEST_OCTETS);
	if (buf_error(&text) < 0)
		folder->out->error = buf_error(&text);
	else
		fold_tag(folder, "bh", buf_view(&text));
	buf_free(&text);
}

/* The whole field up to and including an empty b=, name first: what the header hash takes (RFC 6376 section 3.5). */
static void build_unsigned_field(const struct dkim_sign *sign, const struct dkim_sign_key *key, struct folder *folder)
{
	bool ed25519 = dkim_private_key_type(key->key) == DKIM_KEY_ED25519;

	buf_add_string(folder->out, FIELD_NAME);
	fold_tag(folder, "v", VIEW("1"));
	fold_tag(folder, "a", ed25519 ? VIEW("ed25519-sha256") : VIEW("rsa-sha256"));
	fold_tag(folder, "c", view_of(canon_text(sign->params)));
	fold_tag(folder, "d", key->domain);
	fold_tag(folder, "s", key->selector);
	if (key->identity.n > 0)
		fold_tag(folder, "i", key->identity);
	fold_number_tag(folder, "t", sign->now);
	if (sign->params->expire > 0)
		fold_number_tag(folder, "x", sign->now + sign->params->expire);
	fold_signed_headers(folder, buf_view(&sign->names));
	fold_body_hash(folder, sign->body_hash);
	fold_reserve(folder, 2 * strlen(" b=12345678")); /* no break right after "b=": some verifiers would hash it (R7) */
	buf_add_string(folder->out, fold_column(folder) > 1 ? " b=" : "b=");
}

/* base64 may break anywhere. */
static void fold_base64(struct folder *folder, struct view text)
{
	while (text.n > 0) {
		size_t room = LINE_COLUMNS_MAX - fold_column(folder);

		buf_add(folder->out, view_slice(text, 0, room));
		text = view_slice(text, room, text.n);
		if (text.n > 0)
			fold_line(folder);
	}
}

/* The header hash over the field as it stands, its b= still empty. */
static int hash_field(const struct dkim_sign *sign, struct view field, uint8_t ret[DKIM_DIGEST_OCTETS])
{
	const struct dkim_header_hash_input input = {
		.headers = sign->headers,
		.signed_headers = buf_view(&sign->names),
		.signature_field = field,
		.signature_raw = { field.p + field.n, 0 },
		.canon = sign->params->header_canon,
	};

	return dkim_header_hash(NULL, &input, ret);
}

static int add_signature(const struct dkim_sign *sign, const struct dkim_private_key *key, struct folder *folder)
{
	uint8_t digest[DKIM_DIGEST_OCTETS];
	struct buf text;
	int r;

	r = hash_field(sign, buf_view(folder->out), digest);
	if (r < 0)
		return r;
	buf_init(&text, folder->out->mem, SIGNATURE_TEXT_MAX);
	r = dkim_private_key_sign(key, digest, &text);
	if (r == 0)
		fold_base64(folder, buf_view(&text));
	buf_free(&text);
	return r;
}

static int sign_with(struct dkim_sign *sign, const struct dkim_sign_key *key, struct view *ret)
{
	struct buf field;
	struct folder folder = { .out = &field };
	struct view whole;
	int r;

	buf_init(&field, sign, FIELD_OCTETS_MAX);
	build_unsigned_field(sign, key, &folder);
	r = buf_error(&field);
	if (r == 0)
		r = add_signature(sign, key->key, &folder);
	if (r == 0)
		r = buf_error(&field);
	if (r < 0) {
		buf_free(&field);
		return r;
	}
	whole = buf_view(&field); /* the memory stays with sign */
	*ret = view_slice(whole, strlen(FIELD_NAME), whole.n);
	return 0;
}

int dkim_sign_new(void *mem, const struct dkim_sign_params *params, const struct dkim_sign_key *keys, size_t key_count,
                  int64_t now, const struct header_list *headers, struct dkim_sign **ret)
{
	struct dkim_sign *sign;
	int r = -ENOMEM;

	sign = talloc_zero(mem, struct dkim_sign);
	if (!sign)
		return -ENOMEM;
	sign->params = params;
	sign->keys = keys;
	sign->key_count = key_count;
	sign->now = now;
	sign->headers = headers;
	sign->values = talloc_zero_array(sign, struct view, (unsigned)key_count);
	if (!sign->values)
		goto out;
	buf_init(&sign->names, sign, DKIM_SIGN_NAMES_MAX);
	collect_names(sign);
	r = buf_error(&sign->names);
	if (r < 0)
		goto out;
	r = dkim_body_hash_new(sign, params->body_canon, DKIM_LENGTH_UNLIMITED, &sign->body_hash);
	if (r < 0)
		goto out;
	*ret = sign;
	sign = NULL;
out:
	talloc_free(sign);
	return r;
}

int dkim_sign_body(struct dkim_sign *sign, struct view chunk)
{
	return dkim_body_hash_update(sign->body_hash, chunk);
}

int dkim_sign_finish(struct dkim_sign *sign)
{
	int r = dkim_body_hash_finish(sign->body_hash);

	for (size_t i = 0; r == 0 && i < sign->key_count; i++)
		r = sign_with(sign, &sign->keys[i], &sign->values[i]);
	return r;
}

struct view dkim_sign_value(const struct dkim_sign *sign, size_t i)
{
	return sign->values[i];
}

const uint8_t *dkim_sign_body_digest(const struct dkim_sign *sign)
{
	return dkim_body_hash_digest(sign->body_hash);
}
