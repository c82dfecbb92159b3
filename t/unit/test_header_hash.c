#include "dkim/header_hash.h"

#include "dkim/digest.h"
#include "dkim/signature.h"
#include "t/unit/support.h"

#include <errno.h>
#include <talloc.h>
#include <time.h>

/* The signature under test is the first DKIM-Signature field from the top. */
struct row {
	const char *name;
	enum dkim_canon canon;
	const char *header;         /* of the message */
	const char *signed_headers; /* h= */
	const char *want;           /* what is hashed */
};

#define SIGNATURE "DKIM-Signature: v=1; b=AAAA; s=x\r\n"
#define HASHED_SIMPLE "DKIM-Signature: v=1; b=; s=x"
#define HASHED_RELAXED "dkim-signature:v=1; b=; s=x"

static const struct row rows[] = {
	{ "R37 order of h=, then the signature without its CRLF", DKIM_SIMPLE,
	  SIGNATURE "From: a\r\nTo: b\r\nDate: c\r\n", "Date:From", "Date: c\r\nFrom: a\r\n" HASHED_SIMPLE },
	{ "R37 the same, relaxed", DKIM_RELAXED,
	  SIGNATURE "From:  a \r\nTO : b\r\n\t\tc\r\n", "to:from", "to:b c\r\nfrom:a\r\n" HASHED_RELAXED },
	{ "R17 names in any case, FWS around the colons", DKIM_SIMPLE,
	  SIGNATURE "FROM: a\r\nto: b\r\n", " to\r\n : From ", "to: b\r\nFROM: a\r\n" HASHED_SIMPLE },
	{ "R19 an absent field is nothing", DKIM_SIMPLE, SIGNATURE "From: a\r\n", "Cc:From:Bcc", "From: a\r\n" HASHED_SIMPLE },
	{ "R31 one of three instances: the bottom one", DKIM_SIMPLE,
	  SIGNATURE "X: 1\r\nX: 2\r\nX: 3\r\n", "X", "X: 3\r\n" HASHED_SIMPLE },
	{ "R31 two of three instances: bottom up", DKIM_SIMPLE,
	  SIGNATURE "X: 1\r\nX: 2\r\nX: 3\r\n", "X:x", "X: 3\r\nX: 2\r\n" HASHED_SIMPLE },
	{ "R31 instances between other names", DKIM_SIMPLE,
	  SIGNATURE "X: 1\r\nY: 1\r\nX: 2\r\nY: 2\r\n", "X:Y:X:Y", "X: 2\r\nY: 2\r\nX: 1\r\nY: 1\r\n" HASHED_SIMPLE },
	{ "R31 more often than there are instances", DKIM_SIMPLE,
	  SIGNATURE "X: 1\r\nX: 2\r\n", "X:X:X:X", "X: 2\r\nX: 1\r\n" HASHED_SIMPLE },
	{ "R32 a field put above an oversigned name is seen", DKIM_SIMPLE,
	  SIGNATURE "From: forged\r\nFrom: a\r\n", "From:From", "From: a\r\nFrom: forged\r\n" HASHED_SIMPLE },
	{ "R32 a field put above a name that is not oversigned is not", DKIM_SIMPLE,
	  SIGNATURE "From: forged\r\nFrom: a\r\n", "From", "From: a\r\n" HASHED_SIMPLE },
	{ "R20 the signature under test is never selected", DKIM_SIMPLE,
	  SIGNATURE "From: a\r\n", "From:DKIM-Signature", "From: a\r\n" HASHED_SIMPLE },
	{ "R21 other signatures may be", DKIM_SIMPLE,
	  SIGNATURE "DKIM-Signature: b=other\r\nFrom: a\r\n", "DKIM-Signature:From:DKIM-Signature",
	  "DKIM-Signature: b=other\r\nFrom: a\r\n" HASHED_SIMPLE },
	{ "R7 b= in the middle, folded: only its value goes", DKIM_SIMPLE,
	  "DKIM-Signature: v=1;\r\n\tb=\r\n\tAA\r\n\t AA\r\n\t; s=x\r\n", "From", "DKIM-Signature: v=1;\r\n\tb=; s=x" },
	{ "R7 b= last", DKIM_SIMPLE, "DKIM-Signature: s=x;\r\n\tb=\r\n\tAAA\r\n", "From", "DKIM-Signature: s=x;\r\n\tb=" },
	{ "R6 blanks before the sign of b= are kept", DKIM_SIMPLE, "DKIM-Signature: s=x; b =AAA\r\n", "From", "DKIM-Signature: s=x; b =" },
	{ "R7 b= last, relaxed", DKIM_RELAXED, "DKIM-Signature: s=x;\r\n\tb=\r\n\tAAA\r\n", "From", "dkim-signature:s=x; b=" },
	{ "R7 bh= is kept", DKIM_SIMPLE, "DKIM-Signature: bh=AAA; b=BBB\r\n", "From", "DKIM-Signature: bh=AAA; b=" },
	{ "R36 fields without value", DKIM_RELAXED, SIGNATURE "X: \t\r\nY:\r\n", "X:Y", "x:\r\ny:\r\n" HASHED_RELAXED },
	{ "R38 8-bit octets pass", DKIM_RELAXED, SIGNATURE "X: \xff\xfe\r\n", "X", "x:\xff\xfe\r\n" HASHED_RELAXED },
};

