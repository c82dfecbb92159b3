/* dkim/verify.c: the judgement of a whole signature. Most rows are signatures that are cryptographically good. */
#include "dns_server.h"
#include "forge.h"
#include "support.h"

#include "dkim/verify.h"
#include "dkim/zone_count.h"

#include <stdio.h>
#include <stdlib.h>
#include <talloc.h>

#define NOW 1000000

static struct dkim_private_key *rsa_key, *ed_key, *weak_key;

/* One signature, one key record, and what must come of it. */
struct verify_row {
	const char *name;
	const char *tags;
	const char *record;  /* "%s" stands for the public key; NULL: no record */
	enum dkim_reason want;
	const char *key;     /* "rsa" when NULL */
	int64_t l;           /* octets of the body hashed; 0: all */
	const char *replace, *with; /* done to the message after signing */
	const char *tail;
};

#define BASE "v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.com; s=s; "
#define GOOD BASE "h=From:To:Subject"
#define RECORD "v=DKIM1; k=rsa; p=%s"

static const struct verify_row rows[] = {
	{ "a good signature passes", GOOD, RECORD, DKIM_REASON_PASS, 0, 0, 0, 0, 0 },
	{ "R1 v= absent", "a=rsa-sha256; d=example.com; s=s; h=from", RECORD, DKIM_REASON_NO_VERSION, 0, 0, 0, 0, 0 },
	{ "R1 v=01", "v=01; a=rsa-sha256; d=example.com; s=s; h=from", RECORD, DKIM_REASON_BAD_VERSION, 0, 0, 0, 0, 0 },
	{ "R2 V= is unknown, so v= is missing", "V=1; a=rsa-sha256; d=example.com; s=s; h=from", RECORD, DKIM_REASON_NO_VERSION, 0, 0, 0, 0, 0 },
	{ "R3 a duplicate tag spoils the list", GOOD "; d=example.com", RECORD, DKIM_REASON_TAG_DUPLICATE, 0, 0, 0, 0, 0 },
	{ "R4 unknown tags are ignored", GOOD "; foo=bar", RECORD, DKIM_REASON_PASS, 0, 0, 0, 0, 0 },
	{ "R5 an empty tag-spec", GOOD ";", RECORD, DKIM_REASON_TAG_SYNTAX, 0, 0, 0, 0, 0 },
	{ "R5 a final semicolon", GOOD, RECORD, DKIM_REASON_PASS, 0, 0, 0, 0, ";" },
	{ "R7 b= in the middle", GOOD, RECORD, DKIM_REASON_PASS, 0, 0, 0, 0, "; q=dns/txt" },
	{ "R10 a= in upper case", "v=1; a=RSA-SHA256; d=example.com; s=s; h=from", RECORD, DKIM_REASON_PASS, 0, 0, 0, 0, 0 },
	{ "R10 a= unknown", "v=1; a=rsa-sha512; d=example.com; s=s; h=from", RECORD, DKIM_REASON_BAD_ALGORITHM, 0, 0, 0, 0, 0 },
	{ "R11 c= absent is simple/simple", "v=1; a=rsa-sha256; d=example.com; s=s; h=from:to", RECORD, DKIM_REASON_PASS, 0, 0, 0, 0, 0 },
	{ "R11 c=relaxed is relaxed/simple", "v=1; a=rsa-sha256; c=relaxed; d=example.com; s=s; h=from:to", RECORD, DKIM_REASON_PASS, 0, 0, 0, 0, 0 },
	{ "R11 c= unknown", "v=1; a=rsa-sha256; c=loose; d=example.com; s=s; h=from", RECORD, DKIM_REASON_BAD_CANONICALIZATION, 0, 0, 0, 0, 0 },
	{ "R12 q= with dns/txt among others", GOOD "; q=dns/foo:dns/txt", RECORD, DKIM_REASON_PASS, 0, 0, 0, 0, 0 },
	{ "R12 q= without dns/txt", GOOD "; q=dns/foo", RECORD, DKIM_REASON_BAD_QUERY_METHOD, 0, 0, 0, 0, 0 },
	{ "R13 d= and s= in upper case", "v=1; a=rsa-sha256; d=EXAMPLE.COM; s=S; h=from", RECORD, DKIM_REASON_PASS, 0, 0, 0, 0, 0 },
	{ "R14 i= in a subdomain", GOOD "; i=joe@mail.example.com", RECORD, DKIM_REASON_PASS, 0, 0, 0, 0, 0 },
	{ "R14 i= not on a label boundary", GOOD "; i=joe@badexample.com", RECORD, DKIM_REASON_IDENTITY_OUTSIDE, 0, 0, 0, 0, 0 },
	{ "R15 i= without @", GOOD "; i=joe", RECORD, DKIM_REASON_BAD_IDENTITY, 0, 0, 0, 0, 0 },
	{ "R16 h= without From", BASE "h=To:Subject", RECORD, DKIM_REASON_FROM_NOT_SIGNED, 0, 0, 0, 0, 0 },
	{ "R18 an empty name in h=", BASE "h=From::To", RECORD, DKIM_REASON_BAD_SIGNED_HEADERS, 0, 0, 0, 0, 0 },
	{ "R19 h= lists an absent field", BASE "h=From:To:Reply-To", RECORD, DKIM_REASON_PASS, 0, 0, 0, 0, 0 },
	{ "R20 h= lists DKIM-Signature, of which this is the only one", BASE "h=From:DKIM-Signature", RECORD, DKIM_REASON_PASS, 0, 0, 0, 0, 0 },
	{ "R22 t= is no number", GOOD "; t=soon", RECORD, DKIM_REASON_BAD_TIMESTAMP, 0, 0, 0, 0, 0 },
	{ "R22 x= of 24 digits does not wrap", GOOD "; x=100000000000000000000000", RECORD, DKIM_REASON_PASS, 0, 0, 0, 0, 0 },
	{ "R22 l= of 70 digits does not wrap", GOOD "; l=1000000000000000000000000000000000000000000000000000000000000000000000", RECORD, DKIM_REASON_BODY_SHORTER_THAN_L, 0, 0, 0, 0, 0 },
	{ "R23 x= before t=", GOOD "; t=2000; x=1000", RECORD, DKIM_REASON_EXPIRES_BEFORE_SIGNED, 0, 0, 0, 0, 0 },
	{ "R23 x= equal to t=", GOOD "; t=2000; x=2000", RECORD, DKIM_REASON_EXPIRES_BEFORE_SIGNED, 0, 0, 0, 0, 0 },
	{ "R24 expired", GOOD "; x=999699", RECORD, DKIM_REASON_EXPIRED, 0, 0, 0, 0, 0 },
	{ "R24 expired within the clock skew", GOOD "; x=999700", RECORD, DKIM_REASON_PASS, 0, 0, 0, 0, 0 },
	{ "R25 t= in the future", GOOD "; t=1000301", RECORD, DKIM_REASON_IN_FUTURE, 0, 0, 0, 0, 0 },
	{ "R25 t= in the future within the clock skew", GOOD "; t=1000300", RECORD, DKIM_REASON_PASS, 0, 0, 0, 0, 0 },
	{ "R25 t=0", GOOD "; t=0", RECORD, DKIM_REASON_PASS, 0, 0, 0, 0, 0 },
	{ "R26 l= beyond the body", GOOD "; l=1000", RECORD, DKIM_REASON_BODY_SHORTER_THAN_L, 0, 0, 0, 0, 0 },
	{ "R27 l= covers a part", GOOD "; l=4", RECORD, DKIM_REASON_BODY_NOT_COVERED, 0, 4, 0, 0, 0 },
	{ "R27 l= covers all", GOOD "; l=14", RECORD, DKIM_REASON_PASS, 0, 14, 0, 0, 0 },
	{ "R29 d= with an octet that is no UTF-8", "v=1; a=rsa-sha256; d=ex\xff" "mple.com; s=s; h=from", RECORD, DKIM_REASON_BAD_DOMAIN, 0, 0, 0, 0, 0 },
	{ "R28 z= is not used", GOOD "; z=From:evil@example.org", RECORD, DKIM_REASON_PASS, 0, 0, 0, 0, 0 },
	{ "R32 a second From above, From not oversigned", GOOD, RECORD, DKIM_REASON_PASS, 0, 0, "From: ", "From: eve@example.org\r\nFrom: ", 0 },
	{ "R32 a second From above, From oversigned", BASE "h=From:To:From", RECORD, DKIM_REASON_SIGNATURE_DIFFERS, 0, 0, "From: ", "From: eve@example.org\r\nFrom: ", 0 },
	{ "R33 simple: a changed blank", "v=1; a=rsa-sha256; d=example.com; s=s; h=from:subject", RECORD, DKIM_REASON_SIGNATURE_DIFFERS, 0, 0, "Subject: ", "Subject:  ", 0 },
	{ "R34 relaxed: a changed blank", GOOD, RECORD, DKIM_REASON_PASS, 0, 0, "Subject: ", "SUBJECT :\r\n\t ", 0 },
	{ "R53 a changed signed field", GOOD, RECORD, DKIM_REASON_SIGNATURE_DIFFERS, 0, 0, "dinner", "dinnes", 0 },
	{ "R53 a changed body", GOOD, RECORD, DKIM_REASON_BODY_HASH_DIFFERS, 0, 0, "Hello", "Hallo", 0 },
	{ "R55 v= behind another tag", "a=rsa-sha256; v=1; d=example.com; s=s; h=from", RECORD, DKIM_REASON_PASS, 0, 0, 0, 0, 0 },
	{ "R55 record without v=", GOOD, "p=%s", DKIM_REASON_PASS, 0, 0, 0, 0, 0 },
	{ "R55 record with another v=", GOOD, "v=DKIM2; p=%s", DKIM_REASON_KEY_BAD_VERSION, 0, 0, 0, 0, 0 },
	{ "R55 record with v= behind another tag", GOOD, "k=rsa; v=DKIM1; p=%s", DKIM_REASON_PASS, 0, 0, 0, 0, 0 },
	{ "R56 record k= unknown", GOOD, "k=dsa; p=%s", DKIM_REASON_KEY_BAD_TYPE, 0, 0, 0, 0, 0 },
	{ "R57 record h=sha1", GOOD, "h=sha1; p=%s", DKIM_REASON_KEY_HASH_REFUSED, 0, 0, 0, 0, 0 },
	{ "R57 record h=sha1:sha256", GOOD, "h=sha1:sha256; p=%s", DKIM_REASON_PASS, 0, 0, 0, 0, 0 },
	{ "R58 record s= list with email", GOOD, "s=tlsrpt:email; p=%s", DKIM_REASON_PASS, 0, 0, 0, 0, 0 },
	{ "R58 record s= for another service", GOOD, "s=tlsrpt; p=%s", DKIM_REASON_KEY_SERVICE_REFUSED, 0, 0, 0, 0, 0 },
	{ "R59 revoked", GOOD, "v=DKIM1; p=", DKIM_REASON_KEY_REVOKED, 0, 0, 0, 0, 0 },
	{ "R59 p= missing", GOOD, "v=DKIM1; k=rsa", DKIM_REASON_KEY_MISSING_DATA, 0, 0, 0, 0, 0 },
	{ "R59 p= is not base64", GOOD, "v=DKIM1; p=@%s", DKIM_REASON_KEY_BAD_DATA, 0, 0, 0, 0, 0 },
	{ "R60 a revoked key does not come back", GOOD, "v=DKIM1; p=; p=%s", DKIM_REASON_KEY_DUPLICATE_TAG, 0, 0, 0, 0, 0 },
	{ "R62 t=s and i= in a subdomain", GOOD "; i=@mail.example.com", "t=s; p=%s", DKIM_REASON_KEY_STRICT_IDENTITY, 0, 0, 0, 0, 0 },
	{ "R62 t=s and i= in d=", GOOD "; i=joe@Example.com", "t=s; p=%s", DKIM_REASON_PASS, 0, 0, 0, 0, 0 },
	{ "R63 unknown flags, n= and g= are ignored", GOOD, "t=foo:bar; n=note; g=nobody; p=%s", DKIM_REASON_PASS, 0, 0, 0, 0, 0 },
	{ "R65 no record", GOOD, NULL, DKIM_REASON_NO_KEY, 0, 0, 0, 0, 0 },
	{ "R71 a label of 64 octets", "v=1; a=rsa-sha256; d=example.com; s=a123456789b123456789c123456789d123456789e123456789f123456789g123; h=from", RECORD, DKIM_REASON_BAD_SELECTOR, 0, 0, 0, 0, 0 },
	{ "R71 d= with a dot at its end", "v=1; a=rsa-sha256; d=example.com.; s=s; h=from", RECORD, DKIM_REASON_BAD_DOMAIN, 0, 0, 0, 0, 0 },
	{ "R72 d= is a single label", "v=1; a=rsa-sha256; d=com; s=s; h=from", RECORD, DKIM_REASON_TOP_LEVEL_DOMAIN, 0, 0, 0, 0, 0 },
	{ "R74 rsa-sha1", "v=1; a=rsa-sha1; d=example.com; s=s; h=from", RECORD, DKIM_REASON_SHA1, 0, 0, 0, 0, 0 },
	{ "R75 a short key", GOOD, RECORD, DKIM_REASON_WEAK_KEY, "weak", 0, 0, 0, 0 },
	{ "R78 Ed25519", "v=1; a=ed25519-sha256; d=example.com; s=s; h=from", "k=ed25519; p=%s", DKIM_REASON_PASS, "ed25519", 0, 0, 0, 0 },
	{ "R81 k=ed25519 with a=rsa-sha256", GOOD, "k=ed25519; p=%s", DKIM_REASON_KEY_TYPE_DIFFERS, "ed25519", 0, 0, 0, 0 },
	{ "R111 r=y asks for reports, which are not sent", GOOD "; r=y", RECORD, DKIM_REASON_PASS, 0, 0, 0, 0, 0 },
	{ "R111 r=y of a signature that fails", GOOD "; r=y", RECORD, DKIM_REASON_BODY_HASH_DIFFERS, 0, 0, "Hello", "Hallo", 0 },
	{ "R111 r= of any value", GOOD "; r=", RECORD, DKIM_REASON_PASS, 0, 0, 0, 0, 0 },
	{ "R111 a record that says where reports go", GOOD, "v=DKIM1; r=postmaster; ra=postmaster; rs=x; p=%s", DKIM_REASON_PASS, 0, 0, 0, 0, 0 },
};

