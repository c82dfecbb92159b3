#include "av/inspect.h"
#include "t/unit/av_support.h"
#include "t/unit/samples.h"
#include "t/unit/support.h"

#include <stdio.h>
#include <stdlib.h>

/* One engine for all rows, its cache of clean files on, as in a scan child. */
static struct av_engine *engine;
static char *folder;

static const char *const extensions[] = { "exe", "com", "scr", "js", NULL };
static const char *const media_types[] = { "application/x-ms*", NULL };

static struct av_inspect_settings settings(void)
{
	return (struct av_inspect_settings){ .scan_parts = true, .max_parts = 50, .ban_in_archives = true };
}

#define TOP "Received: from a.example.com by b.example.org; Sat, 21 Nov 2026 10:00:00 +0000\n"
#define HEAD TOP "From: a@example.com\nTo: b@example.org\nSubject: s\nMIME-Version: 1.0\n"
#define MIXED HEAD "Content-Type: multipart/mixed; boundary=\"b1\"\n\n"
#define TEXT_PART "--b1\nContent-Type: text/plain\n\nhello\n"
#define ZIP_FIELDS "Content-Type: application/zip; name=\"a.zip\"\nContent-Disposition: attachment; filename=\"a.zip\"\n"
#define ZIP_PART "--b1\n" ZIP_FIELDS "Content-Transfer-Encoding: base64\n\n{zip}\n"
#define B64_ZIP "Content-Transfer-Encoding: base64\n\n{zip}\n"
#define END "--b1--\n"

enum verdict {
	CLEAN = 0,
	FOUND = 1,
	AMBIGUOUS = 2,
	LIMIT = 4,
};

struct row {
	const char *name, *text;
	unsigned want;
	const char *what; /* name of the ambiguity or limit */
};

#include "t/unit/inspect_rows.h"

static unsigned verdict_of(const struct av_reply *reply)
{
	return (has_finding(reply, AV_SIGNATURE, EICAR_NAME) ? FOUND : 0U) | (has_finding(reply, AV_AMBIGUOUS, NULL) ? AMBIGUOUS : 0U)
	       | (has_finding(reply, AV_LIMIT, NULL) ? LIMIT : 0U);
}

static void inspect(const struct row *row, bool crlf)
{
	struct av_inspect_settings s = settings();
	struct view mail = sample_mail(row->text, crlf);
	struct av_reply reply;

	av_inspect(engine, &s, AV_JOB_MESSAGE, mail, &reply);
	assert_true(av_reply_is_valid(&reply, sizeof reply));
	if (verdict_of(&reply) != row->want || has_finding(&reply, AV_FAILURE, NULL))
		fail_msg("%s: wanted %u, got %u: %s", crlf ? "CRLF" : "LF", row->want, verdict_of(&reply), findings_text(&reply));
	if (row->what && !has_finding(&reply, row->want & LIMIT ? AV_LIMIT : AV_AMBIGUOUS, row->what))
		fail_msg("%s: wanted %s, got %s", crlf ? "CRLF" : "LF", row->what, findings_text(&reply));
	sample_free(mail);
}

static void test_row(void **state)
{
	inspect(*state, false);
	inspect(*state, true);
}

/* A part's fields, and the extension or type that must not pass; NULL: it may. */
struct ban_row {
	const char *name, *fields, *want, *part;
};

