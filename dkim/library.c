#include "dkim/library.h"

#include <openssl/crypto.h>
#include <sodium.h>
#include <unbound.h>

bool dkim_library_version(size_t i, struct dkim_library *ret)
{
	const struct dkim_library libraries[] = {
		{ "OpenSSL", OpenSSL_version(OPENSSL_FULL_VERSION_STRING) },
		{ "libsodium", sodium_version_string() },
		{ "libunbound", ub_version() },
	};

	if (i >= sizeof libraries / sizeof *libraries)
		return false;
	*ret = libraries[i];
	return true;
}
