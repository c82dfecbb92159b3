#include "conf/values.h"
#include "t/unit/support.h"

#include <errno.h>
#include <sys/un.h>
#include <talloc.h>

struct number_row {
	const char *name;
	value_parser *parse;
	struct value_rule rule;
	const char *text;
	int result;
	uint64_t want;
};

#define RANGE(low, high) { .minimum = (low), .maximum = (high) }

static const struct number_row number_rows[] = {
	{ "number: the least",                 value_number, RANGE(3, 9), "3", 0, 3 },
	{ "number: the largest",               value_number, RANGE(3, 9), "9", 0, 9 },
	{ "number: below",                     value_number, RANGE(3, 9), "2", -EINVAL, 0 },
	{ "number: above",                     value_number, RANGE(3, 9), "10", -EINVAL, 0 },
	{ "number: leading zeros are decimal", value_number, RANGE(0, 99), "010", 0, 10 },
	{ "number: sign",                      value_number, RANGE(0, 9), "-1", -EINVAL, 0 },
	{ "number: plus",                      value_number, RANGE(0, 9), "+1", -EINVAL, 0 },
	{ "number: blank",                     value_number, RANGE(0, 9), " 1", -EINVAL, 0 },
	{ "number: hexadecimal",               value_number, RANGE(0, 99), "0x10", -EINVAL, 0 },
	{ "number: word",                      value_number, RANGE(0, 9), "many", -EINVAL, 0 },
	{ "number: empty",                     value_number, RANGE(0, 9), "", -EINVAL, 0 },
	{ "number: unit",                      value_number, RANGE(0, 9), "1K", -EINVAL, 0 },
	{ "number: 2^64 does not wrap",        value_number, RANGE(0, 9), "18446744073709551616", -EINVAL, 0 },
	{ "size: octets",                      value_size, RANGE(0, UINT64_MAX), "4096", 0, 4096 },
	{ "size: K",                           value_size, RANGE(0, UINT64_MAX), "64K", 0, 65536 },
	{ "size: M",                           value_size, RANGE(0, UINT64_MAX), "2M", 0, 2097152 },
	{ "size: G",                           value_size, RANGE(0, UINT64_MAX), "1G", 0, 1073741824 },
	{ "size: small letter",                value_size, RANGE(0, UINT64_MAX), "2m", -EINVAL, 0 },
	{ "size: fraction",                    value_size, RANGE(0, UINT64_MAX), "1.5M", -EINVAL, 0 },
	{ "size: unit alone",                  value_size, RANGE(0, UINT64_MAX), "M", -EINVAL, 0 },
	{ "size: the range counts octets",     value_size, RANGE(0, 2047), "2K", -EINVAL, 0 },
	{ "size: 2^64 in M does not wrap",     value_size, RANGE(0, UINT64_MAX), "17592186044416M", -EINVAL, 0 },
	{ "time: milliseconds",                value_milliseconds, RANGE(0, 1000000), "500ms", 0, 500 },
	{ "time: seconds",                     value_milliseconds, RANGE(0, 1000000), "5s", 0, 5000 },
	{ "time: minutes",                     value_milliseconds, RANGE(0, 1000000), "2m", 0, 120000 },
	{ "time: nothing has no unit",         value_milliseconds, RANGE(0, 1000000), "0", 0, 0 },
	{ "time: another number has one",      value_milliseconds, RANGE(0, 1000000), "5", -EINVAL, 0 },
	{ "time: unknown unit",                value_milliseconds, RANGE(0, 1000000), "5 s", -EINVAL, 0 },
	{ "time: above",                       value_milliseconds, RANGE(0, 1000), "1001ms", -EINVAL, 0 },
	{ "time: nothing may be too little",   value_milliseconds, RANGE(1, 1000), "0", -EINVAL, 0 },
	{ "seconds: hours",                    value_seconds, RANGE(0, UINT32_MAX), "2h", 0, 7200 },
	{ "seconds: days",                     value_seconds, RANGE(0, UINT32_MAX), "7d", 0, 604800 },
	{ "seconds: whole ones in ms",         value_seconds, RANGE(0, UINT32_MAX), "3000ms", 0, 3 },
	{ "seconds: half of one",              value_seconds, RANGE(0, UINT32_MAX), "1500ms", -EINVAL, 0 },
	{ "mode: four digits",                 value_mode, RANGE(0, 0777), "0660", 0, 0660 },
	{ "mode: three digits",                value_mode, RANGE(0, 0777), "600", 0, 0600 },
	{ "mode: not octal",                   value_mode, RANGE(0, 0777), "0680", -EINVAL, 0 },
	{ "mode: set-uid",                     value_mode, RANGE(0, 0777), "4755", -EINVAL, 0 },
	{ "mode: too short to be meant",       value_mode, RANGE(0, 0777), "60", -EINVAL, 0 },
	{ "mode: letters",                     value_mode, RANGE(0, 0777), "rw-", -EINVAL, 0 },
};

