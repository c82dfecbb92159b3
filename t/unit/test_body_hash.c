#include "dkim/body_hash.h"

#include "dkim/base64.h"
#include "t/unit/support.h"

#include <talloc.h>

#define EMPTY_SIMPLE "frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY="
#define EMPTY_RELAXED "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
/* echo -n abc | openssl dgst -sha256 -binary | base64 */
#define OF_ABC "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="

struct row {
	const char *name;
	enum dkim_canon canon;
	int64_t length;
	struct view body;
	const char *want; /* base64, as in bh= */
	uint64_t octets;
};

static const struct row rows[] = {
	{ "R44 an empty body, simple", DKIM_SIMPLE, DKIM_LENGTH_UNLIMITED, VIEW_INIT(""), EMPTY_SIMPLE, 2 },
	{ "R44 an empty body, relaxed", DKIM_RELAXED, DKIM_LENGTH_UNLIMITED, VIEW_INIT(""), EMPTY_RELAXED, 0 },
	{ "R45 only CRLFs, simple", DKIM_SIMPLE, DKIM_LENGTH_UNLIMITED, VIEW_INIT("\r\n\r\n"), EMPTY_SIMPLE, 2 },
	{ "R45 only blank lines, relaxed", DKIM_RELAXED, DKIM_LENGTH_UNLIMITED, VIEW_INIT(" \r\n\t\r\n"), EMPTY_RELAXED, 0 },
	{ "R27 l=0 hashes nothing, not even a CRLF", DKIM_SIMPLE, 0, VIEW_INIT(""), EMPTY_RELAXED, 2 },
	{ "R27 l=0 hashes nothing of a body", DKIM_RELAXED, 0, VIEW_INIT("abc\r\n"), EMPTY_RELAXED, 5 },
	{ "R27 l= cuts the canonicalized body", DKIM_RELAXED, 3, VIEW_INIT("abc  d\r\n"), OF_ABC, 7 },
	{ "R27 l= cuts before the CRLF", DKIM_SIMPLE, 3, VIEW_INIT("abc\r\n"), OF_ABC, 5 },
	{ "R27 l=2 covers the CRLF of an empty body", DKIM_SIMPLE, 2, VIEW_INIT(""), EMPTY_SIMPLE, 2 },
	{ "R26 l= beyond the body shows in the count", DKIM_SIMPLE, 100, VIEW_INIT(""), EMPTY_SIMPLE, 2 },
	{ "R22 a saturated l= is no special case", DKIM_SIMPLE, INT64_MAX, VIEW_INIT(""), EMPTY_SIMPLE, 2 },
	{ "R44 RFC 8463 A.2 body", DKIM_RELAXED, DKIM_LENGTH_UNLIMITED,
	  VIEW_INIT("Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n"), "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=", 54 },
};

static void check(const struct dkim_body_hash *hash, const struct row *row)
{
	void *mem = talloc_new(NULL);
	struct buf text;

	buf_init(&text, mem, 100);
	base64_encode(&text, dkim_body_hash_digest(hash), DKIM_DIGEST_OCTETS);
	assert_string_equal(buf_string(&text), row->want);
	assert_true(dkim_body_hash_octets(hash) == row->octets);
	talloc_free(mem);
}

static void test_hash(void **state)
{
	const struct row *row = *state;

	for (size_t step = 1; step <= row->body.n + 1; step++) {
		struct dkim_body_hash *hash;

		assert_int_equal(dkim_body_hash_new(NULL, row->canon, row->length, &hash), 0);
		for (size_t at = 0; at < row->body.n; at += step)
			assert_int_equal(dkim_body_hash_update(hash, view_slice(row->body, at, at + step)), 0);
		assert_int_equal(dkim_body_hash_finish(hash), 0);
		check(hash, row);
		talloc_free(hash);
	}
}

static void test_shared(void **state)
{
	void *mem = talloc_new(NULL);
	struct dkim_body_hashes hashes = { NULL, 0 };
	struct dkim_body_hash *hash[5];

	(void)state;
	assert_int_equal(dkim_body_hashes_get(&hashes, mem, DKIM_SIMPLE, DKIM_LENGTH_UNLIMITED, &hash[0]), 0);
	assert_int_equal(dkim_body_hashes_get(&hashes, mem, DKIM_RELAXED, DKIM_LENGTH_UNLIMITED, &hash[1]), 0);
	assert_int_equal(dkim_body_hashes_get(&hashes, mem, DKIM_RELAXED, 3, &hash[2]), 0);
	assert_int_equal(dkim_body_hashes_get(&hashes, mem, DKIM_SIMPLE, DKIM_LENGTH_UNLIMITED, &hash[3]), 0);
	assert_int_equal(dkim_body_hashes_get(&hashes, mem, DKIM_RELAXED, 3, &hash[4]), 0);
	assert_int_equal(hashes.count, 3);
	assert_ptr_equal(hash[0], hash[3]);
	assert_ptr_equal(hash[2], hash[4]);
	assert_int_equal(dkim_body_hashes_update(&hashes, VIEW("ab")), 0);
	assert_int_equal(dkim_body_hashes_update(&hashes, VIEW("c \r\n")), 0);
	assert_int_equal(dkim_body_hashes_finish(&hashes), 0);
	assert_true(dkim_body_hash_octets(hash[0]) == 6);
	assert_true(dkim_body_hash_octets(hash[1]) == 5);
	check(hash[2], &(struct row){ .want = OF_ABC, .octets = 5 });
	talloc_free(mem);
}

static void test_is(void **state)
{
	struct dkim_body_hash *hash;

	(void)state;
	assert_int_equal(dkim_body_hash_new(NULL, DKIM_RELAXED, 7, &hash), 0);
	assert_true(dkim_body_hash_is(hash, DKIM_RELAXED, 7));
	assert_false(dkim_body_hash_is(hash, DKIM_SIMPLE, 7));
	assert_false(dkim_body_hash_is(hash, DKIM_RELAXED, DKIM_LENGTH_UNLIMITED));
	talloc_free(hash);
}

static void test_no_body(void **state)
{
	struct dkim_body_hashes hashes = { NULL, 0 };

	(void)state;
	assert_int_equal(dkim_body_hashes_update(&hashes, VIEW("abc")), 0);
	assert_int_equal(dkim_body_hashes_finish(&hashes), 0);
}

int main(void)
{
	TEST_ROWS(rows, test_hash);
	test_add("R52 signatures share a hash only when c= and l= agree", test_shared);
	test_add("R52 whom a hash serves", test_is);
	test_add("no signatures, no hashes", test_no_body);
	return test_run("body_hash");
}