static const struct ban_row ban_rows[] = {
	{ "filename=", "Content-Disposition: attachment; filename=a.exe\n", "exe", "a.exe" },
	{ "name= alone", "Content-Type: text/plain; name=a.exe\n", "exe", "a.exe" },
	{ "name= beside a harmless filename=", "Content-Type: text/plain; name=a.exe\nContent-Disposition: attachment; filename=a.txt\n", "exe", "a.exe" },
	{ "filename= beside a harmless name=", "Content-Type: text/plain; name=a.txt\nContent-Disposition: attachment; filename=a.exe\n", "exe", "a.exe" },
	{ "two filename=, the second bad", "Content-Disposition: attachment; filename=a.txt; filename=a.exe\n", "exe", "a.exe" },
	{ "two dispositions", "Content-Disposition: inline\nContent-Disposition: attachment; filename=a.exe\n", "exe", "a.exe" },
	{ "RFC 2231 segments", "Content-Disposition: attachment; filename*0=\"inv\"; filename*1=\"oice.exe\"\n", "exe", "invoice.exe" },
	{ "RFC 2231 segments in disorder", "Content-Disposition: attachment; filename*1=\"oice.exe\"; filename*0=\"inv\"\n", "exe", "invoice.exe" },
	{ "RFC 2231 percent signs", "Content-Disposition: attachment; filename*=utf-8''a%2ee%78e\n", "exe", "a.exe" },
	{ "RFC 2231 percent signs in a segment", "Content-Disposition: attachment; filename*0*=utf-8''a%2e; filename*1=exe\n", "exe", "a.exe" },
	{ "RFC 2047 in quotes", "Content-Type: text/plain; name=\"=?utf-8?B?YS5leGU=?=\"\n", "exe", "a.exe" },
	{ "RFC 2047 without quotes", "Content-Type: text/plain; name==?utf-8?Q?a=2Eexe?=\n", "exe", "a.exe" },
	{ "RFC 2047 in two words", "Content-Type: text/plain; name=\"=?utf-8?Q?a=2Ee?= =?utf-8?Q?xe?=\"\n", "exe", "a.exe" },
	{ "RFC 2047 in UTF-16", "Content-Type: text/plain; name=\"=?utf-16be?B?AGEALgBlAHgAZQ==?=\"\n", "exe", "a.exe" },
	{ "RFC 2047 in UTF-7", "Content-Type: text/plain; name=\"=?utf-7?Q?a.+AGUAeABl-?=\"\n", "exe", "a.exe" },
	{ "a folded name", "Content-Disposition: attachment;\n filename=\"a\n b.exe\"\n", "exe", "a b.exe" },
	{ "blanks without quotes", "Content-Disposition: attachment; filename=a b.exe\n", "exe", "a b.exe" },
	{ "upper case", "Content-Disposition: attachment; FILENAME=A.EXE\n", "exe", "A.EXE" },
	{ "a hidden second extension", "Content-Disposition: attachment; filename=a.exe.txt\n", "exe", "a.exe.txt" },
	{ "many blanks before the extension", "Content-Disposition: attachment; filename=\"a.txt          .exe\"\n", "exe", "a.txt          .exe" },
	{ "a dot at the end", "Content-Disposition: attachment; filename=\"a.exe.\"\n", "exe", "a.exe" },
	{ "dots and blanks at the end", "Content-Disposition: attachment; filename=\"a.exe . . \"\n", "exe", "a.exe" },
	{ "an escaped quote", "Content-Disposition: attachment; filename=\"a\\\".exe\"\n", "exe", "a_.exe" },
	{ "a path", "Content-Disposition: attachment; filename=\"x.y/..\\a.exe\"\n", "exe", "..a.exe" },
	{ "right to left (U+202E)", "Content-Disposition: attachment; filename*=utf-8''a%E2%80%AEtxt.%E2%80%8Eexe\n", "exe", "atxt.exe" },
	{ "no width (U+200B)", "Content-Disposition: attachment; filename*=utf-8''a.e%E2%80%8Bxe\n", "exe", "a.exe" },
	{ "NUL behind it", "Content-Disposition: attachment; filename*=utf-8''a.exe%00.txt\n", "exe", "a.exe.txt" },
	{ "NUL inside", "Content-Disposition: attachment; filename*=utf-8''a.e%00xe\n", "exe", "a.exe" },
	{ "a comment before the name", "Content-Disposition: attachment; (x) filename (y) = (z) a.exe\n", "exe", "a.exe" },
	{ "no closing quote", "Content-Disposition: attachment; filename=\"a.exe\n", "exe", "a.exe" },
	{ "a harmless name", "Content-Disposition: attachment; filename=exe.txt\n", NULL, NULL },
	{ "a name of the extension alone", "Content-Disposition: attachment; filename=exe\n", NULL, NULL },
	{ "an extension that begins like it", "Content-Disposition: attachment; filename=a.exec\n", NULL, NULL },
	{ "the third extension from the end", "Content-Disposition: attachment; filename=a.exe.b.c\n", NULL, NULL },
	{ "a media type", "Content-Type: application/X-MSDownload\n", "application/x-msdownload", "1" },
	{ "another media type", "Content-Type: application/pdf; name=a.pdf\n", NULL, NULL },
};

