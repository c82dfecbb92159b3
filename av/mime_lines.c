#include "av/mime_lines.h"

#include <stdint.h>
#include <string.h>

/* Deeper than this GMime does not go, whatever is declared. */
#define GMIME_LEVELS 1024

#define EIGHT_LOWER 0x2020202020202020U /* makes letters lower case, and nothing else a letter */

/* Times that the word "boundary" occurs: eight octets at once, without branches, for most of a large mail is base64. */
static size_t count_boundary(struct view text)
{
	uint64_t word, here;
	size_t count = 0;

	memcpy(&word, "boundary", sizeof word);
	for (size_t i = 0; i + sizeof here <= text.n; i++) {
		memcpy(&here, text.p + i, sizeof here);
		count += (here | EIGHT_LOWER) == word;
	}
	return count;
}

/* Where fields of a header may stand: at the beginning, behind each line that may be a delimiter, and behind the header of
 * what may be a message. */
struct reading {
	struct av_mime_lines *lines;
	size_t header;      /* octets of fields so far */
	size_t parameters;  /* semicolons in this field */
	bool in_header, in_content;
	bool leads_to_message; /* this header is followed by another one */
	bool digest;        /* somewhere parts without header are messages (RFC 2046 section 5.1.5) */
};

static bool begins_nocase(struct view line, struct view word)
{
	return view_eq_nocase(view_slice(line, 0, word.n), word);
}

static bool has_nocase(struct view line, struct view word)
{
	for (size_t i = 0; i + word.n <= line.n; i++)
		if (begins_nocase(view_slice(line, i, line.n), word))
			return true;
	return false;
}

/* A name without blanks and a colon behind it. */
static bool begins_field(struct view line)
{
	size_t n = 0;

	while (n < line.n && line.p[n] > ' ' && line.p[n] != ':')
		n++;
	while (n < line.n && ascii_is_blank(line.p[n]))
		n++;
	return n > 0 && n < line.n && line.p[n] == ':';
}

static void read_content(struct reading *r, struct view line)
{
	for (size_t i = 0; i < line.n; i++)
		if (line.p[i] == ';')
			r->lines->parameters += 2 * r->parameters++ + 1;
	r->leads_to_message |= has_nocase(line, VIEW("message"));
	r->digest |= has_nocase(line, VIEW("digest"));
}

static void begin_header(struct reading *r, bool in_header)
{
	r->in_header = in_header;
	r->in_content = r->leads_to_message = false;
	r->header = r->parameters = 0;
}

static void read_field(struct reading *r, struct view line)
{
	bool goes_on = ascii_is_blank(line.p[0]);

	if (!goes_on && !begins_field(line))
		return;
	if (!goes_on) {
		r->in_content = begins_nocase(line, VIEW("content-"));
		r->parameters = 0;
	}
	r->header += line.n + 1;
	r->lines->fields += line.n + 1;
	if (r->header > r->lines->header)
		r->lines->header = r->header;
	if (r->in_content)
		read_content(r, line);
}

static void read_line(struct reading *r, struct view line)
{
	if (line.n >= 2 && memcmp(line.p, "--", 2) == 0) {
		r->lines->delimiters++;
		begin_header(r, true);
	} else if (!r->in_header) {
		return;
	} else if (line.n == 0 || (line.n == 1 && line.p[0] == '\r')) {
		begin_header(r, r->leads_to_message || (r->digest && r->header == 0));
	} else {
		read_field(r, line);
	}
}

/* Before what may be a delimiter. From CR to CR: memmem() is several times slower. */
static bool has_bare_cr(struct view text)
{
	for (struct view rest = text; rest.n > 0;) {
		rest = view_slice(rest, view_find(rest, '\r') + 1, rest.n);
		if (rest.n >= 2 && memcmp(rest.p, "--", 2) == 0)
			return true;
	}
	return false;
}

void av_mime_lines(struct view message, struct av_mime_lines *ret)
{
	struct reading r = { .lines = ret, .in_header = true };

	*ret = (struct av_mime_lines){ 0 };
	if (message.n == 0)
		return;
	for (struct view rest = message; rest.n > 0;) {
		size_t end = view_find(rest, '\n');

		read_line(&r, view_slice(rest, 0, end));
		rest = view_slice(rest, end + 1, rest.n);
	}
	ret->boundaries = count_boundary(message);
	ret->nul = memchr(message.p, '\0', message.n);
	ret->bare_cr = has_bare_cr(message);
}

const char *av_mime_lines_limit(const struct av_mime_lines *lines)
{
	size_t levels = lines->boundaries < GMIME_LEVELS ? lines->boundaries : GMIME_LEVELS;

	if (levels > 0 && (lines->delimiters > AV_MIME_DELIMITERS_MAX || lines->delimiters > AV_MIME_COMPARISONS_MAX / levels))
		return "boundaries";
	if (lines->fields > AV_MIME_FIELDS_MAX || lines->header > AV_MIME_HEADER_MAX)
		return "header";
	return lines->parameters > AV_MIME_PARAMETERS_MAX ? "parameters" : NULL;
}
