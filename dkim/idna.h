/*
 * International domain names (RFC 5890): U-labels are what people read, A-labels ("xn--...") what DNS knows. DKIM
 * maps to A-labels before it asks or compares (RFC 8616 section 5).
 */
#ifndef DKIM_IDNA_H
#define DKIM_IDNA_H

#include "dkim/view.h"

/* The name with each U-label mapped to its A-label (IDNA2008, UTS #46 non-transitional: "ß" stays itself). Capitals and
 * letters that are not in NFC are mapped on the way; what else is no U-label is refused, and so is text that maps to
 * ASCII without being a U-label, or brings dots of its own. Labels in ASCII stay octet for octet, A-labels among them: what they say in
 * DNS is all that matters.
 *   ret  at most DOMAIN_NAME_MAX octets of ASCII: the name itself when it is ASCII already, else a talloc object of mem
 * Returns 0, -EINVAL (not a domain name, or no name in IDNA), or -ENOMEM. */
int idna_to_ascii(void *mem, struct view name, struct view *ret);

/* For display: the name with each A-label as the U-label that maps to it; one that has none stays as it is.
 *   ret  the name itself when nothing changed, else a talloc object of mem
 * Any octets may be given. Returns 0 or -ENOMEM. */
int idna_to_unicode(void *mem, struct view name, struct view *ret);

#endif