static uint64_t field_value(value_parser *parse, const void *field)
{
	return parse == value_size ? *(const size_t *)field : parse == value_mode ? *(const mode_t *)field : *(const unsigned *)field;
}

static void test_number(void **state)
{
	const struct number_row *row = *state;
	size_t field = 0, bad = 99;

	assert_int_equal(row->parse(NULL, &row->rule, &row->text, 1, &field, &bad), row->result);
	assert_int_equal(field_value(row->parse, &field), row->want);
	assert_int_equal(bad, 0);
}

struct valid_row {
	const char *name;
	bool (*is_valid)(const char *text);
	const char *text;
	bool want;
};

#define LABEL_63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define DOMAIN_253 LABEL_63 "." LABEL_63 "." LABEL_63 ".aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct valid_row valid_rows[] = {
	{ "domain: usual",                              value_is_domain, "mail.example.com", true },
	{ "domain: A-label",                            value_is_domain, "xn--bcher-kva.example", true },
	{ "domain: underscore",                         value_is_domain, "_x.example.com", true },
	{ "domain: U-label (R100: A-labels)",           value_is_domain, "b\xc3\xbc" "cher.example", false },
	{ "domain: 63 octets in a label (R71)",         value_is_domain, LABEL_63 ".example", true },
	{ "domain: 64 octets in a label (R71)",         value_is_domain, "a" LABEL_63 ".example", false },
	{ "domain: 253 octets (R71)",                   value_is_domain, DOMAIN_253, true },
	{ "domain: 254 octets (R71)",                   value_is_domain, DOMAIN_253 "a", false },
	{ "domain: dot at the end (R71)",               value_is_domain, "example.com.", false },
	{ "domain: dot at the start",                   value_is_domain, ".example.com", false },
	{ "domain: two dots",                           value_is_domain, "example..com", false },
	{ "domain: hyphen at the end of a label",       value_is_domain, "example-.com", false },
	{ "domain: empty",                              value_is_domain, "", false },
	{ "domain: wildcard",                           value_is_domain, "*.example.com", false },
	{ "domain: address",                            value_is_domain, "user@example.com", false },
	{ "selector: with dots (R70)",                  value_is_selector, "s1.2026", true },
	{ "selector: empty means the title",            value_is_selector, "", true },
	{ "selector: blank",                            value_is_selector, "my key", false },
	{ "header name: usual",                         value_is_header_name, "List-Unsubscribe-Post", true },
	{ "header name: colon",                         value_is_header_name, "Subject:", false },
	{ "header name: blank",                         value_is_header_name, "X Y", false },
	{ "header name: 8 bit",                         value_is_header_name, "X-\xc3\xbc", false },
	{ "header name: empty",                         value_is_header_name, "", false },
	{ "authserv-id: host name",                     value_is_authserv_id, "mx.example.net", true },
	{ "authserv-id: empty means macro j",           value_is_authserv_id, "", true },
	{ "authserv-id: blank",                         value_is_authserv_id, "mx example", false },
	{ "authserv-id: semicolon",                     value_is_authserv_id, "mx;x", false },
	{ "authserv-id: line end",                      value_is_authserv_id, "mx\n", false },
	{ "user: usual",                                value_is_user, "postern", true },
	{ "user: Samba's dollar",                       value_is_user, "host$", true },
	{ "user: empty",                                value_is_user, "", false },
	{ "user: an option of a command",               value_is_user, "-x", false },
	{ "user: path",                                 value_is_user, "a/b", false },
	{ "group: empty leaves it",                     value_is_group, "", true },
	{ "path: absolute",                             value_is_path, "/etc/postern/keys/a b.pem", true },
	{ "path: relative",                             value_is_path, "keys/a.pem", false },
	{ "path: empty",                                value_is_path, "", false },
	{ "path or empty: empty",                       value_is_path_or_empty, "", true },
	{ "path or empty: relative",                    value_is_path_or_empty, "a", false },
	{ "daemon name: usual",                         value_is_daemon_name, "ORIGINATING", true },
	{ "daemon name: empty",                         value_is_daemon_name, "", false },
	{ "socket: IPv4",                               value_is_socket, "inet:4443@127.0.0.1", true },
	{ "socket: all of IPv4",                        value_is_socket, "inet:4443", true },
	{ "socket: IPv6",                               value_is_socket, "inet6:4443@::1", true },
	{ "socket: IPv6 in brackets",                   value_is_socket, "inet6:4443@[::1]", true },
	{ "socket: host name",                          value_is_socket, "inet:4443@localhost", true },
	{ "socket: any port",                           value_is_socket, "inet:0@127.0.0.1", true },
	{ "socket: port too high",                      value_is_socket, "inet:65536@127.0.0.1", false },
	{ "socket: no port",                            value_is_socket, "inet:@127.0.0.1", false },
	{ "socket: @ without host",                     value_is_socket, "inet:4443@", false },
	{ "socket: Postfix's order",                    value_is_socket, "inet:127.0.0.1:4443", false },
	{ "socket: unix",                               value_is_socket, "unix:/run/postern/in", true },
	{ "socket: local is unix",                      value_is_socket, "local:/run/postern/in", true },
	{ "socket: unix, relative",                     value_is_socket, "unix:in", false },
	{ "socket: systemd",                            value_is_socket, "systemd:inbound", true },
	{ "socket: systemd without name",               value_is_socket, "systemd:", false },
	{ "socket: systemd, colon in the name",         value_is_socket, "systemd:a:b", false },
	{ "socket: path alone",                         value_is_socket, "/run/postern/in", false },
	{ "socket: empty",                              value_is_socket, "", false },
};

