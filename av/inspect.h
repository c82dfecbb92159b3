/*
 * All that is done to one message or file in a scan child: the MIME structure read by an independent parser
 * (GMime), names judged, each decoded leaf scanned (first, so that the clean cache serves the whole), archives listed
 * (libarchive), then the whole message scanned as libclamav sees it.
 */
#ifndef AV_INSPECT_H
#define AV_INSPECT_H

#include "av/archive.h"
#include "av/engine.h"
#include "av/mime.h"

struct av_inspect_settings {
	bool scan_parts;
	unsigned max_parts;
	bool ban_in_archives;
	const char *const *ban_extensions; /* NULL-terminated, any case, without dot */
	const char *const *ban_types;      /* globs over declared media types, any case */
	struct av_engine_ban ban;
};

/* Once per process, before seccomp: libraries open what they need. Sets LC_CTYPE, in which names of archives are told.
 * Returns 0 or a negative errno. */
int av_inspect_begin(void);

/* Fills a reply of kind AV_RESULT: facts, parts, time, findings; none: clean. Never fails: what goes wrong is a finding AV_FAILURE.
 * A message beyond the bounds of av/mime.h or the engine's size is not scanned at all: its limit is the finding. */
void av_inspect(struct av_engine *engine, const struct av_inspect_settings *settings, enum av_job_kind kind, struct view octets,
                struct av_reply *ret);

#endif
