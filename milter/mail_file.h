/* A message from a file or from standard input, with the line ends that mail has on the wire. */
#ifndef MILTER_MAIL_FILE_H
#define MILTER_MAIL_FILE_H

#include "dkim/view.h"

/* Commands hold a message in memory, and a new body beside it; mail systems that allow more than 50 MB are rare. */
#define MAIL_FILE_MAX (64 * 1024 * 1024) /* octets as read */

/* Read a message.
 *   path  NULL or "-": standard input
 *   ret   belongs to mem. When the first line ends in a bare LF, the file is text as Unix keeps it: every LF
 *         that follows no CR becomes CRLF. Otherwise the octets are as they were: a bare LF further down is data.
 *   ret_error  on failure: a talloc string of mem that names path and fault; NULL when memory was out
 * Returns 0, -ENOMEM, -EMSGSIZE (above MAIL_FILE_MAX) or the negative errno of open() or read(). */
int mail_file_read(void *mem, const char *path, struct view *ret, char **ret_error);

/* The same for any file, without a look at its line ends, up to `maximum` octets. */
int mail_file_read_octets(void *mem, const char *path, size_t maximum, struct view *ret, char **ret_error);

/* The conversion alone. Returns 0 or -ENOMEM. */
int mail_file_to_crlf(void *mem, struct view text, struct view *ret);

#endif
