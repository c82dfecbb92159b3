#include "av/engine.h"
#include "t/unit/av_support.h"
#include "t/unit/samples.h"
#include "t/unit/support.h"

#include <errno.h>
#include <stdio.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>

/* A database that cannot be loaded, and how the error says so. */
struct bad_row {
	const char *name;
	const char *file, *text; /* NULL: none */
	int want;
	const char *want_text;
};

static const struct bad_row bad_rows[] = {
	{ "an empty folder", NULL, NULL, -ENOENT, "wanted a ClamAV database" },
	{ "a folder with no database in it", "readme.txt", "hello\n", -ENOENT, "wanted a ClamAV database" },
	{ "a malformed .ndb", "bad.ndb", "One:0:*:00ff00ff00ff\nBroken line\n", -EINVAL, "bad.ndb" },
	{ "a malformed .hdb", "bad.hdb", "zzzz:68:Name\n", -EINVAL, "bad.hdb" },
	{ "a malformed .ldb", "bad.ldb", "Name;Target:0;(0&1;00ff\n", -EINVAL, "bad.ldb" },
	{ "a .cvd without a signature", "daily.cvd", "ClamAV-VDB:01 Jan 2026 00-00 +0000:1:1:1:0:0:x:1\n", -EINVAL, "daily.cvd" },
	{ "a database of comments alone", "none.ndb", "# nothing\n", -ENOENT, "wanted a ClamAV database" },
};

static void test_bad(void **state)
{
	const struct bad_row *row = *state;
	char *folder = database_new();
	struct av_engine_settings settings = usual_settings(folder);
	struct av_engine *engine = NULL;
	char *error = NULL;

	if (row->file)
		database_file(folder, row->file, row->text);
	assert_int_equal(av_engine_load(&settings, NULL, NULL, &engine, &error), row->want);
	assert_null(engine);
	assert_non_null(error);
	if (!strstr(error, row->want_text) || !strstr(error, folder))
		fail_msg("wanted '%s' and the folder in: %s", row->want_text, error);
	free(error);
	database_remove(folder);
}

static void test_missing(void **state)
{
	struct av_engine_settings settings = usual_settings("/nonexistent/database");
	struct av_engine *engine = NULL;
	char *error = NULL;

	(void)state;
	assert_int_equal(av_engine_load(&settings, NULL, NULL, &engine, &error), -ENOENT);
	assert_non_null(strstr(error, "/nonexistent/database"));
	free(error);
}

static void count_percent(void *arg, unsigned percent)
{
	unsigned *highest = arg;

	assert_true(percent <= 100 && percent >= *highest);
	*highest = percent;
}

static void test_load(void **state)
{
	char *folder = database_new();
	struct av_engine_settings settings = usual_settings(folder);
	struct av_engine *engine = NULL;
	struct av_facts facts;
	unsigned percent = 0;
	char *error = NULL;

	(void)state;
	database_usual(folder);
	assert_int_equal(av_engine_load(&settings, count_percent, &percent, &engine, &error), 0);
	assert_int_equal(percent, 100);
	av_engine_facts(engine, &facts);
	assert_int_equal(facts.signatures, 2);
	assert_int_equal(facts.database, 0);
	assert_true(facts.database_time > 1700000000);
	assert_true(facts.engine[0] >= '0' && facts.engine[0] <= '9');
	av_engine_free(engine);
	database_remove(folder);
}

/* What lies in the database besides the usual, what is scanned, what comes out. */
struct scan_row {
	const char *name;
	const char *file, *text;
	bool pua;
	struct view octets; /* empty: EICAR */
	enum av_finding_kind want;
	const char *want_name; /* NULL: nothing is found */
};

