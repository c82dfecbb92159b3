#include "dkim/signature.h"

#include "dkim/base64.h"
#include "dkim/buf.h"
#include "dkim/domain.h"
#include "dkim/idna.h"
#include "dkim/tag_list.h"

#include <errno.h>

/* A reader takes the value of one tag; it writes only when it returns PASS. */
typedef enum dkim_reason reader(struct dkim_signature *signature, const struct tag *tag);

/* ABNF literals compare in any case (RFC 5234 section 2.3), so R10 is decided that way. */
static enum dkim_reason read_algorithm(struct dkim_signature *signature, const struct tag *tag)
{
	signature->algorithm_name = tag->value;
	if (view_eq_nocase(tag->value, VIEW("rsa-sha256")))
		signature->algorithm = DKIM_RSA_SHA256;
	else if (view_eq_nocase(tag->value, VIEW("ed25519-sha256")))
		signature->algorithm = DKIM_ED25519_SHA256;
	else if (view_eq_nocase(tag->value, VIEW("rsa-sha1")))
		signature->algorithm = DKIM_RSA_SHA1;
	else
		return DKIM_REASON_BAD_ALGORITHM;
	return DKIM_REASON_PASS;
}

#define SIGNATURE_OCTETS_MAX 2048 /* of a 16,384-bit RSA key, twice the longest that is ever loaded */

static enum dkim_reason read_signature_data(struct dkim_signature *signature, const struct tag *tag)
{
	uint8_t octets[SIGNATURE_OCTETS_MAX];
	size_t n;

	signature->signature_raw = tag->raw;
	if (base64_decode(tag->value, sizeof octets, octets, &n) < 0)
		return DKIM_REASON_BAD_SIGNATURE_DATA;
	signature->signature_data = tag->value;
	return DKIM_REASON_PASS;
}

/* rsa-sha1 has hashes of 20 octets; nobody looks at them (R74). */
static enum dkim_reason read_body_hash(struct dkim_signature *signature, const struct tag *tag)
{
	uint8_t octets[DKIM_DIGEST_OCTETS];
	size_t n;

	if (base64_decode(tag->value, sizeof octets, octets, &n) < 0)
		return DKIM_REASON_BAD_BODY_HASH;
	if (signature->algorithm == DKIM_RSA_SHA1)
		return DKIM_REASON_PASS;
	if (n != sizeof octets)
		return DKIM_REASON_BAD_BODY_HASH;
	for (size_t i = 0; i < n; i++)
		signature->body_hash[i] = octets[i];
	return DKIM_REASON_PASS;
}

static bool canon_parse(struct view name, enum dkim_canon *ret)
{
	if (view_eq_nocase(name, VIEW("simple")))
		*ret = DKIM_SIMPLE;
	else if (view_eq_nocase(name, VIEW("relaxed")))
		*ret = DKIM_RELAXED;
	else
		return false;
	return true;
}

/* One name is that of the header; the body is simple then (R11). */
static enum dkim_reason read_canonicalization(struct dkim_signature *signature, const struct tag *tag)
{
	struct view rest = tag->value;
	struct view name;
	enum dkim_canon header, body = DKIM_SIMPLE;

	if (!view_next(&rest, '/', &name) || !canon_parse(name, &header))
		return DKIM_REASON_BAD_CANONICALIZATION;
	if (rest.p && !canon_parse(rest, &body))
		return DKIM_REASON_BAD_CANONICALIZATION;
	signature->header_canon = header;
	signature->body_canon = body;
	return DKIM_REASON_PASS;
}

static enum dkim_reason read_domain(struct dkim_signature *signature, const struct tag *tag)
{
	if (!domain_is_valid(tag->value))
		return DKIM_REASON_BAD_DOMAIN;
	signature->signing_domain = tag->value;
	return DKIM_REASON_PASS;
}

/* selector = sub-domain *( "." sub-domain ): the shape of a domain name. */
static enum dkim_reason read_selector(struct dkim_signature *signature, const struct tag *tag)
{
	if (!domain_is_valid(tag->value))
		return DKIM_REASON_BAD_SELECTOR;
	signature->selector = tag->value;
	return DKIM_REASON_PASS;
}

/* field-name (RFC 5322 section 3.6.8); the colon ends it. */
static bool is_field_name(struct view name)
{
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] <= ' ' || name.p[i] > '~')
			return false;
	return name.n > 0;
}

static enum dkim_reason read_signed_headers(struct dkim_signature *signature, const struct tag *tag)
{
	struct view rest = tag->value;
	struct view name;

	while (view_next(&rest, ':', &name))
		if (!is_field_name(view_trim_fws(name)))
			return DKIM_REASON_BAD_SIGNED_HEADERS;
	signature->signed_headers = tag->value;
	return DKIM_REASON_PASS;
}

