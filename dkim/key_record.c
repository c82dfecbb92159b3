#include "dkim/key_record.h"

#include "dkim/tag_list.h"

#include <stddef.h>

/* True when the colon list has the item (any case, FWS around it). */
static bool has_item(struct view list, struct view item)
{
	struct view one;

	while (view_next(&list, ':', &one))
		if (view_eq_nocase(view_trim_fws(one), item))
			return true;
	return false;
}

static bool tag_has_item(const struct tag_list *list, const char *name, struct view item)
{
	const struct tag *tag = tag_list_find(list, name);

	return tag && has_item(tag->value, item);
}

/* A zone file's "\;" that reached the DNS as two octets leaves a backslash at the end of the value (R64). */
static bool has_escaped_semicolon(const struct tag_list *list)
{
	static const char *const names[] = { "v", "h", "k", "p", "s", "t" };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		const struct tag *tag = tag_list_find(list, names[i]);

		if (tag && tag->value.n > 0 && tag->value.p[tag->value.n - 1] == '\\')
			return true;
	}
	return false;
}

static enum dkim_reason read_tags(struct view text, struct tag_list *ret)
{
	switch (tag_list_parse(text, ret, NULL)) {
	case TAG_LIST_OK:
		return has_escaped_semicolon(ret) ? DKIM_REASON_KEY_ESCAPED_SEMICOLON : DKIM_REASON_PASS;
	case TAG_LIST_DUPLICATE:
		return DKIM_REASON_KEY_DUPLICATE_TAG;
	case TAG_LIST_SYNTAX:
	case TAG_LIST_TOO_MANY:
		break;
	}
	return DKIM_REASON_KEY_SYNTAX;
}

/* k=, default "rsa". */
static enum dkim_reason read_type(const struct tag_list *list, enum dkim_key_type *ret)
{
	const struct tag *tag = tag_list_find(list, "k");

	if (!tag || view_eq_nocase(tag->value, VIEW("rsa")))
		*ret = DKIM_KEY_RSA;
	else if (view_eq_nocase(tag->value, VIEW("ed25519")))
		*ret = DKIM_KEY_ED25519;
	else
		return DKIM_REASON_KEY_BAD_TYPE;
	return DKIM_REASON_PASS;
}

enum dkim_reason dkim_key_record_parse(struct view text, struct dkim_key_record *ret)
{
	const struct tag *version, *public_key;
	struct dkim_key_record record;
	struct tag_list list;
	enum dkim_reason reason = read_tags(text, &list);

	if (reason != DKIM_REASON_PASS)
		return reason;
	version = tag_list_find(&list, "v");
	if (version && !view_eq(version->value, VIEW("DKIM1")))
		return DKIM_REASON_KEY_BAD_VERSION;
	public_key = tag_list_find(&list, "p");
	if (!public_key)
		return DKIM_REASON_KEY_MISSING_DATA;
	if (public_key->value.n == 0)
		return DKIM_REASON_KEY_REVOKED;
	reason = read_type(&list, &record.type);
	if (reason != DKIM_REASON_PASS)
		return reason;
	record.public_key = public_key->value;
	record.allows_sha256 = !tag_list_find(&list, "h") || tag_has_item(&list, "h", VIEW("sha256"));
	record.allows_email = !tag_list_find(&list, "s") || tag_has_item(&list, "s", VIEW("*")) ||
	                      tag_has_item(&list, "s", VIEW("email"));
	record.test_mode = tag_has_item(&list, "t", VIEW("y"));
	record.strict_identity = tag_has_item(&list, "t", VIEW("s"));
	/* Section 3.6.1 wants v= first; readers of today do not, so a record that fails this alone is used, and told (R55). */
	record.version_not_first = version && version != &list.tag[0];
	*ret = record;
	return DKIM_REASON_PASS;
}

enum dkim_reason dkim_key_record_refusal(const struct dkim_key_record *record)
{
	if (!record->allows_sha256)
		return DKIM_REASON_KEY_HASH_REFUSED;
	return record->allows_email ? DKIM_REASON_PASS : DKIM_REASON_KEY_SERVICE_REFUSED;
}
