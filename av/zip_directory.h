/* The directory at the end of a zip (APPNOTE.TXT 4.3.12), which readers show. libarchive takes the names from the headers before
 * each entry even when it goes by the directory. */
#ifndef AV_ZIP_DIRECTORY_H
#define AV_ZIP_DIRECTORY_H

#include "dkim/view.h"

struct zip_directory {
	struct view rest; /* from the next entry on */
};

/* Octets from a zip's end within which its directory's end begins: the record and 64 KiB of comment. */
#define ZIP_END_MAX (22 + 65535)

/* Find the directory, whatever stands before the zip. False: there is none. */
bool zip_directory_find(struct view file, struct zip_directory *ret);

/* The next entry's name, and whether it needs a password. False: that was all. */
bool zip_directory_next(struct zip_directory *directory, struct view *ret_name, bool *ret_encrypted);

#endif
