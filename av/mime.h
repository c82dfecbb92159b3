/*
 * The MIME structure of a message, read by a parser that is not libclamav's (GMime): what one overlooks the other may see.
 * Whatever a mail reader would show in one way and another in another way is told as AV_AMBIGUOUS; what goes beyond
 * the bounds as AV_LIMIT.
 */
#ifndef AV_MIME_H
#define AV_MIME_H

#include "av/findings.h"
#include "dkim/view.h"

#include <stddef.h>

/* Beyond this no reader of mail goes, and attackers do. More bounds: av/mime_lines.h. */
#define AV_MIME_DEPTH_MAX 20
#define AV_PART_NUMBER_MAX 100          /* octets of "1.2.3" */

struct av_mime_part {
	const char *number;            /* "1.2"; "1" for all of a message that has no parts */
	const char *type;              /* as declared, in lower case: "text/plain" */
	const struct view *names;      /* each value of name= and filename=, undecoded words (RFC 2047) in them */
	size_t name_count;
	struct view octets;            /* decoded; empty for what holds other parts */
	bool as_is;                    /* without encoding: stands in the message as it is */
};

/* Called for each part in order, after the whole structure has been found within bounds. Valid during the call. */
typedef void av_mime_visit(void *arg, const struct av_mime_part *part);

struct av_mime_settings {
	unsigned max_parts; /* of all messages together that are in the message */
	av_mime_visit *visit;
	void *arg;
};

/* Once per process, before the first walk: what GMime and its character sets read from files. Returns 0 or a negative errno. */
int av_mime_begin(void);

/* Walk through a message and the messages in it, also those inside an encoding (RFC 2045 section 6.4 forbids it, readers
 * decode it). reply->parts counts the parts.
 *   reply  findings are added; AV_FAILURE "no memory" among them
 * Returns false when a bound was passed (AV_LIMIT "boundaries", "parts", "depth", "header", "parameters"): nothing was visited then of
 * the message that passed it. */
bool av_mime_walk(const struct av_mime_settings *settings, struct view message, struct av_reply *reply);

/* Does it begin with a field of a message's header (or a line of mbox before that)? */
bool av_mime_looks_like_mail(struct view octets);

#endif
