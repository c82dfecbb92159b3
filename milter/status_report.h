/* What the daemon's answer to "status" becomes: text for people, or JSON. */
#ifndef MILTER_STATUS_REPORT_H
#define MILTER_STATUS_REPORT_H

#include "dkim/buf.h"
#include "milter/status_keys.h"

#include <stdbool.h>
#include <time.h>

struct status_report;

/* A talloc child of mem; NULL when memory is out. */
struct status_report *status_report_new(void *mem);

/* Add a line of the answer (status_wire.h): the lines of one kind stay in their order. To a process its memory is added here.
 * Fits status_client.h. Returns 0, -EINVAL for what is no such line, or -ENOMEM. */
int status_report_add(void *report, const char *line);

/* Is everything ready: the daemon, all workers, the scanner if there is one? */
bool status_report_is_well(const struct status_report *report);

/* JSON: {"configuration": {...}, "listeners": [{...}], ..., "ok": true}; numbers are numbers.
 *   keys  "keys": [...]; NULL: not looked at */
void status_report_json(const struct status_report *report, const struct status_keys *keys, struct buf *out);

/*   now  for "how long ago" */
void status_report_text(const struct status_report *report, const struct status_keys *keys, time_t now, struct buf *out);

#endif