static const struct dkim_private_key *row_key(const struct verify_row *row)
{
	if (!row->key)
		return rsa_key;
	return strcmp(row->key, "weak") == 0 ? weak_key : ed_key;
}

static struct view replaced(void *mem, struct view message, const char *what, const char *with)
{
	char *text = talloc_strndup(mem, message.p, message.n);
	char *at = what ? strstr(text, what) : NULL;

	if (!what)
		return message;
	assert_non_null(at);
	return view_of(talloc_asprintf(mem, "%.*s%s%s", (int)(at - text), text, with, at + strlen(what)));
}

struct idn_row {
	const char *name;
	const char *d, *s, *i; /* i NULL: absent */
	const char *key;       /* name of the record */
	const char *flags;     /* tags of the record beside k= and p= */
	enum dkim_reason want;
};

#define U_DOMAIN "b\xc3\xbc" "cher.example"
#define A_DOMAIN "xn--bcher-kva.example"

/* Signatures of international domains that are cryptographically good. */
static const struct idn_row idn_rows[] = {
	{ "R108 d= is mapped before DNS is asked", U_DOMAIN, "s", NULL, "s._domainkey." A_DOMAIN, "", DKIM_REASON_PASS },
	{ "R108 d= is the A-label", A_DOMAIN, "s", NULL, "s._domainkey." A_DOMAIN, "", DKIM_REASON_PASS },
	{ "R108 s= is mapped before DNS is asked", "example.com", "schl\xc3\xbcssel", NULL, "xn--schlssel-95a._domainkey.example.com", "",
	  DKIM_REASON_PASS },
	{ "R108 i= is mapped before it is compared", A_DOMAIN, "s", "joe@post.B\xc3\x9c" "CHER.example", "s._domainkey." A_DOMAIN, "",
	  DKIM_REASON_PASS },
	{ "R108 d= is mapped before it is compared", U_DOMAIN, "s", "joe@" A_DOMAIN, "s._domainkey." A_DOMAIN, "", DKIM_REASON_PASS },
	{ "R108 t=s compares what is mapped", U_DOMAIN, "s", "joe@" A_DOMAIN, "s._domainkey." A_DOMAIN, "t=s; ", DKIM_REASON_PASS },
	{ "R62 t=s and i= in a subdomain of a U-label", U_DOMAIN, "s", "joe@post." U_DOMAIN, "s._domainkey." A_DOMAIN, "t=s; ",
	  DKIM_REASON_KEY_STRICT_IDENTITY },
	{ "R108 no key at the mapped name", U_DOMAIN, "s", NULL, "s._domainkey.bucher.example", "", DKIM_REASON_NO_KEY },
	{ "R109 a local part in UTF-8 as it is", U_DOMAIN, "s", "j\xc3\xb6rg@" U_DOMAIN, "s._domainkey." A_DOMAIN, "", DKIM_REASON_PASS },
	{ "R110 d= has a symbol", "\xf0\x9f\x98\x80.example", "s", NULL, "s._domainkey." A_DOMAIN, "", DKIM_REASON_BAD_IDNA },
	{ "R110 s= begins with a combining mark", "example.com", "\xcc\x88s", NULL, "s._domainkey." A_DOMAIN, "", DKIM_REASON_BAD_IDNA },
	{ "R110 i= is bad IDNA", A_DOMAIN, "s", "joe@\xf0\x9f\x98\x80." A_DOMAIN, "s._domainkey." A_DOMAIN, "", DKIM_REASON_BAD_IDNA },
	{ "R110 an A-label that is none has no key", "xn--b-.example", "s", NULL, "s._domainkey." A_DOMAIN, "", DKIM_REASON_NO_KEY },
};

