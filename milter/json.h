/* The few pieces of JSON (RFC 8259) that commands print with --json. */
#ifndef MILTER_JSON_H
#define MILTER_JSON_H

#include "dkim/buf.h"

/* Append a string with its quotes. JSON has no octet strings: each octet becomes the character of the same
 * number, so that those of a message come back whatever they are (latin-1 decoding gives them). */
void json_string(struct buf *out, struct view octets);

/* Append "name": and a string value, with a comma in front unless an object or array was just opened. */
void json_member(struct buf *out, const char *name, struct view value);

/* The same with another value; a text that is NULL becomes null. */
void json_text(struct buf *out, const char *name, const char *value);
void json_number(struct buf *out, const char *name, uint64_t value);
void json_bool(struct buf *out, const char *name, bool value);

/* Append "name": alone, with a comma likewise; the value follows. */
void json_name(struct buf *out, const char *name);

/* Append the comma between elements of an array, unless it was just opened. */
void json_separate(struct buf *out);

#endif
