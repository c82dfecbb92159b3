/* The search for what happened to the header: each row undoes one change; the header hash and the key are the judges. */
#include "dkim/explain_search.h"

#include "dkim/canon.h"
#include "dkim/explain_change.h"

#include <errno.h>
#include <string.h>
#include <talloc.h>

#define FIELD_GROWTH 4 /* encoded words make four octets of one, quoted ones three */
#define FIELD_EXTRA 256
#define NAMES_SHOWN 8  /* of the fields concerned */
#define NAME_OCTETS_SHOWN 40

struct header_row {
	struct dkim_guess guess;
	const char *fields; /* names that it may concern, between colons; ALL, or OTHERS than the signature itself */
	explain_field_change *change; /* NULL: fields stand in the reverse order */
	int arg;
};

#define ALL NULL
#define OTHERS ""
#define SIGNATURE "DKIM-Signature"
#define MAILBOXES "From:To:Cc:Reply-To:Sender:Resent-From:Resent-To:Resent-Cc"
#define TEXTS MAILBOXES ":Subject:Comments:Keywords"
#define ENCODING "Content-Transfer-Encoding"
#define MIME ENCODING ":Content-Type:Content-Disposition:Content-ID:Content-Description"

#define ROW(name, text, fields, change, arg) { { DKIM_EXPLAIN_HEADER, name, text, NULL }, fields, change, arg }

static const struct header_row rows[] = {
	ROW("subject-tag", "a tag had not been put into the subject", "Subject", explain_subject_tag, 0),
	ROW("subject-word", "a word had not been put before the subject", "Subject", explain_subject_tag, 1),
	ROW("subject-two-words", "two words had not been put before the subject", "Subject", explain_subject_tag, 2),
	ROW("leading-none", "there were no blank behind the colon", ALL, explain_leading_blank, 0),
	ROW("leading-blank", "there were one blank behind the colon", ALL, explain_leading_blank, 1),
	ROW("leading-tab", "there were a tab behind the colon", ALL, explain_leading_blank, 2),
	ROW("leading-two-blanks", "there were two blanks behind the colon", ALL, explain_leading_blank, 3),
	ROW("header-line-cut", "long lines had not been cut", ALL, explain_join_field, 0),
	ROW("unfolded", "lines had not been folded", ALL, explain_unfold, 0),
	ROW("unfolded-blank", "each fold and its blanks were one blank", ALL, explain_unfold, 1),
	ROW("unfolded-close", "each fold and its blanks were nothing", ALL, explain_unfold, 2),
	ROW("folded-78", "lines were folded at 78 columns", ALL, explain_refold, 78),
	ROW("folded-72", "lines were folded at 72 columns", ALL, explain_refold, 72),
	ROW("fold-tab", "each fold went on with a tab", ALL, explain_fold_blank, 0),
	ROW("fold-blank", "each fold went on with one blank", ALL, explain_fold_blank, 1),
	ROW("fold-four-blanks", "each fold went on with four blanks", ALL, explain_fold_blank, 2),
	ROW("fold-eight-blanks", "each fold went on with eight blanks", ALL, explain_fold_blank, 3),
	ROW("fold-lf", "each fold were a bare LF", ALL, explain_fold_lf, 0),
	ROW("trailing-blanks", "lines had no blanks at their ends", ALL, explain_trailing_blank, 0),
	ROW("name-blank", "there were a blank before the colon", ALL, explain_name_blank, 0),
	ROW("name-lower", "the name were in lower case", ALL, explain_name_case, 0),
	ROW("name-words", "the name had a capital in each word and no other", ALL, explain_name_case, 1),
	ROW("name-usual", "the name were written as RFC 5322 and RFC 2045 write it", ALL, explain_name_case, 2),
	ROW("name-upper", "the name were in upper case", ALL, explain_name_case, 3),
	ROW("words-raw", "text outside ASCII had not become encoded words", TEXTS, explain_words, EXPLAIN_WORDS_RAW),
	ROW("words-base64", "text outside ASCII were encoded words in base64", TEXTS, explain_words, EXPLAIN_WORDS_BASE64),
	ROW("words-quoted", "text outside ASCII were encoded words in Q", TEXTS, explain_words, EXPLAIN_WORDS_QUOTED),
	ROW("words-base64-whole", "all of it were encoded words in base64", "Subject", explain_words_whole, EXPLAIN_WORDS_BASE64),
	ROW("words-quoted-whole", "all of it were encoded words in Q", "Subject", explain_words_whole, EXPLAIN_WORDS_QUOTED),
	ROW("names-unquoted", "display names had not been put into quotes", MAILBOXES, explain_unquote_names, 0),
	ROW("names-unquoted-some", "display names with . or ' had not been put into quotes", MAILBOXES, explain_unquote_names, 1),
	ROW("names-quoted", "display names were in quotes", MAILBOXES, explain_quote_names, 0),
	ROW("names-quoted-some", "display names with . or ' were in quotes", MAILBOXES, explain_quote_names, 1),
	ROW("comma-close", "there were no blank behind commas", MAILBOXES, explain_comma_blank, 0),
	ROW("comma-blank", "there were one blank behind commas", MAILBOXES, explain_comma_blank, 1),
	ROW("encoding-7bit", "it said 7bit", ENCODING, explain_encoding, 0),
	ROW("encoding-8bit", "it said 8bit", ENCODING, explain_encoding, 1),
	ROW("encoding-binary", "it said binary", ENCODING, explain_encoding, 2),
	ROW("encoding-quoted-printable", "it said quoted-printable", ENCODING, explain_encoding, 3),
	ROW("encoding-base64", "it said base64", ENCODING, explain_encoding, 4),
	ROW("encoding-was-7bit", "there were a Content-Transfer-Encoding of 7bit", SIGNATURE, explain_encoding_added, 0),
	ROW("encoding-was-8bit", "there were a Content-Transfer-Encoding of 8bit", SIGNATURE, explain_encoding_added, 1),
	ROW("encoding-was-binary", "there were a Content-Transfer-Encoding of binary", SIGNATURE, explain_encoding_added, 2),
	ROW("encoding-was-quoted-printable", "there were a Content-Transfer-Encoding of quoted-printable", SIGNATURE,
	    explain_encoding_added, 3),
	ROW("encoding-was-base64", "there were a Content-Transfer-Encoding of base64", SIGNATURE, explain_encoding_added, 4),
	ROW("charset-quoted", "the charset were in quotes", "Content-Type", explain_charset_quotes, 1),
	ROW("charset-unquoted", "the charset were not in quotes", "Content-Type", explain_charset_quotes, 0),
	ROW("mime-of-part", "a list had not moved the MIME fields into a part", MIME, explain_part_field, 0),
	ROW("field-added", "it had not been added", OTHERS, explain_absent, 0),
	ROW("field-lost", "it were there once more", OTHERS, explain_twice, 0),
	ROW("fields-reversed", "fields of one name stood in the reverse order", OTHERS, NULL, 0),
};
#define ROW_COUNT (sizeof rows / sizeof rows[0])

