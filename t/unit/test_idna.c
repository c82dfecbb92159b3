#include "dkim/idna.h"
#include "t/unit/support.h"

#include "dkim/domain.h"

#include <errno.h>
#include <talloc.h>

#define UE "\xc3\xbc"              /* U+00FC */
#define UE_5 UE UE UE UE UE
#define UE_55 UE_5 UE_5 UE_5 UE_5 UE_5 UE_5 UE_5 UE_5 UE_5 UE_5 UE_5

struct row {
	const char *name;
	struct view in;
	const char *want; /* A-labels; NULL: refused */
};

static const struct row rows[] = {
	{ "R100 ASCII stays octet for octet", VIEW_INIT("Mail._x.EXAMPLE.com"), "Mail._x.EXAMPLE.com" },
	{ "R100 so do A-labels", VIEW_INIT("XN--Bcher-kva.example"), "XN--Bcher-kva.example" },
	{ "R110 and what only begins like one: no DNS server has it", VIEW_INIT("xn--a.xn--.example"), "xn--a.xn--.example" },
	{ "R108 a U-label", VIEW_INIT("b" UE "cher.example"), "xn--bcher-kva.example" },
	{ "R108 several, and ASCII between them", VIEW_INIT("\xe4\xbe\x8b\xe3\x81\x88.ab--c.\xe3\x83\x86\xe3\x82\xb9\xe3\x83\x88"),
	  "xn--r8jz45g.ab--c.xn--zckzah" },
	{ "R108 capitals are mapped", VIEW_INIT("B\xc3\x9c" "CHER.example"), "xn--bcher-kva.example" },
	{ "R108 letters that are not in NFC are mapped", VIEW_INIT("bu\xcc\x88" "cher.example"), "xn--bcher-kva.example" },
	{ "R108 non-transitional: sharp s is not ss", VIEW_INIT("stra\xc3\x9f" "e.example"), "xn--strae-oqa.example" },
	{ "R108 a joiner where the script wants one", VIEW_INIT("\xe0\xa6\x95\xe0\xa7\x8d\xe2\x80\x8d\xe0\xa6\xb7.example"), "xn--p5b2ezc687j.example" },
	{ "R110 a joiner where none belongs", VIEW_INIT("a\xe2\x80\x8d" "b.example"), NULL },
	{ "R108 from right to left", VIEW_INIT("\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d.example"), "xn--9dbne9b.example" },
	{ "R110 from right to left, mixed as it must not be", VIEW_INIT("\xd7\x90" "1a.example"), NULL },
	{ "R71 an A-label of 63 octets", VIEW_INIT(UE_55 UE ".example"),
	  "xn--tda" "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" ".example" },
	{ "R71 an A-label of 64 octets", VIEW_INIT(UE_55 UE UE UE ".example"), NULL },
	{ "R71 a U-label beyond 252 octets", VIEW_INIT(UE_55 UE_55 UE_5 UE_5 UE_5 UE UE ".example"), NULL },
	{ "R71 253 octets of A-labels", VIEW_INIT(UE_55 "." UE_55 "." UE_55 "." UE_55 ".abcde"),
	  "xn--tdaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
	  "xn--tdaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
	  "xn--tdaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
	  "xn--tdaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.abcde" },
	{ "R71 254 octets of A-labels", VIEW_INIT(UE_55 "." UE_55 "." UE_55 "." UE_55 ".abcdef"), NULL },
	{ "R110 a symbol", VIEW_INIT("\xf0\x9f\x98\x80.example"), NULL },
	{ "R110 a code point that nothing is assigned to", VIEW_INIT("\xf0\x9f\xbf\xbe.example"), NULL },
	{ "R110 a combining mark at the beginning", VIEW_INIT("\xcc\x81" "a.example"), NULL },
	{ "R110 a hyphen at the beginning", VIEW_INIT("-" UE ".example"), NULL },
	{ "R110 a hyphen at the end", VIEW_INIT(UE "-.example"), NULL },
	{ "R110 hyphens where A-labels have them", VIEW_INIT("ab--" UE ".example"), NULL },
	{ "R110 a U-label behind xn--", VIEW_INIT("xn--b" UE "cher.example"), NULL },
	{ "R110 letters that map to plain ASCII are no U-label", VIEW_INIT("\xef\xbd\x85xample.com"), NULL },
	{ "R110 so with a soft hyphen", VIEW_INIT("ex\xc2\xad" "ample.com"), NULL },
	{ "R110 no A-label comes out from behind a soft hyphen", VIEW_INIT("xn--\xc2\xad" "cmkle"), NULL },
	{ "R110 an ideographic full stop is no dot", VIEW_INIT("b" UE "\xe3\x80\x82" "example"), NULL },
	{ "R110 a sign that maps to a slash", VIEW_INIT("\xe2\x84\x80" UE ".example"), NULL },
	{ "R110 not UTF-8", VIEW_INIT("b\xfc" "cher.example"), NULL },
	{ "R110 a NUL", VIEW_INIT("b" UE "\0.example"), NULL },
	{ "R110 an empty label", VIEW_INIT("b" UE "..example"), NULL },
	{ "R71 a dot at the end", VIEW_INIT("b" UE ".example."), NULL },
	{ "R110 no name at all", { NULL, 0 }, NULL },
};

