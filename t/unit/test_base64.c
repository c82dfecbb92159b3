#include "dkim/base64.h"
#include "t/unit/support.h"

#include <errno.h>
#include <talloc.h>

struct row {
	const char *name;
	struct view text;
	int want;
	struct view octets;
};

static const struct row rows[] = {
	{ "nothing", { NULL, 0 }, 0, VIEW_INIT("") },
	{ "RFC 4648 10: f", VIEW_INIT("Zg=="), 0, VIEW_INIT("f") },
	{ "RFC 4648 10: fo", VIEW_INIT("Zm8="), 0, VIEW_INIT("fo") },
	{ "RFC 4648 10: foobar", VIEW_INIT("Zm9vYmFy"), 0, VIEW_INIT("foobar") },
	{ "R8 FWS anywhere is passed over", VIEW_INIT(" Z\r\n\tm 8\t=\r\n "), 0, VIEW_INIT("fo") },
	{ "R8 FWS between the signs of padding", VIEW_INIT("Zg= ="), 0, VIEW_INIT("f") },
	{ "R8 only FWS is nothing", VIEW_INIT(" \r\n\t"), 0, VIEW_INIT("") },
	{ "R59 no padding", VIEW_INIT("Zg"), -EINVAL, VIEW_INIT("") },
	{ "R59 half the padding", VIEW_INIT("Zg="), -EINVAL, VIEW_INIT("") },
	{ "R59 too much padding", VIEW_INIT("Zm8=="), -EINVAL, VIEW_INIT("") },
	{ "R59 only padding", VIEW_INIT("=="), -EINVAL, VIEW_INIT("") },
	{ "R59 octets behind the padding", VIEW_INIT("Zg==Zg=="), -EINVAL, VIEW_INIT("") },
	{ "R59 the alphabet of URLs", VIEW_INIT("_-8="), -EINVAL, VIEW_INIT("") },
	{ "R59 an octet outside the alphabet", VIEW_INIT("Zm8*"), -EINVAL, VIEW_INIT("") },
	{ "R59 NUL is not white space", VIEW_INIT("Zm\0 8="), -EINVAL, VIEW_INIT("") },
	{ "R59 NUL behind the end", VIEW_INIT("Zm8=\0"), -EINVAL, VIEW_INIT("") },
	{ "R59 8-bit octets", VIEW_INIT("Zm8\xbd"), -EINVAL, VIEW_INIT("") },
	{ "R59 bits behind the last octet", VIEW_INIT("Zh=="), -EINVAL, VIEW_INIT("") },
	{ "R59 one sign too few", VIEW_INIT("Z"), -EINVAL, VIEW_INIT("") },
	{ "as many octets as fit", VIEW_INIT("MDEyMzQ1Njc4OWFi"), 0, VIEW_INIT("0123456789ab") },
	{ "more octets than fit", VIEW_INIT("MDEyMzQ1Njc4OWFiYw=="), -EMSGSIZE, VIEW_INIT("") },
};

static void test_decode(void **state)
{
	const struct row *row = *state;
	struct view text = guarded(row->text);
	uint8_t octets[12];
	size_t n = 999;

	assert_int_equal(base64_decode(text, sizeof octets, octets, &n), row->want);
	if (row->want == 0) {
		assert_int_equal(n, row->octets.n);
		assert_memory_equal(octets, row->octets.p, n);
	}
	guarded_free(text);
}

static void test_encode(void **state)
{
	void *mem = talloc_new(NULL);
	struct buf buf;

	(void)state;
	buf_init(&buf, mem, 100);
	base64_encode(&buf, (const uint8_t *)"foob", 4);
	assert_string_equal(buf_string(&buf), "Zm9vYg==");
	buf_clear(&buf);
	base64_encode(&buf, NULL, 0);
	assert_string_equal(buf_string(&buf), "");
	talloc_free(mem);
}

static void test_there_and_back(void **state)
{
	static uint8_t in[5000], out[5000];
	void *mem = talloc_new(NULL);
	uint32_t seed = 4648;
	struct buf buf;

	(void)state;
	for (size_t i = 0; i < sizeof in; i++)
		in[i] = (uint8_t)test_random(&seed);
	buf_init(&buf, mem, 10000);
	for (size_t n = 0; n <= sizeof in; n += 1 + n / 50) {
		size_t decoded;

		buf_clear(&buf);
		base64_encode(&buf, in, n);
		assert_int_equal(buf_view(&buf).n, (n + 2) / 3 * 4);
		assert_int_equal(base64_decode(buf_view(&buf), n, out, &decoded), 0);
		assert_int_equal(decoded, n);
		assert_memory_equal(in, out, n);
	}
	talloc_free(mem);
}

int main(void)
{
	TEST_ROWS(rows, test_decode);
	test_add("encode", test_encode);
	test_add("what is encoded decodes to the same, whatever its length", test_there_and_back);
	return test_run("base64");
}