static struct header_list *list_of(struct view header)
{
	struct header_list *list;
	struct view body;

	assert_int_equal(header_list_new(NULL, NULL, &list), 0);
	assert_int_equal(header_list_parse(list, header, &body), 0);
	return list;
}

static struct dkim_header_hash_input input_of(const struct header_list *list, struct view signed_headers, enum dkim_canon canon)
{
	struct view name = VIEW("DKIM-Signature");
	const struct header_field *field = header_list_from_bottom(list, name, header_list_count_name(list, name) - 1, NULL);
	struct dkim_signature signature;

	(void)dkim_signature_parse(NULL, field, &signature); /* b= alone is wanted, and is always read; nothing to map */
	return (struct dkim_header_hash_input){
		.headers = list,
		.signed_headers = signed_headers,
		.signature_field = field->raw,
		.signature_raw = signature.signature_raw,
		.skip = field,
		.canon = canon,
	};
}

static void test_block(void **state)
{
	const struct row *row = *state;
	struct header_list *list = list_of(view_of(row->header));
	struct view names = guarded(view_of(row->signed_headers));
	struct dkim_header_hash_input input = input_of(list, names, row->canon);
	uint8_t got[DKIM_DIGEST_OCTETS], want[DKIM_DIGEST_OCTETS];
	struct dkim_digest *digest;
	struct buf out;

	buf_init(&out, list, 10000);
	dkim_header_block(&input, &out);
	assert_int_equal(buf_error(&out), 0);
	assert_true(view_eq(buf_view(&out), view_of(row->want)));
	assert_int_equal(dkim_digest_new(list, &digest), 0);
	assert_int_equal(dkim_digest_update(digest, buf_view(&out)), 0);
	assert_int_equal(dkim_digest_finish(digest, want), 0);
	assert_int_equal(dkim_header_hash(list, &input, got), 0);
	assert_memory_equal(got, want, sizeof got);
	guarded_free(names);
	talloc_free(list);
}

/* A signer's field is not in the list, has no CRLF yet, and its b= is empty. */
static void test_signing(void **state)
{
	struct header_list *list = list_of(VIEW("From: a\r\nDKIM-Signature: b=other\r\n"));
	struct dkim_header_hash_input input = {
		.headers = list,
		.signed_headers = VIEW("From:DKIM-Signature"),
		.signature_field = VIEW("DKIM-Signature: v=1; s=x;\r\n\tb="),
		.canon = DKIM_RELAXED,
	};
	uint8_t hash[DKIM_DIGEST_OCTETS];
	struct buf out;

	(void)state;
	buf_init(&out, list, 10000);
	dkim_header_block(&input, &out);
	assert_string_equal(buf_string(&out), "from:a\r\ndkim-signature:b=other\r\ndkim-signature:v=1; s=x; b=");
	assert_int_equal(dkim_header_hash(list, &input, hash), 0);
	talloc_free(list);
}

static void test_too_large(void **state)
{
	struct header_list *list = list_of(VIEW(SIGNATURE "From: a\r\n"));
	struct dkim_header_hash_input input = input_of(list, VIEW("From"), DKIM_SIMPLE);
	struct buf out;

	(void)state;
	buf_init(&out, list, 20);
	dkim_header_block(&input, &out);
	assert_int_equal(buf_error(&out), -EMSGSIZE);
	talloc_free(list);
}

static void test_no_memory_kept(void **state)
{
	struct header_list *list = list_of(VIEW(SIGNATURE "From: a\r\n"));
	struct dkim_header_hash_input input = input_of(list, VIEW("From"), DKIM_SIMPLE);
	void *mem = talloc_new(NULL);
	uint8_t hash[DKIM_DIGEST_OCTETS];

	(void)state;
	assert_int_equal(dkim_header_hash(mem, &input, hash), 0);
	assert_int_equal(talloc_total_blocks(mem), 1);
	talloc_free(mem);
	talloc_free(list);
}

/* As many fields as fit, of one name, under an h= of half a million names. */
static void test_bounded(void **state)
{
	struct header_list *list = list_of(VIEW(SIGNATURE));
	static char names[1000000];
	struct dkim_header_hash_input input;
	clock_t start = clock();
	struct buf out;

	(void)state;
	while (header_list_count(list) < HEADER_FIELDS_MAX)
		assert_int_equal(header_list_add(list, VIEW("X"), VIEW(" value")), 0);
	for (size_t i = 0; i < sizeof names; i++)
		names[i] = "x:y:z:"[i % 6];
	input = input_of(list, (struct view){ names, sizeof names }, DKIM_RELAXED);
	buf_init(&out, list, HEADER_OCTETS_MAX);
	dkim_header_block(&input, &out);
	assert_int_equal(buf_error(&out), 0);
	assert_int_equal(buf_view(&out).n, (HEADER_FIELDS_MAX - 1) * strlen("x:value\r\n") + strlen(HASHED_RELAXED));
	assert_true(clock() - start < CLOCKS_PER_SEC * 2);
	talloc_free(list);
}

int main(void)
{
	TEST_ROWS(rows, test_block);
	test_add("R37 a field that is being signed", test_signing);
	test_add("a block that does not fit its buffer is an error", test_too_large);
	test_add("a hash leaves no memory behind", test_no_memory_kept);
	test_add("R31 the work is bounded: 10,000 fields, 500,000 names", test_bounded);
	return test_run("header_hash");
}