static bool is_hex(char c)
{
	c = ascii_lower(c);
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* dkim-quoted-printable (section 2.11): "=" stands only before two hexadecimal digits; UTF-8 may stand
 * un-encoded (RFC 8616 section 5). The tag list has refused all else. */
static bool is_quoted_printable(struct view v)
{
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] == '=' && (v.n - i < 3 || !is_hex(v.p[i + 1]) || !is_hex(v.p[i + 2])))
			return false;
	return view_is_utf8(v);
}

static enum dkim_reason read_identity(struct dkim_signature *signature, const struct tag *tag)
{
	size_t at = tag->value.n;
	struct view domain;

	while (at > 0 && tag->value.p[at - 1] != '@')
		at--;
	if (at == 0)
		return DKIM_REASON_BAD_IDENTITY;
	domain = view_slice(tag->value, at, tag->value.n);
	if (!domain_is_valid(domain) || !is_quoted_printable(view_slice(tag->value, 0, at - 1)))
		return DKIM_REASON_BAD_IDENTITY;
	signature->identity = tag->value;
	signature->identity_domain = domain;
	return DKIM_REASON_PASS;
}

/* 1*DIGIT of any length; what 63 bits cannot hold becomes INT64_MAX (R22). */
static bool number_parse(struct view v, int64_t *ret)
{
	int64_t number = 0;

	for (size_t i = 0; i < v.n; i++) {
		int digit = v.p[i] - '0';

		if (digit < 0 || digit > 9)
			return false;
		number = number > (INT64_MAX - digit) / 10 ? INT64_MAX : number * 10 + digit;
	}
	if (v.n > 0)
		*ret = number;
	return v.n > 0;
}

static enum dkim_reason read_length(struct dkim_signature *signature, const struct tag *tag)
{
	return number_parse(tag->value, &signature->body_length) ? DKIM_REASON_PASS : DKIM_REASON_BAD_LENGTH;
}

static enum dkim_reason read_timestamp(struct dkim_signature *signature, const struct tag *tag)
{
	return number_parse(tag->value, &signature->timestamp) ? DKIM_REASON_PASS : DKIM_REASON_BAD_TIMESTAMP;
}

static enum dkim_reason read_expiration(struct dkim_signature *signature, const struct tag *tag)
{
	return number_parse(tag->value, &signature->expiration) ? DKIM_REASON_PASS : DKIM_REASON_BAD_EXPIRATION;
}

/* One known method in the list is enough (R12). */
static enum dkim_reason read_query_methods(struct dkim_signature *signature, const struct tag *tag)
{
	struct view rest = tag->value;
	struct view method;

	(void)signature;
	while (view_next(&rest, ':', &method))
		if (view_eq_nocase(view_trim_fws(method), VIEW("dns/txt")))
			return DKIM_REASON_PASS;
	return DKIM_REASON_BAD_QUERY_METHOD;
}

/* In the order of section 3.5. Tags not listed are ignored (R4): z= is for people (R28). */
static const struct {
	const char *name;
	bool required;
	reader *read;
} rows[] = {
	{ "a",  true,  read_algorithm },
	{ "b",  true,  read_signature_data },
	{ "bh", true,  read_body_hash },
	{ "c",  false, read_canonicalization },
	{ "d",  true,  read_domain },
	{ "h",  true,  read_signed_headers },
	{ "i",  false, read_identity },
	{ "l",  false, read_length },
	{ "q",  false, read_query_methods },
	{ "s",  true,  read_selector },
	{ "t",  false, read_timestamp },
	{ "x",  false, read_expiration },
};
#define ROWS (sizeof rows / sizeof rows[0])

/* Keep the fault that was found first. */
static void note(enum dkim_reason *first, enum dkim_reason reason)
{
	if (*first == DKIM_REASON_PASS)
		*first = reason;
}

static enum dkim_reason check_version(const struct tag_list *list, struct dkim_signature *ret)
{
	const struct tag *version = tag_list_find(list, "v");

	if (!version)
		return DKIM_REASON_NO_VERSION;
	ret->version_not_first = version != &list->tag[0];
	return view_eq(version->value, VIEW("1")) ? DKIM_REASON_PASS : DKIM_REASON_BAD_VERSION;
}

static enum dkim_reason check_required(const struct tag_list *list)
{
	for (size_t i = 0; i < ROWS; i++) {
		const struct tag *tag = rows[i].required ? tag_list_find(list, rows[i].name) : NULL;

		if (rows[i].required && (!tag || tag->value.n == 0))
			return DKIM_REASON_TAG_MISSING;
	}
	return DKIM_REASON_PASS;
}

static enum dkim_reason read_values(const struct tag_list *list, struct dkim_signature *ret)
{
	enum dkim_reason first = DKIM_REASON_PASS;

