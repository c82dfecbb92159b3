/*
 * Private keys: loaded once at start, kept in memory that is locked, left out of core dumps and
 * fenced by guard pages, wiped when freed. Call dkim_private_key_init() before anything else.
 *
 * Where the secret octets are: an Ed25519 key in libsodium's guarded memory, made read-only; an RSA key, its
 * Montgomery forms and what parsing left behind in OpenSSL's secure heap (secure_heap.h says how); a key
 * file in libsodium's memory while it is read. A test searches the process for copies elsewhere.
 * While a signature is made, OpenSSL's intermediate numbers are in ordinary memory; it wipes them.
 * Memory that cannot be locked (RLIMIT_MEMLOCK) is used all the same; the rest holds then too.
 */
#ifndef DKIM_PRIVATE_KEY_H
#define DKIM_PRIVATE_KEY_H

#include "dkim/algorithm.h"
#include "dkim/buf.h"

#include <stdint.h>
#include <sys/types.h>

struct dkim_private_key; /* immutable after load: may be used by several threads at once */

#define DKIM_PRIVATE_KEY_FILE_MAX (64 * 1024) /* octets; a 16,384-bit RSA key in PEM has 13,000 */
#define DKIM_RSA_BITS_MIN_SIGN 1024           /* RFC 8301 section 3.2 (R76) */

/* Prepare guarded memory (libsodium, OpenSSL's secure heap), and fetch SHA-256: OpenSSL may remember a fetch that failed,
 * so a process should not start after one. Before OpenSSL has been used at all in this process (it
 * is given its allocation functions here) and before threads; a second call does nothing.
 * Returns 0, -ENOMEM or -EIO. */
int dkim_private_key_init(void);

/* Load a key file: PEM (PKCS#1 or PKCS#8, RSA or Ed25519), or an Ed25519 seed of 32 octets in base64.
 * The file must be a regular file, readable, not empty, and nobody but its owner and its group may
 * reach it: no permission for others, no write for the group; owner root or the effective user.
 * Symbolic links are followed; the checks look at the file that was opened.
 *   ret_error  on failure: a talloc string (of mem) that names path and fault, wanted and got
 *              ("/etc/k.pem: wanted no access for others, got mode 0644")
 *   ret        written only on success; free with dkim_private_key_free()
 * An RSA key has 1024 to 16384 bits (R76), and one signature of it has been checked. Encrypted keys are refused.
 * Returns 0, -ENOMEM, or another negative errno that says the same as the text. */
int dkim_private_key_load(void *mem, const char *path, struct dkim_private_key **ret, char **ret_error);

/* The same from octets that are already in memory; `name` stands for the path in the error. */
int dkim_private_key_parse(void *mem, const char *name, struct view text, struct dkim_private_key **ret, char **ret_error);

/* Make a new key. bits only counts for RSA. Returns 0, -EINVAL (bits outside 1024..8192), -ENOMEM or -EIO. */
int dkim_private_key_generate(enum dkim_key_type type, unsigned bits, struct dkim_private_key **ret);

/* Append the key as PKCS#8 PEM (both types). buf's memory is the caller's to wipe. Returns 0, -EIO, -ENOMEM, or -EMSGSIZE
 * when it is more than buf may hold. */
int dkim_private_key_pem(const struct dkim_private_key *key, struct buf *out);

/* Append the base64 text of p= : SubjectPublicKeyInfo for RSA, 32 raw octets for Ed25519.
 * Returns 0, -EIO, -ENOMEM, -EMSGSIZE. */
int dkim_private_key_public_text(const struct dkim_private_key *key, struct buf *out);

enum dkim_key_type dkim_private_key_type(const struct dkim_private_key *key);
unsigned dkim_private_key_bits(const struct dkim_private_key *key);

/* When the key's file was last changed, in seconds since 1970 (st_mtime): the key is not older. -1 when it came from no file. */
int64_t dkim_private_key_modified(const struct dkim_private_key *key);

/* Sign a SHA-256 digest: RSASSA-PKCS1-v1_5, or PureEdDSA over the digest (RFC 8463 section 3).
 * Appends the base64 text for b=. Returns 0, -ENOMEM, -EIO or -EMSGSIZE. */
int dkim_private_key_sign(const struct dkim_private_key *key, const uint8_t digest[DKIM_DIGEST_OCTETS], struct buf *out);

/* Wipes and frees; takes NULL. */
void dkim_private_key_free(struct dkim_private_key *key);

#endif
