#include "dkim/signature.h"
#include "t/unit/support.h"

#include <stdio.h>
#include <talloc.h>

#define BODY_HASH "frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY="

static void *mem; /* of names that are mapped */

/* A signature without fault is a text of these, each replaced or left out by a row. */
static const char *const good[] = { "v=1", "a=rsa-sha256", "b=dGVzdA==", ("bh=" BODY_HASH), "d=example.com", "h=From:To", "s=sel" };

struct row {
	const char *name;
	const char *tag; /* replaces the one of the same name, or is added at the end; "x" alone takes x= out */
	enum dkim_reason want;
};

static const struct row rows[] = {
	{ "R9 all required tags", "v=1", DKIM_REASON_PASS },
	{ "R1 v= is required", "v", DKIM_REASON_NO_VERSION },
	{ "R1 v=2", "v=2", DKIM_REASON_BAD_VERSION },
	{ "R1 v=01", "v=01", DKIM_REASON_BAD_VERSION },
	{ "R1 v=1.0", "v=1.0", DKIM_REASON_BAD_VERSION },
	{ "R1 an empty v=", "v=", DKIM_REASON_BAD_VERSION },
	{ "R2 V= is not v=", "V=1", DKIM_REASON_PASS },
	{ "R4 unknown tags are ignored", "foo=bar", DKIM_REASON_PASS },
	{ "R9 no a=", "a", DKIM_REASON_TAG_MISSING },
	{ "R9 no b=", "b", DKIM_REASON_TAG_MISSING },
	{ "R9 no bh=", "bh", DKIM_REASON_TAG_MISSING },
	{ "R9 no d=", "d", DKIM_REASON_TAG_MISSING },
	{ "R9 no h=", "h", DKIM_REASON_TAG_MISSING },
	{ "R9 no s=", "s", DKIM_REASON_TAG_MISSING },
	{ "R9 an empty a=", "a=", DKIM_REASON_TAG_MISSING },
	{ "R9 an empty b=", "b=", DKIM_REASON_TAG_MISSING },
	{ "R9 an empty bh=", "bh= \r\n ", DKIM_REASON_TAG_MISSING },
	{ "R9 an empty d=", "d=", DKIM_REASON_TAG_MISSING },
	{ "R9 an empty h=", "h=", DKIM_REASON_TAG_MISSING },
	{ "R9 an empty s=", "s=", DKIM_REASON_TAG_MISSING },
	{ "R10 an unknown a=", "a=rsa-sha512", DKIM_REASON_BAD_ALGORITHM },
	{ "R10 a= in any case", "a=RSA-Sha256", DKIM_REASON_PASS },
	{ "R78 a=ed25519-sha256", "a=ed25519-sha256", DKIM_REASON_PASS },
	{ "R74 a=rsa-sha1 is policy", "a=rsa-sha1", DKIM_REASON_SHA1 },
	{ "R10 a= has no blanks inside", "a=rsa -sha256", DKIM_REASON_BAD_ALGORITHM },
	{ "R8 FWS inside b=", "b= dG\r\n Vz\tdA = =\r\n ", DKIM_REASON_PASS },
	{ "R8 b= is not base64", "b=dGV!dA==", DKIM_REASON_BAD_SIGNATURE_DATA },
	{ "R29 b= has no 8-bit octets", "b=dGVz\xc3\xa4==", DKIM_REASON_BAD_SIGNATURE_DATA },
	{ "R8 FWS inside bh=", "bh=frcCV1k9oG9oKj3dpUqdJg1P\r\n xRT2RSN/XKdLCPjaYaY=", DKIM_REASON_PASS },
	{ "R9 bh= is not base64", "bh=frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYa?=", DKIM_REASON_BAD_BODY_HASH },
	{ "R9 bh= is too short", "bh=dGVzdA==", DKIM_REASON_BAD_BODY_HASH },
	{ "R9 bh= is too long", "bh=frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaYA", DKIM_REASON_BAD_BODY_HASH },
	{ "R11 c=relaxed", "c=relaxed", DKIM_REASON_PASS },
	{ "R11 c= in any case", "c=Relaxed/SIMPLE", DKIM_REASON_PASS },
	{ "R11 an unknown header canonicalization", "c=nofws/simple", DKIM_REASON_BAD_CANONICALIZATION },
	{ "R11 an unknown body canonicalization", "c=relaxed/nofws", DKIM_REASON_BAD_CANONICALIZATION },
	{ "R11 three canonicalizations", "c=relaxed/simple/simple", DKIM_REASON_BAD_CANONICALIZATION },
	{ "R11 no body canonicalization behind the slash", "c=relaxed/", DKIM_REASON_BAD_CANONICALIZATION },
	{ "R11 no header canonicalization before the slash", "c=/relaxed", DKIM_REASON_BAD_CANONICALIZATION },
	{ "R11 an empty c=", "c=", DKIM_REASON_BAD_CANONICALIZATION },
	{ "R71 d= with a dot at its end", "d=example.com.", DKIM_REASON_BAD_DOMAIN },
	{ "R71 d= with an empty label", "d=example..com", DKIM_REASON_BAD_DOMAIN },
	{ "R71 d= with a long label", "d=a123456789012345678901234567890123456789012345678901234567890123.com", DKIM_REASON_BAD_DOMAIN },
	{ "R13 d= with a blank inside", "d=example .com", DKIM_REASON_BAD_DOMAIN },
	{ "R13 d= with an at sign", "d=@example.com", DKIM_REASON_BAD_DOMAIN },
	{ "R108 d= with U-labels", "d=ex\xc3\xa4mple.com", DKIM_REASON_PASS },
	{ "R108 d= is the A-label, i= the U-label", "d=xn--exmple-cua.com; i=a@ex\xc3\xa4mple.com", DKIM_REASON_PASS },
	{ "R108 d= is the U-label, i= the A-label", "d=ex\xc3\xa4mple.com; i=a@mail.XN--exmple-cua.com", DKIM_REASON_PASS },
	{ "R108 i= has capitals and is not in NFC", "d=ex\xc3\xa4mple.com; i=a@EXA\xcc\x88MPLE.com", DKIM_REASON_PASS },
	{ "R108 i= is another U-label", "d=ex\xc3\xa4mple.com; i=a@ex\xc3\xb6mple.com", DKIM_REASON_IDENTITY_OUTSIDE },
	{ "R14 a U-label that only ends alike", "d=b\xc3\xbc.example; i=a@bb\xc3\xbc.example", DKIM_REASON_IDENTITY_OUTSIDE },
	{ "R108 s= with a U-label", "s=schl\xc3\xbcssel", DKIM_REASON_PASS },
	{ "R72 d= is a single U-label", "d=\xe0\xa4\xad\xe0\xa4\xbe\xe0\xa4\xb0\xe0\xa4\xa4", DKIM_REASON_TOP_LEVEL_DOMAIN },
	{ "R71 a U-label longer in UTF-8 than an A-label may be",
	  "d=\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc"
	  "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc"
	  "\xc3\xbc\xc3\xbc\xc3\xbc.example", DKIM_REASON_PASS },
	{ "R71 the key's name is too long for DNS once s= is mapped",
	  "s=\xc3\xa4" "123456789012345678901234567890123456789012345678.b12345678901234567890123456789012345678901234567890123456789."
	  "c12345678901234567890123456789012345678901234567890123456789.d1234567890123456789012345678901234567890123456789012345",
	  DKIM_REASON_KEY_NAME_TOO_LONG },
	{ "R110 d= is not UTF-8", "d=ex\xe4mple.com", DKIM_REASON_BAD_DOMAIN },
	{ "R110 d= has a symbol", "d=ex\xf0\x9f\x98\x80mple.com", DKIM_REASON_BAD_IDNA },
	{ "R110 s= begins with a combining mark", "s=\xcc\x88sel", DKIM_REASON_BAD_IDNA },
	{ "R110 i= has an A-label that is none", "i=a@xn--\xc3\xa4.example.com", DKIM_REASON_BAD_IDNA },
	{ "R110 d= maps to plain ASCII", "d=ex\xef\xbd\x81mple.com", DKIM_REASON_BAD_IDNA },
	{ "R110 i= has an ideographic full stop", "i=a@mail\xe3\x80\x82" "example.com", DKIM_REASON_BAD_IDNA },
	{ "R110 a bad value comes before bad IDNA", "d=\xf0\x9f\x98\x80.com; l=x", DKIM_REASON_BAD_LENGTH },
	{ "R29 c= has no 8-bit octets", "c=relaxed/simpl\xc3\xa9", DKIM_REASON_BAD_CANONICALIZATION },
	{ "R29 q= has no 8-bit octets", "q=dns/txt\xc3\xa9", DKIM_REASON_BAD_QUERY_METHOD },
	{ "R29 a= has no 8-bit octets", "a=rsa-sha256\xc3\xa9", DKIM_REASON_BAD_ALGORITHM },
	{ "R29 t= has no digits of other scripts", "t=\xd9\xa1", DKIM_REASON_BAD_TIMESTAMP },
	{ "R29 z= and unknown tags are not read, whatever their octets", "z=\xff; foo=\xc3\xa4", DKIM_REASON_PASS },
	{ "R72 d= is a single label", "d=com", DKIM_REASON_TOP_LEVEL_DOMAIN },
	{ "R70 s= with dots", "s=a.b.c", DKIM_REASON_PASS },
	{ "R70 s= with an empty label", "s=a..c", DKIM_REASON_BAD_SELECTOR },
	{ "R70 s= with a slash", "s=a/c", DKIM_REASON_BAD_SELECTOR },
	{ "R71 the key's name is too long for DNS",
	  "s=a12345678901234567890123456789012345678901234567890123456789.b12345678901234567890123456789012345678901234567890123456789."
	  "c12345678901234567890123456789012345678901234567890123456789.d1234567890123456789012345678901234567890123456789",
	  DKIM_REASON_KEY_NAME_TOO_LONG },
	{ "R16 h= without From", "h=To:Subject", DKIM_REASON_FROM_NOT_SIGNED },
	{ "R16 h= with From in any case", "h=to:fROM", DKIM_REASON_PASS },
	{ "R16 a name that only begins with From", "h=Fromm:To", DKIM_REASON_FROM_NOT_SIGNED },
	{ "R17 FWS around the colons of h=", "h=To \r\n\t: From : Date", DKIM_REASON_PASS },
	{ "R18 an empty name in h=", "h=From::To", DKIM_REASON_BAD_SIGNED_HEADERS },
	{ "R18 an empty name at the start of h=", "h=:From", DKIM_REASON_BAD_SIGNED_HEADERS },
	{ "R18 an empty name at the end of h=", "h=From:", DKIM_REASON_BAD_SIGNED_HEADERS },
	{ "R18 a blank inside a name of h=", "h=From:Sub ject", DKIM_REASON_BAD_SIGNED_HEADERS },
	{ "R29 h= has no 8-bit octets", "h=From:\xc3\xa4", DKIM_REASON_BAD_SIGNED_HEADERS },
	{ "R19 h= may list a name twice", "h=From:From:From", DKIM_REASON_PASS },
	{ "R21 h= may list DKIM-Signature", "h=From:DKIM-Signature", DKIM_REASON_PASS },
	{ "R15 i= without an at sign", "i=example.com", DKIM_REASON_BAD_IDENTITY },
	{ "R15 i= without a domain", "i=a@", DKIM_REASON_BAD_IDENTITY },
	{ "R15 an empty i=", "i=", DKIM_REASON_BAD_IDENTITY },
	{ "R15 i= without a local part", "i=@example.com", DKIM_REASON_PASS },
	{ "R15 a quoted-printable local part", "i=a=20b=3Bc=3dd@example.com", DKIM_REASON_PASS },
	{ "R15 bad quoted-printable", "i=a=2xb@example.com", DKIM_REASON_BAD_IDENTITY },
	{ "R15 quoted-printable cut short", "i=a=2@example.com", DKIM_REASON_BAD_IDENTITY },
	{ "R15 the domain follows the last at sign", "i=a@example.net@example.com", DKIM_REASON_PASS },
	{ "R109 a local part in UTF-8", "i=j\xc3\xb6rg@example.com", DKIM_REASON_PASS },
	{ "R110 a local part that is not UTF-8", "i=j\xf6rg@example.com", DKIM_REASON_BAD_IDENTITY },
	{ "R14 i= is a subdomain", "i=a@mail.example.com", DKIM_REASON_PASS },
	{ "R13 i= in another case", "i=a@Mail.EXAMPLE.com", DKIM_REASON_PASS },
	{ "R14 i= only ends in the same letters", "i=a@badexample.com", DKIM_REASON_IDENTITY_OUTSIDE },
	{ "R14 i= is the parent", "i=a@com", DKIM_REASON_IDENTITY_OUTSIDE },
	{ "R14 i= is another domain", "i=a@example.net", DKIM_REASON_IDENTITY_OUTSIDE },
	{ "R22 l= with a letter", "l=10x", DKIM_REASON_BAD_LENGTH },
	{ "R22 a negative l=", "l=-1", DKIM_REASON_BAD_LENGTH },
	{ "R22 an empty l=", "l=", DKIM_REASON_BAD_LENGTH },
	{ "R22 a blank in l=", "l=1 0", DKIM_REASON_BAD_LENGTH },
	{ "R22 t= with a letter", "t=1e9", DKIM_REASON_BAD_TIMESTAMP },
	{ "R22 a signed t=", "t=+1", DKIM_REASON_BAD_TIMESTAMP },
	{ "R22 an empty x=", "x=", DKIM_REASON_BAD_EXPIRATION },
	{ "R22 x= in hexadecimal", "x=0x10", DKIM_REASON_BAD_EXPIRATION },
	{ "R12 q=dns/txt", "q=dns/txt", DKIM_REASON_PASS },
	{ "R12 dns/txt anywhere in the list", "q=foo/bar:baz : DNS/TXT", DKIM_REASON_PASS },
	{ "R12 no known method", "q=foo/bar", DKIM_REASON_BAD_QUERY_METHOD },
	{ "R12 an empty q=", "q=", DKIM_REASON_BAD_QUERY_METHOD },
	{ "R28 z= is not read", "z=From:=zz|", DKIM_REASON_PASS },
	{ "R3 a duplicate tag", "d=example.com; d=example.com", DKIM_REASON_TAG_DUPLICATE },
	{ "R5 an empty tag-spec", "v=1;", DKIM_REASON_TAG_SYNTAX },
	{ "R23 x= is not after t=", "t=1000; x=1000", DKIM_REASON_EXPIRES_BEFORE_SIGNED },
	{ "R23 x= is after t=", "t=1000; x=1001", DKIM_REASON_PASS },
	{ "R25 t=0 is legal", "t=0", DKIM_REASON_PASS },
	{ "R22 24 digits in x= are many, not few", "t=1000; x=999999999999999999999999", DKIM_REASON_PASS },
	{ "6.1.1 a bad value comes before From not signed", "h=To; l=x", DKIM_REASON_BAD_LENGTH },
	{ "6.1.1 i= outside d= comes before From not signed", "h=To; i=@example.net", DKIM_REASON_IDENTITY_OUTSIDE },
};

