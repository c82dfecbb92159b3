/* Networks in text form: what internal-hosts lists. */
#ifndef CONF_NETWORK_H
#define CONF_NETWORK_H

#include "conf/conf.h"

/* Parse "192.0.2.0/24", "2001:db8::/32" or a single address. Bits beyond the prefix must be zero: whoever writes
 * 192.0.2.1/24 may have meant the host as well as the network. IPv4-mapped IPv6 becomes IPv4.
 * Returns 0 or -EINVAL; ret is written only on success. */
int conf_network_parse(const char *text, struct conf_network *ret);

#endif
