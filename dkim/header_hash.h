/* The hash that is signed: the listed header fields and the signature field itself (RFC 6376 section 3.7, step 2). */
#ifndef DKIM_HEADER_HASH_H
#define DKIM_HEADER_HASH_H

#include "dkim/algorithm.h"
#include "dkim/buf.h"
#include "dkim/header.h"

#include <stdint.h>

/* What bounds the work of one hash: each name of h= costs one look-up, however many fields there are
 * and however often it is listed, and each field is taken at most once. So at most the octets of the
 * header and of the signature field are canonicalized and hashed, whatever h= says; h= itself is part
 * of a field and shares HEADER_OCTETS_MAX. */

/* What goes into the hash of one signature. */
struct dkim_header_hash_input {
	const struct header_list *headers;
	struct view signed_headers;     /* h=: colon list, FWS around names */
	struct view signature_field;    /* raw DKIM-Signature field, name to last octet; final CRLF optional */
	struct view signature_raw;      /* inside signature_field: the octets of b= to leave out */
	const struct header_field *skip; /* the field under test, never part of its own h= (R20); NULL when signing */
	enum dkim_canon canon;
};

/* Append the canonicalized header block: each field of h= in order, instances from the bottom
 * (R31), absent ones as nothing (R19), then the signature field with an empty b= and without its
 * final CRLF (R37). Errors stay in out. Works with memory of out->mem, given back on return. */
void dkim_header_block(const struct dkim_header_hash_input *input, struct buf *out);

/* SHA-256 of that block. Returns 0, -ENOMEM, or -EIO when OpenSSL refuses. */
int dkim_header_hash(void *mem, const struct dkim_header_hash_input *input, uint8_t ret[DKIM_DIGEST_OCTETS]);

#endif
