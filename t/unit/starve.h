/* Memory that runs out at a chosen moment: malloc(), calloc() and realloc() of the whole program, libraries included. */
#ifndef T_STARVE_H
#define T_STARVE_H

#include <stdbool.h>
#include <stddef.h>

/* From now on `allocations` more succeed in this thread and the next one fails, once. */
void starve_after(size_t allocations);

/* No more failures. True when one has happened. */
bool starve_end(void);

#endif