static const struct scan_row scan_rows[] = {
	{ "a pattern", NULL, NULL, false, { NULL, 0 }, AV_SIGNATURE, EICAR_NAME },
	{ "nothing", NULL, NULL, false, VIEW_INIT("hello"), AV_SIGNATURE, NULL },
	{ "a hash (.hdb)", "x.hdb",
	  "e4d7f1b4ed2e42d15898f4b27b019da4:12:Hello-Hash\n", false, VIEW_INIT("hello, world"), AV_SIGNATURE, "Hello-Hash.UNOFFICIAL" },
	{ "a logical signature (.ldb)", "x.ldb", "Logical;Engine:81-255,Target:0;0&1;68656c6c6f;776f726c64\n", false,
	  VIEW_INIT("hello, world"), AV_SIGNATURE, "Logical.UNOFFICIAL" },
	{ "half of a logical signature", "x.ldb", "Logical;Engine:81-255,Target:0;0&1;68656c6c6f;776f726c64\n", false, VIEW_INIT("hello"), AV_SIGNATURE, NULL },
	{ "PUA when wanted (.ndu)", "x.ndu", "PUA.Test.Hello:0:*:68656c6c6f20\n", true, VIEW_INIT("hello pua"), AV_SIGNATURE, "PUA.Test.Hello.UNOFFICIAL" },
	{ "PUA when not wanted (.ndu)", "x.ndu", "PUA.Test.Hello:0:*:68656c6c6f20\n", false, VIEW_INIT("hello pua"), AV_SIGNATURE, NULL },
	{ "an ignored signature (.ign2)", "x.ign2", "Eicar-Pattern\n", false, { NULL, 0 }, AV_SIGNATURE, NULL },
};

static void test_scan(void **state)
{
	const struct scan_row *row = *state;
	char *folder = database_new();
	struct av_engine_settings settings = usual_settings(folder);
	struct av_engine *engine = NULL;
	struct av_reply reply = { 0 };
	char *error = NULL;

	settings.pua = row->pua;
	database_usual(folder);
	if (row->file)
		database_file(folder, row->file, row->text);
	assert_int_equal(av_engine_load(&settings, NULL, NULL, &engine, &error), 0);
	assert_int_equal(av_engine_begin(engine, folder), 0);
	av_engine_scan(engine, NULL, row->octets.n ? row->octets : eicar(), "a.com", &reply);
	if (reply.finding_count != (row->want_name ? 1 : 0) || (row->want_name && !has_finding(&reply, row->want, row->want_name)))
		fail_msg("wanted %s, got %s", row->want_name ? row->want_name : "nothing", findings_text(&reply));
	if (row->want_name)
		assert_string_equal(reply.findings[0].part, "a.com");
	av_engine_free(engine);
	database_remove(folder);
}

/* What is scanned with which limit, and the finding that must come of it (never nothing): the limit or what lies there. */
enum sample { MANY_FILES, NESTED, LARGE, MAIL_OF_PARTS, MAIL_OF_LEVELS, DISK_IMAGE };

struct limit_row {
	const char *name;
	enum sample sample;
	size_t max_size, max_scan_size;
	unsigned max_files, max_recursion, scan_ms;
	enum av_finding_kind want;
	const char *want_name;
};

static const struct limit_row limit_rows[] = {
	{ "a file beyond max_size", LARGE, 1 << 20, 200 << 20, 2000, 12, 20000, AV_LIMIT, "size" },
	{ "more than max_scan_size", LARGE, 50 << 20, 1 << 20, 2000, 12, 20000, AV_SIGNATURE, "Heuristics.Limits.Exceeded.MaxScanSize" },
	{ "more than max_files", MANY_FILES, 50 << 20, 200 << 20, 20, 12, 20000, AV_SIGNATURE, "Heuristics.Limits.Exceeded.MaxFiles" },
	{ "a mail of more than max_files", MAIL_OF_PARTS, 50 << 20, 200 << 20, 20, 12, 20000, AV_SIGNATURE, "Heuristics.Limits.Exceeded.MaxFiles" },
	{ "deeper than max_recursion", NESTED, 50 << 20, 200 << 20, 2000, 5, 20000, AV_SIGNATURE, "Heuristics.Limits.Exceeded.MaxRecursion" },
	{ "a mail deeper than max_recursion", MAIL_OF_LEVELS, 50 << 20, 200 << 20, 2000, 12, 20000, AV_SIGNATURE, "Heuristics.Limits.Exceeded.MaxRecursion" },
	{ "the last of a thousand partitions", DISK_IMAGE, 50 << 20, 200 << 20, 2000, 12, 20000, AV_SIGNATURE, "First.UNOFFICIAL" },
	{ "longer than scan_ms", LARGE, 50 << 20, 200 << 20, 2000, 12, 1, AV_SIGNATURE, "Heuristics.Limits.Exceeded.MaxScanTime" },
};

