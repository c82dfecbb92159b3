#include "av/file_name.h"
#include "av/mime.h"
#include "t/unit/support.h"

#include <time.h>

struct row {
	const char *name;
	struct view raw;
	const char *clean;  /* as it is judged */
	const char *banned; /* of exe, js, HTA */
};

static const char *const extensions[] = { "exe", "js", "HTA", NULL };

static const struct row rows[] = {
	{ "plain", VIEW_INIT("a.exe"), "a.exe", "exe" },
	{ "case of the name", VIEW_INIT("A.ExE"), "A.ExE", "exe" },
	{ "case of the rule", VIEW_INIT("a.hta"), "a.hta", "HTA" },
	{ "harmless", VIEW_INIT("a.pdf"), "a.pdf", NULL },
	{ "no extension", VIEW_INIT("exe"), "exe", NULL },
	{ "empty", VIEW_INIT(""), "", NULL },
	{ "dots alone", VIEW_INIT("..."), "", NULL },
	{ "an extension alone", VIEW_INIT(".exe"), ".exe", "exe" },
	{ "the last but one", VIEW_INIT("a.exe.txt"), "a.exe.txt", "exe" },
	{ "the last but two", VIEW_INIT("a.exe.b.txt"), "a.exe.b.txt", NULL },
	{ "blanks around an extension", VIEW_INIT("a. exe .txt"), "a. exe .txt", "exe" },
	{ "trailing dot", VIEW_INIT("a.exe."), "a.exe", "exe" },
	{ "trailing blanks and dots", VIEW_INIT("a.exe . .\t "), "a.exe", "exe" },
	{ "trailing no-break space", VIEW_INIT("a.exe\xc2\xa0"), "a.exe", "exe" },
	{ "trailing ideographic space", VIEW_INIT("a.exe\xe3\x80\x80"), "a.exe", "exe" },
	{ "trailing quote", VIEW_INIT("a.exe\""), "a.exe", "exe" },
	{ "right to left override", VIEW_INIT("a\xe2\x80\xaetxt.exe"), "atxt.exe", "exe" },
	{ "isolate inside the extension", VIEW_INIT("a.e\xe2\x81\xa8xe"), "a.exe", "exe" },
	{ "zero width space", VIEW_INIT("a.e\xe2\x80\x8bxe"), "a.exe", "exe" },
	{ "soft hyphen", VIEW_INIT("a.e\xc2\xadxe"), "a.exe", "exe" },
	{ "byte order mark", VIEW_INIT("a.exe\xef\xbb\xbf"), "a.exe", "exe" },
	{ "C1 control", VIEW_INIT("a.e\xc2\x85xe"), "a.exe", "exe" },
	{ "NUL inside", VIEW_INIT("a.e\0xe"), "a.exe", "exe" },
	{ "UTF-16 octets", VIEW_INIT("a\0.\0e\0x\0e\0"), "a.exe", "exe" },
	{ "controls inside", VIEW_INIT("a.e\x01\x7fxe"), "a.exe", "exe" },
	{ "CR LF inside", VIEW_INIT("a.e\r\nxe"), "a.exe", "exe" },
	{ "8-bit octets that are no UTF-8", VIEW_INIT("\xe9.exe"), "\xe9.exe", "exe" },
	{ "UTF-8 cut off", VIEW_INIT("a.exe\xe2\x80"), "a.exe\xe2\x80", NULL },
	{ "a path", VIEW_INIT("/tmp/b.txt/a.exe"), "a.exe", "exe" },
	{ "a path of Windows", VIEW_INIT("C:\\b\\a.exe"), "a.exe", "exe" },
	{ "a slash at the end", VIEW_INIT("a.exe/"), "", NULL },
	{ "an encoded word", VIEW_INIT("=?utf-8?B?YS5leGU=?="), "a.exe", "exe" },
	{ "an encoded word with a slash in base64", VIEW_INIT("=?utf-8?B?w78uZXhl?="), "\xc3\xbf.exe", "exe" },
	{ "an encoded word that hides a path", VIEW_INIT("=?utf-8?Q?b=2Ftxt=2Fa.exe?="), "a.exe", "exe" },
	{ "an encoded word, the extension outside", VIEW_INIT("=?utf-8?Q?a?=.exe"), "a.exe", "exe" },
	{ "an encoded word across a fold", VIEW_INIT("=?utf-8?Q?a=2E?=\r\n =?utf-8?Q?exe?="), "a.exe", "exe" },
	{ "an encoded word in ISO-8859-1", VIEW_INIT("=?iso-8859-1?Q?=E9.exe?="), "\xc3\xa9.exe", "exe" },
	{ "an encoded word of an unknown charset", VIEW_INIT("=?x-none?Q?a.exe?="), "a.exe", "exe" },
	{ "a right to left mark in an encoded word", VIEW_INIT("=?utf-8?Q?a.e=E2=80=AExe?="), "a.exe", "exe" },
	{ "what only begins like an encoded word", VIEW_INIT("=?a.exe"), "=?a.exe", "exe" },
};

