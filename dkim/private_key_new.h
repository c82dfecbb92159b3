/* How private keys come to be, for private_key_parse.c. */
#ifndef DKIM_PRIVATE_KEY_NEW_H
#define DKIM_PRIVATE_KEY_NEW_H

#include "dkim/private_key.h"

#include <openssl/types.h>

/* Make OpenSSL's key ours: it is taken over, also on failure. Between secure_heap_enter() and secure_heap_leave().
 * Returns 0, -ENOMEM, or -EBADMSG when it cannot sign: its numbers do not fit together. */
int private_key_adopt_rsa(EVP_PKEY *rsa, struct dkim_private_key **ret);

/* seed: crypto_sign_SEEDBYTES octets; NULL: a random one. Returns 0, -ENOMEM or -EIO. */
int private_key_new_ed25519(const uint8_t *seed, struct dkim_private_key **ret);

/* Where dkim_private_key_modified() has it from. */
void private_key_set_modified(struct dkim_private_key *key, int64_t modified);

#endif
