#include "dkim/explain_change.h"

#include <string.h>

/* A line this long that a line follows which begins with a blank was cut: the limits in use are
 * 998 (RFC 5321 section 4.5.3.1.6, Postfix) and 990 (Sendmail's L=990), counted with and without line end. */
#define CUT_LINE_MIN 985

static const struct view crlf = VIEW_INIT("\r\n");

static struct view name_with_blanks(const struct header_field *field)
{
	return view_slice(field->raw, 0, (size_t)(field->value.p - field->raw.p) - 1);
}

static void begin_value(const struct header_field *field, struct buf *out)
{
	buf_add(out, name_with_blanks(field));
	buf_add_char(out, ':');
}

static struct view without_leading_blanks(struct view v)
{
	size_t n = 0;

	while (n < v.n && ascii_is_blank(v.p[n]))
		n++;
	return view_slice(v, n, v.n);
}

static struct view without_trailing_blanks(struct view v)
{
	while (v.n > 0 && ascii_is_blank(v.p[v.n - 1]))
		v.n--;
	return v;
}

void explain_leading_blank(const struct header_field *field, struct view body, int arg, struct buf *out)
{
	static const char *const blanks[] = { "", " ", "\t", "  " };

	(void)body;
	begin_value(field, out);
	buf_add_string(out, blanks[arg]);
	buf_add(out, without_leading_blanks(field->value));
	buf_add(out, crlf);
}

void explain_trailing_blank(const struct header_field *field, struct view body, int arg, struct buf *out)
{
	struct view rest = field->value, line, end;

	(void)body;
	(void)arg;
	begin_value(field, out);
	while (explain_next_line(&rest, &line, &end)) {
		buf_add(out, without_trailing_blanks(line));
		buf_add(out, end);
	}
	buf_add(out, crlf);
}

/* The folds of a value with other octets in their place. */
static void replace_folds(const struct header_field *field, const char *with, bool keep_blanks, struct buf *out)
{
	struct view rest = field->value, line, end;
	bool first = true;

	begin_value(field, out);
	for (; explain_next_line(&rest, &line, &end); first = false) {
		if (!first)
			buf_add_string(out, with);
		buf_add(out, first || keep_blanks ? line : without_leading_blanks(line));
	}
	buf_add(out, crlf);
}

void explain_unfold(const struct header_field *field, struct view body, int arg, struct buf *out)
{
	static const char *const with[] = { "", " ", "" };

	(void)body;
	replace_folds(field, with[arg], arg == 0, out);
}

void explain_fold_blank(const struct header_field *field, struct view body, int arg, struct buf *out)
{
	static const char *const with[] = { "\r\n\t", "\r\n ", "\r\n    ", "\r\n        " };

	(void)body;
	replace_folds(field, with[arg], false, out);
}

void explain_fold_lf(const struct header_field *field, struct view body, int arg, struct buf *out)
{
	(void)body;
	(void)arg;
	replace_folds(field, "\n", true, out);
}

/* Length of the next word with the blanks before it; folds count as nothing. */
static struct view next_word(struct view *rest)
{
	size_t n = 0;
	struct view word;

	while (n < rest->n && ascii_is_blank(rest->p[n]))
		n++;
	while (n < rest->n && !ascii_is_blank(rest->p[n]))
		n++;
	word = view_slice(*rest, 0, n);
	*rest = view_slice(*rest, n, rest->n);
	return word;
}

/* Folds before the word that would pass the column, its blanks kept. */
void explain_refold(const struct header_field *field, struct view body, int arg, struct buf *out)
{
	struct view value = field->value, line, end;
	size_t start = out->n;

	(void)body;
	begin_value(field, out);
	while (explain_next_line(&value, &line, &end))
		while (line.n > 0) {
			struct view word = next_word(&line);
			bool first = out->n == start + (size_t)(field->value.p - field->raw.p);

			if (!first && ascii_is_blank(word.p[0]) && out->n - start + word.n > (size_t)arg) {
				buf_add(out, crlf);
				start = out->n;
			}
			buf_add(out, word);
		}
	buf_add(out, crlf);
}

void explain_join_field(const struct header_field *field, struct view body, int arg, struct buf *out)
{
	struct view rest = view_slice(field->raw, 0, field->raw.n - 2), line, end;
	bool cut = false;

	(void)body;
	(void)arg;
	while (explain_next_line(&rest, &line, &end)) {
		bool joins = cut && line.n > 0 && line.p[0] == ' ';

		buf_add(out, cut && !joins ? crlf : VIEW(""));
		buf_add(out, joins ? view_slice(line, 1, line.n) : line);
		cut = line.n >= CUT_LINE_MIN && end.n > 0;
		if (!cut)
			buf_add(out, end);
	}
	buf_add(out, crlf);
}

static char upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c & ~0x20) : c;
}

/* "Message-ID", "MIME-Version": the spellings of RFC 5322 and RFC 2045. */
static bool is_acronym(struct view word, bool first)
{
	return (first && view_eq_nocase(word, VIEW("MIME"))) || (!first && view_eq_nocase(word, VIEW("ID")));
}

static void add_word(struct view word, int arg, bool first, struct buf *out)
{
	bool all = arg == 3 || (arg == 2 && is_acronym(word, first));

	for (size_t i = 0; i < word.n; i++)
		buf_add_char(out, all || (arg > 0 && i == 0) ? upper(word.p[i]) : ascii_lower(word.p[i]));
}

void explain_name_case(const struct header_field *field, struct view body, int arg, struct buf *out)
{
	struct view rest = name_with_blanks(field), word;
	bool first = true;

	(void)body;
	for (; view_next(&rest, '-', &word); first = false) {
		buf_add_string(out, first ? "" : "-");
		add_word(word, arg, first, out);
	}
	buf_add_char(out, ':');
	buf_add(out, field->value);
	buf_add(out, crlf);
}

void explain_name_blank(const struct header_field *field, struct view body, int arg, struct buf *out)
{
	(void)body;
	(void)arg;
	buf_add(out, field->name);
	buf_add_string(out, " :");
	buf_add(out, field->value);
	buf_add(out, crlf);
}

void explain_absent(const struct header_field *field, struct view body, int arg, struct buf *out)
{
	(void)field;
	(void)body;
	(void)arg;
	(void)out;
}

void explain_twice(const struct header_field *field, struct view body, int arg, struct buf *out)
{
	(void)body;
	(void)arg;
	buf_add(out, field->raw);
	buf_add(out, field->raw);
}

/* "[list] hello", "Re: [list] hello": without the brackets and the blanks behind them. */
static struct view bracketed(struct view value)
{
	size_t from = view_find(value, '['), to = view_find(value, ']');

	if (to == value.n || to < from)
		return (struct view){ value.p, 0 };
	for (to++; to < value.n && ascii_is_fws(value.p[to]); )
		to++;
	return view_slice(value, from, to);
}

static struct view first_words(struct view value, int count)
{
	struct view rest = value;

	for (; count > 0; count--)
		(void)next_word(&rest);
	return view_slice(value, 0, value.n - rest.n);
}

void explain_subject_tag(const struct header_field *field, struct view body, int arg, struct buf *out)
{
	struct view tag = arg == 0 ? bracketed(field->value) : first_words(field->value, arg);

	(void)body;
	begin_value(field, out);
	buf_add(out, view_slice(field->value, 0, (size_t)(tag.p - field->value.p)));
	buf_add(out, view_slice(field->value, (size_t)(tag.p - field->value.p) + tag.n, field->value.n));
	buf_add(out, crlf);
}
