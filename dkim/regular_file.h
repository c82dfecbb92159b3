/* Files of keys and records: opened so that nothing but a regular file is ever waited for. */
#ifndef DKIM_REGULAR_FILE_H
#define DKIM_REGULAR_FILE_H

#include <stddef.h>
#include <sys/stat.h>

/* Open for reading.
 *   ret_fd     the caller closes it
 *   ret_st     what fstat() says of the opened file
 *   ret_error  on failure: a talloc string of mem
 * Returns 0, -ENOMEM, -EISDIR, -EINVAL (no regular file), or what open() said. */
int regular_file_open(void *mem, const char *path, int *ret_fd, struct stat *ret_st, char **ret_error);

/* Read up to n octets; *ret_n is less when the file has become shorter. `path` is for the error.
 * Returns 0, -ENOMEM, or what read() said. */
int regular_file_read(void *mem, const char *path, int fd, char *octets, size_t n, size_t *ret_n, char **ret_error);

#endif
