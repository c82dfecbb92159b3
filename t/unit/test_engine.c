#include "av/engine.h"
#include "t/unit/av_support.h"
#include "t/unit/support.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

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

int main(void)
{
	TEST_ROWS(bad_rows, test_bad);
	test_add("a folder that is not there", test_missing);
	test_add("progress and facts", test_load);
	TEST_ROWS(scan_rows, test_scan);
	return test_run("engine");
}