/* Verify with a records file as the only DNS. */
struct bench {
	struct dkim_records *records;
	struct dkim_resolver *resolver;
	struct dkim_key_cache *cache;
	struct dkim_verify_params params;
};

static struct bench *bench_new(void *mem, const char *records)
{
	struct bench *bench = talloc_zero(mem, struct bench);
	struct dkim_resolver_params params = { .records_only = true, .timeout_ms = 1000 };
	char *error = NULL;

	assert_int_equal(dkim_records_parse(bench, "test", view_of(records), &bench->records, &error), 0);
	params.records = bench->records;
	assert_int_equal(dkim_resolver_new(bench, &params, &bench->resolver, &error), 0);
	assert_int_equal(dkim_key_cache_new(bench->resolver, 100, DKIM_KEY_CACHE_OCTETS, &bench->cache), 0);
	bench->params = (struct dkim_verify_params){ .minimum_rsa_bits = 1100, .maximum_signatures = 8, .clock_skew = 300,
		                                     .budget_ms = 1000 };
	return bench;
}

static void bench_free(struct bench *bench)
{
	dkim_key_cache_free(bench->cache);
	dkim_resolver_free(bench->resolver);
	talloc_free(bench);
}

/* The body goes in chunks of `chunk` octets. */
static struct dkim_verify *verify_message(void *mem, struct bench *bench, struct view message, size_t chunk)
{
	struct header_list *headers;
	struct dkim_verify *verify;
	struct view body;

