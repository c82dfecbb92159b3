#include "dkim/domain.h"
#include "t/unit/support.h"

#include <talloc.h>

#define LABEL_63 "a12345678901234567890123456789012345678901234567890123456789012"

#define LABEL_61 "a123456789012345678901234567890123456789012345678901234567890"

struct valid_row {
	const char *name;
	struct view domain;
	bool want;
};

static const struct valid_row valid_rows[] = {
	{ "R71 two labels", VIEW_INIT("example.com"), true },
	{ "R71 one label", VIEW_INIT("com"), true },
	{ "R71 digits, hyphens, underscores", VIEW_INIT("_dmarc.1-2.x--y.Example"), true },
	{ "R71 no dot at the end", VIEW_INIT("example.com."), false },
	{ "R71 no dot at the start", VIEW_INIT(".example.com"), false },
	{ "R71 no empty label", VIEW_INIT("example..com"), false },
	{ "R71 not empty", { NULL, 0 }, false },
	{ "R71 not a dot alone", VIEW_INIT("."), false },
	{ "R71 a label of 63 octets", VIEW_INIT(LABEL_63 ".com"), true },
	{ "R71 a label of 64 octets", VIEW_INIT(LABEL_63 "a.com"), false },
	{ "R71 253 octets", VIEW_INIT(LABEL_63 "." LABEL_63 "." LABEL_63 ".a12345678901234567890123456789012345678901234567890123456789b"), true },
	{ "R71 254 octets", VIEW_INIT(LABEL_63 "." LABEL_63 "." LABEL_63 ".a12345678901234567890123456789012345678901234567890123456789bc"), false },
	{ "R71 no blank", VIEW_INIT("exam ple.com"), false },
	{ "R71 no NUL", VIEW_INIT("example\0.com"), false },
	{ "R71 no slash", VIEW_INIT("exa/mple.com"), false },
	{ "R71 no backslash", VIEW_INIT("exa\\mple.com"), false },
	{ "R71 no domain-literal", VIEW_INIT("[192.0.2.1]"), false },
	{ "R108 U-labels", VIEW_INIT("b\xc3\xbc" "cher.example"), true },
	{ "R110 not UTF-8", VIEW_INIT("b\xfc" "cher.example"), false },
	{ "R71 a U-label of 252 octets", VIEW_INIT(LABEL_63 LABEL_63 LABEL_63 LABEL_61 "\xc3\xbc.example"), true },
	{ "R71 a U-label of 253 octets", VIEW_INIT(LABEL_63 LABEL_63 LABEL_63 LABEL_61 "\xc3\xbc" "a.example"), false },
	{ "R71 a label of 64 octets beside a U-label", VIEW_INIT(LABEL_63 "a.b\xc3\xbc" "cher.example"), false },
};

static void test_valid(void **state)
{
	const struct valid_row *row = *state;
	struct view domain = guarded(row->domain);

	assert_int_equal(domain_is_valid(domain), row->want);
	guarded_free(domain);
}

struct within_row {
	const char *name;
	struct view domain, parent;
	bool want;
};

static const struct within_row within_rows[] = {
	{ "R14 equal", VIEW_INIT("example.com"), VIEW_INIT("example.com"), true },
	{ "R13 equal but for case", VIEW_INIT("Example.COM"), VIEW_INIT("example.com"), true },
	{ "R14 below", VIEW_INIT("a.b.example.com"), VIEW_INIT("EXAMPLE.com"), true },
	{ "R14 the same end is not below", VIEW_INIT("badexample.com"), VIEW_INIT("example.com"), false },
	{ "R14 above", VIEW_INIT("com"), VIEW_INIT("example.com"), false },
	{ "R14 another", VIEW_INIT("example.net"), VIEW_INIT("example.com"), false },
	{ "R14 nothing is below nothing", { NULL, 0 }, { NULL, 0 }, false },
	{ "R14 nothing is a parent of none", VIEW_INIT("example.com"), VIEW_INIT(""), false },
};

