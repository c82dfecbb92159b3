/* The record of a key in the forms that people publish it in. */
#include "milter/keygen_record.h"

#include "t/unit/support.h"

#include <talloc.h>

static const struct keygen_record record = { VIEW_INIT("sel"), VIEW_INIT("example.com"), VIEW_INIT("v=DKIM1; k=rsa; p=AAAA"), 60, false };

static void test_forms(void **state)
{
	struct keygen_record relative = record;
	void *mem = talloc_new(NULL);
	struct buf out;

	(void)state;
	buf_init(&out, mem, 10000);
	keygen_zone(&record, &out);
	assert_string_equal(buf_string(&out), "sel._domainkey.example.com. 60 IN TXT (\n\t\"v=DKIM1; k=rsa; p=AAAA\" )\n");
	buf_clear(&out);
	relative.relative = true;
	keygen_zone(&relative, &out);
	assert_string_equal(buf_string(&out), "sel._domainkey 60 IN TXT (\n\t\"v=DKIM1; k=rsa; p=AAAA\" )\n");
	buf_clear(&out);
	keygen_line(&record, &out);
	assert_string_equal(buf_string(&out), "v=DKIM1; k=rsa; p=AAAA\n");
	buf_clear(&out);
	keygen_nsupdate(&relative, &out);
	assert_string_equal(buf_string(&out), "update add sel._domainkey.example.com. 60 TXT \"v=DKIM1; k=rsa; p=AAAA\"\nsend\n");
	talloc_free(mem);
}

/* A string of a TXT record has 255 octets at most, and none is empty. */
static void test_strings(void **state)
{
	static const struct { size_t text, strings, last; } rows[] = {
		{ 1, 1, 1 }, { 254, 1, 254 }, { 255, 1, 255 }, { 256, 2, 1 }, { 510, 2, 255 }, { 511, 3, 1 },
	};
	char text[600];

	(void)state;
	memset(text, 'A', sizeof text);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct keygen_record r = record;

		r.text = (struct view){ text, rows[i].text };
		assert_int_equal(keygen_string(&r, rows[i].strings - 1).n, rows[i].last);
		assert_int_equal(keygen_string(&r, rows[i].strings).n, 0);
	}
}

int main(void)
{
	test_add("forms", test_forms);
	test_add("strings of 255 octets", test_strings);
	return test_run("keygen_record");
}
