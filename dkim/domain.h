/* Domain names and mailbox domains, as far as DKIM compares and asks for them. */
#ifndef DKIM_DOMAIN_H
#define DKIM_DOMAIN_H

#include "dkim/header.h"

#define DOMAIN_NAME_MAX 253 /* octets of a name in text form (RFC 1035 section 2.3.4) */
#define DOMAIN_LABEL_MAX 63
/* A character of a U-label has at most four octets, and takes at least one of its A-label. */
#define DOMAIN_UTF8_MAX (4 * DOMAIN_NAME_MAX)
#define DOMAIN_UTF8_LABEL_MAX (4 * DOMAIN_LABEL_MAX)

/* True for dot-separated labels of 1 to 63 octets, letters, digits, hyphen and underscore,
 * 253 octets in all, no dot at the end. Labels with octets above 127 may be U-labels (RFC 8616): they must be UTF-8, and
 * may be four times as long, for DNS counts the octets of their A-labels; dkim/idna.h finds those. */
bool domain_is_valid(struct view domain);

/* True when no octet is above 127: nothing is left to be mapped. */
bool domain_is_ascii(struct view domain);

/* True when the two are equal (any case), or `domain` lies below `parent` on a label boundary (R14). Both in A-labels
 * (dkim/idna.h): octets are all that is compared. */
bool domain_is_within(struct view domain, struct view parent);

/* True for one label without a dot ("com", R72). */
bool domain_is_single_label(struct view domain);

enum from_reason {
	FROM_OK,
	FROM_MISSING,     /* no From field */
	FROM_SEVERAL,     /* two From fields or more (RFC 5322 section 3.6) */
	FROM_NO_MAILBOX,  /* no addr-spec in it */
	FROM_BAD_DOMAIN,  /* its domain is no domain name */
};
const char *from_reason_text(enum from_reason reason);

/* The domain, as written, of the first mailbox in the value of a From field (RFC 5322 section 3.6.2, RFC 6854): display
 * names, quoted strings, comments, groups and folds are understood. A value that can be read in two ways
 * (two addresses without a comma, an open quote) has no mailbox.
 *   ret  inside value; written only on FROM_OK */
enum from_reason from_value_domain(struct view value, struct view *ret);

/* The first mailbox of a From field. */
struct from_mailbox {
	struct view local;  /* what stands before the "@", without blanks around: quotes and comments as they are */
	struct view domain;
};

/* Likewise with the local part. */
enum from_reason from_value_mailbox(struct view value, struct from_mailbox *ret);

/* The same for the only From field of a header. */
enum from_reason header_from_domain(const struct header_list *headers, struct view *ret);
enum from_reason header_from_mailbox(const struct header_list *headers, struct from_mailbox *ret);

#endif
