/*
 * All that is done to one message or file in a scan child: the MIME structure read by an independent parser
 * (GMime), names judged, each decoded leaf scanned (first, so that the clean cache serves the whole), archives listed
 * (libarchive), then the whole message scanned as libclamav sees it.
 */
#ifndef AV_INSPECT_H
#define AV_INSPECT_H

#include "av/engine.h"

/* Beyond these no reader of mail goes, and attackers do. */
#define AV_MIME_DEPTH_MAX 20
#define AV_PART_HEADER_MAX (256 * 1024) /* octets of one part's header */
#define AV_ARCHIVE_ENTRIES_MAX 10000    /* names listed in one archive; beyond: AV_LIMIT "archive-entries" */

struct av_inspect_settings {
	bool scan_parts;
	unsigned max_parts;
	bool ban_in_archives;
	const char *const *ban_extensions; /* NULL-terminated, any case, without dot */
	const char *const *ban_types;      /* globs over declared media types, any case */
	struct av_engine_ban ban;
};

/* Once per process, before seccomp: libraries open what they need. Returns 0 or a negative errno. */
int av_inspect_begin(void);

/* Fills a reply of kind AV_RESULT: facts, parts, time, findings; none: clean. Never fails: what goes wrong is a finding AV_FAILURE. */
void av_inspect(struct av_engine *engine, const struct av_inspect_settings *settings, enum av_job_kind kind, struct view octets,
                struct av_reply *ret);

#endif
