/* One section key of the configuration in a worker. */
#ifndef MILTER_GATE_KEY_H
#define MILTER_GATE_KEY_H

#include "conf/conf.h"
#include "milter/loaded_key.h"

#include <stdatomic.h>

struct gate_key {
	const struct conf_key *conf;
	struct loaded_key *loaded; /* NULL: could not be loaded; sign.on-key-error decides for its domain if it is active */
	atomic_bool proven;        /* state next: DNS has shown it for long enough (key_proof.h) */
};

/* Is this key to sign now? One that is active is, loaded or not. */
static inline bool gate_key_signs(const struct gate_key *key)
{
	return key->conf->state == CONF_KEY_ACTIVE || (key->conf->state == CONF_KEY_NEXT && atomic_load(&key->proven));
}

#endif