static void inspect_for_ban(const char *text, const char *want, const char *part)
{
	struct av_inspect_settings s = settings();
	struct view mail = sample_mail(text, true);
	struct av_reply reply;

	s.ban_extensions = extensions;
	s.ban_types = media_types;
	av_inspect(engine, &s, AV_JOB_MESSAGE, mail, &reply);
	if (has_finding(&reply, AV_BANNED, want) != (want != NULL) || has_finding(&reply, AV_BANNED, NULL) != (want != NULL))
		fail_msg("wanted banned %s, got %s", want ? want : "nothing", findings_text(&reply));
	for (uint32_t i = 0; part && i < reply.finding_count; i++)
		if (reply.findings[i].kind == AV_BANNED)
			assert_string_equal(reply.findings[i].part, part);
	sample_free(mail);
}

static void test_ban(void **state)
{
	const struct ban_row *row = *state;
	char text[2000];

	snprintf(text, sizeof text, "%s" "--b1\n%s\nhello\n" END, MIXED, row->fields);
	inspect_for_ban(text, row->want, row->part && strcmp(row->part, "1") == 0 ? NULL : row->part);
	/* The only part of a mail. */
	snprintf(text, sizeof text, "%s%s\nhello\n", HEAD, row->fields);
	inspect_for_ban(text, row->want, row->part);
}

static void test_ban_inside(void **state)
{
	(void)state;
	inspect_for_ban(MIXED ZIP_PART END, "com", "eicar.com");
	inspect_for_ban(MIXED ZIP_PART END, "com", "eicar.com"); /* once more: from the cache, were it clean */
	inspect_for_ban(HEAD "\nhello\n{uu}\n", "com", "eicar.com");
	inspect_for_ban(MIXED "--b1\nContent-Type: message/rfc822; name=a.scr\n\nFrom: a@example.com\n\nhello\n" END, "scr", "a.scr");
	inspect_for_ban(MIXED "--b1\nContent-Type: multipart/mixed; boundary=b2; name=a.js\n\n--b2\n\nhello\n--b2--\n" END, "js", "a.js");
}

/* A file that no mail brought (`postern scan`), or a part that holds another file. */
enum file { PLAIN, MAIL, MAIL_IN_MBOX, ZIP, TAR_GZ, TNEF, BINHEX };

struct file_row {
	const char *name;
	enum file file;
	bool infected;
};

static const struct file_row file_rows[] = {
	{ "a file", PLAIN, true }, { "a clean file", PLAIN, false },
	{ "a mail", MAIL, true }, { "a clean mail", MAIL, false },
	{ "a mail behind a line of mbox", MAIL_IN_MBOX, true },
	{ "an archive", ZIP, true }, { "a clean archive", ZIP, false },
	{ "a compressed archive", TAR_GZ, true }, { "a clean compressed archive", TAR_GZ, false },
	{ "TNEF (winmail.dat)", TNEF, true }, { "clean TNEF", TNEF, false },
	{ "BinHex", BINHEX, true }, { "clean BinHex", BINHEX, false },
};

/* What it holds is compressed: the pattern of the test file is not seen from outside. */
static struct view file_of(const struct file_row *row)
{
	struct view inner = sample_archive("gnutar", "gzip", "eicar.com", row->infected ? eicar() : VIEW("hello"), NULL), file = inner;

