#include "t/fuzz/keys.h"

#include "t/fuzz/fuzz.h"

#include <sanitizer/lsan_interface.h>

/* LeakSanitizer does not look into OpenSSL's secure heap, where an RSA key lives: what OpenSSL has elsewhere and only the
 * key points to may seem lost at exit. The targets private_key and key_record, which keep no key, still see leaks there. */
const char *__lsan_default_suppressions(void)
{
	return "leak:libcrypto\n";
}

struct dkim_private_key *make_key(enum dkim_key_type type)
{
	struct dkim_private_key *key;

	CLAIM(dkim_private_key_init() == 0);
	CLAIM(dkim_private_key_generate(type, DKIM_RSA_BITS_MIN_SIGN, &key) == 0);
	return key;
}
