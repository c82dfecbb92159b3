/* av/archive.h: names, passwords, archives inside, bounds. */
#include "av/archive.h"
#include "t/unit/av_support.h"
#include "t/unit/samples.h"
#include "t/unit/support.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>

struct names {
	unsigned count;
	bool a_exe, ue_exe;
};

static void take(void *arg, struct view name)
{
	struct names *names = arg;

	names->count++;
	names->a_exe |= view_eq(name, VIEW("a.exe"));
	names->ue_exe |= view_eq(name, VIEW("\xc3\xbc.exe"));
}

static struct av_archive list(struct view file, struct names *ret)
{
	struct view copy = guarded(file);
	struct av_archive archive;

	*ret = (struct names){ 0 };
	av_archive_list(copy, take, ret, &archive);
	guarded_free(copy);
	return archive;
}

struct row {
	const char *name, *format, *filter, *file;
};

static const struct row rows[] = {
	{ "zip", "zip", "none", "a.exe" },
	{ "7z", "7zip", "none", "a.exe" },
	{ "tar", "gnutar", "none", "a.exe" },
	{ "old tar", "v7tar", "gzip", "a.exe" },
	{ "tar.gz", "gnutar", "gzip", "a.exe" },
	{ "tar.bz2", "gnutar", "bzip2", "a.exe" },
	{ "tar.xz", "pax", "xz", "a.exe" },
	{ "tar.zst", "ustar", "zstd", "a.exe" },
	{ "tar.Z", "ustar", "compress", "a.exe" },
	{ "cpio", "newc", "none", "a.exe" },
	{ "ar", "argnu", "none", "a.exe" },
	{ "iso", "iso9660", "none", "a.exe" },
	{ "8-bit name in zip", "zip", "none", "\xc3\xbc.exe" },
	{ "8-bit name in 7z", "7zip", "none", "\xc3\xbc.exe" },
};

static void test_format(void **state)
{
	const struct row *row = *state;
	struct view file = sample_archive(row->format, row->filter, row->file, VIEW("hello"), NULL);
	struct names names;
	struct av_archive archive = list(file, &names);

	assert_int_equal(archive.state, AV_ARCHIVE_LISTED);
	assert_string_equal(archive.encrypted, "");
	assert_true(row->file[0] == 'a' ? names.a_exe : names.ue_exe);
	sample_free(file);
}

/* The same inside a zip, and inside a compressed file alone. */
static void test_inner(void **state)
{
	const struct row *row = *state;
	struct view file = sample_archive(row->format, row->filter, row->file, VIEW("hello"), NULL);
	struct view zip = sample_archive("zip", "none", "dir/inner.zip", file, NULL);
	struct view raw = sample_archive("raw", "gzip", "inner", file, NULL);
	struct names names;

	assert_int_equal(list(zip, &names).state, AV_ARCHIVE_LISTED);
	assert_true(names.a_exe || names.ue_exe);
	assert_int_equal(list(raw, &names).state, AV_ARCHIVE_LISTED);
	assert_true(names.a_exe || names.ue_exe);
	sample_free(file);
	sample_free(zip);
	sample_free(raw);
}

static void test_password(void **state)
{
	struct view file = sample_archive("zip", "none", "a.exe", VIEW("hello"), "secret");
	struct names names;

	(void)state;
	assert_string_equal(list(file, &names).encrypted, "zip");
	assert_true(names.a_exe);
	sample_free(file);
}

/* Readers that look at the directory see one name, those that read from the front another. */
static void test_two_names(void **state)
{
	struct view file = sample_archive("zip", "none", "a.txt", VIEW("hello"), NULL);
	char *first = memmem(file.p, file.n, "a.txt", 5), *last = NULL;
	struct names names;

	(void)state;
	assert_non_null(first);
	last = memmem(first + 5, file.n - (size_t)(first + 5 - file.p), "a.txt", 5);
	assert_non_null(last);
	memcpy(first, "a.exe", 5);
	assert_int_equal(list(file, &names).state, AV_ARCHIVE_LISTED);
	assert_true(names.a_exe);
	memcpy(first, "a.txt", 5);
	memcpy(last, "a.exe", 5);
	assert_int_equal(list(file, &names).state, AV_ARCHIVE_LISTED);
	assert_true(names.a_exe);
	sample_free(file);
}

/* What stands before a zip does not hide it. */
static void test_prefix(void **state)
{
	static const char *const prefixes[] = { "MZ a program that unpacks itself, of more than sixty-four octets in all, as they are", "GIF89a", "hello\n" };
	struct view zip = sample_archive("zip", "none", "a.exe", VIEW("hello"), NULL);

	(void)state;
	for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
		size_t n = strlen(prefixes[i]);
		char *p = malloc(n + zip.n);
		struct names names;

		assert_non_null(p);
		memcpy(p, prefixes[i], n);
		memcpy(p + n, zip.p, zip.n);
		list((struct view){ p, n + zip.n }, &names);
		assert_true(names.a_exe);
		free(p);
	}
	sample_free(zip);
}

static void test_bounds(void **state)
{
	struct view many = sample_archive_of_many("zip", AV_ARCHIVE_ENTRIES_MAX + 1);
	struct view zip = sample_archive("zip", "none", "a.exe", VIEW("hello"), NULL);
	size_t size = AV_ARCHIVE_UNPACKED_MAX + 1;
	char *zeros = calloc(1, size);
	struct names names;

	(void)state;
	assert_non_null(zeros);
	assert_int_equal(list(many, &names).state, AV_ARCHIVE_ENTRIES);
	assert_int_equal(names.count, AV_ARCHIVE_ENTRIES_MAX);
	assert_int_equal(list(view_slice(zip, 0, 20), &names).state, AV_ARCHIVE_DAMAGED);
	assert_int_equal(list(VIEW("hello, world"), &names).state, AV_ARCHIVE_NONE);
	assert_int_equal(list(VIEW(""), &names).state, AV_ARCHIVE_NONE);
	struct view bomb = sample_archive("gnutar", "gzip", "a.txt", (struct view){ zeros, size }, NULL);

	assert_int_equal(list(bomb, &names).state, AV_ARCHIVE_SIZE);
	free(zeros);
	sample_free(bomb);
	sample_free(many);
	sample_free(zip);
}

static int set_up(void **state)
{
	(void)state;
	return setlocale(LC_CTYPE, "C.UTF-8") ? 0 : -1;
}

int main(void)
{
	TEST_ROWS(rows, test_format);
	TEST_ROWS(rows, test_inner);
	test_add("a password", test_password);
	test_add("a zip that tells two names", test_two_names);
	test_add("octets before a zip", test_prefix);
	test_add("bounds", test_bounds);
	return test_run_with("archive", set_up, NULL);
}
