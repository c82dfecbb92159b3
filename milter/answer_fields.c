#include "milter/answer_fields.h"

#include "dkim/base64.h"

#define FOLD_COLUMN 76        /* RFC 5322 section 2.1.1 wants lines of at most 78 */
#define ENCODED_WORD_OCTETS 45 /* 60 in base64; an encoded word has at most 75 characters (RFC 2047 section 2) */
#define SUBJECT_NAME_COLUMNS 9 /* "Subject: " */
#define RE VIEW("re:")

struct view answer_field_value(const struct header_list *headers, struct view name)
{
	for (size_t i = 0; i < header_list_count(headers); i++)
		if (view_eq_nocase(header_list_at(headers, i)->name, name))
			return header_list_at(headers, i)->value;
	return (struct view){ NULL, 0 };
}

/* One line of words with one blank between them; octets that no header may have raw are gone. */
static void add_one_line(struct view value, bool utf8, struct buf *out)
{
	for (size_t i = 0; i < value.n; i++) {
		unsigned char c = (unsigned char)value.p[i];

		if (c > 0x7e && !(utf8 && c > 0x7f))
			buf_add_char(out, '?');
		else if (c > ' ')
			buf_add_char(out, value.p[i]);
		else if (out->n > 0 && out->p[out->n - 1] != ' ')
			buf_add_char(out, ' ');
	}
}

static struct view without_re(struct view text)
{
	text = view_trim_fws(text);
	while (view_eq_nocase(view_slice(text, 0, RE.n), RE))
		text = view_trim_fws(view_slice(text, RE.n, text.n));
	return text;
}

static bool continues_character(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* At most `maximum` octets, and no part of a character at the end. */
static struct view cut_characters(struct view text, size_t maximum)
{
	size_t n = text.n < maximum ? text.n : maximum;

	while (n > 0 && n < text.n && continues_character(text.p[n]))
		n--;
	return view_slice(text, 0, n);
}

/* At most `maximum` octets, and no part of a word (an encoded one would not be read) unless it is all that there is. */
static struct view cut_words(struct view text, size_t maximum)
{
	size_t n = maximum;

	if (text.n <= maximum)
		return text;
	while (n > 0 && text.p[n] != ' ')
		n--;
	return view_slice(text, 0, n ? n : maximum);
}

static bool is_ascii(struct view text)
{
	for (size_t i = 0; i < text.n; i++)
		if ((unsigned char)text.p[i] > 127)
			return false;
	return true;
}

static void add_words(struct view text, struct buf *out)
{
	size_t column = SUBJECT_NAME_COLUMNS + 3;
	struct view word;

	while (view_next(&text, ' ', &word)) {
		bool fold = column + 1 + word.n > FOLD_COLUMN;

		buf_add_string(out, fold ? "\n " : " ");
		buf_add(out, word);
		column = (fold ? 1 : column + 1) + word.n;
	}
}

static void add_encoded_words(struct view text, struct buf *out)
{
	while (text.n > 0) {
		struct view part = cut_characters(text, ENCODED_WORD_OCTETS);

		buf_add_string(out, "\n =?UTF-8?B?");
		base64_encode(out, (const uint8_t *)part.p, part.n);
		buf_add_string(out, "?=");
		text = view_slice(text, part.n, text.n);
	}
}

void answer_add_subject(struct view value, struct buf *out)
{
	struct buf line;
	struct view text;

	buf_init(&line, out->mem, value.n);
	add_one_line(value, view_is_utf8(value), &line);
	if (buf_error(&line))
		out->error = buf_error(&line);
	text = without_re(buf_view(&line));
	buf_add_string(out, "Re:");
	if (text.n == 0)
		buf_add_string(out, " (no subject)");
	else if (is_ascii(text))
		add_words(cut_words(text, ANSWER_SUBJECT_MAX), out);
	else
		add_encoded_words(cut_characters(text, ANSWER_SUBJECT_MAX), out);
	buf_free(&line);
}

/* The Message-ID that begins at or behind `from`; its p is NULL when there is none. */
static struct view next_id(struct view value, size_t from)
{
	for (size_t i = from, start = value.n; i < value.n; i++) {
		if (value.p[i] == '<')
			start = i;
		else if (value.p[i] <= ' ' || value.p[i] > '~')
			start = value.n;
		else if (value.p[i] == '>' && start < i && i - start > 1 && i - start < ANSWER_MESSAGE_ID_MAX)
			return view_slice(value, start, i + 1);
		else if (value.p[i] == '>')
			start = value.n;
	}
	return (struct view){ NULL, 0 };
}

struct view answer_message_id(struct view value)
{
	return next_id(value, 0);
}

static size_t count_ids(struct view value)
{
	size_t count = 0;

	for (struct view id = next_id(value, 0); id.p; id = next_id(value, (size_t)(id.p - value.p) + id.n))
		count++;
	return count;
}

void answer_add_references(const struct header_list *headers, struct buf *out)
{
	struct view own = answer_message_id(answer_field_value(headers, VIEW("Message-ID")));
	struct view older = answer_field_value(headers, VIEW("References"));
	size_t count, i = 0;

	if (!own.p)
		return;
	if (count_ids(older) == 0)
		older = answer_field_value(headers, VIEW("In-Reply-To"));
	count = count_ids(older);
	for (struct view id = next_id(older, 0); id.p; id = next_id(older, (size_t)(id.p - older.p) + id.n))
		if (i++ + ANSWER_REFERENCES_MAX >= count) {
			buf_add(out, id);
			buf_add_string(out, "\n ");
		}
	buf_add(out, own);
}
