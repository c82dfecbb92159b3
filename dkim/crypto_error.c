#include "dkim/crypto_error.h"

#include "dkim/secure_heap.h"

#include <openssl/crypto.h>
#include <openssl/cryptoerr.h>
#include <openssl/err.h>

static bool is_out_of_memory(unsigned long error)
{
	if (ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE)
		return true;
	return ERR_GET_LIB(error) == ERR_LIB_CRYPTO && ERR_GET_REASON(error) == CRYPTO_R_SECURE_MALLOC_FAILURE;
}

bool crypto_out_of_memory(void)
{
	bool out_of_memory = secure_heap_ran_out(); /* much of OpenSSL 3.0 leaves nothing in the queue then */
	unsigned long error;

	while ((error = ERR_get_error()))
		out_of_memory |= is_out_of_memory(error);
	return out_of_memory;
}
