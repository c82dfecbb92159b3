/* What `postern scan` says of one file. */
#ifndef MILTER_SCAN_TEXT_H
#define MILTER_SCAN_TEXT_H

#include "av/classify.h"
#include "dkim/buf.h"

#define SCAN_TEXT_MAX ((size_t)64 * 1024) /* octets; a path has at most 4,096, escaped four times as many */

struct scan_text {
	const char *path;
	enum av_class class;                 /* the gravest */
	const struct av_verdicts *verdicts;  /* NULL: it could not be read */
	const struct av_report *report;      /* likewise */
	int error;                           /* why; negative errno */
};

/* "PATH: infected (NAME) in PART, encrypted (zip)"; the path escaped, so that it fits on a line. */
void scan_text_line(const struct scan_text *text, struct buf *out);

/* One object on one line. */
void scan_text_json(const struct scan_text *text, struct buf *out);

#endif
