#include "conf/network.h"
#include "t/unit/support.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>

struct parse_row {
	const char *name;
	const char *text;
	int result;
	sa_family_t family;
	unsigned prefix;
};

static const struct parse_row parse_rows[] = {
	{ "an IPv4 network",                      "192.0.2.0/24",            0, AF_INET, 24 },
	{ "a single IPv4 address",                "192.0.2.7",               0, AF_INET, 32 },
	{ "all of IPv4",                          "0.0.0.0/0",               0, AF_INET, 0 },
	{ "a prefix inside an octet",             "192.0.2.128/25",          0, AF_INET, 25 },
	{ "an IPv6 network",                      "2001:db8::/32",           0, AF_INET6, 32 },
	{ "a single IPv6 address",                "::1",                     0, AF_INET6, 128 },
	{ "mapped IPv6 becomes IPv4",             "::ffff:192.0.2.0/120",    0, AF_INET, 24 },
	{ "all of mapped IPv6 is all of IPv4",    "::ffff:0:0/96",           0, AF_INET, 0 },
	{ "a shorter prefix is no mapped one",    "::/64",                   0, AF_INET6, 64 },
	{ "a host part is refused",               "192.0.2.1/24",            -EINVAL, 0, 0 },
	{ "a host part inside an octet",          "192.0.2.192/25",          -EINVAL, 0, 0 },
	{ "an IPv6 host part is refused",         "2001:db8::1/32",          -EINVAL, 0, 0 },
	{ "a prefix beyond 32",                   "192.0.2.0/33",            -EINVAL, 0, 0 },
	{ "a prefix beyond 128",                  "2001:db8::/129",          -EINVAL, 0, 0 },
	{ "a prefix of many digits",              "0.0.0.0/4294967296",      -EINVAL, 0, 0 },
	{ "an empty prefix",                      "192.0.2.0/",              -EINVAL, 0, 0 },
	{ "a negative prefix",                    "192.0.2.0/-1",            -EINVAL, 0, 0 },
	{ "a prefix with a leading zero",         "192.0.2.0/024",           -EINVAL, 0, 0 },
	{ "a netmask",                            "192.0.2.0/255.255.255.0", -EINVAL, 0, 0 },
	{ "two slashes",                          "192.0.2.0/24/24",         -EINVAL, 0, 0 },
	{ "three numbers",                        "192.0.2",                 -EINVAL, 0, 0 },
	{ "a host name",                          "localhost",               -EINVAL, 0, 0 },
	{ "nothing",                              "",                        -EINVAL, 0, 0 },
	{ "longer than any address", "2001:0db8:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000/32", -EINVAL, 0, 0 },
};

static void test_parse(void **state)
{
	const struct parse_row *row = *state;
	struct conf_network network = { .prefix = 999 };

	assert_int_equal(conf_network_parse(row->text, &network), row->result);
	if (row->result) {
		assert_int_equal(network.prefix, 999);
		return;
	}
	assert_int_equal(network.family, row->family);
	assert_int_equal(network.prefix, row->prefix);
}

struct contains_row {
	const char *name;
	const char *network;
	const char *address;
	bool inside;
};

static const struct contains_row contains_rows[] = {
	{ "first address",                       "192.0.2.0/24",     "192.0.2.0",          true },
	{ "last address",                        "192.0.2.0/24",     "192.0.2.255",        true },
	{ "one below",                           "192.0.2.0/24",     "192.0.1.255",        false },
	{ "one above",                           "192.0.2.0/24",     "192.0.3.0",          false },
	{ "last address, prefix in an octet",    "192.0.2.0/25",     "192.0.2.127",        true },
	{ "one above, prefix in an octet",       "192.0.2.0/25",     "192.0.2.128",        false },
	{ "everything is in /0",                 "0.0.0.0/0",        "203.0.113.9",        true },
	{ "no IPv6 in IPv4's /0",                "0.0.0.0/0",        "2001:db8::1",        false },
	{ "a mapped client counts as IPv4",      "192.0.2.0/24",     "::ffff:192.0.2.9",   true },
	{ "a mapped client is not in IPv6's /0", "::/0",             "::ffff:192.0.2.9",   false },
	{ "IPv6",                                "2001:db8::/32",    "2001:db8:ffff::1",   true },
	{ "IPv6 outside",                        "2001:db8::/32",    "2001:db9::1",        false },
	{ "a single address",                    "::1",              "::1",                true },
	{ "next to a single address",            "::1",              "::2",                false },
};

static void test_contains(void **state)
{
	const struct contains_row *row = *state;
	struct conf_network networks[2];
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	const bool is_v4 = !strchr(row->address, ':');

	assert_int_equal(conf_network_parse("198.51.100.1", &networks[0]), 0);
	assert_int_equal(conf_network_parse(row->network, &networks[1]), 0);
	assert_int_equal(inet_pton(is_v4 ? AF_INET : AF_INET6, row->address, is_v4 ? (void *)&in.sin_addr : &in6.sin6_addr), 1);
	assert_int_equal(conf_network_contains(networks, 2, is_v4 ? (struct sockaddr *)&in : (struct sockaddr *)&in6), row->inside);
	assert_false(conf_network_contains(networks, 0, (struct sockaddr *)&in));
}

static void test_other_family(void **state)
{
	const struct sockaddr local = { .sa_family = AF_UNIX };
	struct conf_network all[2];

	(void)state;
	assert_int_equal(conf_network_parse("0.0.0.0/0", &all[0]), 0);
	assert_int_equal(conf_network_parse("::/0", &all[1]), 0);
	assert_false(conf_network_contains(all, 2, &local));
}

int main(void)
{
	TEST_ROWS(parse_rows, test_parse);
	TEST_ROWS(contains_rows, test_contains);
	test_add("a unix socket's client is in no network", test_other_family);
	return test_run("network");
}
