/* Domain names with U-labels: what is accepted against punycode (RFC 3492) and the ASCII of DNS, written out here. */
#include "dkim/idna.h"
#include "dkim/domain.h"
#include "t/fuzz/fuzz.h"

#include <stdlib.h>
#include <talloc.h>

#define CODE_POINTS_MAX 64 /* an A-label holds fewer */

/* RFC 3492 section 6.1, with the numbers of section 5. */
static uint32_t adapt(uint32_t delta, uint32_t count, bool first)
{
	uint32_t k = 0;

	delta = first ? delta / 700 : delta / 2;
	delta += delta / count;
	for (; delta > 35 * 26 / 2; k += 36)
		delta /= 35;
	return k + 36 * delta / (delta + 38);
}

static uint32_t digit_of(char c)
{
	c = ascii_lower(c);
	CLAIM((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'));
	return c <= '9' ? (uint32_t)(c - '0') + 26 : (uint32_t)(c - 'a');
}

/* The code points of an A-label, without its "xn--" (section 6.2). The claims hold for all that we make ourselves. */
static size_t decode(struct view text, uint32_t ret[CODE_POINTS_MAX])
{
	size_t basic = text.n, count = 0, at;
	uint32_t n = 128, bias = 72, i = 0;

	while (basic > 0 && text.p[basic - 1] != '-')
		basic--;
	for (; count + 1 < basic; count++)
		ret[count] = (unsigned char)text.p[count];
	for (at = basic; at < text.n; i++) {
		uint32_t before = i, weight = 1;

		for (uint32_t k = 36;; k += 36) {
			uint32_t threshold = k <= bias ? 1 : k >= bias + 26 ? 26 : k - bias;
			uint32_t digit;

			CLAIM(at < text.n);
			digit = digit_of(text.p[at++]);
			i += digit * weight;
			if (digit < threshold)
				break;
			weight *= 36 - threshold;
		}
		count++;
		CLAIM(count <= CODE_POINTS_MAX);
		bias = adapt(i - before, (uint32_t)count, before == 0);
		n += i / (uint32_t)count;
		i %= (uint32_t)count;
		for (size_t k = count - 1; k > i; k--)
			ret[k] = ret[k - 1];
		ret[i] = n;
	}
	return count;
}

static void add_utf8(struct buf *out, uint32_t c)
{
	if (c < 0x80) {
		buf_add_char(out, (char)c);
	} else if (c < 0x800) {
		buf_add_char(out, (char)(0xc0 | c >> 6));
	} else if (c < 0x10000) {
		buf_add_char(out, (char)(0xe0 | c >> 12));
		buf_add_char(out, (char)(0x80 | (c >> 6 & 0x3f)));
	} else {
		buf_add_char(out, (char)(0xf0 | c >> 18));
		buf_add_char(out, (char)(0x80 | (c >> 12 & 0x3f)));
		buf_add_char(out, (char)(0x80 | (c >> 6 & 0x3f)));
	}
	if (c >= 0x80)
		buf_add_char(out, (char)(0x80 | (c & 0x3f)));
}

/* An A-label that we made is shown as what its punycode says. */
static void claim_shown(void *mem, struct view a_label)
{
	uint32_t code_points[CODE_POINTS_MAX];
	size_t count = decode(view_slice(a_label, 4, a_label.n), code_points);
	struct view shown;
	struct buf wanted;

	buf_init(&wanted, mem, DOMAIN_UTF8_LABEL_MAX);
	for (size_t i = 0; i < count; i++)
		add_utf8(&wanted, code_points[i]);
	CLAIM(idna_to_unicode(mem, a_label, &shown) == 0);
	CLAIM_SAME(shown, buf_view(&wanted));
}

static void claim_labels(void *mem, struct view name, struct view ascii)
{
	struct view label, mapped;

	while (view_next(&name, '.', &label)) {
		CLAIM(view_next(&ascii, '.', &mapped));
		if (domain_is_ascii(label)) {
			CLAIM_SAME(mapped, label);
			continue;
		}
		CLAIM(matches(mapped, "xn--[a-z0-9_-]{1,59}"));
		claim_shown(mem, mapped);
	}
	CLAIM(!ascii.p);
}

/* What is shown for any name leads back to it. */
static void claim_way_back(void *mem, struct view ascii)
{
	struct view shown, again;

	CLAIM(idna_to_unicode(mem, ascii, &shown) == 0);
	CLAIM(domain_is_valid(shown));
	CLAIM(idna_to_ascii(mem, shown, &again) == 0);
	CLAIM(view_eq_nocase(again, ascii));
}

/* Input: a name. */
int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t n)
{
	void *mem = talloc_new(NULL);
	struct view name = copy_of(mem, (struct view){ (const char *)octets, n });
	struct view ascii = { NULL, 0 }, shown;

	CLAIM(idna_to_unicode(mem, name, &shown) == 0);
	if (idna_to_ascii(mem, name, &ascii) == 0) {
		CLAIM(domain_is_ascii(ascii) && domain_is_valid(ascii));
		claim_labels(mem, name, ascii);
		claim_way_back(mem, ascii);
	} else {
		CLAIM(!domain_is_valid(name) || !domain_is_ascii(name));
	}
	talloc_free(mem);
	return 0;
}