static struct view nested(void)
{
	struct view inner = sample_archive("zip", "none", "eicar.com", eicar(), NULL);

	for (int i = 0; i < 10; i++) {
		struct view outer = sample_archive("zip", "none", "inner.zip", inner, NULL);

		sample_free(inner);
		inner = outer;
	}
	return inner;
}

/* Octets that do not compress, made of nothing. */
static struct view large(void)
{
	size_t n = 8 << 20;
	char *p = malloc(n);
	uint32_t seed = 1;

	assert_non_null(p);
	for (size_t i = 0; i < n; i++)
		p[i] = (char)(test_random(&seed) >> 8);
	return (struct view){ p, n };
}

static struct view mail_of(bool levels)
{
	size_t size = 1 << 20, n;
	char *p = malloc(size);

	assert_non_null(p);
	n = (size_t)snprintf(p, size, "Received: by a\r\nContent-Type: multipart/mixed; boundary=b0\r\n\r\n");
	for (int i = 0; i < 100; i++)
		n += (size_t)(levels ? snprintf(p + n, size - n, "--b%d\r\nContent-Type: multipart/mixed; boundary=b%d\r\n\r\n", i, i + 1)
		                     : snprintf(p + n, size - n, "--b0\r\nContent-Type: application/octet-stream; name=a%d\r\n\r\nhello %d\r\n", i, i));
	n += (size_t)snprintf(p + n, size - n, "--b%d--\r\n", levels ? 100 : 0);
	return (struct view){ p, n };
}

#define SECTOR 512

static void put_number(char *to, size_t value)
{
	for (unsigned i = 0; i < 4; i++)
		to[i] = (char)(value >> (24 - 8 * i));
}

/* What counts where a file begins, and a layer of it. */
#define AT_START "First:0:0:66697273742066697273742066697273740a\n"
#define AT_START_TEXT "first first first\n"

/* Apple's partition map: a description of the drive, then a sector for each partition; the last one alone holds something. */
static struct view disk_image(void)
{
	size_t count = 1000, sectors = 2 + count;
	char *p = calloc(sectors, SECTOR);

	assert_non_null(p);
	memcpy(p, "ER\2\0", 4);
	put_number(p + 4, sectors);
	for (size_t i = 1; i <= count; i++) {
		memcpy(p + i * SECTOR, "PM", 2);
		put_number(p + i * SECTOR + 4, count);
		strcpy(p + i * SECTOR + 48, i == 1 ? "Apple_partition_map" : i == count ? "Apple_HFS" : "Apple_Free");
	}
	put_number(p + count * SECTOR + 8, 1 + count);
	put_number(p + count * SECTOR + 12, 1);
	strcpy(p + (1 + count) * SECTOR, AT_START_TEXT);
	return (struct view){ p, sectors * SECTOR };
}

static struct view sample_of(enum sample sample)
{
	switch (sample) {
	case MANY_FILES:
		return sample_archive_of_many("zip", 500);
	case NESTED:
		return nested();
	case LARGE:
		return large();
	case DISK_IMAGE:
		return disk_image();
	default:
		return mail_of(sample == MAIL_OF_LEVELS);
	}
}

