/* A DKIM-Signature field (RFC 6376 section 3.5) against a table of patterns, one per tag. */
#include "dkim/signature.h"
#include "dkim/domain.h"
#include "dkim/idna.h"
#include "dkim/tag_list.h"
#include "t/fuzz/fuzz.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>

#define LABEL "([A-Za-z0-9_-]{1,63}|[A-Za-z0-9_\x80-\xff-]{1,252})" /* the second: octets above 127 decide, see is_name() */
#define DOMAIN LABEL "(\\." LABEL ")*"
#define FWS "[ \t\r\n]*" /* the tag list has seen to the order of these octets */
#define DIGIT64 "[A-Za-z0-9+/]"
#define BASE64 "(" DIGIT64 "{4})*(" DIGIT64 "[AQgw]==|" DIGIT64 "{2}[AEIMQUYcgkosw048]=)?"
#define CANON "([Ss][Ii][Mm][Pp][Ll][Ee]|[Rr][Ee][Ll][Aa][Xx][Ee][Dd])"
#define SHA256 "[Ss][Hh][Aa]256"
#define ALGORITHM "([Rr][Ss][Aa]-" SHA256 "|[Ee][Dd]25519-" SHA256 "|[Rr][Ss][Aa]-[Ss][Hh][Aa]1)"
#define FIELD_NAME "[!-9;-~]+"

#define BASE64_SIGNATURE_MAX 2732 /* digits and padding of 2048 octets */
#define BASE64_HASH 44            /* of 32 octets */

/* In the order of section 3.5. */
static const struct rule {
	const char *name, *pattern;
	bool required, base64;
	size_t length_max;
	enum dkim_reason fault;
} rules[] = {
	{ "a",  ALGORITHM, true, false, SIZE_MAX, DKIM_REASON_BAD_ALGORITHM },
	{ "b",  BASE64, true, true, BASE64_SIGNATURE_MAX, DKIM_REASON_BAD_SIGNATURE_DATA },
	{ "bh", BASE64, true, true, BASE64_HASH, DKIM_REASON_BAD_BODY_HASH },
	{ "c",  CANON "(/" CANON ")?", false, false, SIZE_MAX, DKIM_REASON_BAD_CANONICALIZATION },
	{ "d",  DOMAIN, true, false, DOMAIN_UTF8_MAX, DKIM_REASON_BAD_DOMAIN },
	{ "h",  FIELD_NAME FWS "(:" FWS FIELD_NAME FWS ")*", true, false, SIZE_MAX, DKIM_REASON_BAD_SIGNED_HEADERS },
	{ "i",  "([^=]|=[0-9A-Fa-f]{2})*@" DOMAIN, false, false, SIZE_MAX, DKIM_REASON_BAD_IDENTITY },
	{ "l",  "[0-9]+", false, false, SIZE_MAX, DKIM_REASON_BAD_LENGTH },
	{ "q",  "(.*:)?" FWS "[Dd][Nn][Ss]/[Tt][Xx][Tt]" FWS "(:.*)?", false, false, SIZE_MAX, DKIM_REASON_BAD_QUERY_METHOD },
	{ "s",  DOMAIN, true, false, DOMAIN_UTF8_MAX, DKIM_REASON_BAD_SELECTOR },
	{ "t",  "[0-9]+", false, false, SIZE_MAX, DKIM_REASON_BAD_TIMESTAMP },
	{ "x",  "[0-9]+", false, false, SIZE_MAX, DKIM_REASON_BAD_EXPIRATION },
};
#define RULES (sizeof rules / sizeof rules[0])

static struct view value_of(const struct tag_list *list, const char *name)
{
	const struct tag *tag = tag_list_find(list, name);

	return tag ? tag->value : (struct view){ NULL, 0 };
}

static struct view without_fws(void *mem, struct view v)
{
	struct buf out;

	buf_init(&out, mem, v.n);
	for (size_t i = 0; i < v.n; i++)
		if (!ascii_is_fws(v.p[i]))
			buf_add_char(&out, v.p[i]);
	return buf_view(&out);
}

static bool is_rsa_sha1(const struct tag_list *list)
{
	return view_eq_nocase(value_of(list, "a"), VIEW("rsa-sha1"));
}

