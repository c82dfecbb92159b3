/* From findings to a class. Pure. */
#ifndef AV_CLASSIFY_H
#define AV_CLASSIFY_H

#include "av/client.h"

/* Of equal strictness of action, the first of these decides. */
enum av_class { AV_CLASS_INFECTED, AV_CLASS_BANNED, AV_CLASS_ERROR, AV_CLASS_UNSCANNABLE, AV_CLASS_SUSPECT, AV_CLASS_ENCRYPTED, AV_CLASS_CLEAN };
#define AV_CLASS_COUNT (AV_CLASS_CLEAN + 1)
const char *av_class_text(enum av_class class);   /* "infected": log, options */
const char *av_class_status(enum av_class class); /* "Infected": X-Virus-Status; "Not-Scanned" for unscannable and error */

struct av_class_map;

/* The administrator's rows (class_map.h): "PATTERN CLASS" a line, PATTERN a glob over signature names in any case, CLASS one of the words
 * above or "ignore"; comments from #. The first row that matches decides; rows beat the built-in prefixes:
 *     Heuristics.Limits.Exceeded*   unscannable     Heuristics.Encrypted.*  encrypted
 *     Heuristics.*, PUA.*, and the OLE2 macro heuristic  suspect                    anything else  infected
 *   ignore     av.ignore, NULL-terminated
 *   ret_error  "file:line: wanted ..., got ..." as a talloc string of mem
 * Returns 0, -EINVAL, -ENOMEM or another negative errno. */
int av_class_map_new(void *mem, const char *path, const char *const *ignore, struct av_class_map **ret, char **ret_error);

/* The class of one finding, or AV_CLASS_CLEAN when it is ignored. Encrypted, banned, limits, ambiguities and failures have theirs by kind. */
enum av_class av_classify_finding(const struct av_class_map *map, const struct av_finding *finding);

/* All classes of a report, one finding for each (the first): name[class] is NULL where there is none. An outcome other than AV_SCANNED
 * is unscannable (AV_TOO_LARGE, AV_CRASHED) or error. Nothing at all, or ignored findings alone: clean. When findings were left out and
 * none is infected, the message is unscannable too: which they were is not known. Names point into the report. */
struct av_verdicts {
	const char *name[AV_CLASS_COUNT]; /* NULL: not this class; "" for clean */
	const char *part[AV_CLASS_COUNT];
};
void av_classify(const struct av_class_map *map, const struct av_report *report, struct av_verdicts *ret);

#endif
