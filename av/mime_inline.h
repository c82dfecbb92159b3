/* Files that stand in text without a part of their own: uuencode and yEnc. Readers show them as attachments. */
#ifndef AV_MIME_INLINE_H
#define AV_MIME_INLINE_H

#include "av/transfer.h"

struct mime_inline {
	struct view name;
	struct view octets; /* from the line that begins it to the next such line or the end of the text */
	enum av_transfer transfer;
};

/* Find the next one.
 *   rest  in: what is left of the text; out: what follows the file */
bool mime_inline_next(struct view *rest, struct mime_inline *ret);

#endif
