/* Names of files as a mail reader shows them, and whether such a file may pass. */
#ifndef AV_FILE_NAME_H
#define AV_FILE_NAME_H

#include "dkim/view.h"

/* The octets of a name that are judged; no file system takes more than 255 characters, and what is beyond is cut off at the
 * front, since the extension is at the end. */
#define AV_FILE_NAME_MAX 1024

/* A name in the form in which it is judged, NUL-terminated: encoded words (RFC 2047) decoded where there are any, folds, controls,
 * NUL, marks that turn the direction of writing and characters without width gone, dots and blanks at the end gone, only what
 * follows the last / or \.
 *   room  of AV_FILE_NAME_MAX + 1 octets */
void av_file_name_clean(struct view name, char *room);

/* The extension that may not pass among the last two of a cleaned name (a reader hides the last one, or the archiver's), or NULL.
 *   extensions  NULL-terminated, any case, without dot; may be NULL */
const char *av_file_name_banned(const char *clean, const char *const *extensions);

/* The first of `globs` (NULL-terminated, any case; may be NULL) that a declared media type matches, or NULL. */
const char *av_media_type_banned(const char *type, const char *const *globs);

#endif
