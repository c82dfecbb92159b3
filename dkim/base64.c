#include "dkim/base64.h"

#include <errno.h>
#include <sodium.h>

static bool is_digit64(char c)
{
	char lower = ascii_lower(c);

	return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
}

/* Number of base64 digits, or SIZE_MAX when an octet has no place in base64 text. libsodium (1.0.18) does
 * not see to that: it takes NUL for an octet to pass over, and some octets above 127 for digits. */
static size_t count_digits(struct view text)
{
	size_t count = 0;

	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];

		if (is_digit64(c))
			count++;
		else if (c != '=' && !ascii_is_fws(c))
			return SIZE_MAX;
	}
	return count;
}

int base64_decode(struct view text, size_t maximum, uint8_t *ret, size_t *ret_n)
{
	static const char fws[] = " \t\r\n";
	size_t digits = count_digits(text);

	if (digits == SIZE_MAX)
		return -EINVAL;
	if (digits / 4 * 3 + digits % 4 * 3 / 4 > maximum)
		return -EMSGSIZE;
	if (sodium_base642bin(ret, maximum, text.n ? text.p : "", text.n, fws, ret_n, NULL, sodium_base64_VARIANT_ORIGINAL) < 0)
		return -EINVAL;
	return 0;
}

void base64_encode(struct buf *out, const uint8_t *octets, size_t n)
{
	enum { STEP = 768 }; /* a multiple of three: no padding between steps */
	char text[sodium_base64_ENCODED_LEN(STEP, sodium_base64_VARIANT_ORIGINAL)];

	for (size_t from = 0; from < n; from += STEP) {
		size_t step = n - from < STEP ? n - from : STEP;

		buf_add_string(out, sodium_bin2base64(text, sizeof text, octets + from, step, sodium_base64_VARIANT_ORIGINAL));
	}
}