/* The good tags in order, with the row's tag in place of the one of the same name. */
static size_t compose(const char *tag, char *room, size_t room_size)
{
	size_t name = strcspn(tag, "=");
	bool placed = tag[name] == '\0';
	size_t n = 0;

	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		bool same = strcspn(good[i], "=") == name && memcmp(good[i], tag, name) == 0;

		if (same && tag[name] == '\0')
			continue;
		n += (size_t)snprintf(room + n, room_size - n, "%s%s", n ? "; " : " ", same ? tag : good[i]);
		placed = placed || same;
	}
	if (!placed)
		n += (size_t)snprintf(room + n, room_size - n, "; %s", tag);
	assert_true(n < room_size);
	return n;
}

static void test_reason(void **state)
{
	const struct row *row = *state;
	struct dkim_signature signature;
	struct header_field field = { .name = VIEW("DKIM-Signature") };
	char room[2000];

	field.value = guarded((struct view){ room, compose(row->tag, room, sizeof room) });
	assert_string_equal(dkim_reason_text(dkim_signature_parse(mem, &field, &signature)), dkim_reason_text(row->want));
	assert_ptr_equal(signature.field, &field);
	guarded_free(field.value);
}

static struct dkim_signature parse(const char *tags, enum dkim_reason want)
{
	static struct header_field field;
	struct dkim_signature signature;

