/* What the lines of a message alone tell, before any parser walks through them: bounds for the parser, and what readers
 * take in different ways. One pass, no memory. */
#ifndef AV_MIME_LINES_H
#define AV_MIME_LINES_H

#include "dkim/view.h"

/* What GMime may be given: measured, each of these bounds is less than two seconds of its work. An ordinary mail of 500 parts has
 * 1000 delimiters, 250 KB of fields and 10000 comparisons. */
#define AV_MIME_COMPARISONS_MAX 50000000 /* of each line that begins with "--" with each boundary */
#define AV_MIME_DELIMITERS_MAX 200000    /* such lines */
#define AV_MIME_FIELDS_MAX (2 * 1024 * 1024) /* octets of fields in all headers */
#define AV_MIME_HEADER_MAX (256 * 1024)  /* octets of fields in one header */
#define AV_MIME_PARAMETERS_MAX 10000000  /* parameters of each field, squared, in all: it compares each with each */

struct av_mime_lines {
	size_t delimiters;  /* lines that begin with "--" */
	size_t boundaries;  /* times that the word "boundary" occurs: no more boundaries can be declared */
	size_t fields;      /* octets of all that may be fields of a header */
	size_t header;      /* most octets of such in one header */
	size_t parameters;  /* semicolons in each Content-*, squared, in all */
	bool nul;           /* an octet 0 in it: some take it for the end */
	bool bare_cr;       /* a CR without LF right before "--": a line begins there for some */
};

void av_mime_lines(struct view message, struct av_mime_lines *ret);

/* The bound that is passed: "boundaries", "header", "parameters"; or NULL. */
const char *av_mime_lines_limit(const struct av_mime_lines *lines);

#endif
