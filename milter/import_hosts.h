/* Hosts as opendkim and clamav-milter list them, as networks of postern.conf(5). */
#ifndef MILTER_IMPORT_HOSTS_H
#define MILTER_IMPORT_HOSTS_H

#include <stdbool.h>

/* "192.0.2.1", "[2001:db8::1]", "192.0.2.1/24", "192.0.2.0/255.255.255.0": the host part becomes zero.
 *   ret  a talloc string of mem; NULL when memory is out
 * False: it is no address (a host name, a domain, an exception behind "!"). */
bool import_network(void *mem, const char *text, char **ret);

#endif