	field.value = view_of(tags);
	assert_string_equal(dkim_reason_text(dkim_signature_parse(mem, &field, &signature)), dkim_reason_text(want));
	return signature;
}

#define REQUIRED "v=1; a=rsa-sha256; bh=" BODY_HASH "; d=example.com; h=From:To; s=sel; "

static void test_defaults(void **state)
{
	struct dkim_signature s = parse(REQUIRED "b=dGVz", DKIM_REASON_PASS);

	(void)state;
	assert_int_equal(s.algorithm, DKIM_RSA_SHA256);
	assert_int_equal(s.header_canon, DKIM_SIMPLE);
	assert_int_equal(s.body_canon, DKIM_SIMPLE);
	assert_int_equal(s.identity.n, 0);
	assert_true(view_eq(s.identity_domain, VIEW("example.com")));
	assert_int_equal(s.body_length, DKIM_LENGTH_UNLIMITED);
	assert_int_equal(s.timestamp, -1);
	assert_int_equal(s.expiration, -1);
	assert_false(s.version_not_first);
	assert_int_equal(s.body_hash[0], 0x7e);
	assert_int_equal(s.body_hash[31], 0xa6);
}

static void test_values(void **state)
{
	struct dkim_signature s = parse("a=Ed25519-SHA256;bh=" BODY_HASH ";d=Example.COM;h= From \r\n : To ;s=S.l ;v=1;c=relaxed/relaxed;"
	                                "i=a=40b@m.example.com;l=0;t=12;x=123456789012; b \r\n =\r\n dG Vz\r\n ;q=dns/txt", DKIM_REASON_PASS);

	(void)state;
	assert_int_equal(s.algorithm, DKIM_ED25519_SHA256);
	assert_true(view_eq(s.algorithm_name, VIEW("Ed25519-SHA256")));
	assert_true(view_eq(s.signature_data, VIEW("dG Vz")));
	assert_true(view_eq(s.signature_raw, VIEW("\r\n dG Vz\r\n ")));
	assert_int_equal(s.header_canon, DKIM_RELAXED);
	assert_int_equal(s.body_canon, DKIM_RELAXED);
	assert_true(view_eq(s.signing_domain, VIEW("Example.COM")));
	assert_true(view_eq(s.signed_headers, VIEW("From \r\n : To")));
	assert_true(view_eq(s.identity, VIEW("a=40b@m.example.com")));
	assert_true(view_eq(s.identity_domain, VIEW("m.example.com")));
	assert_int_equal(s.body_length, 0);
	assert_true(view_eq(s.selector, VIEW("S.l")));
	assert_int_equal(s.timestamp, 12);
	assert_int_equal(s.expiration, 123456789012);
	assert_true(s.version_not_first);
}