static bool has_8bit(struct view v)
{
	return matches(v, "[^\x80-\xff]*[\x80-\xff].*");
}

/* What the pattern cannot say: octets above 127 are UTF-8 or nothing, and only where they stand may a name or a label be
 * longer than DNS allows (RFC 8616). */
static bool is_name(struct view name)
{
	struct view rest = name, label;

	if (!view_is_utf8(name) || name.n > (has_8bit(name) ? DOMAIN_UTF8_MAX : DOMAIN_NAME_MAX))
		return false;
	while (view_next(&rest, '.', &label))
		if (label.n > DOMAIN_LABEL_MAX && !has_8bit(label))
			return false;
	return true;
}

/* In A-labels (fuzz target idna); empty when there are none. */
static struct view mapped(void *mem, struct view name)
{
	struct view ascii = { NULL, 0 };

	(void)idna_to_ascii(mem, name, &ascii); /* ascii stays empty then */
	return ascii;
}

static bool keeps_rule(void *mem, const struct tag_list *list, const struct rule *rule)
{
	struct view value = value_of(list, rule->name);
	bool is_hash = strcmp(rule->name, "bh") == 0;

	if (rule->base64)
		value = without_fws(mem, value);
	if (!matches(value, rule->pattern) || value.n > rule->length_max)
		return false;
	if (is_hash && !is_rsa_sha1(list) && !matches(value, DIGIT64 "{43}="))
		return false;
	if (strcmp(rule->name, "i") == 0) {
		struct view domain = value;

		while (view_find(domain, '@') < domain.n)
			domain = view_slice(domain, view_find(domain, '@') + 1, domain.n);
		return view_is_utf8(value) && is_name(domain);
	}
	return rule->pattern != rules[4].pattern || is_name(value);
}

static struct view identity_domain(const struct tag_list *list)
{
	struct view domain = value_of(list, "i");

	if (domain.n == 0)
		return value_of(list, "d");
	while (view_find(domain, '@') < domain.n)
		domain = view_slice(domain, view_find(domain, '@') + 1, domain.n);
	return domain;
}

/* Saturating, by way of decimal text: what has more digits than INT64_MAX, or as many and larger ones, is INT64_MAX. */
static int64_t number_of(const struct tag_list *list, const char *name)
{
	static const struct view maximum = VIEW_INIT("9223372036854775807");
	struct view value = value_of(list, name);

	if (value.n == 0)
		return -1;
	while (value.n > 1 && value.p[0] == '0')
		value = view_slice(value, 1, value.n);
	if (value.n > maximum.n || (value.n == maximum.n && memcmp(value.p, maximum.p, value.n) > 0))
		return INT64_MAX;
	return strtoll(value.p, NULL, 10); /* ends at the octet behind: no digit, or the end of the field's CRLF */
}

static bool lists_from(struct view names)
{
	return matches(names, "(.*:)?" FWS "[Ff][Rr][Oo][Mm]" FWS "(:.*)?");
}

static bool is_within(struct view domain, struct view parent)
{
	while (domain.n > parent.n && view_find(domain, '.') < domain.n)
		domain = view_slice(domain, view_find(domain, '.') + 1, domain.n);
	return view_eq_nocase(domain, parent);
}

static enum dkim_reason reference_together(void *mem, const struct tag_list *list)
{
	struct view domain = mapped(mem, value_of(list, "d")), selector = mapped(mem, value_of(list, "s"));
	struct view identity = mapped(mem, identity_domain(list));

	if (domain.n == 0 || selector.n == 0 || identity.n == 0)
		return DKIM_REASON_BAD_IDNA;
	if (number_of(list, "t") >= 0 && number_of(list, "x") >= 0 && number_of(list, "x") <= number_of(list, "t"))
		return DKIM_REASON_EXPIRES_BEFORE_SIGNED;
	if (!is_within(identity, domain))
		return DKIM_REASON_IDENTITY_OUTSIDE;
	if (!lists_from(value_of(list, "h")))
		return DKIM_REASON_FROM_NOT_SIGNED;
	if (selector.n + strlen("._domainkey.") + domain.n > DOMAIN_NAME_MAX)
		return DKIM_REASON_KEY_NAME_TOO_LONG;
	if (is_rsa_sha1(list))
		return DKIM_REASON_SHA1;
	return view_find(domain, '.') == domain.n ? DKIM_REASON_TOP_LEVEL_DOMAIN : DKIM_REASON_PASS;
}

