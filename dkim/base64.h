/* base64 as DKIM uses it (RFC 4648 section 4; FWS allowed inside, RFC 6376 section 3.2). */
#ifndef DKIM_BASE64_H
#define DKIM_BASE64_H

#include "dkim/buf.h"

#include <stdint.h>

/* Decode.
 *   text     folding white space anywhere is passed over; padding is required
 *   ret      room for `maximum` octets; its content is undefined on error
 *   ret_n    octets decoded
 * Returns 0, -EINVAL (not base64), or -EMSGSIZE (more than maximum octets). */
int base64_decode(struct view text, size_t maximum, uint8_t *ret, size_t *ret_n);

/* Append the encoding, without line breaks. */
void base64_encode(struct buf *out, const uint8_t *octets, size_t n);

#endif