/* Mapped names stand in for the ones of the field; what has no other form stays as written. */
static void test_mapped(void **state)
{
	struct dkim_signature s = parse("v=1; a=rsa-sha256; bh=" BODY_HASH "; d=B\xc3\xbc" "cher.Example; h=From; s=schl\xc3\xbcssel.a; b=dGVz; "
	                                "i=j\xc3\xb6rg=40@post.b\xc3\xbc" "cher.example", DKIM_REASON_PASS);

	(void)state;
	assert_true(view_eq(s.signing_domain, VIEW("xn--bcher-kva.Example")));
	assert_true(view_eq(s.selector, VIEW("xn--schlssel-95a.a")));
	assert_true(view_eq(s.identity, VIEW("j\xc3\xb6rg=40@post.xn--bcher-kva.example")));
	assert_true(view_eq(s.identity_domain, VIEW("post.xn--bcher-kva.example")));
	s = parse("v=1; a=rsa-sha256; bh=" BODY_HASH "; d=b\xc3\xbc" "cher.example; h=From; s=sel; b=dGVz", DKIM_REASON_PASS);
	assert_true(view_eq(s.identity_domain, VIEW("xn--bcher-kva.example")));
	assert_int_equal(s.identity.n, 0);
}

/* A name that has no A-label is left out of the report, the others stay. */
static void test_bad_idna(void **state)
{
	struct dkim_signature s = parse("v=1; a=rsa-sha256; bh=" BODY_HASH "; d=\xf0\x9f\x98\x80.example; h=From; s=sel; b=dGVz; "
	                                "i=a@\xf0\x9f\x98\x80.example", DKIM_REASON_BAD_IDNA);

	(void)state;
	assert_int_equal(s.signing_domain.n, 0);
	assert_int_equal(s.identity.n, 0);
	assert_int_equal(s.identity_domain.n, 0);
	assert_true(view_eq(s.selector, VIEW("sel")));
}

