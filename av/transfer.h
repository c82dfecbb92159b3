/* Content-Transfer-Encoding (RFC 2045 section 6), decoded as leniently as the most lenient reader would. */
#ifndef AV_TRANSFER_H
#define AV_TRANSFER_H

#include "dkim/view.h"

enum av_transfer {
	AV_TRANSFER_IDENTITY, /* 7bit, 8bit, binary, none, and what is often meant so: "8-bit", "utf-8" */
	AV_TRANSFER_BASE64,
	AV_TRANSFER_QUOTED,
	AV_TRANSFER_UU,
	AV_TRANSFER_YENC,
	AV_TRANSFER_UNKNOWN,  /* some readers may see base64 in it, others nothing */
};

/* From a field's raw value: comments, FWS and case do not count. */
enum av_transfer av_transfer_of(struct view field);

/* Decode.
 *   ret        malloc()ed; written only on success. At most encoded.n octets
 *   ret_after  base64 goes on after its padding: readers stop there, or go on. ret has what those see that go on
 * Returns 0 or -ENOMEM. */
int av_transfer_decode(enum av_transfer transfer, struct view encoded, struct view *ret, bool *ret_after);

#endif
