#include "av/transfer.h"
#include "t/unit/support.h"

#include <stdlib.h>

struct name_row {
	const char *name;
	enum av_transfer want;
};

static const struct name_row name_rows[] = {
	{ "", AV_TRANSFER_IDENTITY }, { "7bit", AV_TRANSFER_IDENTITY }, { " 8BIT ", AV_TRANSFER_IDENTITY }, { "8-bit", AV_TRANSFER_IDENTITY },
	{ "base64", AV_TRANSFER_BASE64 }, { "\r\n BASE64", AV_TRANSFER_BASE64 }, { "(a) base64 (b)", AV_TRANSFER_BASE64 },
	{ "base64; x", AV_TRANSFER_BASE64 }, { "quoted-printable", AV_TRANSFER_QUOTED }, { "x-uue", AV_TRANSFER_UU },
	{ "x-yenc", AV_TRANSFER_YENC }, { "\"base64\"", AV_TRANSFER_UNKNOWN }, { "base 64x", AV_TRANSFER_UNKNOWN },
	{ "base64 7bit", AV_TRANSFER_UNKNOWN }, { "x-base64", AV_TRANSFER_UNKNOWN },
	{ "base64-and-more-than-any-name-that-is-known", AV_TRANSFER_UNKNOWN },
};

static void test_name(void **state)
{
	const struct name_row *row = *state;

	assert_int_equal(av_transfer_of(view_of(row->name)), row->want);
}

struct row {
	const char *name;
	enum av_transfer transfer;
	struct view encoded, want;
	bool after;
};

static const struct row rows[] = {
	{ "base64", AV_TRANSFER_BASE64, VIEW_INIT("aGVsbG8="), VIEW_INIT("hello"), false },
	{ "base64 of two lines", AV_TRANSFER_BASE64, VIEW_INIT("aGVs\r\nbG8=\r\n"), VIEW_INIT("hello"), false },
	{ "base64 with garbage", AV_TRANSFER_BASE64, VIEW_INIT("a!G-V\0s bG_8="), VIEW_INIT("hello"), false },
	{ "base64 without padding", AV_TRANSFER_BASE64, VIEW_INIT("aGVsbG8"), VIEW_INIT("hello"), false },
	{ "base64 with one digit too many", AV_TRANSFER_BASE64, VIEW_INIT("aGVsb"), VIEW_INIT("hel"), false },
	{ "base64 that goes on after padding", AV_TRANSFER_BASE64, VIEW_INIT("aGVsbG8=aGVsbG8="), VIEW_INIT("hellohello"), true },
	{ "base64 with padding alone in front", AV_TRANSFER_BASE64, VIEW_INIT("=aGVsbG8="), VIEW_INIT("hello"), true },
	{ "base64 with a footer of lines", AV_TRANSFER_BASE64, VIEW_INIT("aGVsbG8=\n____\n"), VIEW_INIT("hello"), false },
	{ "quoted-printable", AV_TRANSFER_QUOTED, VIEW_INIT("h=65l=\r\nlo"), VIEW_INIT("hello"), false },
	{ "quoted-printable in lower case", AV_TRANSFER_QUOTED, VIEW_INIT("a=e9"), VIEW_INIT("a\xe9"), false },
	{ "uuencode", AV_TRANSFER_UU, VIEW_INIT("begin 644 a\n%:&5L;&\\`\n`\nend\n"), VIEW_INIT("hello"), false },
	{ "uuencode without its first line", AV_TRANSFER_UU, VIEW_INIT("%:&5L;&\\`\n`\n"), VIEW_INIT("hello"), false },
	{ "yEnc", AV_TRANSFER_YENC, VIEW_INIT("=ybegin line=128 size=5 name=a\n\x92\x8f=\xd6\x96\x99\r\n=yend size=5\nrest\n"), VIEW_INIT("hello"), false },
	{ "nothing", AV_TRANSFER_IDENTITY, VIEW_INIT("aGVsbG8="), VIEW_INIT("aGVsbG8="), false },
	{ "unknown", AV_TRANSFER_UNKNOWN, VIEW_INIT("a\0b"), VIEW_INIT("a\0b"), false },
};

static void test_row(void **state)
{
	const struct row *row = *state;
	struct view encoded = guarded(row->encoded), got = { NULL, 0 };
	bool after = true;

	assert_int_equal(av_transfer_decode(row->transfer, encoded, &got, &after), 0);
	assert_int_equal(got.n, row->want.n);
	assert_memory_equal(got.p, row->want.p, got.n);
	assert_int_equal(after, row->after);
	free((char *)(uintptr_t)got.p);
	guarded_free(encoded);
}

int main(void)
{
	TEST_ROWS(name_rows, test_name);
	TEST_ROWS(rows, test_row);
	return test_run("transfer");
}
