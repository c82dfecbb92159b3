#include "dkim/digest.h"
#include "t/unit/support.h"

#include <pthread.h>
#include <talloc.h>

static const uint8_t of_abc[DKIM_DIGEST_OCTETS] = {
	0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23,
	0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad,
};

static void test_abc(void **state)
{
	struct dkim_digest *digest;
	uint8_t result[DKIM_DIGEST_OCTETS];

	(void)state;
	assert_int_equal(dkim_digest_new(NULL, &digest), 0);
	assert_int_equal(dkim_digest_update(digest, VIEW("a")), 0);
	assert_int_equal(dkim_digest_update(digest, (struct view){ NULL, 0 }), 0);
	assert_int_equal(dkim_digest_update(digest, VIEW("bc")), 0);
	assert_int_equal(dkim_digest_finish(digest, result), 0);
	assert_memory_equal(result, of_abc, sizeof result);
	talloc_free(digest);
}

static void test_peek(void **state)
{
	struct dkim_digest *digest;
	uint8_t result[DKIM_DIGEST_OCTETS];

	(void)state;
	assert_int_equal(dkim_digest_new(NULL, &digest), 0);
	for (const char *octet = "abc"; *octet; octet++) {
		assert_int_equal(dkim_digest_update(digest, (struct view){ octet, 1 }), 0);
		assert_int_equal(dkim_digest_peek(digest, result), 0);
		assert_int_equal(memcmp(result, of_abc, sizeof result) == 0, *octet == 'c');
	}
	assert_int_equal(dkim_digest_finish(digest, result), 0);
	assert_memory_equal(result, of_abc, sizeof result);
	talloc_free(digest);
}

static void *fetch(void *unused)
{
	(void)unused;
	return (void *)(uintptr_t)dkim_sha256();
}

static void test_fetched_once(void **state)
{
	pthread_t threads[8];

	(void)state;
	for (size_t i = 0; i < 8; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, fetch, NULL), 0);
	for (size_t i = 0; i < 8; i++) {
		void *got;

		assert_int_equal(pthread_join(threads[i], &got), 0);
		assert_non_null(got);
		assert_ptr_equal(got, dkim_sha256());
	}
}

int main(void)
{
	test_add("several threads fetch one algorithm", test_fetched_once);
	test_add("FIPS 180-2 B.1: abc in pieces", test_abc);
	test_add("a look at the digest so far changes nothing", test_peek);
	return test_run("digest");
}
