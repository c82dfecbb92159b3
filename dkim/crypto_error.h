/* What OpenSSL's error queue says after a failure. */
#ifndef DKIM_CRYPTO_ERROR_H
#define DKIM_CRYPTO_ERROR_H

#include <stdbool.h>

/* True when an allocation failed in between: OpenSSL's functions report that like any other failure.
 * Empties the calling thread's queue. */
bool crypto_out_of_memory(void);

#endif
