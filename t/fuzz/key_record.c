/* A key record (RFC 6376 section 3.6.1) against patterns over its tags; the key in it is loaded and used. */
#include "dkim/key_record.h"
#include "dkim/public_key.h"
#include "dkim/tag_list.h"
#include "t/fuzz/fuzz.h"

#include <sodium.h>
#include <string.h>
#include <talloc.h>

#define FWS "[ \t\r\n]*"
#define ITEM(item) "(.*:)?" FWS item FWS "(:.*)?"

static struct view value_of(const struct tag_list *list, const char *name)
{
	const struct tag *tag = tag_list_find(list, name);

	return tag ? tag->value : (struct view){ NULL, 0 };
}

static bool has_escaped_semicolon(const struct tag_list *list)
{
	return matches(value_of(list, "v"), ".*\\\\") || matches(value_of(list, "h"), ".*\\\\") ||
	       matches(value_of(list, "k"), ".*\\\\") || matches(value_of(list, "p"), ".*\\\\") ||
	       matches(value_of(list, "s"), ".*\\\\") || matches(value_of(list, "t"), ".*\\\\");
}

static enum dkim_reason reference(const struct tag_list *list)
{
	if (has_escaped_semicolon(list))
		return DKIM_REASON_KEY_ESCAPED_SEMICOLON;
	if (tag_list_find(list, "v") && !view_eq(value_of(list, "v"), VIEW("DKIM1")))
		return DKIM_REASON_KEY_BAD_VERSION;
	if (!tag_list_find(list, "p"))
		return DKIM_REASON_KEY_MISSING_DATA;
	if (value_of(list, "p").n == 0)
		return DKIM_REASON_KEY_REVOKED;
	if (tag_list_find(list, "k") && !matches(value_of(list, "k"), "[Rr][Ss][Aa]|[Ee][Dd]25519"))
		return DKIM_REASON_KEY_BAD_TYPE;
	return DKIM_REASON_PASS;
}

static void claim_values(const struct dkim_key_record *record, const struct tag_list *list)
{
	struct view flags = value_of(list, "t");

	CLAIM_SAME(record->public_key, value_of(list, "p"));
	CLAIM((record->type == DKIM_KEY_ED25519) == matches(value_of(list, "k"), "[Ee][Dd]25519"));
	CLAIM(record->allows_sha256 == (!tag_list_find(list, "h") || matches(value_of(list, "h"), ITEM("[Ss][Hh][Aa]256"))));
	CLAIM(record->allows_email == (!tag_list_find(list, "s") || matches(value_of(list, "s"), ITEM("(\\*|[Ee][Mm][Aa][Ii][Ll])"))));
	CLAIM(record->test_mode == matches(flags, ITEM("[Yy]")));
	CLAIM(record->strict_identity == matches(flags, ITEM("[Ss]")));
	CLAIM(record->version_not_first == (tag_list_find(list, "v") && tag_list_find(list, "v") != &list->tag[0]));
}

/* A signature out of the blue never verifies, whatever key it meets. */
static void use_key(void *mem, const struct dkim_key_record *record)
{
	enum dkim_algorithm algorithm = record->type == DKIM_KEY_RSA ? DKIM_RSA_SHA256 : DKIM_ED25519_SHA256;
	uint8_t digest[DKIM_DIGEST_OCTETS];
	struct dkim_public_key *key;
	enum dkim_reason reason = dkim_public_key_parse(mem, record, &key);

	if (reason != DKIM_REASON_PASS) {
		CLAIM(reason == DKIM_REASON_KEY_BAD_DATA || reason == DKIM_REASON_KEY_TOO_LARGE);
		return;
	}
	CLAIM(dkim_public_key_type(key) == record->type);
	CLAIM(dkim_public_key_bits(key) <= DKIM_RSA_BITS_MAX);
	crypto_hash_sha256(digest, (const uint8_t *)record->public_key.p, record->public_key.n);
	reason = dkim_public_key_verify(key, algorithm, digest, VIEW("c2lnbmF0dXJl"));
	CLAIM(reason != DKIM_REASON_PASS && dkim_reason_result(reason) != DKIM_TEMPERROR);
	reason = dkim_public_key_verify(key, algorithm, digest, record->public_key);
	CLAIM(reason != DKIM_REASON_PASS);
}

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t n)
{
	static struct tag_list list;
	struct view text = { (const char *)octets, n };
	struct dkim_key_record record;
	enum dkim_reason reason = dkim_key_record_parse(text, &record);
	void *mem = talloc_new(NULL);

	switch (tag_list_parse(text, &list, NULL)) {
	case TAG_LIST_OK:
		CLAIM_SAME(view_of(dkim_reason_text(reason)), view_of(dkim_reason_text(reference(&list))));
		break;
	case TAG_LIST_DUPLICATE:
		CLAIM(reason == DKIM_REASON_KEY_DUPLICATE_TAG);
		break;
	default:
		CLAIM(reason == DKIM_REASON_KEY_SYNTAX);
	}
	if (reason == DKIM_REASON_PASS) {
		claim_values(&record, &list);
		use_key(mem, &record);
	}
	talloc_free(mem);
	return 0;
}