	assert_int_equal(header_list_new(mem, NULL, &headers), 0);
	assert_int_equal(header_list_parse(headers, message, &body), 0);
	assert_int_equal(dkim_verify_new(mem, &bench->params, bench->cache, NOW, headers, &verify), 0);
	for (size_t i = 0; i < body.n; i += chunk)
		assert_int_equal(dkim_verify_body(verify, view_slice(body, i, i + chunk)), 0);
	assert_int_equal(dkim_verify_finish(verify, 1000), 0);
	return verify;
}

static void test_row(void **state)
{
	const struct verify_row *row = *state;
	void *mem = talloc_new(NULL);
	const struct dkim_private_key *key = row_key(row);
	struct view header = VIEW("From: joe@example.com\r\nTo: suzie@example.net\r\nSubject: dinner?\r\n");
	struct view body = VIEW("Hello\r\n\r\nJoe\r\n\r\n\r\n");
	struct view message = forge(mem, key, row->tags, row->tail, header, body, row->l ? row->l : DKIM_LENGTH_UNLIMITED);
	char *records = talloc_strdup(mem, "");
	struct buf public;
	struct bench *bench;
	struct dkim_verify *verify;

	buf_init(&public, mem, 8192);
	assert_int_equal(dkim_private_key_public_text(key, &public), 0);
	if (row->record) {
		const char *percent = strstr(row->record, "%s");
		int before = percent ? (int)(percent - row->record) : (int)strlen(row->record);

		records = talloc_asprintf(mem, "s._domainkey.example.com TXT \"%.*s\" \"%s\"\n", before, row->record,
		                          percent ? buf_string(&public) : "");
	}
	bench = bench_new(mem, records);
	verify = verify_message(mem, bench, replaced(mem, message, row->replace, row->with), 3);
	assert_int_equal(dkim_verify_count(verify), 1);
	assert_string_equal(dkim_reason_text(dkim_verify_result(verify, 0)->reason), dkim_reason_text(row->want));
	assert_int_equal(dkim_verify_result(verify, 0)->reason, row->want);
	talloc_free(verify);
	bench_free(bench);
	talloc_free(mem);
}

