/* The files of a command line: regular files, and what lies in folders. */
#ifndef MILTER_SCAN_FILES_H
#define MILTER_SCAN_FILES_H

#define SCAN_FILES_DEPTH_MAX 100 /* folders within folders */

/* Called with each file, open for reading, or with why it cannot be read.
 *   fd     closed after the call; -1: `error` says why, a negative errno (-ELOOP: too deep, -ENOTSUP: a device, a pipe, a socket)
 * Return 0 to go on, or a negative errno that ends all. */
typedef int scan_files_take(void *arg, const char *path, int fd, int error);

/* Walk through the paths, in the order of their names within a folder. "-" is standard input. Symbolic links are followed when they
 * stand in `paths`, and passed over in folders; so are devices, pipes and sockets there.
 *   paths  NULL-terminated
 * Returns 0 or a negative errno. */
int scan_files(char *const *paths, scan_files_take *take, void *arg);

#endif
