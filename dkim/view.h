/* Bytes as they came: a view is not NUL-terminated, may hold NUL, and owns nothing. */
#ifndef DKIM_VIEW_H
#define DKIM_VIEW_H

#include <stdbool.h>
#include <stddef.h>

struct view {
	const char *p; /* NULL only when n == 0 */
	size_t n;      /* bytes */
};

#define VIEW_INIT(literal) { (literal), sizeof(literal) - 1 } /* for static tables */
#define VIEW(literal) ((struct view)VIEW_INIT(literal))

/* The ASCII letter in lower case; every other octet as it is, whatever the locale. */
static inline char ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* WSP (RFC 5234 appendix B.1): blank or tab. */
static inline bool ascii_is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* What FWS is made of (RFC 5322 section 3.2.2): blank, tab, CR, LF. */
static inline bool ascii_is_fws(char c)
{
	return ascii_is_blank(c) || c == '\r' || c == '\n';
}

/* A view of a C string, without its NUL; NULL gives the empty view. */
struct view view_of(const char *string);

bool view_eq(struct view a, struct view b);

/* Equal but for the case of ASCII letters; other octets compare as they are. */
bool view_eq_nocase(struct view a, struct view b);

/* The part from octet `from` up to, not including, `to`; both are cut to the view's end. */
static inline struct view view_slice(struct view v, size_t from, size_t to)
{
	if (to > v.n)
		to = v.n;
	if (from > to)
		from = to;
	return v.p ? (struct view){ v.p + from, to - from } : v;
}

/* Offset of the first `c`, or v.n when there is none. */
size_t view_find(struct view v, char c);

/* Without the FWS at both ends. */
struct view view_trim_fws(struct view v);

/* Cut the next item off a list.
 *   rest       in: what is left of the list; out: what follows the separator.
 *              Its p becomes NULL with the last item: view_next then returns false.
 *   separator  e.g. ':' for h=
 *   ret        the item, untrimmed; may be empty
 * "a::b" has three items, "" has one (empty) as long as p is not NULL. */
bool view_next(struct view *rest, char separator, struct view *ret);

/* True when the octets are well-formed UTF-8 (RFC 3629); ASCII is, and so is the empty view. */
bool view_is_utf8(struct view v);

/* The octets in a form safe for a log line or a terminal: printable ASCII stays,
 * backslash and quote get a backslash, all else becomes \t, \r, \n or \xHH.
 * At most `maximum` octets of the view are shown, then "...".
 * Returns a NUL-terminated talloc string that belongs to mem; NULL when memory is out. */
char *view_escape(void *mem, struct view v, size_t maximum);

/* A NUL-terminated copy that belongs to mem; NULL when memory is out or v holds a NUL. */
char *view_string(void *mem, struct view v);

#endif
