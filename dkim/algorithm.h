/* The algorithms of RFC 6376, 8301 and 8463 that postern speaks. */
#ifndef DKIM_ALGORITHM_H
#define DKIM_ALGORITHM_H

enum dkim_key_type { DKIM_KEY_RSA, DKIM_KEY_ED25519 };

enum dkim_algorithm {
	DKIM_RSA_SHA256,
	DKIM_ED25519_SHA256,
	DKIM_RSA_SHA1, /* known by name only: never verified, never made (RFC 8301 section 3.1) */
	DKIM_ALGORITHM_UNKNOWN,
};

enum dkim_canon { DKIM_SIMPLE, DKIM_RELAXED };

#define DKIM_LENGTH_UNLIMITED (-1) /* no l= */
#define DKIM_DIGEST_OCTETS 32      /* SHA-256 */

#endif
