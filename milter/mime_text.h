/* Text for the body of a message: as it is where every MTA leaves it alone, else quoted-printable (RFC 2045). 8bit is never
 * used: an MTA that has to recode it on the way would break the signature (RFC 6376 section 5.3). Line ends: CRLF or LF go in, LF comes out. */
#ifndef MILTER_MIME_TEXT_H
#define MILTER_MIME_TEXT_H

#include "dkim/buf.h"

#define MIME_LINE_MAX 998 /* octets without line end (RFC 5322 section 2.1.1) */
#define MIME_QUOTED_LINE_MAX 76 /* RFC 2045 section 6.7 */

/* Lines of printable ASCII and tabs, none too long, none that begins with "From ", which mail stores alter. */
bool mime_text_is_plain(struct view text);

/* "7bit" or "quoted-printable", for Content-Transfer-Encoding. */
const char *mime_text_encoding(struct view text);

/* Append the text so encoded; ends with a line end unless it is empty. */
void mime_text_add(struct view text, struct buf *out);

#endif
