/* av/classify.c and class_map.c: from findings to classes. */
#include "av/class_map.h"
#include "t/unit/support.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <talloc.h>
#include <unistd.h>

static const char map_text[] =
	"# names of ours\n"
	"Heuristics.Phishing.*   infected   # beats the prefix\n"
	"\n"
	"  *.Joke.*\tSUSPECT\r\n"
	"PUA.Win.Packer*  ignore\n"
	"Win.Test.Joke.1  infected";
static const char *const ignored[] = { "Known.False.*", NULL };
static struct av_class_map *map;

static int set_up(void **state)
{
	char *error;

	(void)state;
	return av_class_map_parse(NULL, VIEW(map_text), "map", ignored, &map, &error);
}

static int tear_down(void **state)
{
	(void)state;
	return talloc_free(map);
}

static const struct finding_row {
	const char *name, *signature;
	uint32_t kind;
	enum av_class class;
} finding_rows[] = {
	{ "a name that nothing says anything of", "Win.Trojan.Agent-1", AV_SIGNATURE, AV_CLASS_INFECTED },
	{ "one of an unsigned database", "Sanesecurity.Phishing.1.UNOFFICIAL", AV_SIGNATURE, AV_CLASS_INFECTED },
	{ "an exceeded limit", "Heuristics.Limits.Exceeded.MaxFileSize", AV_SIGNATURE, AV_CLASS_UNSCANNABLE },
	{ "an encrypted archive", "Heuristics.Encrypted.Zip", AV_SIGNATURE, AV_CLASS_ENCRYPTED },
	{ "macros", "Heuristics.OLE2.ContainsMacros.VBA", AV_SIGNATURE, AV_CLASS_SUSPECT },
	{ "an unwanted application", "PUA.Win.Adware.X", AV_SIGNATURE, AV_CLASS_SUSPECT },
	{ "prefixes in any case", "heuristics.limits.exceeded.x", AV_SIGNATURE, AV_CLASS_UNSCANNABLE },
	{ "a row beats the prefix", "Heuristics.Phishing.Email.SpoofedDomain", AV_SIGNATURE, AV_CLASS_INFECTED },
	{ "a row in any case", "xx.joke.yy", AV_SIGNATURE, AV_CLASS_SUSPECT },
	{ "the first row decides", "Win.Test.Joke.1", AV_SIGNATURE, AV_CLASS_SUSPECT },
	{ "a row that ignores", "PUA.Win.Packer.Upx", AV_SIGNATURE, AV_CLASS_CLEAN },
	{ "av.ignore", "known.false.positive", AV_SIGNATURE, AV_CLASS_CLEAN },
	{ "kinds have their class whatever the name", "Known.False.x", AV_ENCRYPTED, AV_CLASS_ENCRYPTED },
	{ "banned", "exe", AV_BANNED, AV_CLASS_BANNED },
	{ "limit", "parts", AV_LIMIT, AV_CLASS_UNSCANNABLE },
	{ "ambiguous", "two boundaries", AV_AMBIGUOUS, AV_CLASS_UNSCANNABLE },
	{ "failure", "timeout", AV_FAILURE, AV_CLASS_ERROR },
};

static struct av_finding finding_of(uint32_t kind, const char *name)
{
	struct av_finding finding = { .kind = kind };

	strcpy(finding.name, name);
	strcpy(finding.part, "part");
	return finding;
}

static void test_finding(void **state)
{
	const struct finding_row *row = *state;
	struct av_finding finding = finding_of(row->kind, row->signature);

	assert_string_equal(av_class_text(av_classify_finding(map, &finding)), av_class_text(row->class));
}

static const struct verdict_row {
	const char *name;
	enum av_outcome outcome;
	const char *findings[4]; /* signatures; NULL behind the last */
	uint32_t left_out;
	const char *want;
} verdict_rows[] = {
	{ "nothing found", AV_SCANNED, { NULL }, 0, "clean()" },
	{ "one of each class, the first of two alike", AV_SCANNED, { "PUA.1", "Virus.1", "Virus.2" }, 0, "infected(Virus.1) suspect(PUA.1)" },
	{ "ignored ones alone", AV_SCANNED, { "Known.False.1", "Known.False.2" }, 0, "clean()" },
	{ "ignored ones that pushed others out", AV_SCANNED, { "Known.False.1" }, 1, "unscannable(findings)" },
	{ "pushed out beside milder ones", AV_SCANNED, { "Known.False.1", "PUA.1" }, 1, "unscannable(findings) suspect(PUA.1)" },
	{ "left out beside one that counts", AV_SCANNED, { "Virus.1" }, 7, "infected(Virus.1)" },
	{ "too large", AV_TOO_LARGE, { NULL }, 0, "unscannable(size)" },
	{ "crashed", AV_CRASHED, { "Virus.1" }, 0, "unscannable(crash)" },
	{ "busy", AV_BUSY, { NULL }, 0, "error(busy)" },
	{ "no scanner", AV_NO_SCANNER, { NULL }, 0, "error(no scanner)" },
	{ "late", AV_LATE, { NULL }, 0, "error(timeout)" },
	{ "failed", AV_FAILED, { NULL }, 0, "error(failure)" },
};