static void test_within(void **state)
{
	const struct within_row *row = *state;
	struct view domain = guarded(row->domain), parent = guarded(row->parent);

	assert_int_equal(domain_is_within(domain, parent), row->want);
	guarded_free(domain);
	guarded_free(parent);
}

static void test_single_label(void **state)
{
	(void)state;
	assert_true(domain_is_single_label(VIEW("com")));
	assert_false(domain_is_single_label(VIEW("example.com")));
	assert_false(domain_is_single_label(VIEW("")));
}

struct from_row {
	const char *name;
	struct view value;
	enum from_reason want;
	const char *domain;
};

static const struct from_row from_rows[] = {
	{ "R94 an address alone", VIEW_INIT(" a@example.com"), FROM_OK, "example.com" },
	{ "R94 case stays as it is", VIEW_INIT("a@Example.COM"), FROM_OK, "Example.COM" },
	{ "R94 a display name", VIEW_INIT(" Joe Q. Public <john.q@example.com>"), FROM_OK, "example.com" },
	{ "R94 angle brackets alone", VIEW_INIT("<a@example.com>"), FROM_OK, "example.com" },
	{ "R94 folds everywhere", VIEW_INIT("\r\n Joe\r\n\t<\r\n a\r\n @\r\n example.com\r\n >\r\n "), FROM_OK, "example.com" },
	{ "R94 a quoted display name with an address in it", VIEW_INIT("\"x@example.net, <y@example.org>\" <a@example.com>"), FROM_OK, "example.com" },
	{ "R94 a quote inside a quoted display name", VIEW_INIT("\"a \\\" <x@example.net>\" <a@example.com>"), FROM_OK, "example.com" },
	{ "R94 a comment with an address in it", VIEW_INIT("(x@example.net) a@example.com (<y@example.org>)"), FROM_OK, "example.com" },
	{ "R94 comments in comments", VIEW_INIT("a(b(c)\\)d)@(e)example.com(f(g(h)))"), FROM_OK, "example.com" },
	{ "R94 an address as display name: the one in brackets counts", VIEW_INIT("x@example.net <a@example.com>"), FROM_OK, "example.com" },
	{ "R94 a quoted local part", VIEW_INIT("\"a b@example.net>\"@example.com"), FROM_OK, "example.com" },
	{ "R94 a quoted local part in brackets", VIEW_INIT("<\"<x@example.net>\"@example.com>"), FROM_OK, "example.com" },
	{ "R94 a local part with dots", VIEW_INIT("a.b.c@example.com"), FROM_OK, "example.com" },
	{ "R94 a route before the address", VIEW_INIT("<@example.net,@example.org:a@example.com>"), FROM_OK, "example.com" },
	{ "R94 several mailboxes: the first", VIEW_INIT("a@example.com, b@example.net"), FROM_OK, "example.com" },
	{ "R94 an empty item first", VIEW_INIT(" , ,a@example.com"), FROM_OK, "example.com" },
	{ "R94 a bare comma in the display name", VIEW_INIT("Doe, John <a@example.com>"), FROM_OK, "example.com" },
	{ "R94 a group (RFC 6854)", VIEW_INIT("Staff: Joe <a@example.com>, b@example.net;"), FROM_OK, "example.com" },
	{ "R94 an empty group, then a mailbox", VIEW_INIT("Nobody:;, a@example.com"), FROM_OK, "example.com" },
	{ "R94 an encoded word", VIEW_INIT("=?utf-8?q?J=C3=B6rg?= <a@example.com>"), FROM_OK, "example.com" },
	{ "R94 square brackets in the display name", VIEW_INIT("[List] Joe <a@example.com>"), FROM_OK, "example.com" },
	{ "R108 UTF-8 anywhere", VIEW_INIT("J\xc3\xb6rg <j\xc3\xb6rg@b\xc3\xbc" "cher.example>"), FROM_OK, "b\xc3\xbc" "cher.example" },
	{ "R105 the sender of a bounce", VIEW_INIT(" MAILER-DAEMON@mx.example.net (Mail Delivery System)"), FROM_OK, "mx.example.net" },
	{ "R94 an empty group", VIEW_INIT("Undisclosed senders:;"), FROM_NO_MAILBOX, NULL },
	{ "R94 nothing", VIEW_INIT(""), FROM_NO_MAILBOX, NULL },
	{ "R94 only blanks", VIEW_INIT(" \r\n\t"), FROM_NO_MAILBOX, NULL },
	{ "R94 only words", VIEW_INIT("root"), FROM_NO_MAILBOX, NULL },
	{ "R94 empty brackets", VIEW_INIT("<>"), FROM_NO_MAILBOX, NULL },
	{ "R94 no local part", VIEW_INIT("@example.com"), FROM_NO_MAILBOX, NULL },
	{ "R94 no local part in brackets", VIEW_INIT("Joe <@example.com>"), FROM_NO_MAILBOX, NULL },
	{ "R94 no local part in a group", VIEW_INIT("Staff: @example.com;"), FROM_NO_MAILBOX, NULL },
	{ "R94 no domain", VIEW_INIT("a@"), FROM_NO_MAILBOX, NULL },
	{ "R94 no domain in brackets", VIEW_INIT("<a@>"), FROM_NO_MAILBOX, NULL },
	{ "R94 two at signs", VIEW_INIT("a@example.net@example.com"), FROM_NO_MAILBOX, NULL },
	{ "R94 two at signs in brackets", VIEW_INIT("<a@example.net@example.com>"), FROM_NO_MAILBOX, NULL },
	{ "R94 two addresses without a comma", VIEW_INIT("a@example.net b@example.com"), FROM_NO_MAILBOX, NULL },
	{ "R94 words behind an address", VIEW_INIT("a@example.com Joe"), FROM_NO_MAILBOX, NULL },
	{ "R94 words behind the brackets", VIEW_INIT("<a@example.com> Joe"), FROM_NO_MAILBOX, NULL },
	{ "R94 two pairs of brackets", VIEW_INIT("<a@example.net> <b@example.com>"), FROM_NO_MAILBOX, NULL },
	{ "R94 brackets in brackets", VIEW_INIT("<<a@example.com>>"), FROM_NO_MAILBOX, NULL },
	{ "R94 brackets without end", VIEW_INIT("Joe <a@example.com"), FROM_NO_MAILBOX, NULL },
	{ "R94 brackets without start", VIEW_INIT("a@example.com>"), FROM_NO_MAILBOX, NULL },
	{ "R94 a quoted string without end", VIEW_INIT("\"Joe <a@example.com>"), FROM_NO_MAILBOX, NULL },
	{ "R94 a comment without end", VIEW_INIT("(Joe <a@example.com>"), FROM_NO_MAILBOX, NULL },
	{ "R94 a comment without start", VIEW_INIT("Joe) <a@example.com>"), FROM_NO_MAILBOX, NULL },
	{ "R94 an address as the name of a group", VIEW_INIT("a@example.net: b@example.com;"), FROM_NO_MAILBOX, NULL },
	{ "R94 a backslash at the end", VIEW_INIT("\"\\"), FROM_NO_MAILBOX, NULL },
	{ "R94 a route without address", VIEW_INIT("<@example.net>"), FROM_NO_MAILBOX, NULL },
	{ "R94 a domain-literal", VIEW_INIT("a@[192.0.2.1]"), FROM_BAD_DOMAIN, NULL },
	{ "R94 a domain-literal in brackets", VIEW_INIT("<a@[IPv6:2001:db8::1]>"), FROM_BAD_DOMAIN, NULL },
	{ "R71 a domain with a dot at its end", VIEW_INIT("a@example.com."), FROM_BAD_DOMAIN, NULL },
	{ "R110 a domain that is not UTF-8", VIEW_INIT("a@ex\xe4mple.com"), FROM_BAD_DOMAIN, NULL },
	{ "R38 a domain with NUL", VIEW_INIT("a@example\0.com"), FROM_BAD_DOMAIN, NULL },
};