static enum dkim_reason reference(void *mem, const struct tag_list *list)
{
	const struct tag *version = tag_list_find(list, "v");

	if (!version)
		return DKIM_REASON_NO_VERSION;
	if (!view_eq(version->value, VIEW("1")))
		return DKIM_REASON_BAD_VERSION;
	for (size_t i = 0; i < RULES; i++)
		if (rules[i].required && value_of(list, rules[i].name).n == 0)
			return DKIM_REASON_TAG_MISSING;
	for (size_t i = 0; i < RULES; i++)
		if (tag_list_find(list, rules[i].name) && !keeps_rule(mem, list, &rules[i]))
			return rules[i].fault;
	return reference_together(mem, list);
}

/* Whatever the reason, what was read lies in the field, but for names that were mapped. */
static void claim_name(struct view name, struct view field)
{
	CLAIM(name.n == 0 || (domain_is_valid(name) && domain_is_ascii(name)));
	CLAIM(lies_inside(name, field) || matches(name, "(.*\\.)?xn--.*"));
}

static void claim_inside(const struct dkim_signature *signature, struct view field)
{
	CLAIM(lies_inside(signature->algorithm_name, field));
	CLAIM(lies_inside(signature->signature_data, field));
	CLAIM(lies_inside(signature->signature_raw, field));
	CLAIM(lies_inside(signature->signed_headers, field));
	claim_name(signature->signing_domain, field);
	claim_name(signature->identity_domain, field);
	claim_name(signature->selector, field);
	CLAIM(signature->identity.n == 0 || lies_inside(signature->identity, field) || !lies_inside(signature->identity_domain, field));
}

static void claim_values(void *mem, const struct dkim_signature *signature, const struct tag_list *list)
{
	struct view identity = value_of(list, "i"), domain = identity_domain(list);
	struct buf wanted;

	buf_init(&wanted, mem, 2 * identity.n + DOMAIN_NAME_MAX);
	if (identity.n > 0) {
		buf_add(&wanted, view_slice(identity, 0, identity.n - domain.n));
		buf_add(&wanted, mapped(mem, domain));
	}
	CLAIM_SAME(signature->signature_raw, tag_list_find(list, "b")->raw);
	CLAIM_SAME(signature->signing_domain, mapped(mem, value_of(list, "d")));
	CLAIM_SAME(signature->selector, mapped(mem, value_of(list, "s")));
	CLAIM_SAME(signature->signed_headers, value_of(list, "h"));
	CLAIM_SAME(signature->identity, buf_view(&wanted));
	CLAIM_SAME(signature->identity_domain, mapped(mem, domain));
	CLAIM(signature->timestamp == number_of(list, "t"));
	CLAIM(signature->expiration == number_of(list, "x"));
	CLAIM(signature->body_length == number_of(list, "l")); /* -1 is DKIM_LENGTH_UNLIMITED too */
	CLAIM((signature->header_canon == DKIM_RELAXED) == matches(value_of(list, "c"), "[Rr].*"));
	CLAIM((signature->body_canon == DKIM_RELAXED) == matches(value_of(list, "c"), ".*/[Rr].*"));
}

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t n)
{
	static struct tag_list list;
	struct dkim_signature signature;
	struct header_list *headers;
	void *mem = talloc_new(NULL);
	const struct header_field *field;
	enum dkim_reason reason;

	CLAIM(header_list_new(mem, NULL, &headers) == 0);
	CLAIM(header_list_add(headers, VIEW("DKIM-Signature"), (struct view){ (const char *)octets, n }) == 0);
	field = header_list_at(headers, 0);
	reason = dkim_signature_parse(mem, field, &signature);
	claim_inside(&signature, field->raw);
	if (tag_list_parse(field->value, &list, NULL) == TAG_LIST_OK)
		CLAIM_SAME(view_of(dkim_reason_text(reason)), view_of(dkim_reason_text(reference(mem, &list))));
	else
		CLAIM(dkim_reason_result(reason) == DKIM_NEUTRAL);
	if (reason == DKIM_REASON_PASS)
		claim_values(mem, &signature, &list);
	talloc_free(mem);
	return 0;
}
