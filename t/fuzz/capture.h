/* What the code under test writes to standard error: its log. */
#ifndef T_FUZZ_CAPTURE_H
#define T_FUZZ_CAPTURE_H

#include "dkim/view.h"

/* From here on standard error is a file in memory, until capture_end(); reports of libFuzzer and of the sanitizers
 * still go where they went before. */
void capture_begin(void);

/* What was written; a talloc object of mem. */
struct view capture_end(void *mem);

#endif
