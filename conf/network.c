#include "conf/network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

static const uint8_t mapped_prefix[12] = { [10] = 0xff, [11] = 0xff }; /* RFC 4291 section 2.5.5.2 */

static unsigned address_bits(sa_family_t family)
{
	return family == AF_INET ? 32 : 128;
}

/* The first `prefix` bits of both are equal. */
static bool bits_equal(const uint8_t *a, const uint8_t *b, unsigned prefix)
{
	const unsigned octets = prefix / 8, rest = prefix % 8;

	if (memcmp(a, b, octets) != 0)
		return false;
	return rest == 0 || ((a[octets] ^ b[octets]) >> (8 - rest)) == 0;
}

static bool host_bits_are_zero(const struct conf_network *network)
{
	for (unsigned bit = network->prefix; bit < address_bits(network->family); bit++)
		if (network->address[bit / 8] & (0x80U >> (bit % 8)))
			return false;
	return true;
}

static int parse_prefix(const char *text, unsigned maximum, unsigned *ret)
{
	unsigned prefix = 0;
	const size_t digits = strspn(text, "0123456789");

	if (digits == 0 || digits > 3 || text[digits] != '\0' || (digits > 1 && text[0] == '0'))
		return -EINVAL;
	for (; *text; text++)
		prefix = prefix * 10 + (unsigned)(*text - '0');
	if (prefix > maximum)
		return -EINVAL;
	*ret = prefix;
	return 0;
}

static void unmap(struct conf_network *network)
{
	if (network->family != AF_INET6 || network->prefix < 96 ||
	    memcmp(network->address, mapped_prefix, sizeof mapped_prefix) != 0)
		return;
	memmove(network->address, network->address + sizeof mapped_prefix, 4);
	memset(network->address + 4, 0, 12);
	network->family = AF_INET;
	network->prefix -= 96;
}

int conf_network_parse(const char *text, struct conf_network *ret)
{
	struct conf_network network = { .family = strchr(text, ':') ? AF_INET6 : AF_INET };
	const char *slash = strchr(text, '/');
	const size_t n = slash ? (size_t)(slash - text) : strlen(text);
	char address[INET6_ADDRSTRLEN];

	if (n >= sizeof address)
		return -EINVAL;
	memcpy(address, text, n);
	address[n] = '\0';
	if (inet_pton(network.family, address, network.address) != 1)
		return -EINVAL;
	network.prefix = address_bits(network.family);
	if (slash && parse_prefix(slash + 1, network.prefix, &network.prefix))
		return -EINVAL;
	if (!host_bits_are_zero(&network))
		return -EINVAL;
	unmap(&network);
	*ret = network;
	return 0;
}

static bool take_address(const struct sockaddr *address, struct conf_network *ret)
{
	*ret = (struct conf_network){ .family = address->sa_family };
	if (address->sa_family == AF_INET) {
		struct sockaddr_in in;

		memcpy(&in, address, sizeof in);
		memcpy(ret->address, &in.sin_addr, 4);
	} else if (address->sa_family == AF_INET6) {
		struct sockaddr_in6 in6;

		memcpy(&in6, address, sizeof in6);
		memcpy(ret->address, &in6.sin6_addr, 16);
	} else {
		return false;
	}
	ret->prefix = address_bits(ret->family);
	unmap(ret);
	return true;
}

bool conf_network_contains(const struct conf_network *networks, size_t count, const struct sockaddr *address)
{
	struct conf_network client;

	if (!take_address(address, &client))
		return false;
	for (size_t i = 0; i < count; i++)
		if (networks[i].family == client.family && bits_equal(networks[i].address, client.address, networks[i].prefix))
			return true;
	return false;
}
