/*
 * Encoded words (RFC 2047) made raw, and raw octets made encoded words. All text counts as UTF-8: other
 * charsets are converted by no mail system on the way.
 */
#include "dkim/explain_change.h"

#include "dkim/base64.h"
#include "dkim/explain_quoted.h"

#include <string.h>

#define WORD_OCTETS_MAX 75 /* RFC 2047 section 2 */
#define TEXT_OCTETS_MAX 45 /* in one encoded word: 60 digits of base64 and "=?UTF-8?B??=" stay below that */

struct encoded_word {
	struct view text; /* still encoded */
	bool base64;
	size_t n;         /* octets of the whole word */
};

/* The encoded word at the start of v. */
static bool parse_encoded_word(struct view v, struct encoded_word *ret)
{
	struct view rest = v, charset, encoding, text;

	if (v.n < 2 || v.p[0] != '=' || v.p[1] != '?')
		return false;
	rest = view_slice(v, 2, v.n);
	if (!view_next(&rest, '?', &charset) || !view_next(&rest, '?', &encoding) || !view_next(&rest, '?', &text))
		return false;
	if (!rest.p || rest.n == 0 || rest.p[0] != '=' || !view_eq_nocase(charset, VIEW("UTF-8")) || encoding.n != 1)
		return false;
	if (!view_eq_nocase(encoding, VIEW("B")) && !view_eq_nocase(encoding, VIEW("Q")))
		return false;
	*ret = (struct encoded_word){ text, ascii_lower(encoding.p[0]) == 'b', (size_t)(rest.p - v.p) + 1 };
	return true;
}

static void decode_q(struct view text, struct buf *out)
{
	for (size_t i = 0; i < text.n; ) {
		size_t used = explain_decode_octet(view_slice(text, i, text.n), out);

		if (used == 0)
			buf_add_char(out, text.p[i] == '_' ? ' ' : text.p[i]);
		i += used ? used : 1;
	}
}

static void decode_word(const struct encoded_word *word, struct buf *out)
{
	uint8_t octets[WORD_OCTETS_MAX];
	size_t n;

	if (!word->base64)
		decode_q(word->text, out);
	else if (base64_decode(word->text, sizeof octets, octets, &n) == 0)
		buf_add(out, (struct view){ (const char *)octets, n });
}

/* Blanks between two encoded words vanish (section 6.2). */
static void decode_words(struct view value, struct buf *out)
{
	struct encoded_word word;
	size_t blanks_from = 0;
	bool after_word = false;

	for (size_t i = 0; i < value.n; ) {
		if (parse_encoded_word(view_slice(value, i, value.n), &word)) {
			if (!after_word)
				buf_add(out, view_slice(value, blanks_from, i));
			decode_word(&word, out);
			i += word.n;
			blanks_from = i;
			after_word = true;
		} else if (ascii_is_fws(value.p[i])) {
			i++;
		} else {
			buf_add(out, view_slice(value, blanks_from, i + 1));
			blanks_from = ++i;
			after_word = false;
		}
	}
	buf_add(out, view_slice(value, blanks_from, value.n));
}

static bool is_raw(char c)
{
	return (unsigned char)c > '~';
}

/* From the beginning of the first word with an octet outside ASCII to the end of the last one. */
static struct view raw_run(struct view v)
{
	size_t from = 0, to = v.n;

	while (from < v.n && !is_raw(v.p[from]))
		from++;
	if (from == v.n)
		return view_slice(v, 0, 0);
	while (!is_raw(v.p[to - 1]))
		to--;
	while (from > 0 && !ascii_is_fws(v.p[from - 1]) && v.p[from - 1] != '"')
		from--;
	while (to < v.n && !ascii_is_fws(v.p[to]) && v.p[to] != '"')
		to++;
	return view_slice(v, from, to);
}

/* The longest beginning that fits into one encoded word and cuts no character in two. */
static struct view take_text(struct view *rest)
{
	size_t n = rest->n < TEXT_OCTETS_MAX ? rest->n : TEXT_OCTETS_MAX;
	struct view text;

	while (n < rest->n && n > 1 && ((unsigned char)rest->p[n] & 0xc0) == 0x80)
		n--;
	text = view_slice(*rest, 0, n);
	*rest = view_slice(*rest, n, rest->n);
	return text;
}

static void encode_run(struct view run, int how, struct buf *out)
{
	for (bool first = true; run.n > 0; first = false) {
		struct view text = take_text(&run);

		buf_add_string(out, first ? "=?UTF-8?" : " =?UTF-8?");
		buf_add_string(out, how == EXPLAIN_WORDS_BASE64 ? "B?" : "Q?");
		if (how == EXPLAIN_WORDS_BASE64)
			base64_encode(out, (const uint8_t *)text.p, text.n);
		else
			explain_encode_q(text, out);
		buf_add_string(out, "?=");
	}
}

/* Quotes around an encoded run fall away: an encoded word is no part of a quoted string (section 5). */
static void add_encoded(struct view value, struct view run, int how, struct buf *out)
{
	size_t from = (size_t)(run.p - value.p), to = from + run.n;
	bool quoted = from > 0 && to < value.n && value.p[from - 1] == '"' && value.p[to] == '"';

	buf_add(out, view_slice(value, 0, from - quoted));
	encode_run(run, how, out);
	buf_add(out, view_slice(value, to + quoted, value.n));
}

static void change_words(const struct header_field *field, int how, bool whole, struct buf *out)
{
	struct buf decoded;
	struct view text, run;

	buf_init(&decoded, out->mem, field->value.n);
	decode_words(field->value, &decoded);
	text = buf_view(&decoded);
	run = whole ? view_trim_fws(text) : raw_run(text);
	buf_add(out, view_slice(field->raw, 0, (size_t)(field->value.p - field->raw.p)));
	if (how == EXPLAIN_WORDS_RAW || raw_run(text).n == 0)
		buf_add(out, how == EXPLAIN_WORDS_RAW ? text : field->value);
	else
		add_encoded(text, run, how, out);
	buf_add_string(out, "\r\n");
	if (buf_error(&decoded) < 0)
		out->error = buf_error(&decoded);
	buf_free(&decoded);
}

void explain_words(const struct header_field *field, struct view body, int arg, struct buf *out)
{
	(void)body;
	change_words(field, arg, false, out);
}

void explain_words_whole(const struct header_field *field, struct view body, int arg, struct buf *out)
{
	(void)body;
	change_words(field, arg, true, out);
}