static void test_verdicts(void **state)
{
	const struct verdict_row *row = *state;
	struct av_report report = { .outcome = row->outcome, .reply.findings_left_out = row->left_out };
	struct av_verdicts verdicts;
	char got[256] = "";

	for (; row->findings[report.reply.finding_count]; report.reply.finding_count++)
		report.reply.findings[report.reply.finding_count] = finding_of(AV_SIGNATURE, row->findings[report.reply.finding_count]);
	av_classify(map, &report, &verdicts);
	for (enum av_class class = 0; class < AV_CLASS_COUNT; class++)
		if (verdicts.name[class])
			snprintf(got + strlen(got), sizeof got - strlen(got), "%s%s(%s)", got[0] ? " " : "", av_class_text(class),
			         verdicts.name[class]);
	assert_string_equal(got, row->want);
}

static const struct status_row {
	const char *name;
	enum av_class class;
	const char *want;
} status_rows[] = {
	{ "Infected", AV_CLASS_INFECTED, "Infected" }, { "Suspect", AV_CLASS_SUSPECT, "Suspect" },
	{ "Encrypted", AV_CLASS_ENCRYPTED, "Encrypted" }, { "Banned", AV_CLASS_BANNED, "Banned" },
	{ "Not-Scanned: unscannable", AV_CLASS_UNSCANNABLE, "Not-Scanned" }, { "Not-Scanned: error", AV_CLASS_ERROR, "Not-Scanned" },
	{ "Clean", AV_CLASS_CLEAN, "Clean" },
};

static void test_status(void **state)
{
	const struct status_row *row = *state;

	assert_string_equal(av_class_status(row->class), row->want);
}

#define WANTED "wanted PATTERN CLASS with infected, banned, error, unscannable, suspect, encrypted or ignore, got "

static const struct fault_row {
	const char *name;
	struct view text;
	const char *want; /* NULL: none */
} fault_rows[] = {
	{ "an empty file", VIEW_INIT(""), NULL },
	{ "comments alone", VIEW_INIT("#\n \n# x y z w\n"), NULL },
	{ "no class", VIEW_INIT("a infected\nWin.*\n"), "map:2: " WANTED "\"Win.*\"" },
	{ "an unknown class", VIEW_INIT("Win.* bad"), "map:1: " WANTED "\"Win.* bad\"" },
	{ "clean is no class: ignore is", VIEW_INIT("Win.* clean"), "map:1: " WANTED "\"Win.* clean\"" },
	{ "a word too many", VIEW_INIT("Win.* infected now"), "map:1: " WANTED "\"Win.* infected now\"" },
	{ "a NUL", VIEW_INIT("W\0n infected"), "map:1: " WANTED "\"W\\x00n infected\"" },
};

static void test_fault(void **state)
{
	const struct fault_row *row = *state;
	struct view text = guarded(row->text);
	void *mem = talloc_new(NULL);
	struct av_class_map *got;
	char *error;

	assert_int_equal(av_class_map_parse(mem, text, "map", ignored, &got, &error), row->want ? -EINVAL : 0);
	if (row->want)
		assert_string_equal(error, row->want);
	talloc_free(mem);
	guarded_free(text);
}

static void write_map(char *path, const char *text, size_t n)
{
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, n), n);
	close(fd);
}

static void test_file(void **state)
{
	char path[] = "/tmp/postern-test-map-XXXXXX", large_path[] = "/tmp/postern-test-map-XXXXXX";
	struct av_finding finding = finding_of(AV_SIGNATURE, "Some.Name");
	char *large = calloc(1, AV_CLASS_MAP_OCTETS_MAX + 1);
	void *mem = talloc_new(NULL);
	struct av_class_map *got;
	char *error;

	(void)state;
	write_map(path, "Some.* encrypted\n", strlen("Some.* encrypted\n"));
	write_map(large_path, large, AV_CLASS_MAP_OCTETS_MAX + 1);
	assert_int_equal(av_class_map_new(mem, path, ignored, &got, &error), 0);
	assert_int_equal(av_classify_finding(got, &finding), AV_CLASS_ENCRYPTED);
	assert_int_equal(av_class_map_new(mem, "", ignored, &got, &error), 0);
	assert_int_equal(av_classify_finding(got, &finding), AV_CLASS_INFECTED);
	assert_int_equal(av_class_map_new(mem, large_path, ignored, &got, &error), -EFBIG);
	assert_non_null(strstr(error, "wanted at most 1048576 octets, got 1048577"));
	assert_int_equal(av_class_map_new(mem, "/nonexistent/map", ignored, &got, &error), -ENOENT);
	assert_non_null(strstr(error, "/nonexistent/map"));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(unlink(large_path), 0);
	talloc_free(mem);
	free(large);
}

int main(void)
{
	TEST_ROWS(finding_rows, test_finding);
	TEST_ROWS(verdict_rows, test_verdicts);
	TEST_ROWS(status_rows, test_status);
	TEST_ROWS(fault_rows, test_fault);
	test_add("a map in a file, no map, one that is too large, one that is not there", test_file);
	return test_run_with("classify", set_up, tear_down);
}
