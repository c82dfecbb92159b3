/* Whether Postfix's user may connect to a unix socket. */
#ifndef MILTER_POSTFIX_ACCESS_H
#define MILTER_POSTFIX_ACCESS_H

#include "conf/conf.h"
#include "dkim/buf.h"

/* Folders are looked at as they are; the socket likewise, or as the daemon would make it when it does not run.
 *   path      of the socket
 *   user      Postfix's mail_owner
 *   listener  mode and group of a socket that is still to be made; its owner will be who starts the daemon: us
 *   got       what is in the way, when something is
 * Returns true when something is in the way. An unknown user, or a folder that we may not look at, is no finding. */
bool postfix_access_denied(const char *path, const char *user, const struct conf_listener *listener, struct buf *got);

#endif