static void test_relaxed_alone(void **state)
{
	struct dkim_signature s = parse(REQUIRED "b=dGVz; c=relaxed", DKIM_REASON_PASS);

	(void)state;
	assert_int_equal(s.header_canon, DKIM_RELAXED);
	assert_int_equal(s.body_canon, DKIM_SIMPLE);
}

static void test_numbers(void **state)
{
	(void)state;
	assert_int_equal(parse(REQUIRED "b=dGVz; l=9223372036854775806", DKIM_REASON_PASS).body_length, INT64_MAX - 1);
	assert_int_equal(parse(REQUIRED "b=dGVz; l=9223372036854775807", DKIM_REASON_PASS).body_length, INT64_MAX);
	assert_int_equal(parse(REQUIRED "b=dGVz; l=9223372036854775808", DKIM_REASON_PASS).body_length, INT64_MAX);
	assert_int_equal(parse(REQUIRED "b=dGVz; l=18446744073709551617", DKIM_REASON_PASS).body_length, INT64_MAX);
	assert_int_equal(parse(REQUIRED "b=dGVz; l=0000000000000000000000000000000000000000000000000000000000000000000007",
	                       DKIM_REASON_PASS).body_length, 7);
	assert_int_equal(parse(REQUIRED "b=dGVz; x=7777777777777777777777777777777777777777777777777777777777777777777777",
	                       DKIM_REASON_PASS).expiration, INT64_MAX);
}