static void test_valid(void **state)
{
	const struct valid_row *row = *state;

	assert_int_equal(row->is_valid(row->text), row->want);
}

static void test_socket_path_length(void **state)
{
	char text[sizeof "unix:" + sizeof ((struct sockaddr_un *)NULL)->sun_path] = "unix:/";
	const size_t longest = sizeof ((struct sockaddr_un *)NULL)->sun_path - 1;

	(void)state;
	memset(text + strlen("unix:/"), 'x', longest - 1);
	assert_true(value_is_socket(text));
	text[strlen("unix:") + longest] = 'x';
	assert_false(value_is_socket(text));
}

struct server_row {
	const char *name;
	const char *text;
	int result;
};

static const struct server_row server_rows[] = {
	{ "server: IPv4",               "127.0.0.1",       0 },
	{ "server: IPv4 and port",      "127.0.0.1@5353",  0 },
	{ "server: IPv6",               "2001:db8::53",    0 },
	{ "server: IPv6 and port",      "::1@53",          0 },
	{ "server: colon before port",  "127.0.0.1:5353",  -EINVAL },
	{ "server: network",            "192.0.2.0/24",    -EINVAL },
	{ "server: name",               "dns.example.com", -EINVAL },
	{ "server: port 0",             "127.0.0.1@0",     -EINVAL },
	{ "server: port too high",      "127.0.0.1@65536", -EINVAL },
	{ "server: no port behind @",   "127.0.0.1@",      -EINVAL },
	{ "server: empty",              "",                -EINVAL },
};

static void test_server(void **state)
{
	const struct server_row *row = *state;
	const char *values[] = { "192.0.2.53", row->text };
	const struct value_rule rule = { 0 };
	struct conf_dns dns = { 0 };
	size_t bad = 99;
	void *mem = talloc_new(NULL);

	assert_int_equal(value_servers(mem, &rule, values, 2, &dns, &bad), row->result);
	if (row->result) {
		assert_int_equal(bad, 1);
		assert_null(dns.servers);
	} else {
		assert_int_equal(dns.server_count, 2);
		assert_string_equal(dns.servers[1], row->text);
		assert_null(dns.servers[2]);
	}
	talloc_free(mem);
}

struct domain_row {
	const char *name;
	const char *text;
	const char *want; /* NULL: refused */
};

