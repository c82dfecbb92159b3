/* A key file in memory: the private key, and the public half with which our own signatures are checked (R103). */
#ifndef MILTER_LOADED_KEY_H
#define MILTER_LOADED_KEY_H

#include "dkim/private_key.h"
#include "dkim/public_key.h"

struct loaded_key {
	struct dkim_private_key *key;
	struct dkim_public_key *public_key; /* NULL: longer than verifiers take (DKIM_RSA_BITS_MAX) */
};

/* A talloc child of mem that takes the key with it. As dkim_private_key_load() otherwise. */
int loaded_key_new(void *mem, const char *file, struct loaded_key **ret, char **ret_error);

#endif
