/* libunbound, set up the way that dkim_resolver needs it. */
#ifndef DKIM_RESOLVER_CONTEXT_H
#define DKIM_RESOLVER_CONTEXT_H

#include "dkim/resolver.h"

struct ub_ctx;

/* Make a context whose own thread runs already, with all signals blocked: whatever is wrong with the
 * settings shows here and not with the first query.
 *   ret  free with ub_ctx_delete(); its ub_fd() may have a first result to process, which calls nobody
 * Returns 0, -ENOMEM, -EINVAL, or what opening the trust anchor said. */
int resolver_context_new(void *mem, const struct dkim_resolver_params *params, struct ub_ctx **ret, char **ret_error);

#endif
