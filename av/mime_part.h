/* What the files of the walk share. */
#ifndef AV_MIME_PART_H
#define AV_MIME_PART_H

#include "av/mime.h"
#include "av/transfer.h"

#include <gmime/gmime.h>

struct mime_walk {
	const struct av_mime_settings *settings;
	struct av_reply *reply;
	struct view message;
	unsigned depth;          /* of this message in others */
	const char *number;      /* of the part that it is; "" for the outermost */
	struct view *boundaries; /* that are declared, a talloc array */
	GByteArray octets;       /* the message for GMime, whose streams read it in place */
	bool limited;
};

/* One part's fields. Views point into GMime's objects. */
struct mime_fields {
	char type[128];
	enum av_transfer transfer;
	bool encoded;            /* base64, quoted-printable, ...: not as it is */
	struct view *names;      /* a talloc array */
	struct view boundary;    /* empty: none */
};

/* Read the fields of a part, adding what is ambiguous in them.
 *   fields  a talloc context that the names belong to; filled
 * Returns 0, -ENOMEM, or -E2BIG: too many parameters. */
int mime_fields_read(struct mime_walk *walk, GMimeObject *object, const char *number, struct mime_fields *fields);

/* Add the ambiguity to the reply. */
void mime_ambiguous(struct mime_walk *walk, const char *what, const char *number);

/* What is ambiguous in the lines that look like delimiters of the boundaries declared in the message. */
void mime_boundaries_check(struct mime_walk *walk);

/* Does text hold a line that begins with "--" and, behind that, with `boundary`? */
bool mime_has_delimiter(struct view text, struct view boundary);

#endif
