#include "milter/authres.h"
#include "t/unit/support.h"

#include <talloc.h>
#include <time.h>

struct claims_row {
	const char *name;
	struct view value;
	bool want;
	const char *authserv_id;
};

#define OURS "mx.example.net"
#define OURS_A "mx.xn--bcher-kva.example"
#define OURS_U "mx.b\xc3\xbc" "cher.example"

static const struct claims_row claims_rows[] = {
	{ "R89 ours", VIEW_INIT(" mx.example.net; dkim=pass"), true, OURS },
	{ "R89 without a leading blank", VIEW_INIT("mx.example.net; dkim=pass"), true, OURS },
	{ "R89 alone", VIEW_INIT(" mx.example.net"), true, OURS },
	{ "R89 no result", VIEW_INIT(" mx.example.net; none"), true, OURS },
	{ "R89 in any case", VIEW_INIT(" MX.Example.NET; none"), true, OURS },
	{ "R89 a tab", VIEW_INIT("\tmx.example.net\t;"), true, OURS },
	{ "R89 behind a fold of CRLF", VIEW_INIT("\r\n\tmx.example.net; none"), true, OURS },
	{ "R89 behind a fold of LF", VIEW_INIT("\n mx.example.net; none"), true, OURS },
	{ "R89 behind a comment", VIEW_INIT(" (hello) mx.example.net; none"), true, OURS },
	{ "R89 behind nested comments", VIEW_INIT(" (a (b) (c(d)))(e)mx.example.net; none"), true, OURS },
	{ "R89 behind a comment with quoted pairs", VIEW_INIT(" (a \\) b \\( \\\\) mx.example.net; none"), true, OURS },
	{ "R89 the name in a comment alone", VIEW_INIT(" (mx.example.net) mx.example.org; none"), false, OURS },
	{ "R89 a quoted pair keeps the comment open", VIEW_INIT(" (a\\) mx.example.net; x) mx.example.org; none"), false, OURS },
	{ "R89 a comment right behind it", VIEW_INIT(" mx.example.net(x); none"), true, OURS },
	{ "R89 quoted", VIEW_INIT(" \"mx.example.net\"; none"), true, OURS },
	{ "R89 quoted, in another case", VIEW_INIT(" \"MX.example.net\"; none"), true, OURS },
	{ "R89 quoted with quoted pairs", VIEW_INIT(" \"m\\x.exam\\ple\\.net\"; none"), true, OURS },
	{ "R89 blanks inside the quotes", VIEW_INIT(" \" mx.example.net \"; none"), true, OURS },
	{ "R89 quoted, more behind it", VIEW_INIT(" \"mx.example.net x\"; none"), false, OURS },
	{ "R89 quoted, a slash behind it", VIEW_INIT(" \"mx.example.net/x\"; none"), false, OURS },
	{ "R89 quoted, less of it", VIEW_INIT(" \"mx.example\"; none"), false, OURS },
	{ "R89 a quoted quotation mark ends nothing", VIEW_INIT(" \"mx.example.net\\\"\"; none"), false, OURS },
	{ "R89 a version", VIEW_INIT(" mx.example.net 1; none"), true, OURS },
	{ "R91 a version that does not exist yet", VIEW_INIT(" mx.example.net 99; none"), true, OURS },
	{ "R89 a version behind a comment", VIEW_INIT(" mx.example.net (v) 1; none"), true, OURS },
	{ "R89 a dot at its end", VIEW_INIT(" mx.example.net.; none"), true, OURS },
	{ "R89 a dot at its end, quoted", VIEW_INIT(" \"mx.example.net.\"; none"), true, OURS },
	{ "R89 a dot at its end, as a quoted pair", VIEW_INIT(" \"mx.example.net\\.\"; none"), true, OURS },
	{ "R89 two dots at its end, one as a quoted pair", VIEW_INIT(" \"mx.example.net.\\.\"; none"), false, OURS },
	{ "R89 two dots at its end", VIEW_INIT(" mx.example.net..; none"), false, OURS },
	{ "R89 a dot at the end of ours", VIEW_INIT(" mx.example.net; none"), true, "mx.example.net." },
	{ "R89 a longer domain", VIEW_INIT(" mx.example.net.evil.org; none"), false, OURS },
	{ "R89 a longer label", VIEW_INIT(" mx.example.net-2; none"), false, OURS },
	{ "R89 a longer name, quoted", VIEW_INIT(" \"mx.example.net.evil.org\"; none"), false, OURS },
	{ "R89 an octet above 127 belongs to the name", VIEW_INIT(" mx.example.net\xc3\xa9; none"), false, OURS },
	{ "R89 an underscore belongs to the name", VIEW_INIT(" mx.example.net_; none"), false, OURS },
	{ "R89 ours in U-labels", VIEW_INIT(" mx.b\xc3\xbc" "cher.example; none"), true, OURS_A },
	{ "R89 ours in U-labels, in capitals", VIEW_INIT(" MX.B\xc3\x9c" "CHER.Example; none"), true, OURS_A },
	{ "R89 ours in U-labels, decomposed", VIEW_INIT(" mx.bu\xcc\x88" "cher.example; none"), true, OURS_A },
	{ "R89 ours in U-labels, a dot at its end", VIEW_INIT(" mx.b\xc3\xbc" "cher.example.; none"), true, OURS_A },
	{ "R89 ours in U-labels, behind a comment", VIEW_INIT(" (x)mx.b\xc3\xbc" "cher.example(x); none"), true, OURS_A },
	{ "R89 ours in U-labels, a version", VIEW_INIT(" mx.b\xc3\xbc" "cher.example 1; none"), true, OURS_A },
	{ "R89 ours in U-labels, quoted", VIEW_INIT(" \"mx.b\xc3\xbc" "cher.example\"; none"), true, OURS_A },
	{ "R89 ours in U-labels, quoted, blanks and quoted pairs", VIEW_INIT(" \" mx\\.b\xc3\xbc" "cher.example \"; none"), true, OURS_A },
	{ "R89 ours in U-labels, quoted, more behind it", VIEW_INIT(" \"mx.b\xc3\xbc" "cher.example x\"; none"), false, OURS_A },
	{ "R89 ours in U-labels, the quotes do not end", VIEW_INIT(" \"mx.b\xc3\xbc" "cher.example x"), true, OURS_A },
	{ "R89 ours in A-labels, as they are", VIEW_INIT(" mx.XN--bcher-kva.example; none"), true, OURS_A },
	{ "R89 ours has U-labels, it has A-labels", VIEW_INIT(" mx.xn--bcher-kva.example; none"), true, OURS_U },
	{ "R89 both have U-labels", VIEW_INIT(" mx.B\xc3\x9c" "CHER.example; none"), true, OURS_U },
	{ "R89 other U-labels", VIEW_INIT(" mx.b\xc3\xa4" "cher.example; none"), false, OURS_A },
	{ "R89 no U-labels at all", VIEW_INIT(" mx.b\xff" "cher.example; none"), false, OURS_A },
	{ "R89 an octet above 127 behind ours", VIEW_INIT(" mx.b\xc3\xbc" "cher.example\xc3\xbc; none"), false, OURS_A },
	{ "R89 a subdomain", VIEW_INIT(" a.mx.example.net; none"), false, OURS },
	{ "R89 a prefix of ours", VIEW_INIT(" mx.example; none"), false, OURS },
	{ "R89 another", VIEW_INIT(" mx.example.org; dkim=pass header.d=mx.example.net"), false, OURS },
	{ "R89 ours as a result only", VIEW_INIT("; mx.example.net"), false, OURS },
	{ "R89 empty", VIEW_INIT(""), false, OURS },
	{ "R89 blanks only", VIEW_INIT(" \r\n\t "), false, OURS },
	{ "R89 unparsable: no semicolon, text behind it", VIEW_INIT(" mx.example.net dkim=pass"), true, OURS },
	{ "R89 unparsable: a slash", VIEW_INIT(" mx.example.net/dkim=pass"), true, OURS },
	{ "R89 unparsable: an equals sign", VIEW_INIT(" mx.example.net=pass"), true, OURS },
	{ "R89 unparsable: an unfinished comment behind it", VIEW_INIT(" mx.example.net (a; dkim=pass"), true, OURS },
	{ "R89 unparsable: an unfinished quoted string behind it", VIEW_INIT(" mx.example.net; dkim=pass reason=\"a"), true, OURS },
	{ "R89 unparsable: in an unfinished comment", VIEW_INIT(" (mx.example.net; dkim=pass"), true, OURS },
	{ "R89 unparsable: in unfinished comments", VIEW_INIT(" (( ( mx.example.net; dkim=pass"), true, OURS },
	{ "R89 unparsable: an unfinished comment with another word first", VIEW_INIT(" (a mx.example.net; none"), false, OURS },
	{ "R89 unparsable: a closing parenthesis", VIEW_INIT(" ) mx.example.net; none"), true, OURS },
	{ "R89 unparsable: in an unfinished quoted string", VIEW_INIT(" \"mx.example.net; none"), true, OURS },
	{ "R89 unparsable: an unfinished quoted string alone", VIEW_INIT(" \"mx.example.net"), true, OURS },
	{ "R89 unparsable: an unfinished quoted string that is longer", VIEW_INIT(" \"mx.example.net.evil.org"), false, OURS },
	{ "R89 unparsable: an unfinished quoted string, a backslash at its end", VIEW_INIT(" \"mx.example.net;\\"), true, OURS },
	{ "R89 unparsable: empty quotes around it", VIEW_INIT(" \"\"mx.example.net\"\"; none"), true, OURS },
	{ "R89 unparsable: a NUL before it", VIEW_INIT(" \0mx.example.net; none"), true, OURS },
	{ "R89 unparsable: a DEL before it", VIEW_INIT(" \x7fmx.example.net; none"), true, OURS },
	{ "R89 unparsable: a NUL behind it", VIEW_INIT(" mx.example.net\0; none"), true, OURS },
	{ "R89 a NUL inside it", VIEW_INIT(" mx.exam\0ple.net; none"), false, OURS },
	{ "R89 a backslash at the end", VIEW_INIT(" (\\"), false, OURS },
	{ "R89 a quotation mark at the end", VIEW_INIT(" \""), false, OURS },
	{ "R89 an id that needs quotes", VIEW_INIT(" \"mail \\\"gate\\\"\"; none"), true, "mail \"gate\"" },
	{ "R89 an id that needs quotes, without them", VIEW_INIT(" mail gate; none"), true, "mail gate" },
	{ "R89 only its first word", VIEW_INIT(" mail; none"), false, "mail gate" },
	{ "R89 an empty id is claimed by nobody", VIEW_INIT(" ; none"), false, "" },
};

