/* The canonicalizations of RFC 6376 section 3.4 a second time: slow, whole inputs only, the steps of the text one at a time. */
#ifndef T_FUZZ_CANON_REFERENCE_H
#define T_FUZZ_CANON_REFERENCE_H

#include "dkim/algorithm.h"
#include "dkim/buf.h"

/* Append one field, given without its final CRLF, with its final CRLF. Works with memory of out->mem. */
void reference_header(enum dkim_canon canon, struct view field, struct buf *out);

/* Append the body. `out` must be empty. */
void reference_body(enum dkim_canon canon, struct view body, struct buf *out);

#endif
