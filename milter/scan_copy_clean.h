/* Files that are too old or too many in a folder of folders. */
#ifndef MILTER_SCAN_COPY_CLEAN_H
#define MILTER_SCAN_COPY_CLEAN_H

#include <stddef.h>
#include <stdint.h>

/* Remove copies (scan_copy.h says how their folders and files are called) that were last changed before `since_s`; then the oldest
 * until all together have at most `octets`. What is not ours to judge stays: other names, other kinds of files, folders that cannot
 * be opened. Files that go meanwhile are none. Returns the octets left, or a negative errno. */
int64_t scan_copy_clean(int directory, int64_t since_s, uint64_t octets);

#endif
