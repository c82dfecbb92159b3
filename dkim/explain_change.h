/* The inside of explain: each function undoes one kind of change that mail systems make. */
#ifndef DKIM_EXPLAIN_CHANGE_H
#define DKIM_EXPLAIN_CHANGE_H

#include "dkim/buf.h"
#include "dkim/header.h"

/* Undo a change of one header field.
 *   body  of the message, for what concerns MIME
 *   arg   the row's own
 *   out   gets the field as it may have been: raw, with its final CRLF; or nothing; or more than one field */
typedef void explain_field_change(const struct header_field *field, struct view body, int arg, struct buf *out);

/* explain_fields.c: blanks, folds, names, presence */
explain_field_change explain_leading_blank;  /* arg: index into none, blank, tab, two blanks */
explain_field_change explain_trailing_blank;
explain_field_change explain_unfold;         /* arg: 0 keeps the blanks of a fold, 1 makes them one, 2 drops them */
explain_field_change explain_refold;         /* arg: columns */
explain_field_change explain_fold_blank;     /* arg: index into tab, blank, four blanks, eight blanks */
explain_field_change explain_fold_lf;        /* folds as a milter shows them */
explain_field_change explain_join_field;     /* CRLF SP cut into a line that was too long */
explain_field_change explain_name_case;      /* arg: 0 lower case, 1 Each-Word, 2 Each-Word but MIME- and -ID, 3 upper case */
explain_field_change explain_name_blank;     /* a blank before the colon */
explain_field_change explain_absent;
explain_field_change explain_twice;
explain_field_change explain_subject_tag;    /* arg: 0 in brackets, else so many words at the start */

/* explain_words.c: encoded words (RFC 2047) */
enum explain_words { EXPLAIN_WORDS_RAW, EXPLAIN_WORDS_BASE64, EXPLAIN_WORDS_QUOTED };
explain_field_change explain_words;          /* arg: what words outside ASCII were written as; the whole run of them */
explain_field_change explain_words_whole;    /* likewise the whole value */

/* explain_address.c: lists of mailboxes */
explain_field_change explain_quote_names;    /* arg: 0 all display names, 1 those with . or ' */
explain_field_change explain_unquote_names;  /* likewise */
explain_field_change explain_comma_blank;    /* arg: blanks behind a comma */

/* explain_mime.c */
explain_field_change explain_encoding;       /* arg: index into 7bit, 8bit, binary, quoted-printable, base64 */
explain_field_change explain_encoding_added; /* likewise, put below the field */
explain_field_change explain_charset_quotes; /* arg: 1 with, 0 without */
explain_field_change explain_part_field;     /* the first MIME part's field of that name */

/* Undo a change of the body.
 *   variant  counts from 0
 *   out      gets the body as it may have been
 * Returns false when there is no such variant. */
typedef bool explain_body_change(struct view body, int arg, size_t variant, struct buf *out);

/* explain_lines.c */
explain_body_change explain_strip_blanks;
explain_body_change explain_signature_dashes; /* "--" was "-- " (RFC 3676 section 4.3) */
explain_body_change explain_join_lines;       /* arg: '\0', or the octet that the cut left behind at the end of a line */
explain_body_change explain_line_starts;      /* arg: index into the pairs of beginnings */
explain_body_change explain_first_line;       /* arg: 1 there was an empty one, 0 there was none */
explain_body_change explain_line_ends;        /* arg: enum explain_line_ends */
explain_body_change explain_one_lf;           /* one line end was a bare LF: Postfix makes CRLF of it */
enum explain_line_ends { EXPLAIN_ENDS_WERE_LF, EXPLAIN_LF_WAS_CRLF, EXPLAIN_CR_WAS_CRLF, EXPLAIN_CRCRLF_WAS_CRLF };

/* explain_quoted.c, explain_base64.c: content transfer encodings (RFC 2045 section 6) */
explain_body_change explain_decode_quoted;
explain_body_change explain_encode_quoted;
explain_body_change explain_decode_base64;
explain_body_change explain_encode_base64;

/* explain_parts.c: MIME parts */
explain_body_change explain_decode_parts;     /* quoted-printable parts */
explain_body_change explain_first_part;       /* all around the first part was put there by a list */
explain_body_change explain_footer_in_part;   /* from a line of dashes to the end of its part */
/* Take apart the first MIME part; false when there is none. */
bool explain_find_part(struct view body, struct view *ret_header, struct view *ret_content);

/* Cut the next line off: text without its CRLF; ret_end is "\r\n" or, at the end of v, empty. False when nothing is left. */
bool explain_next_line(struct view *rest, struct view *ret_text, struct view *ret_end);

#endif
