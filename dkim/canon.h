/* The four canonicalizations (RFC 6376 section 3.4). */
#ifndef DKIM_CANON_H
#define DKIM_CANON_H

#include "dkim/algorithm.h"
#include "dkim/buf.h"
#include "dkim/header.h"

#include <stdint.h>

/* Append one header field, canonicalized, with its final CRLF (sections 3.4.1, 3.4.2).
 *   raw  name, colon, value, final CRLF optional (it is added) */
void dkim_canon_header(enum dkim_canon canon, struct view raw, struct buf *out);

/* Where canonicalized body octets go. Returns 0 or a negative error, which ends the canonicalization. */
typedef int dkim_canon_sink(void *context, const char *octets, size_t n);

/* The body as a stream (sections 3.4.3, 3.4.4). The result does not depend on how the body is cut
 * into chunks. Only CRLF is a line end; bare CR and bare LF are data (R50).
 * The state is of fixed size whatever the body holds: line ends and blanks are counted, not kept.
 * The sink is called for spans as long as the chunks allow, not line by line. */
struct dkim_canon_body {
	enum dkim_canon canon;
	dkim_canon_sink *sink;
	void *context;
	uint64_t line_ends; /* CRLFs seen and not yet passed on: empty lines may be trailing ones */
	bool pending_cr;    /* the last octet was CR */
	bool pending_blank; /* relaxed: blanks seen and not yet passed on; they stand behind the line ends */
	bool wrote;         /* any octet was passed on */
};

void dkim_canon_body_init(struct dkim_canon_body *body, enum dkim_canon canon, dkim_canon_sink *sink, void *context);

/* Feed the next octets. Returns 0 or what the sink returned. */
int dkim_canon_body_update(struct dkim_canon_body *body, struct view chunk);

/* The end of the body: a missing last CRLF is added (R46); an empty simple body becomes CRLF, an
 * empty relaxed one stays empty (R44). Returns 0 or what the sink returned. */
int dkim_canon_body_finish(struct dkim_canon_body *body);

#endif
