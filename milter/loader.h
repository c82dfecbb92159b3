/* One process postern-scanner: start, what it says, its end. What follows from that is scanner.h's. */
#ifndef MILTER_LOADER_H
#define MILTER_LOADER_H

#include "milter/scanner.h"

/* In state LOADER_DOWN, due now. A talloc child of the scanner; NULL when memory is out. */
struct loader *loader_new(struct scanner *scanner, int64_t now_ms);

void loader_set_state(struct loader *loader, enum loader_state state, int64_t now_ms, int64_t due_ms);

/* Start its process; when that fails, it is due again later. */
void loader_start(struct loader *loader, bool beside, int64_t now_ms);

/* Take one message: 1 with *ret, after what concerns the loader alone was done (texts kept, lines logged, state set by READY
 * and FAILED); 0 when there is no more for now. */
int loader_receive(struct loader *loader, struct control_message *ret, int64_t now_ms);

/* Tell it to end; without a process it has ended. */
void loader_leave(struct loader *loader, int64_t now_ms);

void loader_kill(struct loader *loader);

/* Has its process ended? Then that is logged, and it is down, to be started again after a while that grows with its deaths; or
 * ended, when it was told to leave. */
bool loader_reap(struct loader *loader, int64_t now_ms);

#endif
