/* tag-list (RFC 6376 section 3.2), the common shape of DKIM-Signature and key records. */
#ifndef DKIM_TAG_LIST_H
#define DKIM_TAG_LIST_H

#include "dkim/view.h"

#define TAG_LIST_MAX 64 /* the RFCs define 20 tags together; more is an attack on our time */

struct tag {
	struct view name;  /* without FWS around it; case matters (R2) */
	struct view value; /* without FWS around it; FWS inside is kept */
	struct view raw;   /* all octets between "=" and ";" (or the end), FWS included (R7) */
};

struct tag_list {
	struct tag tag[TAG_LIST_MAX];
	size_t count;
};

enum tag_list_reason {
	TAG_LIST_OK,
	TAG_LIST_SYNTAX,    /* no name, no "=", an octet that no tag may hold, an empty tag-spec (R5) */
	TAG_LIST_DUPLICATE, /* R3, R60 */
	TAG_LIST_TOO_MANY,  /* more than TAG_LIST_MAX */
};

/* Parse a tag-list: the value of a DKIM-Signature field or the text of a key record.
 *   in       raw octets, folding included; borrowed: the tags point into it
 *   ret      written only on TAG_LIST_OK
 *   ret_bad  on failure: the tag-spec at fault, for the log; may be NULL
 * Unknown tags are kept, not judged. Octets above 127 are let through: RFC 8616 allows
 * UTF-8 in some values, and whoever uses a value checks it. */
enum tag_list_reason tag_list_parse(struct view in, struct tag_list *ret, struct view *ret_bad);

/* The tag of that name, or NULL. */
const struct tag *tag_list_find(const struct tag_list *list, const char *name);

#endif
