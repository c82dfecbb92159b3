/* The findings of a reply: who scans adds to them, nobody takes one away. */
#ifndef AV_FINDINGS_H
#define AV_FINDINGS_H

#include "av/wire.h"
#include "dkim/view.h"

/* Add a finding: the same one (kind and name) once. When AV_FINDINGS_MAX are there already, findings_left_out grows, and the new one
 * takes the place of a less grave one, if any: names of viruses before guesses (Heuristics.*, PUA.*), so that many guesses
 * cannot hide a virus. The first of each kind stays.
 *   name  any octets: what may be told of them is kept (av_wire_name()); "unknown" when nothing of it may
 *   part  any octets likewise, NUL-terminated: a file name or the number of a part; "" for the whole */
void av_finding_add(struct av_reply *reply, enum av_finding_kind kind, struct view name, const char *part);

#endif