static void test_row(void **state)
{
	const struct row *row = *state;
	struct view raw = guarded(row->raw);
	char clean[AV_FILE_NAME_MAX + 1];
	const char *banned;

	av_file_name_clean(raw, clean);
	assert_string_equal(clean, row->clean);
	banned = av_file_name_banned(clean, extensions);
	if (row->banned)
		assert_string_equal(banned ? banned : "nothing", row->banned);
	else
		assert_null(banned);
	assert_null(av_file_name_banned(clean, NULL));
	guarded_free(raw);
}

static void test_long(void **state)
{
	char clean[AV_FILE_NAME_MAX + 1], raw[5000];

	(void)state;
	memset(raw, 'x', sizeof raw);
	memcpy(raw + sizeof raw - 4, ".exe", 4);
	av_file_name_clean((struct view){ raw, sizeof raw }, clean);
	assert_string_equal(av_file_name_banned(clean, extensions), "exe");
	memcpy(raw, "=?utf-8?Q?", 10);
	memcpy(raw + sizeof raw - 6, ".exe?=", 6);
	av_file_name_clean((struct view){ raw, sizeof raw }, clean);
	assert_true(strlen(clean) <= AV_FILE_NAME_MAX);
}

/* Halves of invisible characters around each other, so that each round of cleaning makes the next one: judged, and at once. */
static void test_nested(void **state)
{
	enum { LEVELS = 330, NAMES = 1000 };
	char clean[AV_FILE_NAME_MAX + 1], raw[3 * LEVELS + 5] = "a.e";
	clock_t begun = clock();
	size_t n = 3;

	(void)state;
	for (size_t i = 0; i < LEVELS; i++, n += 2)
		memcpy(raw + n, "\xe2\x80", 2);
	memset(raw + n, 0x8b, LEVELS);
	memcpy(raw + n + LEVELS, "xe", 2);
	for (size_t i = 0; i < NAMES; i++)
		av_file_name_clean((struct view){ raw, sizeof raw }, clean);
	assert_string_equal(clean, "a.exe");
	assert_true(clock() - begun < 2 * CLOCKS_PER_SEC); /* 0.1 s; 4 s when all rounds were gone through */
}

static void test_types(void **state)
{
	static const char *const globs[] = { "application/x-ms*", "TEXT/vbscript", NULL };

	(void)state;
	assert_string_equal(av_media_type_banned("application/x-msdownload", globs), "application/x-ms*");
	assert_string_equal(av_media_type_banned("text/vbscript", globs), "TEXT/vbscript");
	assert_null(av_media_type_banned("text/plain", globs));
	assert_null(av_media_type_banned("text/plain", NULL));
}

static int set_up(void **state)
{
	(void)state;
	return av_mime_begin();
}

int main(void)
{
	TEST_ROWS(rows, test_row);
	test_add("longer than any file system takes", test_long);
	test_add("invisible characters inside each other", test_nested);
	test_add("media types", test_types);
	return test_run_with("file_name", set_up, NULL);
}
