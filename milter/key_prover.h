/*
 * The keys of state `next` of a worker: one thread asks DNS for them at start and again when their answers have run out,
 * beside the mail, and ends when all may sign. The log has one line for each change of a key's status.
 */
#ifndef MILTER_KEY_PROVER_H
#define MILTER_KEY_PROVER_H

#include "dkim/key_cache.h"
#include "milter/gate_key.h"

struct key_prover; /* a talloc object; freeing it ends the thread */

/* Begin.
 *   cache  to ask; borrowed, must outlive the prover
 *   keys   those of state `next` that are loaded are proved; the prover sets their `proven`
 *   ret    NULL when there is none to prove
 * Returns 0, -ENOMEM or -EAGAIN (no thread). */
int key_prover_new(void *mem, struct dkim_key_cache *cache, struct gate_key *keys, size_t count, struct key_prover **ret);

#endif
