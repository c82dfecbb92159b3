/* A configuration text, read by libconfuse: which options stand in which sections, at which line, with which values. */
#ifndef CONF_SOURCE_H
#define CONF_SOURCE_H

#include "conf/faults.h"
#include "conf/options.h"

struct source_item {
	const struct option *option;
	unsigned line;
	bool list;           /* written as one, in braces */
	const char **values; /* a talloc array: as written, escapes resolved */
	size_t count;
	size_t statement;    /* number of its token */
};

struct source_section {
	const struct option_section *kind;
	const char *title;              /* "" when the kind has none */
	unsigned line;                  /* 0 for the file itself */
	size_t opening;                 /* number of its { */
	const struct source_item **item; /* one per row of option_rows(), NULL where the text says nothing */
};

#define SOURCE_SECTIONS_MAX 10000 /* libconfuse compares each title with all before it */

struct source {
	struct source_section **section; /* in the order of the text; the first is the file itself */
	size_t count;
	bool cut_short; /* a fault of syntax ended it: what is not there may be missing for that alone */
};

/* Read a text. Not to be called from two threads at once: libconfuse keeps its state in global variables.
 * Faults found on the way (syntax, unknown and repeated names, repeated titles) are added to `faults`, and what can
 * still be understood is returned.
 *   ret  a talloc child of mem; written only on success
 * Returns 0, -EINVAL (nothing could be understood; see `faults`) or -ENOMEM. */
int source_read(void *mem, const char *text, size_t n, struct fault_list *faults, struct source **ret);

/* How a section is named in a fault: `dns`, `listener "inbound"`. A talloc string of mem; NULL when memory is out. */
char *source_section_name(void *mem, const struct source_section *section);

/* Likewise an option: `dns.timeout`, `listener "inbound" socket`, `user`. */
char *source_option_name(void *mem, const struct source_section *section, const char *name);

#endif
