/* The file of a private key, read into guarded memory. */
#ifndef DKIM_PRIVATE_KEY_FILE_H
#define DKIM_PRIVATE_KEY_FILE_H

#include <stddef.h>
#include <stdint.h>

/* Open, check and read; what is checked stands at dkim_private_key_load().
 *   ret        octets of sodium_malloc(); free with sodium_free()
 *   ret_modified  when the file's content was last changed, in seconds since 1970
 *   ret_error  on failure: a talloc string of mem
 * Returns 0, -ENOMEM, -EISDIR, -EINVAL (no regular file), -EPERM (owner or mode), -ENODATA (empty), -EFBIG,
 * or what open() and read() said. */
int private_key_file_read(void *mem, const char *path, char **ret, size_t *ret_n, int64_t *ret_modified, char **ret_error);

#endif