static void test_idn(void **state)
{
	const struct idn_row *row = *state;
	void *mem = talloc_new(NULL);
	char *tags = talloc_asprintf(mem, "v=1; a=ed25519-sha256; c=relaxed/relaxed; d=%s; s=%s; h=From%s%s", row->d, row->s,
	                             row->i ? "; i=" : "", row->i ? row->i : "");
	struct view message = forge(mem, ed_key, tags, NULL, VIEW("From: J\xc3\xb6rg <j\xc3\xb6rg@" U_DOMAIN ">\r\n"), VIEW("Hello\r\n"),
	                            DKIM_LENGTH_UNLIMITED);
	struct dkim_verify *verify;
	struct bench *bench;
	struct buf public;

	buf_init(&public, mem, 8192);
	assert_int_equal(dkim_private_key_public_text(ed_key, &public), 0);
	bench = bench_new(mem, talloc_asprintf(mem, "%s TXT \"k=ed25519; %sp=%s\"\n", row->key, row->flags, buf_string(&public)));
	verify = verify_message(mem, bench, message, 100);
	assert_string_equal(dkim_reason_text(dkim_verify_result(verify, 0)->reason), dkim_reason_text(row->want));
	talloc_free(verify);
	bench_free(bench);
	talloc_free(mem);
}