static const struct domain_row domain_rows[] = {
	{ "R100 a domain in ASCII stays as it is", "Mail.Example.com", "Mail.Example.com" },
	{ "R100 an A-label stays as it is", "xn--bcher-kva.example", "xn--bcher-kva.example" },
	{ "R100 a U-label is mapped", "B\xc3\xbc" "cher.example", "xn--bcher-kva.example" },
	{ "R100 a U-label is mapped, not in NFC", "bu\xcc\x88" "cher.example", "xn--bcher-kva.example" },
	{ "R110 bad IDNA", "\xf0\x9f\x98\x80.example", NULL },
	{ "R110 not UTF-8", "b\xfc" "cher.example", NULL },
	{ "R110 a U-label and an empty label", "b\xc3\xbc" "cher..example", NULL },
	{ "R110 a U-label and a blank", "b\xc3\xbc" "cher .example", NULL },
};

static void test_domain(void **state)
{
	const struct domain_row *row = *state;
	const struct value_rule rule = { .is_valid = value_is_domain };
	const char *field = NULL;
	size_t bad = 99;
	void *mem = talloc_new(NULL);

	assert_int_equal(value_domain(mem, &rule, &row->text, 1, &field, &bad), row->want ? 0 : -EINVAL);
	assert_int_equal(bad, 0);
	if (row->want)
		assert_string_equal(field, row->want);
	else
		assert_null(field);
	talloc_free(mem);
}

static void test_networks(void **state)
{
	static const char *const values[] = { "192.0.2.0/24", "::1", "nowhere" };
	const struct value_rule rule = { 0 };
	struct conf_networks networks = { 0 };
	size_t bad = 99;
	void *mem = talloc_new(NULL);

	(void)state;
	assert_int_equal(value_networks(mem, &rule, values, 3, &networks, &bad), -EINVAL);
	assert_int_equal(bad, 2);
	assert_null(networks.network);
	assert_int_equal(value_networks(mem, &rule, values, 2, &networks, &bad), 0);
	assert_int_equal(networks.count, 2);
	assert_int_equal(networks.network[1].family, AF_INET6);
	assert_int_equal(value_networks(mem, &rule, NULL, 0, &networks, &bad), 0);
	assert_int_equal(networks.count, 0);
	talloc_free(mem);
}

static void test_canonicalization(void **state)
{
	static const char *const right = "simple/relaxed", *const alone = "relaxed", *const wrong = "strict/relaxed";
	const struct value_rule rule = { 0 };
	struct conf_sign sign = { .header_canon = CONF_RELAXED, .body_canon = CONF_SIMPLE };
	size_t bad = 99;

	(void)state;
	assert_int_equal(value_canonicalization(NULL, &rule, &alone, 1, &sign, &bad), -EINVAL);
	assert_int_equal(value_canonicalization(NULL, &rule, &wrong, 1, &sign, &bad), -EINVAL);
	assert_int_equal(sign.header_canon, CONF_RELAXED);
	assert_int_equal(value_canonicalization(NULL, &rule, &right, 1, &sign, &bad), 0);
	assert_int_equal(sign.header_canon, CONF_SIMPLE);
	assert_int_equal(sign.body_canon, CONF_RELAXED);
}

static void test_words(void **state)
{
	static const struct value_word words[] = { { "accept", CONF_ACCEPT }, { "reject", CONF_REJECT }, { NULL, 0 } };
	static const char *const right = "reject", *const other_case = "Reject", *const start = "rej", *const empty = "";
	const struct value_rule rule = { .words = words };
	enum conf_action action = CONF_TEMPFAIL;
	size_t bad = 99;

	(void)state;
	assert_int_equal(value_enum(NULL, &rule, &other_case, 1, &action, &bad), -EINVAL);
	assert_int_equal(value_enum(NULL, &rule, &start, 1, &action, &bad), -EINVAL);
	assert_int_equal(value_enum(NULL, &rule, &empty, 1, &action, &bad), -EINVAL);
	assert_int_equal(action, CONF_TEMPFAIL);
	assert_int_equal(value_enum(NULL, &rule, &right, 1, &action, &bad), 0);
	assert_int_equal(action, CONF_REJECT);
}

int main(void)
{
	TEST_ROWS(number_rows, test_number);
	TEST_ROWS(valid_rows, test_valid);
	TEST_ROWS(server_rows, test_server);
	TEST_ROWS(domain_rows, test_domain);
	test_add("a socket's path has the length that the kernel takes", test_socket_path_length);
	test_add("networks: the one at fault is named", test_networks);
	test_add("canonicalization: both halves are said", test_canonicalization);
	test_add("words compare as they are", test_words);
	return test_run("conf_values");
}
