/*
 * From the text of a value to what the program uses. A value parser judges one option's values; the words for
 * "wanted" stand in the option's row.
 */
#ifndef CONF_VALUES_H
#define CONF_VALUES_H

#include "conf/conf.h"

struct value_word {
	const char *text; /* NULL ends a table */
	int value;
};

/* What a row says beyond its parser; each parser uses its part. */
struct value_rule {
	uint64_t minimum, maximum;
	const struct value_word *words;
	bool (*is_valid)(const char *text);
};

/* Parse one option.
 *   mem      owns what the field points to afterwards
 *   values   `count` strings; 1 unless the option is a list
 *   field    where the result goes; untouched on failure. Its type is the parser's, see below
 *   ret_bad  on -EINVAL: number of the value at fault
 * Returns 0, -EINVAL or -ENOMEM. */
typedef int value_parser(void *mem, const struct value_rule *rule, const char *const *values, size_t count, void *field,
                         size_t *ret_bad);

value_parser value_string;     /* const char *; rule.is_valid, or any when that is NULL */
value_parser value_domain;     /* const char *; U-labels are mapped to A-labels (IDNA2008), then as value_string (R100) */
value_parser value_number;     /* unsigned; a decimal number within the rule */
value_parser value_size;       /* size_t; octets within the rule: 4096, 64K, 2M, 1G */
value_parser value_milliseconds; /* unsigned; a time within the rule, which counts in milliseconds: 500ms, 5s, 2m, 1h, 7d, 0 */
value_parser value_seconds;    /* unsigned; likewise, but whole seconds only */
value_parser value_mode;       /* mode_t; octal permissions within the rule */
value_parser value_boolean;      /* bool; one of rule.words, whose value is 0 or 1 */
value_parser value_enum;         /* any enum; one of rule.words */
value_parser value_canonicalization; /* struct conf_sign: header_canon and body_canon (RFC 6376 section 3.5, c=) */
value_parser value_string_list;  /* const char **, NULL-terminated; each as value_string */
value_parser value_servers;      /* struct conf_dns: servers and server_count */
value_parser value_networks;     /* struct conf_networks */

/* For rule.is_valid. */
bool value_is_authserv_id(const char *text);    /* token (RFC 8601 section 2.2), or empty */
bool value_is_user(const char *text);           /* a user's name */
bool value_is_group(const char *text);          /* a group's name, or empty */
bool value_is_socket(const char *text);         /* the forms of milter/socket_spec.h */
bool value_is_daemon_name(const char *text);    /* what an MTA may call its ports */
bool value_is_path(const char *text);           /* absolute: children do not share a working directory */
bool value_is_path_or_empty(const char *text);
bool value_is_table(const char *text);          /* a table's file, or empty: conf/table_text.h */
bool value_is_domain(const char *text);         /* A-labels (R100) */
bool value_is_selector(const char *text);       /* sub-domain *( "." sub-domain ), or empty (RFC 6376 section 3.1) */
bool value_is_header_name(const char *text);    /* field-name (RFC 5322 section 3.6.8) */
bool value_is_extension(const char *text);      /* of a file's name, without its dot */
bool value_is_media_type(const char *text);     /* type/subtype, either may have wildcards */
bool value_is_clamav_type(const char *text);    /* CL_TYPE_... */
bool value_is_pattern(const char *text);        /* glob(7), not empty, printable */
bool value_is_scan_class(const char *text);     /* what av.copy may list */
bool value_is_clamd(const char *text);          /* unix:/PATH or inet:PORT@HOST */
bool value_is_reply_text(const char *text);     /* printable ASCII of one line */
bool value_is_user_or_empty(const char *text);

#endif