static void test_from(void **state)
{
	const struct from_row *row = *state;
	struct view value = guarded(row->value);
	struct view domain = VIEW("untouched");

	assert_string_equal(from_reason_text(from_value_domain(value, &domain)), from_reason_text(row->want));
	assert_true(view_eq(domain, view_of(row->want == FROM_OK ? row->domain : "untouched")));
	guarded_free(value);
}

struct local_row {
	const char *name;
	struct view value;
	const char *local;
};

static const struct local_row local_rows[] = {
	{ "the local part", VIEW_INIT(" joe@example.com"), "joe" },
	{ "the local part in brackets", VIEW_INIT("Joe <joe@example.com>"), "joe" },
	{ "with dots", VIEW_INIT("Joe <a.b+c@example.com>"), "a.b+c" },
	{ "with quotes, which stay", VIEW_INIT("\"a b\"@example.com"), "\"a b\"" },
	{ "behind a route", VIEW_INIT("<@example.org:joe@example.com>"), "joe" },
	{ "without blanks around", VIEW_INIT("< joe @example.com>"), "joe" },
	{ "in a group", VIEW_INIT("Staff: joe@example.com;"), "joe" },
	{ "of the first mailbox", VIEW_INIT(", joe@example.com, ann@example.org"), "joe" },
	{ "behind words with commas", VIEW_INIT("Doe, Joe <joe@example.com>"), "joe" },
};