static struct view read_data(void *mem, const char *name)
{
	char *path = talloc_asprintf(mem, "%s/t/data/%s", getenv("POSTERN_SOURCE"), name);
	FILE *file = fopen(path, "rb");
	char *text = talloc_size(mem, 65536);
	size_t n;

	assert_non_null(file);
	n = fread(text, 1, 65535, file);
	fclose(file);
	text[n] = '\0';
	return (struct view){ text, n };
}

struct rfc_row {
	const char *name;
	const char *file;
};

/* Passes however the body is cut. */
static void test_rfc_message(void **state)
{
	const struct rfc_row *row = *state;
	void *mem = talloc_new(NULL);
	struct view message = read_data(mem, row->file);
	struct bench *bench = bench_new(mem, read_data(mem, "rfc.records").p);

	bench->params.minimum_rsa_bits = 1024;
	bench->params.clock_skew = 2000000000; /* NOW lies before the RFCs */
	for (size_t chunk = 1; chunk < 70; chunk++) {
		struct dkim_verify *verify = verify_message(mem, bench, message, chunk);

		assert_true(dkim_verify_count(verify) > 0);
		for (size_t i = 0; i < dkim_verify_count(verify); i++)
			assert_int_equal(dkim_verify_result(verify, i)->reason, DKIM_REASON_PASS);
		talloc_free(verify);
	}
	bench_free(bench);
	talloc_free(mem);
}

static void test_several_signatures(void **state)
{
	void *mem = talloc_new(NULL);
	struct bench *bench = bench_new(mem, read_data(mem, "rfc.records").p);
	struct view good = read_data(mem, "rfc8463-a.eml");
	struct view message = view_of(talloc_asprintf(mem, "DKIM-Signature: broken\r\n%.*s", (int)good.n, good.p));
	struct dkim_verify *verify;

	(void)state;
	bench->params.minimum_rsa_bits = 1024;
	bench->params.clock_skew = 2000000000;
	verify = verify_message(mem, bench, message, 100);
	assert_int_equal(dkim_verify_count(verify), 3);
	assert_int_equal(dkim_verify_result(verify, 0)->reason, DKIM_REASON_TAG_SYNTAX);
	assert_int_equal(dkim_verify_result(verify, 1)->reason, DKIM_REASON_PASS);
	assert_int_equal(dkim_verify_result(verify, 2)->reason, DKIM_REASON_PASS);
	talloc_free(verify);
	bench->params.maximum_signatures = 2;
	verify = verify_message(mem, bench, message, 100);
	assert_int_equal(dkim_verify_count(verify), 2);
	assert_int_equal(dkim_verify_found(verify), 3);
	talloc_free(verify);
	bench_free(bench);
	talloc_free(mem);
}

static void test_several_records(void **state)
{
	void *mem = talloc_new(NULL);
	struct view message = forge(mem, ed_key, "v=1; a=ed25519-sha256; d=example.com; s=s; h=from", NULL,
	                            VIEW("From: joe@example.com\r\n"), VIEW("Hello\r\n"), DKIM_LENGTH_UNLIMITED);
	struct buf public;
	struct bench *bench;
	struct dkim_verify *verify;

	(void)state;
	buf_init(&public, mem, 8192);
	assert_int_equal(dkim_private_key_public_text(ed_key, &public), 0);
	bench = bench_new(mem, talloc_asprintf(mem, "s._domainkey.example.com TXT \"v=DKIM1; p=\"\n"
	                                            "s._domainkey.example.com TXT \"v=spf1 -all\"\n"
	                                            "s._domainkey.example.com TXT \"k=ed25519; t=y; p=%s\"\n", buf_string(&public)));
	verify = verify_message(mem, bench, message, 100);
	assert_int_equal(dkim_verify_result(verify, 0)->reason, DKIM_REASON_PASS);
	assert_true(dkim_verify_result(verify, 0)->test_mode);
	assert_int_equal(dkim_verify_result(verify, 0)->key_bits, 256);
	talloc_free(verify);
	bench_free(bench);
	talloc_free(mem);
}

