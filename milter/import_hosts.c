#include "milter/import_hosts.h"

#include "milter/cmd.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>
#include <talloc.h>

/* A contiguous netmask as its number of bits. */
static bool mask_bits(const char *text, long long *ret)
{
	struct in_addr mask;
	uint32_t bits;

	if (inet_pton(AF_INET, text, &mask) != 1)
		return false;
	bits = ntohl(mask.s_addr);
	if ((~bits & (~bits + 1)) != 0)
		return false;
	*ret = __builtin_popcount(bits);
	return true;
}

static void clear_host_part(uint8_t *address, int octets, long long prefix)
{
	for (int i = 0; i < octets; i++) {
		long long kept = prefix - 8LL * i;
		unsigned mask = kept >= 8 ? 0xff : kept <= 0 ? 0 : (0xffU << (8 - kept)) & 0xff;

		address[i] = (uint8_t)(address[i] & mask);
	}
}

static bool parse(const char *address, const char *prefix, int family, char text[INET6_ADDRSTRLEN], long long *ret_prefix)
{
	uint8_t octets[sizeof(struct in6_addr)];
	int count = family == AF_INET ? 4 : 16;

	*ret_prefix = 8LL * count;
	if (inet_pton(family, address, octets) != 1)
		return false;
	if (prefix && cmd_number(prefix, 0, 8LL * count, ret_prefix) < 0 && !(family == AF_INET && mask_bits(prefix, ret_prefix)))
		return false;
	clear_host_part(octets, count, *ret_prefix);
	return inet_ntop(family, octets, text, INET6_ADDRSTRLEN) != NULL;
}

bool import_network(void *mem, const char *text, char **ret)
{
	char *copy = talloc_strdup(mem, text), *address = copy, *slash = copy ? strchr(copy, '/') : NULL, *bracket;
	char shown[INET6_ADDRSTRLEN];
	long long prefix;
	bool found;

	*ret = NULL;
	if (!copy)
		return true;
	if (slash)
		*slash = '\0';
	bracket = strchr(address, ']');
	if (*address == '[' && bracket && !bracket[1]) {
		*bracket = '\0';
		address++;
	}
	found = parse(address, slash ? slash + 1 : NULL, AF_INET, shown, &prefix) ||
	        parse(address, slash ? slash + 1 : NULL, AF_INET6, shown, &prefix);
	if (found)
		*ret = slash ? talloc_asprintf(mem, "%s/%lld", shown, prefix) : talloc_strdup(mem, shown);
	talloc_free(copy);
	return found;
}
