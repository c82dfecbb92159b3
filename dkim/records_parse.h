/* The text of a records file, taken apart; the grammar stands in records.h. */
#ifndef DKIM_RECORDS_PARSE_H
#define DKIM_RECORDS_PARSE_H

#include "dkim/view.h"

struct record {
	struct view name; /* without a dot at its end; as it was written */
	struct view text; /* strings joined, escapes undone */
};

/* Take the whole text apart.
 *   ret        an array of *ret_count records in the order of the text, a talloc object of mem that owns
 *              everything they point to: `text` may go
 *   ret_error  "name:line: wanted ..., got ..."
 * Returns 0, -ENOMEM, or -EBADMSG. */
int records_parse(void *mem, const char *name, struct view text, struct record **ret, size_t *ret_count, char **ret_error);

#endif
