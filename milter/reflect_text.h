/* What the reflector tells an author about the signatures of a message. */
#ifndef MILTER_REFLECT_TEXT_H
#define MILTER_REFLECT_TEXT_H

#include "milter/verify_message.h"

/* Append it: printable ASCII in lines.
 *   own  the reflector's address
 * Returns 0, -ENOMEM or -EIO; what does not fit into out is left out. */
int reflect_text(const struct verified *verified, const char *own, struct buf *out);

#endif
