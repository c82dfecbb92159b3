/* What the targets of the two tables share: faults, and texts as the parsers take them. */
#ifndef T_FUZZ_TABLES_H
#define T_FUZZ_TABLES_H

#include "conf/faults.h"
#include "t/fuzz/fuzz.h"

/* text in memory of its own with a NUL behind it, as conf/table_text.h wants it. A talloc child of mem. */
char *table_copy(void *mem, struct view text);

/* Every fault reads "f:LINE: KIND: wanted ..., got ..." in printable ASCII, in the order of the lines, none behind the last one of
 * text; `faults` was made for a file "f". Returns how many there are. */
size_t claim_faults(void *mem, struct fault_list *faults, struct view text);

#endif
