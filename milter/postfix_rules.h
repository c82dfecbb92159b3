/* Rules of Postfix's header_checks(5) and body_checks that change mail, found by reading regexp: and pcre: tables. */
#ifndef MILTER_POSTFIX_RULES_H
#define MILTER_POSTFIX_RULES_H

#include "dkim/buf.h"

#define POSTFIX_TABLE_MAX ((size_t)4 * 1024 * 1024) /* octets of a table; the part behind is not looked at */

/* Whether a change of this field matters; any case. */
typedef bool postfix_field_matters(const void *arg, struct view name);

/* Look for rules that take lines away or change them (IGNORE, REPLACE, STRIP), without regard for what their patterns match
 * but for a field's name at the beginning: "/^X-Spam:/", "/^(X-Spam|X-Score):/". A pattern that begins otherwise may match any field.
 *   tables   value of header_checks or the like: "regexp:/a, pcre:/b"
 *   matters  asked for each name; NULL: lines of a body, which all matter
 *   got      "FILE:LINE: ACTION PATTERN" is added for each such rule, and "TABLE: cannot be read" for what cannot be looked into;
 *            separated by "; "
 * Returns whether anything was added. */
bool postfix_rules_find(const char *tables, postfix_field_matters *matters, const void *arg, struct buf *got);

#endif