	for (size_t i = 0; i < ROWS; i++) {
		const struct tag *tag = tag_list_find(list, rows[i].name);

		if (tag && !(rows[i].required && tag->value.n == 0))
			note(&first, rows[i].read(ret, tag));
	}
	return first;
}

/* Put the A-label form in the place of a name. One that has none is left out: it stands for no domain (R110). */
static enum dkim_reason map_name(void *mem, struct view *name)
{
	int r = name->n > 0 ? idna_to_ascii(mem, *name, name) : 0;

	if (r == 0)
		return DKIM_REASON_PASS;
	*name = (struct view){ NULL, 0 };
	return r == -ENOMEM ? DKIM_REASON_OUT_OF_MEMORY : DKIM_REASON_BAD_IDNA;
}

/* i= with the mapped domain behind its "@"; the local part has no other form (R109). */
static enum dkim_reason map_identity(void *mem, struct dkim_signature *signature)
{
	struct view written = signature->identity_domain;
	enum dkim_reason reason = map_name(mem, &signature->identity_domain);
	struct buf identity;

	if (reason != DKIM_REASON_PASS) {
		signature->identity = (struct view){ NULL, 0 };
		return reason;
	}
	if (signature->identity_domain.p == written.p)
		return reason;
	buf_init(&identity, mem, signature->identity.n + signature->identity_domain.n);
	buf_add(&identity, view_slice(signature->identity, 0, signature->identity.n - written.n));
	buf_add(&identity, signature->identity_domain);
	signature->identity = buf_view(&identity);
	return buf_error(&identity) ? DKIM_REASON_OUT_OF_MEMORY : DKIM_REASON_PASS;
}

/* U-labels to A-labels (RFC 8616 section 5, R108). */
static enum dkim_reason map_names(void *mem, struct dkim_signature *signature)
{
	enum dkim_reason first = map_name(mem, &signature->signing_domain);

	note(&first, signature->identity.n > 0 ? map_identity(mem, signature) : DKIM_REASON_PASS);
	note(&first, map_name(mem, &signature->selector));
	if (signature->identity.n == 0)
		signature->identity_domain = signature->signing_domain;
	return first;
}

#define KEY_NAME_INFIX "._domainkey." /* section 3.6.2.1 */

/* What the values say together, once each is well-formed. */
static enum dkim_reason check_together(const struct dkim_signature *signature)
{
	if (signature->timestamp >= 0 && signature->expiration >= 0 && signature->expiration <= signature->timestamp)
		return DKIM_REASON_EXPIRES_BEFORE_SIGNED;
	if (!domain_is_within(signature->identity_domain, signature->signing_domain))
		return DKIM_REASON_IDENTITY_OUTSIDE;
	if (!dkim_signature_covers(signature, VIEW("From")))
		return DKIM_REASON_FROM_NOT_SIGNED;
	if (signature->selector.n + (sizeof KEY_NAME_INFIX - 1) + signature->signing_domain.n > DOMAIN_NAME_MAX)
		return DKIM_REASON_KEY_NAME_TOO_LONG;
	if (signature->algorithm == DKIM_RSA_SHA1)
		return DKIM_REASON_SHA1;
	return domain_is_single_label(signature->signing_domain) ? DKIM_REASON_TOP_LEVEL_DOMAIN : DKIM_REASON_PASS;
}

static enum dkim_reason read_tags(struct view value, struct tag_list *ret)
{
	switch (tag_list_parse(value, ret, NULL)) {
	case TAG_LIST_OK:
		return DKIM_REASON_PASS;
	case TAG_LIST_DUPLICATE:
		return DKIM_REASON_TAG_DUPLICATE;
	case TAG_LIST_TOO_MANY:
		return DKIM_REASON_TAG_TOO_MANY;
	case TAG_LIST_SYNTAX:
		break;
	}
	return DKIM_REASON_TAG_SYNTAX;
}

enum dkim_reason dkim_signature_parse(void *mem, const struct header_field *field, struct dkim_signature *ret)
{
	struct tag_list list;
	enum dkim_reason first;

	*ret = (struct dkim_signature){
		.field = field,
		.algorithm = DKIM_ALGORITHM_UNKNOWN,
		.body_length = DKIM_LENGTH_UNLIMITED,
		.timestamp = -1,
		.expiration = -1,
	};
	first = read_tags(field->value, &list);
	if (first != DKIM_REASON_PASS)
		return first;
	first = check_version(&list, ret);
	note(&first, check_required(&list));
	note(&first, read_values(&list, ret));
	note(&first, map_names(mem, ret));
	if (first == DKIM_REASON_PASS)
		first = check_together(ret);
	return first;
}

bool dkim_signature_covers(const struct dkim_signature *signature, struct view name)
{
	struct view rest = signature->signed_headers;
	struct view listed;

	while (view_next(&rest, ':', &listed))
		if (view_eq_nocase(view_trim_fws(listed), name))
			return true;
	return false;
}
