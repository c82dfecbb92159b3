/*
 * What becomes of an old configuration: values for options of postern.conf, and notes for what has no counterpart.
 * Each source (opendkim's file or command line, clamav-milter's file) fills it in; at the end it is written as one file.
 * Errors stick: look once at import_error().
 */
#ifndef MILTER_IMPORT_H
#define MILTER_IMPORT_H

#include "dkim/buf.h"

#include <stddef.h>

#define IMPORT_FILE_MAX (1024 * 1024)       /* octets of an old file, or of a list that it names: 50,000 hosts */
#define IMPORT_TEXT_MAX (4 * 1024 * 1024)   /* octets of what is written: conf.h takes no more */

/* Where an old setting stands. */
struct import_place {
	const char *file;  /* or "command line 1" */
	unsigned line;     /* 0: none */
	const char *shown; /* the setting as its author wrote it: "Mode", "-b" */
};

struct import; /* a talloc object */

/* NULL when memory is out. */
struct import *import_new(void *mem);

/* Give an option a value; a further one for an option that takes a list.
 *   title  of a titled section; NULL otherwise
 * A value that postern.conf would not take is an error in the words of conf_parse(), with the old place. An option that has
 * another value already keeps it, and a note says so. */
void import_set(struct import *import, const char *section, const char *title, const char *option, const char *value,
                const struct import_place *place);

/* An option that takes a list and shall have none, instead of its default. */
void import_set_empty(struct import *import, const char *section, const char *title, const char *option);

/* The same value for every section of a titled kind that there is so far. */
void import_set_all(struct import *import, const char *section, const char *option, const char *value, const struct import_place *place);

/* The value of an option, the first one of a list; NULL when it has none. */
const char *import_get(const struct import *import, const char *section, const char *title, const char *option);

/* Something that is not done, or otherwise: "file:line: SHOWN: TEXT", in
 * printable ASCII: "?" stands for any other octet. */
void import_note(struct import *import, const struct import_place *place, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Something that cannot be: nothing will be written. */
void import_fault(struct import *import, const struct import_place *place, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Notes, or faults, in the order in which they came; NULL behind the last. */
const char *import_note_at(const struct import *import, size_t i);
const char *import_fault_at(const struct import *import, size_t i);

/* For those who allocate on behalf of it. */
void import_out_of_memory(struct import *import);

/* 0, or -ENOMEM once memory was out. */
int import_error(const struct import *import);

/* Write postern.conf: the options in the order of conf/options.c, then the notes as comments. Errors stay in out. */
void import_write(const struct import *import, struct buf *out);

#endif
