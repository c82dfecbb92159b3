/* sign.self-check: every signature of a message is verified before it is inserted. */
#ifndef MILTER_SELF_CHECK_H
#define MILTER_SELF_CHECK_H

#include "milter/choose_keys.h"

struct self_check; /* a talloc object */

/* With self-check = dns, ask for the keys now, so that DNS works while the body arrives.
 *   chosen  borrowed
 * Returns 0 or -ENOMEM. */
int self_check_new(void *mem, const struct gate *gate, const struct chosen_keys *chosen, struct self_check **ret);

/* After dkim_sign_finish(): wait for DNS, within dns.budget from the first call, and check.
 * Returns 0 when done, 1 when not yet: call again. */
int self_check_finish(struct self_check *check, const struct header_list *headers, const struct dkim_sign *sign, unsigned milliseconds);

/* Then: DKIM_REASON_PASS, or why signature i must not leave. */
enum dkim_reason self_check_reason(const struct self_check *check, size_t i);

#endif
