/* Answers made of what libunbound or the records file gave. */
#ifndef DKIM_RESOLVER_ANSWER_H
#define DKIM_RESOLVER_ANSWER_H

#include "dkim/resolver.h"

struct ub_result;

/* The answer that a result of libunbound means.
 *   error   the callback's; a result without answer and an error both mean DKIM_DNS_FAILED
 *   result  may be NULL when error is set; nothing of it is kept
 *   ret     a talloc object of mem; its milliseconds are 0
 * Returns 0 or -ENOMEM. */
int resolver_answer_from_result(void *mem, int error, const struct ub_result *result, struct dkim_dns_answer **ret);

/* The answer out of the records; they must outlive it.
 * Returns 0, 1 when they have no such name, or -ENOMEM. */
int resolver_answer_from_records(void *mem, const struct dkim_records *records, struct view name,
                                 struct dkim_dns_answer **ret);

#endif
