#include "milter/keygen_record.h"

#include <inttypes.h>

struct view keygen_string(const struct keygen_record *record, size_t i)
{
	return view_slice(record->text, i * TXT_STRING_OCTETS, (i + 1) * TXT_STRING_OCTETS);
}

static void add_name(const struct keygen_record *record, bool relative, struct buf *out)
{
	buf_add(out, record->selector);
	buf_add(out, VIEW("._domainkey"));
	if (relative)
		return;
	buf_add_char(out, '.');
	buf_add(out, record->domain);
	buf_add_char(out, '.');
}

/* The text has neither quotes nor backslashes: tag names, base64 and punctuation. */
static void add_strings(const struct keygen_record *record, const char *before, struct buf *out)
{
	struct view string;

	for (size_t i = 0; (string = keygen_string(record, i)).n > 0; i++) {
		buf_add_string(out, before);
		buf_add_char(out, '"');
		buf_add(out, string);
		buf_add_char(out, '"');
	}
}

void keygen_zone(const struct keygen_record *record, struct buf *out)
{
	add_name(record, record->relative, out);
	buf_printf(out, " %" PRIu32 " IN TXT (", record->ttl);
	add_strings(record, "\n\t", out);
	buf_add(out, VIEW(" )\n"));
}

void keygen_line(const struct keygen_record *record, struct buf *out)
{
	buf_add(out, record->text);
	buf_add_char(out, '\n');
}

void keygen_nsupdate(const struct keygen_record *record, struct buf *out)
{
	buf_add(out, VIEW("update add "));
	add_name(record, false, out);
	buf_printf(out, " %" PRIu32 " TXT", record->ttl);
	add_strings(record, " ", out);
	buf_add(out, VIEW("\nsend\n"));
}