/* A header, received or changed, and how it was made. */
struct version {
	const struct header_list *headers;
	struct dkim_signature signature;
	uint8_t digest[DKIM_DIGEST_OCTETS];
};

/* What a row makes of each field. */
struct edits {
	struct view *raw; /* one per field, top to bottom */
	bool *changed;    /* so that the hash changes */
	size_t changed_count;
	bool reversed;
};

/* Which of the edits are made, besides that of one field alone. */
#define ALL_CHANGED SIZE_MAX
#define OTHERS_CHANGED (SIZE_MAX - 1) /* all but that of the signature */

static bool names_list(const char *names, struct view name)
{
	struct view rest = view_of(names), item;

	while (view_next(&rest, ':', &item))
		if (view_eq_nocase(item, name))
			return true;
	return false;
}

static bool concerns(const struct explain_search *search, const struct version *base, const struct header_row *row,
                     const struct header_field *field)
{
	bool is_signature = field == base->signature.field;

	if (is_signature)
		return row->fields == ALL || names_list(row->fields, field->name);
	return explain_is_hashed(search, field) &&
	       (row->fields == ALL || row->fields[0] == '\0' || names_list(row->fields, field->name));
}

static int change_field(const struct explain_search *search, void *mem, const struct header_row *row,
                        const struct header_field *field, struct view *ret)
{
	struct buf out;

	buf_init(&out, mem, field->raw.n * FIELD_GROWTH + FIELD_EXTRA);
	row->change(field, search->body, row->arg, &out);
	if (buf_error(&out) == 0)
		*ret = buf_view(&out);
	return buf_error(&out) == -EMSGSIZE ? 0 : buf_error(&out);
}

/* True when the edit makes a difference to what is hashed. */
static int matters(const struct version *base, void *mem, struct view raw, struct view edited, bool *ret)
{
	struct buf was, is;

	buf_init(&was, mem, raw.n + 2);
	buf_init(&is, mem, edited.n + 2);
	dkim_canon_header(base->signature.header_canon, raw, &was);
	if (edited.n > 0)
		dkim_canon_header(base->signature.header_canon, edited, &is);
	*ret = !view_eq(buf_view(&was), buf_view(&is));
	buf_free(&was);
	buf_free(&is);
	return was.error < 0 ? was.error : is.error;
}

