#include "milter/authres.h"

#include "dkim/domain.h"
#include "dkim/idna.h"

#include <errno.h>
#include <talloc.h>

/* Octets of a name in UTF-8: none of its characters has more than four, and each takes one at least of the A-label. */
#define U_NAME_MAX (4 * DOMAIN_NAME_MAX)

/* The octet behind the comment that begins at v.p[at]: comments nest, a backslash takes the next octet with it
 * (RFC 5322 section 3.2.2). 0 when it does not end. */
static size_t comment_end(struct view v, size_t at)
{
	size_t depth = 0;

	for (; at < v.n; at++) {
		if (v.p[at] == '\\')
			at++;
		else if (v.p[at] == '(')
			depth++;
		else if (v.p[at] == ')' && --depth == 0)
			return at + 1;
	}
	return 0;
}

/* Controls count as blanks: an MTA on the way may drop them. */
static bool is_blank_or_control(char c)
{
	return (c >= 0 && c <= 32) || c == 127;
}

/* Where the authserv-id begins: behind white space and comments, and behind what only damaged values have there: stray
 * parentheses, empty quoted strings. */
static size_t skip_to_id(struct view v)
{
	bool in_damage = false; /* a comment does not end: look for no other, so that each octet is read twice at most */
	size_t at = 0, end;

	while (at < v.n) {
		if (v.p[at] == '(' && !in_damage) {
			end = comment_end(v, at);
			in_damage = end == 0;
			at = in_damage ? at + 1 : end;
		} else if (is_blank_or_control(v.p[at]) || v.p[at] == '(' || v.p[at] == ')') {
			at++;
		} else if (v.p[at] == '"' && at + 1 < v.n && v.p[at + 1] == '"') {
			at += 2;
		} else {
			break;
		}
	}
	return at;
}

/* True when the name that was read up to `at` goes on there. */
static bool goes_on(struct view v, size_t at)
{
	return at < v.n && (v.p[at] < 0 || authres_is_token_octet(v.p[at]));
}

static bool begins_with_id(struct view v, struct view id)
{
	if (!view_eq_nocase(view_slice(v, 0, id.n), id))
		return false;
	if (id.n < v.n && v.p[id.n] == '.')
		id.n++;
	return !goes_on(v, id.n);
}

/* The octet at *at of a quoted string's inside, quoted pairs resolved; -1 at its end. */
static int quoted_octet(struct view v, size_t *at)
{
	if (*at < v.n && v.p[*at] == '\\')
		(*at)++;
	else if (*at < v.n && v.p[*at] == '"')
		return -1;
	return *at < v.n ? (unsigned char)v.p[(*at)++] : -1;
}

static bool quoted_string_ends(struct view v, size_t at)
{
	while (quoted_octet(v, &at) >= 0)
		continue;
	return at < v.n;
}

/* Like begins_with_id(), for what follows a quotation mark. When the closing one is there, nothing but blanks may stand behind
 * the id; when it is missing, the value cannot be parsed and its beginning decides. */
static bool quotes_id(struct view v, struct view id)
{
	size_t at = 0, i = 0, dot, behind;

	while (at < v.n && is_blank_or_control(v.p[at]))
		at++;
	for (; i < id.n; i++) {
		int c = quoted_octet(v, &at);

		if (c < 0 || ascii_lower((char)c) != ascii_lower(id.p[i]))
			return false;
	}
	dot = at;
	if (quoted_octet(v, &dot) == '.')
		at = dot;
	behind = at;
	while (at < v.n && is_blank_or_control(v.p[at]))
		at++;
	if (at == v.n || v.p[at] == '"')
		return true;
	return !quoted_string_ends(v, at) && !goes_on(v, behind);
}

/* Copy the octets of a quoted string's inside that can be a name. False when something else stands behind them. */
static bool copy_quoted(struct view v, char *to, size_t *ret_n)
{
	size_t at = 0, n = 0, before;
	int c;

	while (at < v.n && is_blank_or_control(v.p[at]))
		at++;
	for (before = at; (c = quoted_octet(v, &at)) >= 0 && !is_blank_or_control((char)c); before = at) {
		if (n == U_NAME_MAX)
			return false;
		to[n++] = (char)c;
	}
	while (before < v.n && is_blank_or_control(v.p[before]))
		before++;
	*ret_n = n;
	return before == v.n || v.p[before] == '"' || !quoted_string_ends(v, before);
}

/* The same of a name without quotes. */
static bool copy_token(struct view v, char *to, size_t *ret_n)
{
	size_t n = 0;

	for (; goes_on(v, n); n++) {
		if (n == U_NAME_MAX)
			return false;
		to[n] = v.p[n];
	}
	*ret_n = n;
	return true;
}

static struct view without_dot(struct view name)
{
	return name.n > 0 && name.p[name.n - 1] == '.' ? view_slice(name, 0, name.n - 1) : name;
}

/* Equal once both have A-labels. Without memory to find out, it is: the field is then taken away. */
static bool same_domain(struct view a, struct view b)
{
	void *mem = talloc_new(NULL);
	int r, s;
	bool same;

	if (!mem)
		return true;
	r = idna_to_ascii(mem, a, &a);
	s = idna_to_ascii(mem, b, &b);
	same = r == -ENOMEM || s == -ENOMEM || (r == 0 && s == 0 && view_eq_nocase(a, b));
	talloc_free(mem);
	return same;
}

/* Mail with SMTPUTF8 may write an international name in U-labels (RFC 8601 section 5, RFC 8616): readers take both forms for one. */
static bool claims_by_other_labels(struct view v, struct view id)
{
	char octets[U_NAME_MAX];
	struct view name = { octets, 0 };
	bool copied = v.n > 0 && v.p[0] == '"' ? copy_quoted(view_slice(v, 1, v.n), octets, &name.n) : copy_token(v, octets, &name.n);

	if (!copied || (domain_is_ascii(name) && domain_is_ascii(id)))
		return false;
	return same_domain(without_dot(name), id);
}

bool authres_claims(struct view value, struct view authserv_id)
{
	struct view id = authserv_id, rest;

	if (id.n > 0 && id.p[id.n - 1] == '.')
		id.n--;
	if (id.n == 0)
		return false;
	rest = view_slice(value, skip_to_id(value), value.n);
	if (begins_with_id(rest, id))
		return true;
	if (rest.n > 0 && rest.p[0] == '"' && quotes_id(view_slice(rest, 1, rest.n), id))
		return true;
	return claims_by_other_labels(rest, id);
}
