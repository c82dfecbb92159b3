/* A scan child for tests: a thread that takes jobs from a queue and does with each what a script says. */
#ifndef T_SCAN_CHILD_H
#define T_SCAN_CHILD_H

#include "av/wire.h"

#include <stdbool.h>

/* One letter per job, the last one for all that follow:
 *     c  clean         i  infected: Eicar-Test-Signature in eicar.com      e  encrypted      f  a failure
 *     d  begin and die      x  drop it unread      g  begin and answer garbage      r  a result without a begin
 *     l  begin and hang for LATE_MS, then die      w  begin, then wait for SLOW_MS, then clean     v  infected when "EICAR" is in it
 *     t  begin, cut the message to nothing, and die
 *     n  take none until scan_child_go() */
#define SCAN_CHILD_LATE_MS 400
#define SCAN_CHILD_SLOW_MS 150

struct scan_child;

/* ret_jobs: the sending end of its queue. */
struct scan_child *scan_child_start(const char *script, int *ret_jobs);

/* The receiving end of the queue. */
int scan_child_jobs(const struct scan_child *child);

void scan_child_go(struct scan_child *child);

/* End it; false when a job was not as av/wire.h wants it. ret_seen: octets of the last job, NUL-terminated, malloc()ed; may be NULL. */
bool scan_child_stop(struct scan_child *child, unsigned *ret_jobs_taken, char **ret_seen);

#endif