/* The record that fits stands first, one for another algorithm behind it: what is told is told of the first. */
static void test_deciding_record(void **state)
{
	void *mem = talloc_new(NULL);
	struct view message = forge(mem, ed_key, "v=1; a=ed25519-sha256; d=example.com; s=s; h=from", NULL,
	                            VIEW("From: joe@example.com\r\n"), VIEW("Hello\r\n"), DKIM_LENGTH_UNLIMITED);
	struct buf public, other;
	struct bench *bench;
	struct dkim_verify *verify;

	(void)state;
	message = view_of(talloc_asprintf(mem, "%.*s.", (int)message.n, message.p)); /* another body: no record verifies */
	buf_init(&public, mem, 8192);
	buf_init(&other, mem, 8192);
	assert_int_equal(dkim_private_key_public_text(ed_key, &public), 0);
	assert_int_equal(dkim_private_key_public_text(rsa_key, &other), 0);
	bench = bench_new(mem, talloc_asprintf(mem, "s._domainkey.example.com TXT \"k=ed25519; p=%s\"\n"
	                                            "s._domainkey.example.com TXT \"t=y; p=%s\"\n", buf_string(&public),
	                                       buf_string(&other)));
	verify = verify_message(mem, bench, message, 100);
	assert_int_equal(dkim_verify_result(verify, 0)->reason, DKIM_REASON_BODY_HASH_DIFFERS);
	assert_false(dkim_verify_result(verify, 0)->test_mode);
	assert_int_equal(dkim_verify_result(verify, 0)->key_bits, 256);
	talloc_free(verify);
	bench_free(bench);
	talloc_free(mem);
}

static void test_unsigned(void **state)
{
	void *mem = talloc_new(NULL);
	struct bench *bench = bench_new(mem, "");
	struct dkim_verify *verify = verify_message(mem, bench, VIEW("From: joe@example.com\r\n\r\nHello\r\n"), 100);

	(void)state;
	assert_int_equal(dkim_verify_count(verify), 0);
	assert_int_equal(dkim_verify_found(verify), 0);
	talloc_free(verify);
	bench_free(bench);
	talloc_free(mem);
}

struct dns_row {
	const char *name;
	const char *rule;    /* of the key's name, see t/dns_server.py */
	unsigned timeout_ms, budget_ms;
	enum dkim_reason want;
};

static const struct dns_row dns_rows[] = {
	{ "R65 SERVFAIL is temperror", "SERVFAIL", 5000, 5000, DKIM_REASON_KEY_UNAVAILABLE },
	{ "R65 REFUSED is temperror", "REFUSED", 5000, 5000, DKIM_REASON_KEY_UNAVAILABLE },
	{ "R65 silence is temperror", "DROP", 300, 5000, DKIM_REASON_KEY_TIMEOUT },
	{ "R65 NXDOMAIN is permerror", "NXDOMAIN", 5000, 5000, DKIM_REASON_NO_KEY },
	{ "R65 NODATA is permerror", "NODATA", 5000, 5000, DKIM_REASON_NO_KEY },
	{ "R93 the budget of the message ends the wait", "DROP", 20000, 300, DKIM_REASON_BUDGET_SPENT },
};

/* The budget begins at the end of the body; until then, and between calls, the answer is "not yet". */
static void test_dns(void **state)
{
	const struct dns_row *row = *state;
	void *mem = talloc_new(NULL);
	struct dns_server server;
	const char *servers[] = { server.address };
	const struct dkim_resolver_params resolver_params = { .servers = servers, .server_count = 1, .timeout_ms = row->timeout_ms };
	const struct dkim_verify_params params = { .minimum_rsa_bits = 1024, .maximum_signatures = 8, .budget_ms = row->budget_ms };
	struct view message = forge(mem, ed_key, "v=1; a=ed25519-sha256; d=example.com; s=s; h=from", NULL,
	                            VIEW("From: joe@example.com\r\n"), VIEW("Hello\r\n"), DKIM_LENGTH_UNLIMITED);
	struct bench bench = { .params = params };
	struct header_list *headers;
	struct dkim_verify *verify;
	struct view body;
	char *error;
	int r;

	dns_server_start(&server, talloc_asprintf(mem, "s._domainkey.example.com %s\n", row->rule));
	assert_int_equal(dkim_resolver_new(mem, &resolver_params, &bench.resolver, &error), 0);
	assert_int_equal(dkim_key_cache_new(bench.resolver, 10, DKIM_KEY_CACHE_OCTETS, &bench.cache), 0);
	assert_int_equal(header_list_new(mem, NULL, &headers), 0);
	assert_int_equal(header_list_parse(headers, message, &body), 0);
	assert_int_equal(dkim_verify_new(mem, &bench.params, bench.cache, NOW, headers, &verify), 0);
	assert_int_equal(dkim_verify_body(verify, body), 0);
	while ((r = dkim_verify_finish(verify, 50)) == 1)
		;
	assert_int_equal(r, 0);
	assert_string_equal(dkim_reason_text(dkim_verify_result(verify, 0)->reason), dkim_reason_text(row->want));
	talloc_free(verify);
	dkim_key_cache_free(bench.cache);
	dkim_resolver_free(bench.resolver);
	dns_server_stop(&server);
	talloc_free(mem);
}

