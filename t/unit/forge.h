/* Signatures with any tags that a test likes, cryptographically good all the same. */
#ifndef T_FORGE_H
#define T_FORGE_H

#include "dkim/buf.h"
#include "dkim/private_key.h"

/* Put a DKIM-Signature field above a header.
 *   tags    all tags but bh= and b=, e.g. "v=1; a=rsa-sha256; d=example.com; s=s; h=from"; h= and c= are obeyed as
 *           dkim_signature_parse() reads them where it can; else From alone and simple/simple
 *   tail    appended behind b=...; e.g. "; v=1"; NULL for nothing
 *   header, body  of the message, CRLF line ends, no empty line at the end of header
 *   l       octets of the canonicalized body to hash, or DKIM_LENGTH_UNLIMITED
 * Returns the whole message: a talloc buffer of mem. */
struct view forge(void *mem, const struct dkim_private_key *key, const char *tags, const char *tail, struct view header,
                  struct view body, int64_t l);

#endif