static void test_local(void **state)
{
	const struct local_row *row = *state;
	struct view value = guarded(row->value);
	struct from_mailbox mailbox;

	assert_int_equal(from_value_mailbox(value, &mailbox), FROM_OK);
	assert_true(view_eq(mailbox.local, view_of(row->local)));
	assert_true(view_eq(mailbox.domain, VIEW("example.com")));
	guarded_free(value);
}

static void test_from_count(void **state)
{
	struct header_list *list;
	struct view domain;

	(void)state;
	assert_int_equal(header_list_new(NULL, NULL, &list), 0);
	assert_int_equal(header_from_domain(list, &domain), FROM_MISSING);
	assert_int_equal(header_list_add(list, VIEW("Sender"), VIEW("a@example.com")), 0);
	assert_int_equal(header_from_domain(list, &domain), FROM_MISSING);
	assert_int_equal(header_list_add(list, VIEW("From"), VIEW("a@example.com")), 0);
	assert_int_equal(header_from_domain(list, &domain), FROM_OK);
	assert_int_equal(header_list_add(list, VIEW("fROM"), VIEW("a@example.com")), 0);
	assert_int_equal(header_from_domain(list, &domain), FROM_SEVERAL);
	talloc_free(list);
}

static void test_noise_from(void **state)
{
	static const char *const words[] = { "a@example.com", "<", ">", "@", "\"", "(", ")", ",", ";", ":", "\\", "[", "]", " ", "\r\n ",
	                                     "Joe", "example.com", ".", NULL };
	uint32_t seed = 5322;
	char room[60];
	size_t passed = 0;

	(void)state;
	for (int i = 0; i < 30000; i++) {
		struct view value = guarded(test_noise(&seed, words, room, sizeof room));
		struct view domain;

		if (from_value_domain(value, &domain) == FROM_OK) {
			assert_true(domain_is_valid(domain));
			assert_true(domain.p > value.p && domain.p + domain.n <= value.p + value.n);
			passed++;
		}
		guarded_free(value);
	}
	assert_true(passed > 100);
}

int main(void)
{
	TEST_ROWS(valid_rows, test_valid);
	TEST_ROWS(within_rows, test_within);
	test_add("R72 a single label", test_single_label);
	TEST_ROWS(from_rows, test_from);
	TEST_ROWS(local_rows, test_local);
	test_add("R94 exactly one From field", test_from_count);
	test_add("noise: a domain lies inside its field and is valid", test_noise_from);
	return test_run("domain");
}
