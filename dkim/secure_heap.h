/*
 * OpenSSL's secure heap, made to hold all of a private key: mapped between guard pages, left
 * out of core dumps, locked as far as RLIMIT_MEMLOCK allows, wiped when freed.
 *
 * By itself OpenSSL 3 puts there only the numbers of a parsed RSA key. The DER octets that its PEM
 * decoder passes through stay behind unwiped in the ordinary heap, and the Montgomery form that the
 * first signature caches holds both primes there for as long as the key lives (both seen by
 * searching the memory of a process). Hence own allocation functions for OpenSSL: between
 * secure_heap_enter() and secure_heap_leave() whatever OpenSSL allocates in that thread
 * comes from the secure heap. Outside they are malloc() and free().
 */
#ifndef DKIM_SECURE_HEAP_H
#define DKIM_SECURE_HEAP_H

#include <stdbool.h>

/* Octets, a power of two; pages are only taken when touched. The first key takes 340,000 (OpenSSL keeps what
 * it looks up), each further one 6,200 (RSA-2048) or 10,800 (RSA-4096): room for 2,600 of the former. To have it
 * locked takes CAP_IPC_LOCK or an RLIMIT_MEMLOCK of this much and one page for each Ed25519 key. */
#define SECURE_HEAP_OCTETS (16 * 1024 * 1024)

/* Before OpenSSL has allocated anything in this process, else OpenSSL refuses. Doing it again does nothing.
 * A secure heap that cannot be locked in memory is used all the same. Returns 0 or -EIO. */
int secure_heap_init(void);

/* For the calling thread; no nesting. */
void secure_heap_enter(void);
void secure_heap_leave(void);

/* True when memory for OpenSSL, from either heap, could not be had in this thread since this was last asked. */
bool secure_heap_ran_out(void);

#endif
