#include "dkim/key_record.h"
#include "t/unit/support.h"

struct row {
	const char *name;
	struct view text;
	enum dkim_reason want;
};

static const struct row rows[] = {
	{ "R55 v= is optional", VIEW_INIT("k=rsa; p=MIGf"), DKIM_REASON_PASS },
	{ "R55 v=DKIM1", VIEW_INIT("v=DKIM1; k=rsa; p=MIGf"), DKIM_REASON_PASS },
	{ "R55 v= with FWS around it", VIEW_INIT(" v = DKIM1 ;p=MIGf"), DKIM_REASON_PASS },
	{ "R55 v=DKIM2 is discarded", VIEW_INIT("v=DKIM2; p=MIGf"), DKIM_REASON_KEY_BAD_VERSION },
	{ "R55 v=dkim1 is discarded: case matters", VIEW_INIT("v=dkim1; p=MIGf"), DKIM_REASON_KEY_BAD_VERSION },
	{ "R55 v=1 is discarded", VIEW_INIT("v=1; p=MIGf"), DKIM_REASON_KEY_BAD_VERSION },
	{ "R55 an empty v= is discarded", VIEW_INIT("v=; p=MIGf"), DKIM_REASON_KEY_BAD_VERSION },
	{ "R55 another protocol's record is discarded", VIEW_INIT("v=spf1 -all"), DKIM_REASON_KEY_BAD_VERSION },
	{ "R56 k= is not known", VIEW_INIT("k=dsa; p=MIGf"), DKIM_REASON_KEY_BAD_TYPE },
	{ "R56 an empty k= is not the default", VIEW_INIT("k=; p=MIGf"), DKIM_REASON_KEY_BAD_TYPE },
	{ "R56 k= in any case", VIEW_INIT("k=RSA; p=MIGf"), DKIM_REASON_PASS },
	{ "R59 no p=", VIEW_INIT("v=DKIM1; k=rsa"), DKIM_REASON_KEY_MISSING_DATA },
	{ "R59 an empty p= is a revoked key", VIEW_INIT("v=DKIM1; p="), DKIM_REASON_KEY_REVOKED },
	{ "R59 a blank p= is a revoked key", VIEW_INIT("v=DKIM1; p= \t;"), DKIM_REASON_KEY_REVOKED },
	{ "R59 an empty p= is a revoked key whatever k= says", VIEW_INIT("k=dsa; p="), DKIM_REASON_KEY_REVOKED },
	{ "R60 p= twice does not bring a revoked key back", VIEW_INIT("p=; p=MIGf"), DKIM_REASON_KEY_DUPLICATE_TAG },
	{ "R60 a duplicate unknown tag", VIEW_INIT("p=MIGf; foo=1; foo=1"), DKIM_REASON_KEY_DUPLICATE_TAG },
	{ "R63 unknown tags, n= and g= are ignored", VIEW_INIT("g=; n=some note; foo=bar; p=MIGf"), DKIM_REASON_PASS },
	{ "R64 a zone file escape leaked", VIEW_INIT("v=DKIM1\\; k=rsa\\; p=MIGf"), DKIM_REASON_KEY_ESCAPED_SEMICOLON },
	{ "R64 a zone file escape leaked at the end", VIEW_INIT("p=MIGf\\;"), DKIM_REASON_KEY_ESCAPED_SEMICOLON },
	{ "R64 a backslash in a note is text", VIEW_INIT("n=a\\; p=MIGf"), DKIM_REASON_PASS },
	{ "R67 an empty record", VIEW_INIT(""), DKIM_REASON_KEY_SYNTAX },
	{ "R67 no record at all", { NULL, 0 }, DKIM_REASON_KEY_SYNTAX },
	{ "R67 some other text", VIEW_INIT("hello, world"), DKIM_REASON_KEY_SYNTAX },
	{ "R5 an empty tag-spec", VIEW_INIT("v=DKIM1;;p=MIGf"), DKIM_REASON_KEY_SYNTAX },
};

static void test_reason(void **state)
{
	const struct row *row = *state;
	struct view text = guarded(row->text);
	struct dkim_key_record record = { .public_key = VIEW("untouched") };

	assert_int_equal(dkim_key_record_parse(text, &record), row->want);
	if (row->want == DKIM_REASON_PASS)
		assert_true(view_eq(record.public_key, VIEW("MIGf")));
	else
		assert_true(view_eq(record.public_key, VIEW("untouched")));
	guarded_free(text);
}

struct value_row {
	const char *name;
	struct view text;
	struct dkim_key_record want;
};

