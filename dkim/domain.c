#include "dkim/domain.h"

#include <assert.h>

/* Letters, digits, hyphen, underscore (as in "_domainkey"), and whatever a U-label is made of. */
static bool is_label_octet(char c)
{
	char lower = ascii_lower(c);

	return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || (unsigned char)c > 0x7f;
}

static bool is_label(struct view label)
{
	for (size_t i = 0; i < label.n; i++)
		if (!is_label_octet(label.p[i]))
			return false;
	return label.n > 0 && label.n <= (domain_is_ascii(label) ? DOMAIN_LABEL_MAX : DOMAIN_UTF8_LABEL_MAX);
}

bool domain_is_ascii(struct view domain)
{
	for (size_t i = 0; i < domain.n; i++)
		if ((unsigned char)domain.p[i] > 0x7f)
			return false;
	return true;
}

bool domain_is_valid(struct view domain)
{
	struct view rest = domain;
	struct view label;

	if (domain.n == 0 || domain.n > (domain_is_ascii(domain) ? DOMAIN_NAME_MAX : DOMAIN_UTF8_MAX) || !view_is_utf8(domain))
		return false;
	while (view_next(&rest, '.', &label))
		if (!is_label(label))
			return false;
	return true;
}

bool domain_is_within(struct view domain, struct view parent)
{
	size_t above = domain.n - parent.n;

	if (parent.n == 0 || domain.n < parent.n)
		return false;
	if (!view_eq_nocase(view_slice(domain, above, domain.n), parent))
		return false;
	return above == 0 || domain.p[above - 1] == '.';
}

bool domain_is_single_label(struct view domain)
{
	return domain.n > 0 && view_find(domain, '.') == domain.n;
}

const char *from_reason_text(enum from_reason reason)
{
	static const char *const texts[] = {
		[FROM_OK] = "one From field with a mailbox",
		[FROM_MISSING] = "no From field",
		[FROM_SEVERAL] = "more than one From field",
		[FROM_NO_MAILBOX] = "no mailbox in From",
		[FROM_BAD_DOMAIN] = "the mailbox of From has no domain name",
	};

	assert((size_t)reason < sizeof texts / sizeof texts[0]);
	return texts[reason];
}

/* Where the reading of a From value stands. */
struct cursor {
	struct view v;
	size_t at;
};

static bool at_end(const struct cursor *c)
{
	return c->at >= c->v.n;
}

static bool is_at(const struct cursor *c, char octet)
{
	return !at_end(c) && c->v.p[c->at] == octet;
}

/* One octet, or a quoted-pair (RFC 5322 section 3.2.1). */
static void skip_octet(struct cursor *c)
{
	if (is_at(c, '\\'))
		c->at++;
	if (!at_end(c))
		c->at++;
}

/* From the opening octet of a quoted-string or domain-literal to behind the closing one. False when that is missing. */
static bool skip_enclosed(struct cursor *c, char close)
{
	c->at++;
	while (!at_end(c) && !is_at(c, close))
		skip_octet(c);
	if (at_end(c))
		return false;
	c->at++;
	return true;
}

/* A comment, with those inside it. False when it does not end. */
static bool skip_comment(struct cursor *c)
{
	size_t depth = 0;

	while (!at_end(c)) {
		if (is_at(c, '('))
			depth++;
		else if (is_at(c, ')'))
			depth--;
		skip_octet(c);
		if (depth == 0)
			return true;
	}
	return false;
}

/* CFWS. False when a comment does not end. */
static bool skip_cfws(struct cursor *c)
{
	while (!at_end(c)) {
		if (ascii_is_fws(c->v.p[c->at]))
			c->at++;
		else if (!is_at(c, '('))
			break;
		else if (!skip_comment(c))
			return false;
	}
	return true;
}

/* Octets up to the next blank or any of `ends`. */
static struct view take_run(struct cursor *c, struct view ends)
{
	size_t from = c->at;

	while (!at_end(c) && !ascii_is_fws(c->v.p[c->at]) && view_find(ends, c->v.p[c->at]) == ends.n)
		c->at++;
	return view_slice(c->v, from, c->at);
}

/* A quoted-string, or a run of text (its dots count as text), and the CFWS behind. False when there is no word. */
static bool skip_word(struct cursor *c)
{
	if (is_at(c, '"'))
		return skip_enclosed(c, '"') && skip_cfws(c);
	return take_run(c, VIEW("()<>@,;:\"")).n > 0 && skip_cfws(c);
}

