/* Public keys and the check of one signature value (RFC 6376 section 3.3, RFC 8463). */
#ifndef DKIM_PUBLIC_KEY_H
#define DKIM_PUBLIC_KEY_H

#include "dkim/algorithm.h"
#include "dkim/key_record.h"
#include "dkim/reason.h"

#include <stdint.h>

struct dkim_public_key; /* immutable after parse: may be used by several threads at once */

/* RSA keys above this are not even loaded: their check costs more than any mail is worth (R75).
 * They yield DKIM_REASON_KEY_TOO_LARGE. */
#define DKIM_RSA_BITS_MAX 8192

/* Nor those with a public exponent above this: 65537 has 17 bits, and OpenSSL takes no longer one with a modulus
 * above 3072 bits. An exponent as long as the modulus makes a check as dear as a signature. Also KEY_TOO_LARGE. */
#define DKIM_RSA_EXPONENT_BITS_MAX 64

/* Load the key of a record: RSA as SubjectPublicKeyInfo or bare RSAPublicKey (R69), Ed25519 as 32 raw octets (R78).
 * Nothing may follow the key.
 *   ret  a talloc object that belongs to mem; written only on DKIM_REASON_PASS
 * Returns DKIM_REASON_PASS, KEY_BAD_DATA, KEY_TOO_LARGE, OUT_OF_MEMORY. Short RSA keys load: the
 * minimum is the verifier's policy. */
enum dkim_reason dkim_public_key_parse(void *mem, const struct dkim_key_record *record, struct dkim_public_key **ret);

enum dkim_key_type dkim_public_key_type(const struct dkim_public_key *key);

/* Modulus bits of RSA; 256 for Ed25519. */
unsigned dkim_public_key_bits(const struct dkim_public_key *key);

/* Check a signature value over a SHA-256 digest: PKCS#1 v1.5 in full (R77), PureEdDSA over the digest (R78).
 *   algorithm  must fit the key's type, else KEY_TYPE_DIFFERS (R81)
 *   signature  base64 text of b=, FWS inside
 * Returns DKIM_REASON_PASS, SIGNATURE_DIFFERS, BAD_SIGNATURE_DATA, KEY_TYPE_DIFFERS, OUT_OF_MEMORY or CRYPTO_FAILED. */
enum dkim_reason dkim_public_key_verify(const struct dkim_public_key *key, enum dkim_algorithm algorithm,
                                        const uint8_t digest[DKIM_DIGEST_OCTETS], struct view signature);

/* The digest that an RSA signature value was made over, whatever the message says.
 * Returns 0, 1 when this key did not make it over a SHA-256 digest, or is none of RSA (an Ed25519 value does not tell),
 * or -ENOMEM. */
int dkim_public_key_signed_digest(const struct dkim_public_key *key, struct view signature, uint8_t ret[DKIM_DIGEST_OCTETS]);

#endif
