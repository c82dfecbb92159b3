/*
 * Who a question of DNS is about, and how many of each are in flight: one sender whose name servers are silent, with
 * as many names as he likes, must not use up the questions of all. No locks: the owner has one.
 */
#ifndef DKIM_ZONE_COUNT_H
#define DKIM_ZONE_COUNT_H

#include "dkim/view.h"

/* Questions about one zone at a time. Some large senders have dozens of selectors, but their servers answer within
 * milliseconds; a quarter of what resolver_context.c lets libunbound ask at a time. */
#define DKIM_QUERIES_PER_ZONE_MAX 64

struct zone_count; /* a talloc object */

/* names_max: questions in flight at most, of all zones together. Returns 0, -ENOMEM or -EIO. */
int zone_count_new(void *mem, size_t names_max, struct zone_count **ret);

/* A question about `name` (as dkim_query_start() takes it) begins. Returns 0, -EBUSY (DKIM_QUERIES_PER_ZONE_MAX) or -ENOMEM. */
int zone_count_add(struct zone_count *count, struct view name);

/* It is over; zone_count_add() must have returned 0 for it. */
void zone_count_remove(struct zone_count *count, struct view name);

/* The part of a name that somebody has registered: its last two labels, or three below names like co.uk. Senders can
 * make up as many names below that as they like. Where this guesses wrong, neighbours are counted together. */
struct view zone_of(struct view name);

#endif
