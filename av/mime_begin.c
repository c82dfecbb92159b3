#include "av/mime.h"

#include <errno.h>
#include <gmime/gmime.h>
#include <string.h>

/* Character sets that names and the texts that libclamav normalizes come in. Each is code that the C library loads from a file when it is first asked for, which a scan
 * child may not. */
static const char *const charsets[] = {
	"UTF-7", "UTF-16", "UTF-32", "ISO-8859-1", "ISO-8859-2", "ISO-8859-5", "ISO-8859-7", "ISO-8859-8", "ISO-8859-9", "ISO-8859-15",
	"WINDOWS-1250", "WINDOWS-1251", "WINDOWS-1252", "WINDOWS-1253", "WINDOWS-1254", "WINDOWS-1255", "WINDOWS-1256", "WINDOWS-1257",
	"KOI8-R", "KOI8-U", "BIG5", "GB18030", "GBK", "GB2312", "ISO-2022-JP", "SHIFT_JIS", "EUC-JP", "ISO-2022-KR", "EUC-KR", "IBM037",
	"ISO-8859-3", "ISO-8859-4", "ISO-8859-6", "ISO-8859-13", "ISO-8859-14", "WINDOWS-1258", "IBM437", "IBM850", "IBM852", "IBM866",
	"TIS-620", "UHC", "EUC-TW", "BIG5-HKSCS", "HZ", "ISO-2022-CN", "MACINTOSH", "UCS-2", "UCS-4",
};

#define CHARSETS (sizeof charsets / sizeof charsets[0])

int av_mime_begin(void)
{
	/* Left open: what is open stays loaded. */
	static iconv_t converters[CHARSETS];

	g_mime_init();
	for (size_t i = 0; i < CHARSETS; i++) {
		converters[i] = g_mime_iconv_open("UTF-8", charsets[i]);
		/* One that this system lacks nobody here can decode. */
		if (converters[i] == (iconv_t)-1 && errno == ENOMEM)
			return -ENOMEM;
	}
	return 0;
}

/* Fields that begin the mails of this world. */
static const char *const fields[] = {
	"arc-", "authentication-results", "bcc", "cc", "content-", "date", "delivered-to", "delivery-date", "dkim-signature", "envelope-to",
	"from", "in-reply-to", "list-", "message-id", "mime-version", "received", "references", "reply-to", "return-path", "sender",
	"status", "subject", "to", "user-agent", "x-",
};

static bool is_field_name(struct view name)
{
	for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
		struct view field = view_of(fields[i]);
		bool is_family = field.p[field.n - 1] == '-';

		if (view_eq_nocase(is_family ? view_slice(name, 0, field.n) : name, field))
			return true;
	}
	return false;
}

bool av_mime_looks_like_mail(struct view octets)
{
	struct view name;

	if (octets.n > 5 && memcmp(octets.p, "From ", 5) == 0)
		octets = view_slice(octets, view_find(octets, '\n') + 1, octets.n);
	name = view_slice(octets, 0, 40); /* longer than any of them */
	name.n = view_find(name, ':');
	return name.n < 40 && is_field_name(view_trim_fws(name));
}
