/* The inside of explain: "=XX", of quoted-printable (RFC 2045 section 6.7) and of encoded words (RFC 2047 section 4.2). */
#ifndef DKIM_EXPLAIN_QUOTED_H
#define DKIM_EXPLAIN_QUOTED_H

#include "dkim/buf.h"

/* Decode "=XX" at the start of v. Returns 3, or 0 when there is none. */
size_t explain_decode_octet(struct view v, struct buf *out);

/* One line of quoted-printable without its CRLF. Returns true when it ends in a soft line break. */
bool explain_decode_quoted_line(struct view line, struct buf *out);

/* The text of an encoded word: what is no letter or digit as "=XX", blanks as "_". */
void explain_encode_q(struct view text, struct buf *out);

#endif