static const struct value_row value_rows[] = {
	{ "R56 the defaults", VIEW_INIT("p=A"),
	  { .type = DKIM_KEY_RSA, .allows_sha256 = true, .allows_email = true } },
	{ "R78 k=ed25519", VIEW_INIT("k=ed25519; p=A"),
	  { .type = DKIM_KEY_ED25519, .allows_sha256 = true, .allows_email = true } },
	{ "R55 v= behind another tag is read and told", VIEW_INIT("k=rsa; v=DKIM1; p=A"),
	  { .allows_sha256 = true, .allows_email = true, .version_not_first = true } },
	{ "R57 h=sha1 does not allow sha256", VIEW_INIT("h=sha1; p=A"), { .allows_email = true } },
	{ "R57 h= is a list", VIEW_INIT("h=sha1 : SHA256; p=A"), { .allows_sha256 = true, .allows_email = true } },
	{ "R57 an empty h= allows nothing", VIEW_INIT("h=; p=A"), { .allows_email = true } },
	{ "R57 h= takes whole names", VIEW_INIT("h=sha256x; p=A"), { .allows_email = true } },
	{ "R58 s=* is all services", VIEW_INIT("s=*; p=A"), { .allows_sha256 = true, .allows_email = true } },
	{ "R58 s= is a list", VIEW_INIT("s=tlsrpt : email; p=A"), { .allows_sha256 = true, .allows_email = true } },
	{ "R58 a star anywhere in the list", VIEW_INIT("s=tlsrpt:*; p=A"), { .allows_sha256 = true, .allows_email = true } },
	{ "R58 s=tlsrpt is not for email", VIEW_INIT("s=tlsrpt; p=A"), { .allows_sha256 = true } },
	{ "R61 t=y", VIEW_INIT("t=y; p=A"), { .allows_sha256 = true, .allows_email = true, .test_mode = true } },
	{ "R62 t=s", VIEW_INIT("t=s; p=A"), { .allows_sha256 = true, .allows_email = true, .strict_identity = true } },
	{ "R63 unknown flags of t= are ignored", VIEW_INIT("t=foo: s :\r\n y:; p=A"),
	  { .allows_sha256 = true, .allows_email = true, .strict_identity = true, .test_mode = true } },
	{ "R63 a flag is a whole item", VIEW_INIT("t=sy; p=A"), { .allows_sha256 = true, .allows_email = true } },
};

static void test_values(void **state)
{
	const struct value_row *row = *state;
	struct view text = guarded(row->text);
	struct dkim_key_record record;

	assert_int_equal(dkim_key_record_parse(text, &record), DKIM_REASON_PASS);
	assert_true(view_eq(record.public_key, VIEW("A")));
	assert_int_equal(record.type, row->want.type);
	assert_int_equal(record.allows_sha256, row->want.allows_sha256);
	assert_int_equal(record.allows_email, row->want.allows_email);
	assert_int_equal(record.test_mode, row->want.test_mode);
	assert_int_equal(record.strict_identity, row->want.strict_identity);
	assert_int_equal(record.version_not_first, row->want.version_not_first);
	guarded_free(text);
}

static void test_fws_in_p(void **state)
{
	struct dkim_key_record record;

	(void)state;
	assert_int_equal(dkim_key_record_parse(VIEW("p= MI\r\n Gf \t x==\r\n ;"), &record), DKIM_REASON_PASS);
	assert_true(view_eq(record.public_key, VIEW("MI\r\n Gf \t x==")));
}

static void test_noise_records(void **state)
{
	static const char *const words[] = { "v=DKIM1", ";", "; ", "p=", "k=rsa", "k=", "h=", ":", "sha256", "t=y", "s=", "*",
	                                     "email", "\\;", " ", "\r\n ", "MIGf", "=", NULL };
	uint32_t seed = 361;
	char room[60];
	size_t passed = 0;

	(void)state;
	for (int i = 0; i < 30000; i++) {
		struct view text = guarded(test_noise(&seed, words, room, sizeof room));
		struct dkim_key_record record;

		if (dkim_key_record_parse(text, &record) == DKIM_REASON_PASS) {
			assert_true(record.public_key.n > 0 && record.public_key.p >= text.p);
			assert_true(record.public_key.p + record.public_key.n <= text.p + text.n);
			passed++;
		}
		guarded_free(text);
	}
	assert_true(passed > 100);
}

int main(void)
{
	TEST_ROWS(rows, test_reason);
	TEST_ROWS(value_rows, test_values);
	test_add("R59 FWS inside p= is kept for base64", test_fws_in_p);
	test_add("noise: a key lies inside its record", test_noise_records);
	return test_run("key_record");
}