static void test_to_ascii(void **state)
{
	const struct row *row = *state;
	struct view in = guarded(row->in), got;
	void *mem = talloc_new(NULL);
	int r = idna_to_ascii(mem, in, &got);

	assert_int_equal(r, row->want ? 0 : -EINVAL);
	if (row->want) {
		assert_true(view_eq(got, view_of(row->want)));
		assert_int_equal(got.p == in.p, domain_is_ascii(in));
	}
	assert_int_equal(talloc_total_blocks(mem), 1 + (r == 0 && got.p != in.p));
	guarded_free(in);
	talloc_free(mem);
}

struct shown_row {
	const char *name;
	struct view in;
	const char *want; /* U-labels; NULL: as it was */
};

static const struct shown_row shown_rows[] = {
	{ "R108 an A-label is shown as its U-label", VIEW_INIT("xn--bcher-kva.example"), "b" UE "cher.example" },
	{ "R108 in any case", VIEW_INIT("XN--BCHER-KVA.Example"), "b" UE "cher.Example" },
	{ "R108 beside a U-label", VIEW_INIT("b" UE ".xn--bcher-kva"), "b" UE ".b" UE "cher" },
	{ "R108 ASCII is shown as it is", VIEW_INIT("Example.com"), NULL },
	{ "R110 punycode that cannot be read", VIEW_INIT("xn--zzzzzzzzzzzz99999.example"), NULL },
	{ "R110 punycode of ASCII", VIEW_INIT("xn--abc-.example"), NULL },
	{ "R110 nothing behind xn--", VIEW_INIT("xn--.example"), NULL },
	{ "R110 punycode of a symbol", VIEW_INIT("xn--ls8h.example"), NULL },
	{ "R110 punycode of a capital", VIEW_INIT("xn--bcher-2pa.example"), NULL },
	{ "R110 punycode of a line end", VIEW_INIT("xn--a\nb-kva.example"), NULL },
	{ "R110 no name at all", { NULL, 0 }, NULL },
	{ "R110 not UTF-8", VIEW_INIT("xn--bcher-kva.\xff"), NULL },
};

static void test_to_unicode(void **state)
{
	const struct shown_row *row = *state;
	struct view in = guarded(row->in), got;
	void *mem = talloc_new(NULL);

	assert_int_equal(idna_to_unicode(mem, in, &got), 0);
	if (row->want)
		assert_true(view_eq(got, view_of(row->want)));
	else
		assert_true(got.p == in.p && got.n == in.n);
	assert_int_equal(talloc_total_blocks(mem), row->want ? 2 : 1);
	guarded_free(in);
	talloc_free(mem);
}

/* What is accepted is a name in ASCII that is mapped to itself, and back from what it is shown as. */
static void test_noise_names(void **state)
{
	static const char *const words[] = { "xn--", "bcher-kva", "a", "-", ".", UE, "\xcc\x88", "\xd7\xa9", "\xd9\xa1", "\xe4\xbe\x8b", "\xc3\x9f",
	                                     "\xe2\x80\x8d", "\xe3\x80\x82", "\xf0\x9f\x98\x80", "\xef\xbd\x81", NULL };
	uint32_t seed = 5890;
	char room[60];

	(void)state;
	for (int i = 0; i < 30000; i++) {
		void *mem = talloc_new(NULL);
		struct view in = guarded(test_noise(&seed, words, room, sizeof room)), ascii, again, shown;

		if (idna_to_ascii(mem, in, &ascii) == 0) {
			assert_true(domain_is_ascii(ascii) && domain_is_valid(ascii));
			assert_int_equal(idna_to_unicode(mem, ascii, &shown), 0);
			assert_int_equal(idna_to_ascii(mem, shown, &again), 0);
			assert_true(view_eq_nocase(again, ascii));
		}
		guarded_free(in);
		talloc_free(mem);
	}
}

int main(void)
{
	TEST_ROWS(rows, test_to_ascii);
	TEST_ROWS(shown_rows, test_to_unicode);
	test_add("R110 noise made of labels", test_noise_names);
	return test_run("idna");
}
