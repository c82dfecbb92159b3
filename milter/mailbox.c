#include "milter/mailbox.h"

#include "dkim/domain.h"

#include <string.h>
#include <talloc.h>

static size_t find_at(struct view mailbox)
{
	for (size_t i = mailbox.n; i > 0; i--)
		if (mailbox.p[i - 1] == '@')
			return i - 1;
	return mailbox.n;
}

struct view mailbox_local(struct view mailbox)
{
	return view_slice(mailbox, 0, find_at(mailbox));
}

/* atext of RFC 5322 section 3.2.3, and all of UTF-8 beyond ASCII (RFC 6531 section 3.3). */
static bool is_atext(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (unsigned char)c > 127 ||
	       (c && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

static bool is_dot_string(struct view local)
{
	struct view rest = local, atom;

	while (view_next(&rest, '.', &atom)) {
		if (atom.n == 0)
			return false;
		for (size_t i = 0; i < atom.n; i++)
			if (!is_atext(atom.p[i]))
				return false;
	}
	return true;
}

/* Quoted-string of RFC 5321 section 4.1.2: printable, and a backslash before each quote and backslash. */
static bool is_quoted_string(struct view local)
{
	if (local.n < 3 || local.p[0] != '"' || local.p[local.n - 1] != '"')
		return false;
	for (size_t i = 1; i + 1 < local.n; i++) {
		if (local.p[i] == '\\')
			i++;
		else if (local.p[i] == '"')
			return false;
		if (i + 1 == local.n || (unsigned char)local.p[i] < ' ' || local.p[i] == 0x7f)
			return false;
	}
	return true;
}

bool mailbox_is_valid(struct view mailbox)
{
	size_t at = find_at(mailbox);
	struct view local = view_slice(mailbox, 0, at), domain = view_slice(mailbox, at + 1, mailbox.n);

	return mailbox.n <= MAILBOX_MAX && at < mailbox.n && view_is_utf8(mailbox) && domain_is_valid(domain) &&
	       (is_dot_string(local) || is_quoted_string(local));
}

char *mailbox_key(void *mem, struct view mailbox)
{
	char *key = view_string(mem, mailbox), *out = key;
	size_t at = find_at(mailbox);
	bool detail = false;

	if (!key)
		return NULL;
	for (size_t i = 0; i < mailbox.n; i++) {
		char c = mailbox.p[i];

		detail = i < at && (detail || c == '+');
		if (!detail && !(i < at && (c == '"' || c == '\\')))
			*out++ = ascii_lower(c);
	}
	*out = '\0';
	return key;
}
