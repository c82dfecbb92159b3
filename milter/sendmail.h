/* Hand a message to the MTA by its sendmail(1) command. */
#ifndef MILTER_SENDMAIL_H
#define MILTER_SENDMAIL_H

#include "dkim/view.h"

/* Run PROGRAM -i -f <> -- RECIPIENT, without a shell, with the message as its standard input, and wait for its end.
 *   program     an absolute path
 *   recipient   one for which mailbox_is_valid() holds
 *   message     lines that end in LF
 *   timeout_ms  then it is killed
 *   ret_error   on failure: what people are told; a talloc string of mem, or NULL
 * What the program says on standard output and standard error goes where ours goes. Must not be called while threads hold what a fork
 * would break. Returns 0 when it ended with 0, else a negative errno (-EPROTO: it ended with something else). */
int sendmail_run(void *mem, const char *program, const char *recipient, struct view message, unsigned timeout_ms, char **ret_error);

#endif