static void test_limit(void **state)
{
	const struct limit_row *row = *state;
	char *folder = database_new();
	struct av_engine_settings settings = usual_settings(folder);
	struct view sample = sample_of(row->sample);
	struct av_engine *engine = NULL;
	char *error = NULL;

	settings.max_size = row->max_size;
	settings.max_scan_size = row->max_scan_size;
	settings.max_files = row->max_files;
	settings.max_recursion = row->max_recursion;
	settings.scan_ms = row->scan_ms;
	database_usual(folder);
	database_file(folder, "start.ndb", AT_START);
	assert_int_equal(av_engine_load(&settings, NULL, NULL, &engine, &error), 0);
	assert_int_equal(av_engine_begin(engine, folder), 0);
	for (int i = 0; i < 2; i++) { /* the second one: from the cache, were it clean */
		struct av_reply reply = { 0 };

		av_engine_scan(engine, NULL, sample, "", &reply);
		if (!has_finding(&reply, row->want, row->want_name))
			fail_msg("time %d: wanted %s, got %s", i, row->want_name, findings_text(&reply));
	}
	sample_free(sample);
	av_engine_free(engine);
	database_remove(folder);
}

static void test_encrypted(void **state)
{
	char *folder = database_new();
	struct view zip = sample_archive("zip", "none", "eicar.com", eicar(), "secret");
	struct av_reply reply = { 0 };
	struct av_engine *engine;

	(void)state;
	database_usual(folder);
	engine = usual_engine(folder);
	av_engine_scan(engine, NULL, zip, "", &reply);
	if (!has_finding(&reply, AV_SIGNATURE, "Heuristics.Encrypted.Zip"))
		fail_msg("got %s", findings_text(&reply));
	sample_free(zip);
	av_engine_free(engine);
	database_remove(folder);
}

/* A ban holds for the second copy too, and hides no virus. */
static void test_true_types(void **state)
{
	static const char *const types[] = { "CL_TYPE_MSEXE", "cl_type_zip", NULL };
	static const struct av_engine_ban ban = { types };
	char *folder = database_new();
	struct view inner = sample_archive("zip", "none", "a.txt", VIEW("hello, world"), NULL);
	struct view tar = sample_archive("gnutar", "none", "a.zip", inner, NULL);
	struct view infected = sample_archive("zip", "none", "eicar.com", eicar(), NULL);
	struct av_engine *engine;

	(void)state;
	database_usual(folder);
	engine = usual_engine(folder);
	for (int i = 0; i < 3; i++) {
		struct av_reply direct = { 0 }, inside = { 0 }, found = { 0 }, other = { 0 };

		av_engine_scan(engine, &ban, inner, "a.zip", &direct);
		av_engine_scan(engine, &ban, tar, "a.tar", &inside);
		av_engine_scan(engine, &ban, infected, "b.zip", &found);
		av_engine_scan(engine, &ban, VIEW("hello, world"), "a.txt", &other);
		assert_true(has_finding(&direct, AV_BANNED, "CL_TYPE_ZIP") && direct.finding_count == 1);
		assert_true(has_finding(&inside, AV_BANNED, "CL_TYPE_ZIP") && inside.finding_count == 1);
		assert_true(has_finding(&found, AV_BANNED, "CL_TYPE_ZIP") && has_finding(&found, AV_SIGNATURE, EICAR_NAME));
		assert_int_equal(other.finding_count, 0);
	}
	sample_free(inner);
	sample_free(tar);
	sample_free(infected);
	av_engine_free(engine);
	database_remove(folder);
}