/* DNS is not asked for what it cannot have, or when too many of that zone's names are out already. */
static void verify_by(void *mem, struct dkim_resolver *resolver, const char *domain, const char *selector, enum dkim_reason want)
{
	struct bench bench = { .params = { .minimum_rsa_bits = 1024, .maximum_signatures = 8, .budget_ms = 5000 }, .resolver = resolver };
	struct view message = forge(mem, ed_key, talloc_asprintf(mem, "v=1; a=ed25519-sha256; d=%s; s=%s; h=from", domain, selector), NULL,
	                            VIEW("From: joe@example.com\r\n"), VIEW("Hello\r\n"), DKIM_LENGTH_UNLIMITED);
	struct dkim_verify *verify;

	assert_int_equal(dkim_key_cache_new(resolver, 10, DKIM_KEY_CACHE_OCTETS, &bench.cache), 0);
	verify = verify_message(mem, &bench, message, 100);
	assert_string_equal(dkim_reason_text(dkim_verify_result(verify, 0)->reason), dkim_reason_text(want));
	talloc_free(verify);
	dkim_key_cache_free(bench.cache);
}

#define LABEL_50 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void test_not_asked(void **state)
{
	void *mem = talloc_new(NULL);
	struct dkim_query *queries[DKIM_QUERIES_PER_ZONE_MAX];
	struct dkim_resolver *resolver;
	struct dns_server server;
	const char *servers[] = { server.address };
	const struct dkim_resolver_params params = { .servers = servers, .server_count = 1, .timeout_ms = 20000 };
	char *error;

	(void)state;
	dns_server_start(&server, "*.example.com DROP\n");
	assert_int_equal(dkim_resolver_new(mem, &params, &resolver, &error), 0);
	verify_by(mem, resolver, LABEL_50 "." LABEL_50 "." LABEL_50 "." LABEL_50, LABEL_50, DKIM_REASON_KEY_NAME_TOO_LONG);
	for (int i = 0; i < DKIM_QUERIES_PER_ZONE_MAX; i++)
		assert_int_equal(dkim_query_start(resolver, view_of(talloc_asprintf(mem, "n%d.example.com", i)), &queries[i]), 0);
	verify_by(mem, resolver, "sub.example.com", "s", DKIM_REASON_KEY_UNAVAILABLE);
	for (int i = 0; i < DKIM_QUERIES_PER_ZONE_MAX; i++)
		dkim_query_free(queries[i]);
	dkim_resolver_free(resolver);
	dns_server_stop(&server);
	talloc_free(mem);
}

static void test_forged_record(void **state)
{
	void *mem = talloc_new(NULL);
	struct dkim_resolver *resolver;
	struct dns_server server;
	const char *servers[] = { server.address };
	const struct dkim_resolver_params params = { .servers = servers, .server_count = 1, .timeout_ms = 20000, .trust_anchor = server.anchor };
	char *error;

	(void)state;
	dns_server_start(&server, "example.com SIGNED\ns._domainkey.example.com TXT \"v=DKIM1; p=\"\ns._domainkey.example.com BOGUS\n");
	assert_int_equal(dkim_resolver_new(mem, &params, &resolver, &error), 0);
	verify_by(mem, resolver, "example.com", "s", DKIM_REASON_KEY_BOGUS);
	dkim_resolver_free(resolver);
	dns_server_stop(&server);
	talloc_free(mem);
}

static const struct rfc_row rfc_rows[] = {
	{ "RFC 6376 appendix A", "rfc6376-a.eml" },
	{ "R79 RFC 8463 appendix A", "rfc8463-a.eml" },
};

int main(void)
{
	int r;

	if (dkim_private_key_init() < 0 || dkim_private_key_generate(DKIM_KEY_RSA, 2048, &rsa_key) < 0 ||
	    dkim_private_key_generate(DKIM_KEY_RSA, 1024, &weak_key) < 0 ||
	    dkim_private_key_generate(DKIM_KEY_ED25519, 0, &ed_key) < 0)
		return 1;
	TEST_ROWS(rows, test_row);
	TEST_ROWS(idn_rows, test_idn);
	TEST_ROWS(rfc_rows, test_rfc_message);
	TEST_ROWS(dns_rows, test_dns);
	test_add("R30 a broken signature does not stop the next, R93 at most so many are looked at", test_several_signatures);
	test_add("R67 several records: the one that verifies decides, R61 test mode is seen", test_several_records);
	test_add("R61 the test mode of a record that decides nothing does not count", test_deciding_record);
	test_add("R87 no signature", test_unsigned);
	test_add("R71 a name too long for DNS, R93 too many questions about one zone", test_not_asked);
	test_add("R65 a forged record is temperror", test_forged_record);
	r = test_run("verify");
	dkim_private_key_free(rsa_key);
	dkim_private_key_free(weak_key);
	dkim_private_key_free(ed_key);
	return r;
}
