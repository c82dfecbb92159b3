#include "forge.h"

#include "support.h"

#include "dkim/base64.h"
#include "dkim/body_hash.h"
#include "dkim/header_hash.h"
#include "dkim/tag_list.h"

#include <stdlib.h>
#include <talloc.h>

#define MESSAGE_MAX (1024 * 1024)

static enum dkim_canon canon_of(struct view c, bool body)
{
	size_t slash = view_find(c, '/');
	struct view part = body ? view_slice(c, slash + 1, c.n) : view_slice(c, 0, slash);

	return view_eq_nocase(part, VIEW("relaxed")) ? DKIM_RELAXED : DKIM_SIMPLE;
}

static struct view tag_value(const struct tag_list *list, const char *name, struct view otherwise)
{
	const struct tag *tag = tag_list_find(list, name);

	return tag ? tag->value : otherwise;
}

static void add_body_hash(void *mem, struct buf *field, enum dkim_canon canon, int64_t l, struct view body)
{
	struct dkim_body_hash *hash;

	assert_int_equal(dkim_body_hash_new(mem, canon, l, &hash), 0);
	assert_int_equal(dkim_body_hash_update(hash, body), 0);
	assert_int_equal(dkim_body_hash_finish(hash), 0);
	buf_add_string(field, "; bh=");
	base64_encode(field, dkim_body_hash_digest(hash), DKIM_DIGEST_OCTETS);
}

static void add_signature(void *mem, struct buf *field, const char *tail, const struct dkim_private_key *key,
                          struct view header, struct view names, enum dkim_canon canon)
{
	struct header_list *list;
	struct view rest;
	uint8_t digest[DKIM_DIGEST_OCTETS];
	struct buf whole;
	size_t at = field->n;

	assert_int_equal(header_list_new(mem, NULL, &list), 0);
	assert_int_equal(header_list_parse(list, header, &rest), 0);
	buf_init(&whole, mem, MESSAGE_MAX);
	buf_add(&whole, buf_view(field));
	buf_add_string(&whole, tail);
	const struct dkim_header_hash_input input = {
		.headers = list,
		.signed_headers = names,
		.signature_field = buf_view(&whole),
		.signature_raw = { buf_view(&whole).p + at, 0 },
		.canon = canon,
	};
	assert_int_equal(dkim_header_hash(mem, &input, digest), 0);
	assert_int_equal(dkim_private_key_sign(key, digest, field), 0);
	buf_add_string(field, tail);
}

struct view forge(void *mem, const struct dkim_private_key *key, const char *tags, const char *tail, struct view header,
                  struct view body, int64_t l)
{
	struct tag_list list = { .count = 0 };
	struct buf *field = talloc_zero(mem, struct buf);
	struct view c, names;

	assert_non_null(field);
	(void)tag_list_parse(view_of(tags), &list, NULL); /* a broken list is what some rows are about */
	c = tag_value(&list, "c", VIEW("simple/simple"));
	names = tag_value(&list, "h", VIEW("from"));
	buf_init(field, mem, MESSAGE_MAX);
	buf_add_string(field, "DKIM-Signature: ");
	buf_add_string(field, tags);
	add_body_hash(mem, field, canon_of(c, true), l, body);
	buf_add_string(field, "; b=");
	add_signature(mem, field, tail ? tail : "", key, header, names, canon_of(c, false));
	buf_add_string(field, "\r\n");
	buf_add(field, header);
	buf_add_string(field, "\r\n");
	buf_add(field, body);
	assert_int_equal(buf_error(field), 0);
	return buf_view(field);
}