/* A file system of 64 KiB of our own: nothing that libclamav unpacks finds room in it. */
static void mount_small(const char *folder)
{
	if (unshare(CLONE_NEWNS) && (errno != EPERM || unshare(CLONE_NEWUSER | CLONE_NEWNS)))
		fail_msg("unshare: %s", strerror(errno));
	assert_int_equal(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	assert_int_equal(mount("tmpfs", folder, "tmpfs", 0, "size=64k"), 0);
}

static void check_full(const struct av_reply *reply, const char *format)
{
	if (!has_finding(reply, AV_FAILURE, "temporary files are full") || reply->finding_count != 1)
		fail_msg("%s: got %s", format, findings_text(reply));
}

/* Temporary files that do not fit are a failure, in every kind of container: never nothing found. */
static void test_full(void **state)
{
	static const struct { const char *format, *filter; } kinds[] = { { "zip", "none" }, { "7zip", "none" }, { "gnutar", "none" }, { "gnutar", "gzip" },
		                                                         { "gnutar", "bzip2" }, { "gnutar", "xz" } };
	char *folder = database_new();
	struct view data = large();
	struct av_engine *engine;

	(void)state;
	database_usual(folder);
	engine = usual_engine(folder);
	mount_small(folder);
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		struct view archive = sample_archive(kinds[i].format, kinds[i].filter, "a.bin", view_slice(data, 0, 1 << 20), NULL);
		struct view text = sample_base64(archive);
		char *mail = malloc(text.n + 1000);
		struct av_reply whole = { 0 }, leaf = { 0 };

		assert_non_null(mail);
		snprintf(mail, text.n + 1000, "Received: by a\nContent-Type: application/x; name=a\nContent-Transfer-Encoding: base64\n\n%s", text.p);
		av_engine_scan(engine, NULL, archive, "", &leaf);
		av_engine_scan(engine, NULL, view_of(mail), "", &whole);
		check_full(&leaf, kinds[i].format);
		check_full(&whole, kinds[i].format);
		free(mail);
		sample_free(text);
		sample_free(archive);
	}
	assert_int_equal(umount(folder), 0);
	sample_free(data);
	av_engine_free(engine);
	database_remove(folder);
}

/* Nor is a mail clean when its temporary files have no place at all. */
static void test_no_folder(void **state)
{
	char *folder = database_new(), gone[300];
	struct av_reply reply = { 0 };
	struct view mail = sample_mail("Received: by a\nContent-Type: application/zip; name=a\nContent-Transfer-Encoding: base64\n\n{zip}\n", true);
	struct av_engine *engine;

	(void)state;
	database_usual(folder);
	engine = usual_engine(folder);
	snprintf(gone, sizeof gone, "%s/gone", folder);
	assert_int_equal(av_engine_begin(engine, gone), 0);
	av_engine_scan(engine, NULL, mail, "", &reply);
	if (!has_finding(&reply, AV_FAILURE, NULL))
		fail_msg("got %s", findings_text(&reply));
	sample_free(mail);
	av_engine_free(engine);
	database_remove(folder);
}

/* Many names, all told. */
static void test_all_matches(void **state)
{
	char *folder = database_new();
	struct av_reply reply = { 0 };
	struct av_engine *engine;

	(void)state;
	database_usual(folder);
	database_file(folder, "more.ndb", "Two:0:*:68656c6c6f2074776f\nThree:0:*:68656c6c6f207468726565\n");
	engine = usual_engine(folder);
	av_engine_scan(engine, NULL, VIEW("hello two, hello three"), "", &reply);
	assert_true(has_finding(&reply, AV_SIGNATURE, "Two.UNOFFICIAL") && has_finding(&reply, AV_SIGNATURE, "Three.UNOFFICIAL"));
	av_engine_free(engine);
	database_remove(folder);
}

int main(void)
{
	TEST_ROWS(bad_rows, test_bad);
	test_add("a folder that is not there", test_missing);
	test_add("progress and facts", test_load);
	TEST_ROWS(scan_rows, test_scan);
	TEST_ROWS(limit_rows, test_limit);
	test_add("an encrypted archive", test_encrypted);
	test_add("true types", test_true_types);
	test_add("all matches", test_all_matches);
	test_add("no room for temporary files", test_full);
	test_add("no folder for temporary files", test_no_folder);
	return test_run("engine");
}
