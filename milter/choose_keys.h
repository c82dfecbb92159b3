/* Which keys sign a message: those of the sections `key`, and those that the tables name for its author. */
#ifndef MILTER_CHOOSE_KEYS_H
#define MILTER_CHOOSE_KEYS_H

#include "dkim/domain.h"
#include "milter/gate.h"

/* Each signature adds some 600 octets to the message and costs a signing; no sender needs as many. */
#define CHOOSE_KEYS_MAX 32

struct chosen_keys {
	struct dkim_sign_key keys[CHOOSE_KEYS_MAX];
	const struct loaded_key *loaded[CHOOSE_KEYS_MAX]; /* the same keys */
	size_t count;
	size_t left_out; /* beyond the maximum */
	bool missing;    /* a key of this sender could not be loaded */
	bool idle;       /* a key of this sender does not sign yet, or any more: its state */
};

/* Choose.
 *   mem   owns what the domains and identities of ret point to, as far as they are new
 *   from  the author
 * Returns 0 or -ENOMEM. */
int choose_keys(void *mem, const struct gate *gate, const struct from_mailbox *from, struct chosen_keys *ret);

#endif
