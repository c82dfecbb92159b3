/*
 * The header of a message: every field as it came, in order.
 * DKIM hashes octets, so nothing is unfolded, decoded or repaired here.
 */
#ifndef DKIM_HEADER_H
#define DKIM_HEADER_H

#include "dkim/view.h"

#include <stdint.h>

struct header_field {
	struct view raw;   /* the whole field: name, colon, value, folds as CRLF, final CRLF */
	struct view name;  /* inside raw: what stands before the colon, without blanks at its end */
	struct view value; /* inside raw: all after the colon, leading blank included, without the final CRLF */
};

struct header_limits {
	size_t fields; /* number of fields */
	size_t octets; /* sum of the raw sizes */
};

/* RFC 5322 names no limit. Postfix stops at 102,400 octets (header_size_limit);
 * twenty times that serves every real message and bounds the memory of a hostile one. */
#define HEADER_FIELDS_MAX 10000
#define HEADER_OCTETS_MAX (2 * 1024 * 1024)

struct header_list;

/* An empty list that belongs to mem; talloc_free() or freeing mem ends it.
 *   limits  NULL for the two maxima above
 * Returns 0 or -ENOMEM. */
int header_list_new(void *mem, const struct header_limits *limits, struct header_list **ret);

/* Append one field below those already there.
 *   name   as received, without the colon
 *   value  all that follows the colon, leading blank included, without the final
 *          line end; a fold may be CRLF or a bare LF (milter): bare LF followed by a
 *          blank becomes CRLF before hashing (R40), any other bare CR or LF stays data
 * Copies both. Returns 0, -ENOMEM, -E2BIG (fields limit) or -EMSGSIZE (octets limit);
 * on error the list is as before. */
int header_list_add(struct header_list *list, struct view name, struct view value);

/* Append the fields of a whole message with CRLF line ends; a bare CR or LF is data here.
 *   message   borrowed, copied from
 *   ret_body  what follows the empty line that ends the header; empty when there is none.
 *             A first line that is neither field nor fold ends the header too and
 *             belongs to the body, as Postfix and Sendmail do it.
 * Returns as header_list_add(). */
int header_list_parse(struct header_list *list, struct view message, struct view *ret_body);

size_t header_list_count(const struct header_list *list);

/* Field number i from the top, i < header_list_count(). */
const struct header_field *header_list_at(const struct header_list *list, size_t i);

/* The sum of the raw sizes. */
size_t header_list_octets(const struct header_list *list);

/* The instance of `name` (any case) that has `below` further instances under it: 0 is
 * the bottom one (RFC 6376 section 5.4.2). NULL when there is none. Takes time in proportion
 * to `below`: whoever wants them all uses a selection.
 *   skip  a field that counts as absent (the signature under test, R20); may be NULL */
const struct header_field *header_list_from_bottom(const struct header_list *list, struct view name, size_t below,
                                                   const struct header_field *skip);

/* Number of fields of that name (any case). */
size_t header_list_count_name(const struct header_list *list, struct view name);

/* Takes the fields that the names of an h= stand for, one call per name: the bottom instance first,
 * then upwards (section 5.4.2). The work of a call does not grow with the number of fields. */
struct header_selection;

/* Begin; belongs to mem. The list must live on and must not grow meanwhile.
 *   skip  as above
 * Returns 0 or -ENOMEM. */
int header_selection_new(void *mem, const struct header_list *list, const struct header_field *skip,
                         struct header_selection **ret);

/* The next instance of `name` (any case), or NULL when all were taken. */
const struct header_field *header_selection_next(struct header_selection *selection, struct view name);

#endif
