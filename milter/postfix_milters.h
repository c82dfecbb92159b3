/* Milters as Postfix's smtpd_milters and non_smtpd_milters name them, and which of our listeners they reach. */
#ifndef MILTER_POSTFIX_MILTERS_H
#define MILTER_POSTFIX_MILTERS_H

#include "conf/conf.h"
#include "milter/postfix_conf.h"

#define POSTFIX_MILTERS_MAX 50 /* filters in one list; two or three are usual */

struct postfix_milter {
	const char *spec;  /* "inet:127.0.0.1:4443", "unix:/path" */
	const char *path;  /* of a unix socket, as the process sees it that connects: chroot and working directory in front; else NULL */
	struct postfix_parameter *own; /* { SPEC, default_action=accept, ... }: settings of this filter alone */
	size_t own_count;
	const struct conf_listener *listener; /* the one that it reaches; NULL: another filter */
	const struct conf_listener *hidden;   /* the listener of the path as it is written, which the chroot jail hides; else NULL */
};

/* Split a list and find our listeners in it.
 *   conf      Postfix's; service: who connects, for its chroot jail and its parameters
 *   ours      the listeners; a host name in a milter or a listener is resolved, which may block
 *   ret       a talloc array of mem; written only on success
 * Returns 0, -ENOMEM, -E2BIG (POSTFIX_MILTERS_MAX) or -EINVAL: a brace without its other. */
int postfix_milters_parse(void *mem, const char *list, const struct postfix_conf *conf, const struct postfix_service *service,
                          const struct conf *ours, struct postfix_milter **ret, size_t *ret_count);

/* A setting of one filter, such as "default_action": from its own braces, else the parameter milter_NAME of the service. */
const char *postfix_milter_value(const struct postfix_milter *milter, const struct postfix_conf *conf,
                                 const struct postfix_service *service, const char *name);

/* Whether the service runs in a chroot jail: what "-" in master.cf stands for depends on compatibility_level. */
bool postfix_is_chrooted(const struct postfix_conf *conf, const struct postfix_service *service);

#endif