/* "@", then a name or a domain-literal (no key can be for that), and the CFWS behind. False when there is neither. */
static bool take_domain(struct cursor *c, struct view *ret)
{
	size_t from;

	c->at++;
	if (!skip_cfws(c))
		return false;
	from = c->at;
	if (!is_at(c, '['))
		*ret = take_run(c, VIEW("()<>@,;:\"[]\\"));
	else if (skip_enclosed(c, ']'))
		*ret = view_slice(c->v, from, c->at);
	else
		return false;
	return ret->n > 0 && skip_cfws(c);
}

/* obs-route (section 4.4): "@a,@b:" before the address. */
static bool skip_route(struct cursor *c)
{
	if (!is_at(c, '@'))
		return true;
	while (!at_end(c) && !is_at(c, ':') && !is_at(c, '>'))
		c->at++;
	if (!is_at(c, ':'))
		return false;
	c->at++;
	return skip_cfws(c);
}

static bool at_list_end(const struct cursor *c)
{
	return at_end(c) || is_at(c, ',') || is_at(c, ';');
}

/* angle-addr: "<" local-part "@" domain ">". */
static bool take_angle_address(struct cursor *c, struct from_mailbox *ret)
{
	size_t words = 0, from;

	c->at++;
	if (!skip_cfws(c) || !skip_route(c))
		return false;
	from = c->at;
	for (; !at_end(c) && !is_at(c, '@'); words++)
		if (!skip_word(c))
			return false;
	ret->local = view_trim_fws(view_slice(c->v, from, c->at));
	if (words == 0 || at_end(c) || !take_domain(c, &ret->domain) || !is_at(c, '>'))
		return false;
	c->at++;
	return skip_cfws(c) && at_list_end(c);
}

/* One item of the list, up to its "," or ";": a mailbox, or the display name of a group and its first
 * mailbox (RFC 6854), or words without an address. An address in angle brackets is the mailbox, whatever
 * the words before it look like; one without them must be all there is.
 *   ret  its domain's n is 0 when the item has no address
 * False when the item cannot be read. */
static bool take_item(struct cursor *c, struct from_mailbox *ret)
{
	struct from_mailbox mailbox = { { NULL, 0 }, { NULL, 0 } };
	size_t words = 0, from;
	bool plain = false; /* what was read so far is an address without brackets */
	bool spoiled = false;

	if (!skip_cfws(c))
		return false;
	from = c->at;
	while (!at_list_end(c)) {
		if (is_at(c, '<'))
			return take_angle_address(c, ret);
		spoiled = spoiled || plain;
		if (is_at(c, '@')) {
			mailbox.local = view_trim_fws(view_slice(c->v, from, c->at));
			if (words == 0 || !take_domain(c, &mailbox.domain))
				return false;
			plain = true;
		} else if (is_at(c, ':')) {
			c->at++;
			words = 0;
			if (!skip_cfws(c))
				return false;
			from = c->at;
		} else if (skip_word(c)) {
			words++;
		} else {
			return false;
		}
	}
	*ret = mailbox;
	return !spoiled;
}

/* The first mailbox in the list; its domain's n is 0 when there is none or the list cannot be read. */
static struct from_mailbox first_mailbox(struct view value)
{
	struct from_mailbox mailbox = { { NULL, 0 }, { NULL, 0 } };
	struct cursor c = { value, 0 };

	while (!at_end(&c) && mailbox.domain.n == 0) {
		if (!take_item(&c, &mailbox))
			return (struct from_mailbox){ { NULL, 0 }, { NULL, 0 } };
		if (!at_end(&c))
			c.at++; /* the "," or ";" */
	}
	return mailbox;
}

enum from_reason from_value_mailbox(struct view value, struct from_mailbox *ret)
{
	struct from_mailbox mailbox = first_mailbox(value);

	if (mailbox.domain.n == 0)
		return FROM_NO_MAILBOX;
	if (!domain_is_valid(mailbox.domain))
		return FROM_BAD_DOMAIN;
	*ret = mailbox;
	return FROM_OK;
}

enum from_reason from_value_domain(struct view value, struct view *ret)
{
	struct from_mailbox mailbox;
	enum from_reason reason = from_value_mailbox(value, &mailbox);

	if (reason == FROM_OK)
		*ret = mailbox.domain;
	return reason;
}

enum from_reason header_from_mailbox(const struct header_list *headers, struct from_mailbox *ret)
{
	size_t count = header_list_count_name(headers, VIEW("From"));

	if (count != 1)
		return count == 0 ? FROM_MISSING : FROM_SEVERAL;
	return from_value_mailbox(header_list_from_bottom(headers, VIEW("From"), 0, NULL)->value, ret);
}

enum from_reason header_from_domain(const struct header_list *headers, struct view *ret)
{
	struct from_mailbox mailbox;
	enum from_reason reason = header_from_mailbox(headers, &mailbox);

	if (reason == FROM_OK)
		*ret = mailbox.domain;
	return reason;
}