static void test_claims(void **state)
{
	const struct claims_row *row = *state;
	struct view value = guarded(row->value);
	struct view id = guarded(view_of(row->authserv_id));

	assert_int_equal(authres_claims(value, id), row->want);
	guarded_free(value);
	guarded_free(id);
}

/* Every beginning of every value: the parser stops where the octets do. */
static void test_claims_cut(void **state)
{
	struct view id = guarded(VIEW(OURS));

	(void)state;
	for (size_t i = 0; i < sizeof claims_rows / sizeof claims_rows[0]; i++)
		for (size_t n = 0; n < claims_rows[i].value.n; n++) {
			struct view value = guarded(view_slice(claims_rows[i].value, 0, n));

			(void)authres_claims(value, id);
			guarded_free(value);
		}
	guarded_free(id);
}

static void test_claims_noise(void **state)
{
	static const char *const words[] = { "mx.example.net", "(", ")", "\"", "\\", " ", "\r\n\t", ";", ".", "1", "dkim=pass", NULL };
	struct view id = VIEW(OURS);
	uint32_t seed = 1;
	char room[200];
	size_t claimed = 0;

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		struct view value = guarded(test_noise(&seed, words, room, sizeof room));

		claimed += authres_claims(value, id);
		guarded_free(value);
	}
	assert_true(claimed > 100);
}

#define LARGE_OCTETS (1024 * 1024)
#define LARGE_SECONDS 2 /* under sanitizers; what is not linear takes hours */

/* Sixteen times what a field may have: work that grows with the square would not end. */
static void test_claims_large(void **state)
{
	static const char *const pieces[] = { "(", "()", ")", "\"", "\"\"", "\\", "(\\", "((\\)", " ", "(\"", "m", "\"mx.example.net\\", NULL };
	char *octets = talloc_size(NULL, LARGE_OCTETS);

	(void)state;
	for (size_t i = 0; pieces[i]; i++) {
		clock_t start = clock();

		for (size_t k = 0; k < LARGE_OCTETS; k++)
			octets[k] = pieces[i][k % strlen(pieces[i])];
		(void)authres_claims((struct view){ octets, LARGE_OCTETS }, VIEW(OURS));
		assert_true(clock() - start < LARGE_SECONDS * CLOCKS_PER_SEC);
	}
	talloc_free(octets);
}

int main(void)
{
	TEST_ROWS(claims_rows, test_claims);
	test_add("R89 every beginning of these values", test_claims_cut);
	test_add("R89 random values", test_claims_noise);
	test_add("R89 large values in linear time", test_claims_large);
	return test_run("authres_claims");
}
