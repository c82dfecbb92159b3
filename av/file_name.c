#include "av/file_name.h"

#include <fnmatch.h>
#include <gmime/gmime.h>
#include <string.h>

#define ROUNDS_MAX 4 /* of cleaning one name; an archive has thousands of names */

/* Characters that show nothing: U+00AD, U+061C, U+200B to U+200F, U+2028 to U+202E, U+2060 to U+206F, U+FEFF. */
static bool is_invisible(gunichar c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad || c == 0x61c || (c >= 0x200b && c <= 0x200f)
	       || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff;
}

/* Blanks of any kind, and the dots that are cut off with them. */
static bool ends_nothing(gunichar c)
{
	return c == ' ' || c == '.' || c == 0xa0 || c == 0x3000 || (c >= 0x2000 && c <= 0x200a) || c == '"';
}

/* The next character; an octet that begins none counts as itself. */
static gunichar next_character(struct view *rest, size_t *ret_octets)
{
	gunichar c = g_utf8_get_char_validated(rest->p, (gssize)rest->n);

	if (c == (gunichar)-1 || c == (gunichar)-2 || c == 0) {
		*ret_octets = 1;
		return (unsigned char)rest->p[0];
	}
	*ret_octets = (size_t)g_utf8_skip[(unsigned char)rest->p[0]];
	return c;
}

static size_t copy_visible(struct view name, char *room)
{
	size_t n = 0, end = 0;

	if (name.n > AV_FILE_NAME_MAX)
		name = view_slice(name, name.n - AV_FILE_NAME_MAX, name.n);
	while (name.n > 0) {
		size_t octets;
		gunichar c = next_character(&name, &octets);

		if (c == '/' || c == '\\') {
			n = end = 0;
		} else if (octets > 1 ? !is_invisible(c) : c >= 0x20 && c != 0x7f) {
			memmove(room + n, name.p, octets); /* the same room in a further round */
			n += octets;
			if (!ends_nothing(c))
				end = n;
		}
		name = view_slice(name, octets, name.n);
	}
	return end;
}

static size_t keep_ascii(char *room, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if ((unsigned char)room[i] < 0x80)
			room[kept++] = room[i];
	return kept;
}

/* Until nothing is left to go: what stood around an invisible character may be the halves of another one. Nested a hundred times
 * they were made to take time, and the extension is what is left in ASCII. */
static void clean_all(struct view name, char *room)
{
	size_t n = copy_visible(name, room), before;
	unsigned rounds = 0;

	do {
		if (++rounds == ROUNDS_MAX)
			n = keep_ascii(room, n);
		before = n;
		n = copy_visible((struct view){ room, n }, room);
	} while (n < before);
	room[n] = '\0';
}

static bool has_encoded_word(const char *clean)
{
	const char *begin = strstr(clean, "=?");

	return begin && strstr(begin + 2, "?=");
}

/* RFC 2047 section 5 forbids encoded words inside a quoted string; all readers decode them there. */
static void decode_words(char *room)
{
	char *decoded = g_mime_utils_header_decode_text(NULL, room);

	clean_all(view_of(decoded), room);
	g_free(decoded);
}

/* RFC 2047 section 2 ends an encoded word after 75 octets and allows "/" in base64: decode before paths are cut. */
void av_file_name_clean(struct view name, char *room)
{
	char text[AV_FILE_NAME_MAX + 1];
	size_t n = 0;

	if (name.n > AV_FILE_NAME_MAX)
		name = view_slice(name, name.n - AV_FILE_NAME_MAX, name.n);
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] != '\0' && name.p[i] != '\r' && name.p[i] != '\n')
			text[n++] = name.p[i];
	text[n] = '\0';
	if (has_encoded_word(text)) {
		memcpy(room, text, n + 1);
		decode_words(room);
	} else {
		clean_all((struct view){ text, n }, room);
	}
}

/* Without blanks around it: "a.exe .txt" is an .exe to those who cut. */
static const char *matching(struct view extension, const char *const *extensions)
{
	extension = view_trim_fws(extension);
	for (; *extensions; extensions++)
		if (view_eq_nocase(extension, view_of(*extensions)))
			return *extensions;
	return NULL;
}

const char *av_file_name_banned(const char *clean, const char *const *extensions)
{
	struct view rest = view_of(clean);

	for (int i = 0; i < 2 && extensions; i++) {
		const char *dot = rest.n ? memrchr(rest.p, '.', rest.n) : NULL;
		const char *banned;

		if (!dot)
			return NULL;
		banned = matching(view_slice(rest, (size_t)(dot - rest.p) + 1, rest.n), extensions);
		if (banned)
			return banned;
		rest.n = (size_t)(dot - rest.p);
	}
	return NULL;
}

const char *av_media_type_banned(const char *type, const char *const *globs)
{
	for (; globs && *globs; globs++)
		if (fnmatch(*globs, type, FNM_CASEFOLD) == 0)
			return *globs;
	return NULL;
}
