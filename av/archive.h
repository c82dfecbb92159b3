/*
 * What lies in an archive, by libarchive (libclamav's names are mangled, and its cache of clean files keeps silent the second
 * time): names, and whether a password is needed. Archives inside are listed one level deep. Nothing is written anywhere.
 */
#ifndef AV_ARCHIVE_H
#define AV_ARCHIVE_H

#include "dkim/view.h"

#include <stdint.h>

/* Names listed of one file, those of archives inside included. */
#define AV_ARCHIVE_ENTRIES_MAX 10000

/* Octets unpacked for listing: only where names cannot be reached otherwise (a compressed tar, zip entries that do not tell
 * their size, archives inside). A second of work. */
#define AV_ARCHIVE_UNPACKED_MAX (256 * 1024 * 1024)

/* Octets of an archive inside. */
#define AV_ARCHIVE_INNER_MAX (32 * 1024 * 1024)

/* A name as it stands in the archive, path and all. */
typedef void av_archive_name(void *arg, struct view name);

enum av_archive_state {
	AV_ARCHIVE_NONE,    /* no archive */
	AV_ARCHIVE_LISTED,  /* all names were told */
	AV_ARCHIVE_DAMAGED, /* begins like one but cannot be read to its end: others may read it */
	AV_ARCHIVE_ENTRIES, /* more than AV_ARCHIVE_ENTRIES_MAX */
	AV_ARCHIVE_SIZE,    /* beyond AV_ARCHIVE_UNPACKED_MAX or AV_ARCHIVE_INNER_MAX */
	AV_ARCHIVE_MEMORY,
};

struct av_archive {
	enum av_archive_state state; /* of several the last */
	char encrypted[16];          /* kind of archive that has an entry with a password, "zip"; "" when there is none */
};

/* List a file. A zip's names are told from its directory at the end and from the headers before each entry: readers use either,
 * and the names in them need not be the same. */
void av_archive_list(struct view file, av_archive_name *name, void *arg, struct av_archive *ret);

#endif
