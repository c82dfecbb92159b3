/* Private keys that a target keeps for the life of its process. */
#ifndef T_FUZZ_KEYS_H
#define T_FUZZ_KEYS_H

#include "dkim/private_key.h"

/* A new key; RSA as short as is signed with, for speed. */
struct dkim_private_key *make_key(enum dkim_key_type type);

#endif