	switch (row->file) {
	case PLAIN:
		file = sample_mail(row->infected ? "{eicar}" : "hello", false);
		break;
	case MAIL:
		file = sample_mail(row->infected ? MIXED ZIP_PART END : MIXED TEXT_PART END, true);
		break;
	case MAIL_IN_MBOX:
		file = sample_mail("From a@example.com Sat Nov 21 10:00:00 2026\n" MIXED ZIP_PART END, false);
		break;
	case ZIP:
		file = sample_archive("zip", "none", "eicar.com", row->infected ? eicar() : VIEW("hello"), NULL);
		break;
	case TAR_GZ:
		return inner;
	case TNEF:
		file = sample_tnef(inner, "a.tgz");
		break;
	case BINHEX:
		file = sample_binhex(inner, "a.tgz");
		break;
	}
	sample_free(inner);
	return file;
}

static void want_finding(enum av_job_kind kind, struct view octets, bool infected, const char *what)
{
	struct av_inspect_settings s = settings();
	struct av_reply reply;

	av_inspect(engine, &s, kind, octets, &reply);
	if (has_finding(&reply, AV_SIGNATURE, EICAR_NAME) != infected || reply.finding_count != infected)
		fail_msg("%s: wanted %s, got %s", what, infected ? EICAR_NAME : "nothing", findings_text(&reply));
}

static void test_file(void **state)
{
	const struct file_row *row = *state;
	struct view file = file_of(row);

	want_finding(AV_JOB_FILE, file, row->infected, "as a file");
	sample_free(file);
}

/* The same in a mail: its only part, and one of two. */
static void test_file_in_mail(void **state)
{
	static const char *const heads[] = { HEAD, MIXED TEXT_PART "--b1\n" };
	const struct file_row *row = *state;
	struct view file = file_of(row), text = sample_base64(file);

	for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
		char *mail;

		assert_true(asprintf(&mail, "%sContent-Type: application/octet-stream; name=a\nContent-Transfer-Encoding: base64\n\n%.*s%s", heads[i],
		                     (int)text.n, text.p, i ? END : "") > 0);
		want_finding(AV_JOB_MESSAGE, view_of(mail), row->infected, i ? "one of two parts" : "the only part");
		free(mail);
	}
	sample_free(text);
	sample_free(file);
}

#define HTML "Content-Type: text/html\n\n<html><body><IFRAME   DANGEROUS></body></html>\n"

/* What counts in HTML alone, in parts that are not encoded: in a message in a message libclamav does not take them for HTML. */
static const struct row html_rows[] = {
	{ "HTML, the only part", HEAD HTML, FOUND, NULL },
	{ "HTML, one of two parts", MIXED TEXT_PART "--b1\n" HTML END, FOUND, NULL },
	{ "HTML in a message in a message", MIXED "--b1\nContent-Type: message/rfc822\n\nFrom: a@example.com\n" HTML END, FOUND, NULL },
	{ "other HTML", MIXED "--b1\nContent-Type: text/html\n\n<html><body><IFRAME   HARMLESS></body></html>\n" END, CLEAN, NULL },
};

static void test_html(void **state)
{
	const struct row *row = *state;
	struct av_inspect_settings s = settings();
	struct view mail = sample_mail(row->text, true);
	struct av_reply reply;

	av_inspect(engine, &s, AV_JOB_MESSAGE, mail, &reply);
	if (has_finding(&reply, AV_SIGNATURE, "Html-Pattern.UNOFFICIAL") != (row->want == FOUND))
		fail_msg("got %s", findings_text(&reply));
	sample_free(mail);
}

static int set_up(void **state)
{
	(void)state;
	folder = database_new();
	database_usual(folder);
	engine = usual_engine(folder);
	return av_inspect_begin();
}

static int tear_down(void **state)
{
	(void)state;
	av_engine_free(engine);
	database_remove(folder);
	return 0;
}

int main(void)
{
	TEST_ROWS(recognition_rows, test_row);
	TEST_ROWS(evasion_rows, test_row);
	TEST_ROWS(ban_rows, test_ban);
	test_add("names in archives, texts, messages and multiparts", test_ban_inside);
	TEST_ROWS(ordinary_rows, test_row);
	TEST_ROWS(html_rows, test_html);
	TEST_ROWS(file_rows, test_file);
	TEST_ROWS(file_rows, test_file_in_mail);
	return test_run_with("inspect", set_up, tear_down);
}