static int make_edits(struct explain_search *search, void *mem, const struct version *base,
                      const struct header_row *row, struct edits *ret)
{
	size_t count = header_list_count(base->headers);
	int r = 0;

	*ret = (struct edits){ .reversed = !row->change };
	ret->raw = talloc_array(mem, struct view, (unsigned)count);
	ret->changed = talloc_zero_array(mem, bool, (unsigned)count);
	if (!ret->raw || !ret->changed)
		return -ENOMEM;
	if (!explain_spend(search, header_list_octets(base->headers)))
		return 0;
	for (size_t i = 0; i < count && r == 0; i++) {
		const struct header_field *field = header_list_at(base->headers, i);

		ret->raw[i] = field->raw;
		if (row->change && concerns(search, base, row, field))
			r = change_field(search, mem, row, field, &ret->raw[i]);
		if (r == 0 && !view_eq(ret->raw[i], field->raw))
			r = matters(base, mem, field->raw, ret->raw[i], &ret->changed[i]);
		ret->changed_count += ret->changed[i];
	}
	return r;
}

/* Returns 1 when the text makes no fields any more. */
static int add_raw(struct header_list *list, struct view raw)
{
	struct view rest;
	int r = header_list_parse(list, raw, &rest);

	if (r == -E2BIG || r == -EMSGSIZE)
		return 1;
	return r < 0 ? r : rest.n > 0;
}

/* Names that had U-labels go with the list. Returns 0, 1 when it is no signature any more, or -ENOMEM. */
static int parse_signature(struct header_list *list, size_t at, struct dkim_signature *ret)
{
	enum dkim_reason reason = dkim_signature_parse(list, header_list_at(list, at), ret);

	return reason == DKIM_REASON_OUT_OF_MEMORY ? -ENOMEM : !explain_is_judgeable(reason);
}

static bool is_made(const struct version *base, const struct edits *edits, size_t i, size_t only)
{
	if (only == OTHERS_CHANGED)
		return edits->changed[i] && header_list_at(base->headers, i) != base->signature.field;
	return edits->changed[i] && (only == ALL_CHANGED || only == i);
}

/* Make the changed header.
 * Returns 0, 1 when it is none, or -ENOMEM. */
static int make_version(void *mem, const struct version *base, const struct edits *edits, size_t only, struct version *ret)
{
	size_t count = header_list_count(base->headers), signature_at = 0;
	struct header_list *list;
	int r = header_list_new(mem, NULL, &list);

	for (size_t n = 0; n < count && r == 0; n++) {
		size_t i = edits->reversed ? count - 1 - n : n;
		const struct header_field *field = header_list_at(base->headers, i);

		if (field == base->signature.field)
			signature_at = header_list_count(list);
		r = add_raw(list, is_made(base, edits, i, only) ? edits->raw[i] : field->raw);
	}
	if (r == 0 && signature_at >= header_list_count(list))
		r = 1;
	if (r == 0)
		r = parse_signature(list, signature_at, &ret->signature);
	if (r == 0)
		ret->headers = list;
	return r;
}

/* Returns 1 when it verifies. ret->headers stays NULL when there is nothing to verify. */
static int try_version(struct explain_search *search, void *mem, const struct version *base, const struct edits *edits,
                       size_t only, struct version *ret)
{
	enum dkim_explain_state state;
	int r;

	ret->headers = NULL;
	if (!explain_may_try(search, header_list_octets(base->headers)))
		return 0;
	r = make_version(mem, base, edits, only, ret);
	if (r != 0)
		return r < 0 ? r : 0;
	r = explain_judge_header(ret->headers, &ret->signature, search->keys, ret->digest, &state);
	return r < 0 ? r : state == DKIM_EXPLAIN_GOOD;
}

/* "Received (2 of 3), To": the place counts from the top. */
static void add_field_name(const struct header_list *headers, size_t i, struct buf *out)
{
	struct view name = header_list_at(headers, i)->name;
	size_t count = header_list_count_name(headers, name), number = 0;
	char *shown = view_escape(out->mem, name, NAME_OCTETS_SHOWN);

	if (!shown)
		out->error = -ENOMEM;
	for (size_t k = 0; k <= i; k++)
		number += view_eq_nocase(header_list_at(headers, k)->name, name);
	buf_add_string(out, out->n ? ", " : "");
	buf_add_string(out, shown);
	if (count > 1)
		buf_printf(out, " (%zu of %zu)", number, count);
	talloc_free(shown);
}

