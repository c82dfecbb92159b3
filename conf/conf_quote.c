#include "conf/conf.h"

#include <limits.h>
#include <string.h>
#include <talloc.h>

static size_t quote_octet(char *to, char octet)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char c = (unsigned char)octet;

	if (c == '"' || c == '\\' || c == '$') {
		to[0] = '\\';
		to[1] = octet;
		return 2;
	}
	if (c >= ' ' && c <= '~') {
		to[0] = octet;
		return 1;
	}
	/* Two digits always: a third one that follows belongs to the text. */
	to[0] = '\\';
	to[1] = 'x';
	to[2] = digits[c >> 4];
	to[3] = digits[c & 15];
	return 4;
}

char *conf_quote(void *mem, const char *string)
{
	size_t n = strlen(string);
	char *text, *to;

	if (n > (UINT_MAX - 3) / 4)
		return NULL;
	text = talloc_array(mem, char, (unsigned)n * 4 + 3);
	if (!text)
		return NULL;
	to = text;
	*to++ = '"';
	for (size_t i = 0; i < n; i++)
		to += quote_octet(to, string[i]);
	*to++ = '"';
	*to = '\0';
	return text;
}
