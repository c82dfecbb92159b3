/* A file of TXT records that are answered before any DNS server: demos, tests, hosts without DNS. */
#ifndef DKIM_RECORDS_H
#define DKIM_RECORDS_H

#include "dkim/view.h"

struct dkim_records; /* immutable after load; a talloc object */

#define DKIM_RECORDS_FILE_MAX (16 * 1024 * 1024) /* octets; some 40,000 RSA-2048 keys */
#define DKIM_TXT_OCTETS_MAX 16384 /* of one TXT record; a 16,384-bit RSA key in base64 has 2,800 */

/* Load lines of
 *     name [TTL] [IN] TXT "string" ["string"...]
 * as they stand in a zone file: `;` and `#` at the start of an item open a comment, a pair of
 * parentheses may span lines, names compare in any case and may end in a dot, inside quotes `\"`, `\\` and
 * `\DDD` (decimal) are escapes, and before any other octet the backslash vanishes (RFC 1035 section 5.1).
 * What keygen prints can be appended as it is. Several lines may give one name. Names are complete: there is
 * no $ORIGIN. U-labels in names are mapped to A-labels (dkim/idna.h). A record has at most DKIM_TXT_OCTETS_MAX octets; its strings may be longer than DNS allows.
 *   ret_error  on failure: a talloc string "path:line: wanted ..., got ..."
 * Returns 0, -ENOMEM, or another negative errno that says the same as the text. */
int dkim_records_load(void *mem, const char *path, struct dkim_records **ret, char **ret_error);

/* The same from text in memory; `name` stands for the path. */
int dkim_records_parse(void *mem, const char *name, struct view text, struct dkim_records **ret, char **ret_error);

/* TXT record number i of `name` (no dot at its end, any case), strings joined. False when there is none. */
bool dkim_records_find(const struct dkim_records *records, struct view name, size_t i, struct view *ret);

#endif
