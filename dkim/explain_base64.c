#include "dkim/explain_change.h"

#include "dkim/base64.h"

#include <errno.h>
#include <talloc.h>

#define LINE_OCTETS 57 /* 76 digits (RFC 2045 section 6.8) */

bool explain_decode_base64(struct view body, int arg, size_t variant, struct buf *out)
{
	uint8_t *octets;
	size_t n;

	(void)arg;
	if (variant > 0)
		return false;
	octets = talloc_size(out->mem, body.n + 1);
	if (!octets)
		out->error = -ENOMEM;
	else if (base64_decode(body, body.n, octets, &n) == 0)
		buf_add(out, (struct view){ (const char *)octets, n });
	talloc_free(octets);
	return true;
}

bool explain_encode_base64(struct view body, int arg, size_t variant, struct buf *out)
{
	(void)arg;
	if (variant > 0)
		return false;
	for (size_t i = 0; i < body.n; i += LINE_OCTETS) {
		struct view line = view_slice(body, i, i + LINE_OCTETS);

		base64_encode(out, (const uint8_t *)line.p, line.n);
		buf_add_string(out, "\r\n");
	}
	return true;
}
