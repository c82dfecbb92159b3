/* THE table of options and sections. A new option is one row here (and one paragraph of postern.conf(5)). */
#ifndef CONF_OPTIONS_H
#define CONF_OPTIONS_H

#include "conf/values.h"

/* A kind of section. */
struct option_section {
	const char *name;   /* unique, also among sections of different parents; "" is the file itself */
	const char *parent; /* NULL for the file itself */
	bool titled;        /* NAME "TITLE" { ... }, as often as wanted; else NAME { ... }, once */
};

struct option {
	struct conf_option_info info;
	bool list;
	size_t offset;      /* of the field: in the section's own struct when it is titled, else in struct conf */
	value_parser *parse;
	struct value_rule rule;
	const char *example; /* for options that must be given; as it would be written in a file */
};

const struct option_section *option_sections(size_t *ret_count);
const struct option_section *option_section_find(const char *name);
const struct option *option_rows(size_t *ret_count);

/* NULL when there is none. */
const struct option *option_find(const char *section, const char *name);

/* What a name that is not known in `section` was meant to be, for the error: "a name known here (timeout?)",
 * "a name known here (timeout stands in section dns)", "a name known here". A talloc string of mem; NULL when memory is out. */
char *option_suggest(void *mem, const char *section, const char *name);

#endif