static void test_report_of_failure(void **state)
{
	struct dkim_signature s = parse("v=1; a=rsa-sha256; bh=?; d=example.com; h=From; s=sel; b=dGVz; l=x; i=bad", DKIM_REASON_BAD_BODY_HASH);

	(void)state;
	assert_int_equal(s.algorithm, DKIM_RSA_SHA256);
	assert_true(view_eq(s.signing_domain, VIEW("example.com")));
	assert_true(view_eq(s.selector, VIEW("sel")));
	assert_true(view_eq(s.signature_data, VIEW("dGVz")));
	assert_true(view_eq(s.identity_domain, VIEW("example.com")));
	assert_int_equal(s.identity.n, 0);
	assert_int_equal(s.body_length, DKIM_LENGTH_UNLIMITED);
	s = parse("v=2; a=foo; d=-bad!-; s=sel", DKIM_REASON_BAD_VERSION);
	assert_int_equal(s.algorithm, DKIM_ALGORITHM_UNKNOWN);
	assert_true(view_eq(s.algorithm_name, VIEW("foo")));
	assert_int_equal(s.signing_domain.n, 0);
	assert_true(view_eq(s.selector, VIEW("sel")));
}

/* Section 6.1.1 checks in this order; policy comes last. */
static void test_order(void **state)
{
	(void)state;
	parse("v=2; v=1", DKIM_REASON_TAG_DUPLICATE);
	parse("v=2; a=rsa-sha256", DKIM_REASON_BAD_VERSION);
	parse("v=1; a=foo", DKIM_REASON_TAG_MISSING);
	parse("v=1; a=rsa-sha1; b=dGVz; bh=2jmj7l5rSw0yVb/vlWAYkK/YBwk=; d=com; h=To; s=sel; t=2; x=1", DKIM_REASON_EXPIRES_BEFORE_SIGNED);
	parse("v=1; a=rsa-sha1; b=dGVz; bh=2jmj7l5rSw0yVb/vlWAYkK/YBwk=; d=com; h=To; s=sel", DKIM_REASON_FROM_NOT_SIGNED);
	parse("v=1; a=rsa-sha1; b=dGVz; bh=2jmj7l5rSw0yVb/vlWAYkK/YBwk=; d=com; h=From; s=sel", DKIM_REASON_SHA1);
}