static int found(struct explain_search *search, void *mem, const struct version *base, const struct header_row *row,
                 const struct edits *edits, size_t only)
{
	size_t shown = 0;
	struct buf detail;

	buf_init(&detail, mem, (NAMES_SHOWN + 1) * (4 * NAME_OCTETS_SHOWN + 64));
	for (size_t i = 0; i < header_list_count(base->headers); i++) {
		if (!is_made(base, edits, i, only) || shown++ > NAMES_SHOWN)
			continue;
		if (shown <= NAMES_SHOWN)
			add_field_name(base->headers, i, &detail);
		else
			buf_add_string(&detail, ", ...");
	}
	if (buf_error(&detail) < 0)
		return buf_error(&detail);
	return explain_found(search, &row->guess, buf_string(&detail));
}

/* Each edit alone. ret_only: the one that was it. */
static int try_alone(struct explain_search *search, void *mem, const struct version *base, const struct edits *edits,
                     size_t *ret_only)
{
	struct version alone;
	int r = 0;

	for (size_t i = 0; r == 0 && i < header_list_count(base->headers); i++) {
		if (!edits->changed[i])
			continue;
		r = try_version(search, mem, base, edits, i, &alone);
		*ret_only = i;
		talloc_free((void *)(uintptr_t)alone.headers); /* ten thousand fields make as many headers */
	}
	return r;
}

/* All fields that the row changes, then all but the signature, then each alone (but not behind another change: that
 * would be too many).
 * Returns 1 when this was it: it has been named then. */
static int try_row(struct explain_search *search, void *mem, const struct version *base, const struct header_row *row,
                   bool alone)
{
	struct version changed;
	struct edits edits;
	size_t only = ALL_CHANGED;
	int r = make_edits(search, mem, base, row, &edits);

	if (r < 0 || (edits.changed_count == 0 && !edits.reversed) || search->given_up)
		return r;
	r = try_version(search, mem, base, &edits, only, &changed);
	if (r == 0 && edits.changed_count > 1) {
		only = OTHERS_CHANGED;
		r = try_version(search, mem, base, &edits, only, &changed);
	}
	if (r == 0 && edits.changed_count > 1 && alone)
		r = try_alone(search, mem, base, &edits, &only);
	if (r == 1 && found(search, mem, base, row, &edits, only) < 0)
		r = -ENOMEM;
	return r;
}

/* Row by row until one is it.
 *   first  what has been changed before already; may be NULL */
static int try_rows(struct explain_search *search, const struct version *base, const struct header_row *first)
{
	int r = 0;

	for (size_t i = 0; i < ROW_COUNT && r == 0 && !search->given_up; i++) {
		void *mem = talloc_new(search->mem);

		r = mem ? try_row(search, mem, base, &rows[i], !first) : -ENOMEM;
		if (r == 1 && first)
			r = explain_found(search, &first->guess, NULL) < 0 ? -ENOMEM : 1;
		talloc_free(mem);
	}
	return r;
}

/* Two changes, one after the other; the first one in all fields that it can be made in. */
static int try_pairs(struct explain_search *search, const struct version *base)
{
	int r = 0;

	for (size_t i = 0; i < ROW_COUNT && r == 0 && !search->given_up; i++) {
		void *mem = talloc_new(search->mem);
		struct edits edits;
		struct version first = { .headers = NULL };

		r = mem ? make_edits(search, mem, base, &rows[i], &edits) : -ENOMEM;
		if (r == 0 && (edits.changed_count > 0 || edits.reversed) && !search->given_up)
			r = try_version(search, mem, base, &edits, ALL_CHANGED, &first);
		if (r == 0 && first.headers && memcmp(first.digest, base->digest, sizeof first.digest) != 0)
			r = try_rows(search, &first, &rows[i]);
		talloc_free(mem);
	}
	return r;
}

int explain_search_header(struct explain_search *search)
{
	struct version received = { .headers = search->headers, .signature = *search->signature };
	int r;

	memcpy(received.digest, search->explain->header_hash, sizeof received.digest);
	r = try_rows(search, &received, NULL);
	if (r == 0)
		r = try_pairs(search, &received);
	if (r == 1)
		search->explain->header_explained = true;
	return r < 0 ? r : 0;
}

const struct dkim_guess *explain_header_row(size_t i)
{
	return i < ROW_COUNT ? &rows[i].guess : NULL;
}
