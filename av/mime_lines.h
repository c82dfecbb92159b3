/* What the lines of a message alone tell, before any parser walks through them: bounds for the parser, and what readers
 * take in different ways. One pass, no memory. */
#ifndef AV_MIME_LINES_H
#define AV_MIME_LINES_H

#include "dkim/view.h"

/* A parser compares each line that begins with "--" with each boundary that it is inside of. Beyond so many comparisons the
 * message is no mail (a mail of 500 parts has some 1000 such lines; 50 MB of a listing with dashes have a million). */
#define AV_MIME_COMPARISONS_MAX 50000000

struct av_mime_lines {
	size_t delimiters; /* lines that begin with "--" */
	size_t boundaries; /* times that the word "boundary" occurs: no more boundaries can be declared */
	bool nul;          /* an octet 0 in it: some take it for the end */
	bool bare_cr;      /* a CR without LF right before "--": a line begins there for some */
};

void av_mime_lines(struct view message, struct av_mime_lines *ret);

/* The parser's comparisons stay within AV_MIME_COMPARISONS_MAX. */
bool av_mime_lines_bounded(const struct av_mime_lines *lines);

#endif