static void test_covers(void **state)
{
	struct dkim_signature s = parse(REQUIRED "b=dGVz", DKIM_REASON_PASS);

	(void)state;
	assert_true(dkim_signature_covers(&s, VIEW("tO")));
	assert_false(dkim_signature_covers(&s, VIEW("Subject")));
	assert_false(dkim_signature_covers(&s, VIEW("")));
	s = parse("", DKIM_REASON_TAG_SYNTAX);
	assert_false(dkim_signature_covers(&s, VIEW("From")));
}

static void test_noise_signatures(void **state)
{
	static const char *const words[] = { "v=1;", "a=rsa-sha256;", "b=dGVzdA==;", "bh=" BODY_HASH ";", "d=example.com;", "h=From:To;",
	                                     "s=sel;", "c=relaxed/", "simple", ";", "i=", "@", "=40", "example.com", "l=", "t=1", "999999999",
	                                     "x=", "q=dns/txt:", "\r\n ", " ", "\xc3\xa4", ".", "xn--", "\xcc\x88", "\xd7\xa9", "\xf0\x9f\x98\x80", NULL };
	uint32_t seed = 611;
	char room[400];

	(void)state;
	for (int i = 0; i < 30000; i++) {
		struct dkim_signature s;
		struct header_field field = { .value = guarded(test_noise(&seed, words, room, sizeof room)) };

		if (dkim_signature_parse(mem, &field, &s) == DKIM_REASON_PASS)
			assert_true(dkim_signature_covers(&s, VIEW("From")));
		talloc_free_children(mem);
		guarded_free(field.value);
	}
}

/* One octet of a good signature changed: never a crash, and never a view that leaves the field. */
static void test_mutations(void **state)
{
	static const char text[] = REQUIRED "b=dGVz; c=relaxed/simple; i=a=40b@example.com; l=100; t=1; x=2; q=dns/txt";
	uint32_t seed = 35;

	(void)state;
	for (int i = 0; i < 30000; i++) {
		struct header_field field = { .value = guarded((struct view){ text, sizeof text - 1 - test_random(&seed) % 3 }) };
		char *octet = (char *)(uintptr_t)field.value.p + test_random(&seed) % field.value.n;
		struct dkim_signature s;

		*octet = test_random(&seed) % 2 ? (char)test_random(&seed) : ";=:@ \r\n/."[test_random(&seed) % 9];
		(void)dkim_signature_parse(mem, &field, &s);
		assert_true(s.identity_domain.n <= field.value.n && s.signature_raw.n <= field.value.n);
		guarded_free(field.value);
	}
}

int main(void)
{
	int code;

	mem = talloc_new(NULL);
	TEST_ROWS(rows, test_reason);
	test_add("R15 defaults: simple/simple, @d, no l=, t=, x=", test_defaults);
	test_add("R7 all values, b= in the middle", test_values);
	test_add("R108 names are mapped, local parts are not", test_mapped);
	test_add("R110 bad IDNA stands for no domain", test_bad_idna);
	test_add("R11 relaxed alone is relaxed/simple", test_relaxed_alone);
	test_add("R22 numbers beyond 63 bits saturate", test_numbers);
	test_add("R83 what could be read stays for the report", test_report_of_failure);
	test_add("R74 first fault first, rsa-sha1 with its hash of 20 octets last", test_order);
	test_add("R17 names of h= in any case", test_covers);
	test_add("noise made of tags", test_noise_signatures);
	test_add("one octet changed", test_mutations);
	code = test_run("signature");
	talloc_free(mem);
	return code;
}
