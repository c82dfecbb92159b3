#include "dkim/view.h"

#include <stdint.h>
#include <string.h>
#include <talloc.h>

struct view view_of(const char *string)
{
	return string ? (struct view){ string, strlen(string) } : (struct view){ NULL, 0 };
}

bool view_eq(struct view a, struct view b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool view_eq_nocase(struct view a, struct view b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (ascii_lower(a.p[i]) != ascii_lower(b.p[i]))
			return false;
	return true;
}

size_t view_find(struct view v, char c)
{
	const char *at = v.n ? memchr(v.p, c, v.n) : NULL;

	return at ? (size_t)(at - v.p) : v.n;
}

struct view view_trim_fws(struct view v)
{
	size_t from = 0;
	size_t to = v.n;

	while (from < to && ascii_is_fws(v.p[from]))
		from++;
	while (to > from && ascii_is_fws(v.p[to - 1]))
		to--;
	return view_slice(v, from, to);
}

bool view_next(struct view *rest, char separator, struct view *ret)
{
	size_t at;

	if (!rest->p)
		return false;
	at = view_find(*rest, separator);
	*ret = view_slice(*rest, 0, at);
	*rest = at < rest->n ? view_slice(*rest, at + 1, rest->n) : (struct view){ NULL, 0 };
	return true;
}

/* How many octets the sequence that begins with `first` must have, and the
 * range of its second octet (RFC 3629 section 4); 0 for an octet that begins none. */
static size_t utf8_sequence(uint8_t first, uint8_t *low, uint8_t *high)
{
	*low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
	*high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
	if (first < 0x80)
		return 1;
	if (first < 0xc2 || first > 0xf4)
		return 0;
	return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

bool view_is_utf8(struct view v)
{
	size_t n;

	for (size_t i = 0; i < v.n; i += n) {
		uint8_t low, high;

		n = utf8_sequence((uint8_t)v.p[i], &low, &high);
		if (n == 0 || n > v.n - i)
			return false;
		for (size_t k = 1; k < n; k++, low = 0x80, high = 0xbf)
			if ((uint8_t)v.p[i + k] < low || (uint8_t)v.p[i + k] > high)
				return false;
	}
	return true;
}

#define ESCAPED_OCTETS_MAX 4 /* \xHH */

/* Write one octet in its safe form; returns what was written. */
static size_t escape_octet(char *out, char c)
{
	static const char hex[] = "0123456789abcdef";
	static const char special[] = "\t\r\n\\\"";
	static const char letter[] = "trn\\\"";
	const char *at = c ? strchr(special, c) : NULL;

	if (!at && c >= ' ' && c <= '~') {
		out[0] = c;
		return 1;
	}
	out[0] = '\\';
	if (at) {
		out[1] = letter[at - special];
		return 2;
	}
	out[1] = 'x';
	out[2] = hex[(uint8_t)c >> 4];
	out[3] = hex[(uint8_t)c & 15];
	return 4;
}

char *view_escape(void *mem, struct view v, size_t maximum)
{
	static const char cut[] = "...";
	size_t shown = v.n < maximum ? v.n : maximum;
	size_t n = 0;
	char *out;

	if (shown > (SIZE_MAX - sizeof cut) / ESCAPED_OCTETS_MAX)
		return NULL;
	out = talloc_size(mem, shown * ESCAPED_OCTETS_MAX + sizeof cut);
	if (!out)
		return NULL;
	for (size_t i = 0; i < shown; i++)
		n += escape_octet(out + n, v.p[i]);
	memcpy(out + n, shown < v.n ? cut : "", shown < v.n ? sizeof cut : 1);
	return out;
}

char *view_string(void *mem, struct view v)
{
	if (view_find(v, '\0') < v.n)
		return NULL;
	return talloc_strndup(mem, v.n ? v.p : "", v.n);
}
