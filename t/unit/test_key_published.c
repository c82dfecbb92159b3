/* dkim/key_published.c: what a zone has, against our own private key. */
#include "support.h"
#include "zone.h"

#include "dkim/key_published.h"

#include <talloc.h>

static struct dkim_private_key *ours, *others, *ed;
static struct zone zone;

/* Selectors of the zone below. */
struct row {
	const char *name, *selector;
	enum dkim_published_state state;
	size_t record;
	enum dkim_reason reason;
};

static const struct row rows[] = {
	{ "ours", "ours", DKIM_PUBLISHED, 0, DKIM_REASON_PASS },
	{ "another of the same type", "others", DKIM_PUBLISHED_OTHERS, 0, DKIM_REASON_SIGNATURE_DIFFERS },
	{ "another of another type", "ed", DKIM_PUBLISHED_OTHERS, 0, DKIM_REASON_SIGNATURE_DIFFERS },
	{ "nothing", "nothing", DKIM_PUBLISHED_NOT, 0, DKIM_REASON_NO_KEY },
	{ "R59 revoked", "revoked", DKIM_PUBLISHED_OTHERS, 0, DKIM_REASON_KEY_REVOKED },
	{ "R57 ours, but its h= refuses sha256", "sha1", DKIM_PUBLISHED_OTHERS, 0, DKIM_REASON_KEY_HASH_REFUSED },
	{ "R58 ours, but its s= refuses email", "other-service", DKIM_PUBLISHED_OTHERS, 0, DKIM_REASON_KEY_SERVICE_REFUSED },
	{ "R58 another, whose s= refuses email", "other-service-and-key", DKIM_PUBLISHED_OTHERS, 0, DKIM_REASON_SIGNATURE_DIFFERS },
	{ "R67 ours among others", "among", DKIM_PUBLISHED, 2, DKIM_REASON_PASS },
	{ "R67 several, none ours: another key says more than one that is revoked", "several", DKIM_PUBLISHED_OTHERS, 1,
	  DKIM_REASON_SIGNATURE_DIFFERS },
	{ "R67 several, ours refuses: that says most", "refused", DKIM_PUBLISHED_OTHERS, 2, DKIM_REASON_KEY_SERVICE_REFUSED },
	{ "R67 several, no key: the first", "no-keys", DKIM_PUBLISHED_OTHERS, 0, DKIM_REASON_KEY_BAD_VERSION },
};

static void test_row(void **state)
{
	const struct row *row = *state;
	struct dkim_key_lookup *lookup = zone_look_up(&zone, row->selector);
	struct dkim_published got;

	dkim_key_published(ours, dkim_key_lookup_result(lookup), &got);
	assert_int_equal(got.state, row->state);
	assert_int_equal(got.record, row->record);
	assert_string_equal(dkim_reason_text(got.reason), dkim_reason_text(row->reason));
	dkim_key_lookup_free(lookup);
}

static void test_Ed25519(void **state)
{
	struct dkim_key_lookup *lookup = zone_look_up(&zone, "ed");
	struct dkim_published got;

	(void)state;
	dkim_key_published(ed, dkim_key_lookup_result(lookup), &got);
	assert_int_equal(got.state, DKIM_PUBLISHED);
	dkim_key_lookup_free(lookup);
}

static void test_no_answer(void **state)
{
	struct dkim_dns_answer answer = { .status = DKIM_DNS_TIMEOUT };
	const struct dkim_key_set set = { .answer = &answer };
	struct dkim_published got;

	(void)state;
	for (int i = 0; i < 2; i++) {
		dkim_key_published(ours, i ? &set : NULL, &got);
		assert_int_equal(got.state, DKIM_PUBLISHED_UNKNOWN);
		assert_int_equal(dkim_reason_result(got.reason), DKIM_TEMPERROR);
	}
}

/* Whether it was the right record nobody knows. */
static void test_failure_of_our_own(void **state)
{
	struct dkim_dns_answer answer = { .status = DKIM_DNS_FOUND, .text_count = 2 };
	struct dkim_key keys[] = { { .reason = DKIM_REASON_KEY_REVOKED }, { .reason = DKIM_REASON_OUT_OF_MEMORY } };
	const struct dkim_key_set set = { .answer = &answer, .keys = keys };
	struct dkim_published got;

	(void)state;
	dkim_key_published(ours, &set, &got);
	assert_int_equal(got.state, DKIM_PUBLISHED_UNKNOWN);
	assert_int_equal(got.reason, DKIM_REASON_OUT_OF_MEMORY);
}

static void publish(void)
{
	struct buf text;

	buf_init(&text, NULL, 65536);
	zone_line(&text, "ours._domainkey.example.com", "v=DKIM1; k=rsa;", ours);
	zone_line(&text, "others._domainkey.example.com", "v=DKIM1;", others);
	zone_line(&text, "ed._domainkey.example.com", "k=ed25519;", ed);
	buf_add_string(&text, "revoked._domainkey.example.com TXT \"v=DKIM1; p=\"\n");
	zone_line(&text, "sha1._domainkey.example.com", "h=sha1;", ours);
	zone_line(&text, "other-service._domainkey.example.com", "s=tlsrpt;", ours);
	zone_line(&text, "other-service-and-key._domainkey.example.com", "s=tlsrpt;", others);
	buf_add_string(&text, "among._domainkey.example.com TXT \"v=spf1 -all\"\n");
	zone_line(&text, "among._domainkey.example.com", "", others);
	zone_line(&text, "among._domainkey.example.com", "", ours);
	buf_add_string(&text, "several._domainkey.example.com TXT \"p=\"\n");
	zone_line(&text, "several._domainkey.example.com", "", others);
	buf_add_string(&text, "several._domainkey.example.com TXT \"v=DKIM1; p=\"\n");
	buf_add_string(&text, "refused._domainkey.example.com TXT \"p=\"\n");
	zone_line(&text, "refused._domainkey.example.com", "", others);
	zone_line(&text, "refused._domainkey.example.com", "s=tlsrpt;", ours);
	buf_add_string(&text, "no-keys._domainkey.example.com TXT \"v=spf1 -all\"\nno-keys._domainkey.example.com TXT \"p=\"\n");
	zone_open(&zone, buf_view(&text));
	buf_free(&text);
}

static int set_up(void **state)
{
	(void)state;
	if (dkim_private_key_init() < 0 || dkim_private_key_generate(DKIM_KEY_RSA, 1024, &ours) < 0 ||
	    dkim_private_key_generate(DKIM_KEY_RSA, 1024, &others) < 0 || dkim_private_key_generate(DKIM_KEY_ED25519, 0, &ed) < 0)
		return -1;
	publish();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	zone_close(&zone);
	dkim_private_key_free(ours);
	dkim_private_key_free(others);
	dkim_private_key_free(ed);
	return 0;
}

int main(void)
{
	TEST_ROWS(rows, test_row);
	test_add("an Ed25519 key", test_Ed25519);
	test_add("no answer", test_no_answer);
	test_add("a failure of our own is no answer either", test_failure_of_our_own);
	return test_run_with("key_published", set_up, tear_down);
}
