#include "av/transfer.h"

#include "av/parameter.h"

#include <errno.h>
#include <gmime/gmime.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const struct { const char *name; enum av_transfer transfer; } names[] = {
	{ "", AV_TRANSFER_IDENTITY }, { "7bit", AV_TRANSFER_IDENTITY }, { "8bit", AV_TRANSFER_IDENTITY }, { "binary", AV_TRANSFER_IDENTITY },
	{ "base64", AV_TRANSFER_BASE64 }, { "quoted-printable", AV_TRANSFER_QUOTED },
	{ "x-uuencode", AV_TRANSFER_UU }, { "uuencode", AV_TRANSFER_UU }, { "x-uue", AV_TRANSFER_UU }, { "uue", AV_TRANSFER_UU },
	{ "x-yenc", AV_TRANSFER_YENC }, { "yenc", AV_TRANSFER_YENC },
	/* Seen in ordinary mail, and taken as nothing by all. */
	{ "8-bit", AV_TRANSFER_IDENTITY }, { "7-bit", AV_TRANSFER_IDENTITY }, { "8bits", AV_TRANSFER_IDENTITY },
	{ "7bits", AV_TRANSFER_IDENTITY }, { "utf-8", AV_TRANSFER_IDENTITY }, { "utf8", AV_TRANSFER_IDENTITY },
	{ "us-ascii", AV_TRANSFER_IDENTITY }, { "none", AV_TRANSFER_IDENTITY },
};

enum av_transfer av_transfer_of(struct view field)
{
	char name[32];

	/* "base64;" is base64 to most: what follows a semicolon does not count. */
	av_parameter_head(field, name, sizeof name);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strcmp(name, names[i].name) == 0)
			return names[i].transfer;
	return AV_TRANSFER_UNKNOWN;
}

#define SKIP 64
#define PAD 65

static void make_base64(uint8_t table[256])
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	memset(table, SKIP, 256);
	for (uint8_t i = 0; i < 64; i++)
		table[(unsigned char)alphabet[i]] = i;
	table['='] = PAD;
}

/* The digits of one group, the last one, which may be short. */
static char *put_short(char *to, uint32_t bits, unsigned digits)
{
	if (digits >= 2)
		*to++ = (char)(bits >> (6 * digits - 8));
	if (digits >= 3)
		*to++ = (char)(bits >> (6 * digits - 16));
	return to;
}

/* Whole groups, as long as nothing else stands between their digits: nearly all of them. */
static const unsigned char *decode_groups(const uint8_t table[256], const unsigned char *p, const unsigned char *end, char **to)
{
	for (; end - p >= 4; p += 4) {
		uint32_t bits = (uint32_t)table[p[0]] << 18 | (uint32_t)table[p[1]] << 12 | (uint32_t)table[p[2]] << 6 | table[p[3]];

		if ((table[p[0]] | table[p[1]] | table[p[2]] | table[p[3]]) >= SKIP)
			break;
		*(*to)++ = (char)(bits >> 16);
		*(*to)++ = (char)(bits >> 8);
		*(*to)++ = (char)bits;
	}
	return p;
}

/* Octets outside the alphabet are skipped; after padding a new group begins. */
static size_t decode_base64(struct view encoded, char *room, bool *ret_after)
{
	static uint8_t table[256];
	const unsigned char *p = (const unsigned char *)encoded.p, *end = p + encoded.n;
	char *to = room;
	uint32_t bits = 0;
	unsigned digits = 0, padded = 0, after = 0;

	if (table['B'] == 0)
		make_base64(table);
	for (; p < end; p++) {
		uint8_t value;

		if (digits == 0 && !padded)
			p = decode_groups(table, p, end, &to);
		if (p == end)
			break;
		value = table[*p];
		if (value < 64) {
			bits = bits << 6 | value;
			after += padded;
			if (++digits < 4)
				continue;
			*to++ = (char)(bits >> 16);
			*to++ = (char)(bits >> 8);
			*to++ = (char)bits;
			digits = 0;
		} else if (value == PAD) {
			to = put_short(to, bits, digits);
			digits = 0;
			padded = 1;
		}
	}
	to = put_short(to, bits, digits);
	*ret_after = after >= 4;
	return (size_t)(to - room);
}

static size_t decode_gmime(GMimeContentEncoding encoding, struct view encoded, char *room)
{
	GMimeEncoding state;
	size_t n;

	g_mime_encoding_init_decode(&state, encoding);
	n = g_mime_encoding_step(&state, encoded.p, encoded.n, room);
	return n + g_mime_encoding_flush(&state, NULL, 0, room + n);
}

/* Behind the line that begins the data, if there is one. */
static struct view behind_line(struct view text, const char *word)
{
	size_t length = strlen(word);

	for (size_t from = 0; from < text.n;) {
		struct view rest = view_slice(text, from, text.n);
		size_t end = view_find(rest, '\n');

		if (rest.n >= length && memcmp(rest.p, word, length) == 0)
			return view_slice(rest, end + 1, rest.n);
		from += end + 1;
	}
	return text;
}

/* yEnc 1.3: 42 is added to each octet; "=" escapes, adding 64 more; lines that begin with "=y" are its own. */
static size_t decode_yenc(struct view encoded, char *room)
{
	struct view rest = behind_line(encoded, "=ybegin");
	size_t n = 0;

	while (rest.n > 0) {
		size_t end = view_find(rest, '\n');
		struct view line = view_slice(rest, 0, end);

		rest = view_slice(rest, end + 1, rest.n);
		if (line.n >= 5 && memcmp(line.p, "=yend", 5) == 0)
			break;
		if (line.n >= 2 && memcmp(line.p, "=y", 2) == 0)
			continue;
		for (size_t i = 0; i < line.n; i++) {
			bool escaped = line.p[i] == '=' && i + 1 < line.n;

			if (line.p[i] != '\r')
				room[n++] = (char)(line.p[i + escaped] - 42 - (escaped ? 64 : 0));
			i += escaped;
		}
	}
	return n;
}

int av_transfer_decode(enum av_transfer transfer, struct view encoded, struct view *ret, bool *ret_after)
{
	/* GMime counts on some octets beyond what it writes. */
	char *room = malloc(encoded.n + 8);

	if (!room)
		return -ENOMEM;
	*ret_after = false;
	ret->p = room;
	switch (transfer) {
	case AV_TRANSFER_BASE64:
		ret->n = decode_base64(encoded, room, ret_after);
		break;
	case AV_TRANSFER_QUOTED:
		ret->n = decode_gmime(GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE, encoded, room);
		break;
	case AV_TRANSFER_UU:
		ret->n = decode_gmime(GMIME_CONTENT_ENCODING_UUENCODE, behind_line(encoded, "begin"), room);
		break;
	case AV_TRANSFER_YENC:
		ret->n = decode_yenc(encoded, room);
		break;
	default:
		memcpy(room, encoded.p, encoded.n);
		ret->n = encoded.n;
	}
	return 0;
}
