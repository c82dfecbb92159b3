/* The search for what happened to the body: each row undoes one change; the body hash is the judge. */
#include "dkim/explain_search.h"

#include "dkim/body_hash.h"
#include "dkim/canon.h"
#include "dkim/digest.h"
#include "dkim/explain_change.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>

#define ENCODED_GROWTH 4 /* quoted-printable makes three octets of one, and soft line breaks */
#define ENCODED_EXTRA 16

struct body_row {
	struct dkim_guess guess;
	explain_body_change *change; /* NULL: as received */
	int arg;
};

#define ROW(name, text, change, arg) { { DKIM_EXPLAIN_BODY, name, text, NULL }, change, arg }

#define FOOTER 0 /* the row that also goes with any other */

static const struct body_row rows[] = {
	ROW("footer", "a footer had not been added to the body", NULL, 0),
	ROW("body-no-final-crlf", "the signer had hashed the body with its last line end, which it left out", NULL, 1),
	ROW("body-trailing-blanks", "lines of the body had no blanks at their ends", explain_strip_blanks, 0),
	ROW("signature-dashes", "the line \"--\" of the body still had its blank", explain_signature_dashes, 0),
	ROW("body-line-cut", "long lines of the body had not been cut", explain_join_lines, '\0'),
	ROW("body-line-cut-mark", "long lines of the body had not been cut with \"!\"", explain_join_lines, '!'),
	ROW("body-quoted-printable", "the body had not been turned quoted-printable", explain_decode_quoted, 0),
	ROW("part-quoted-printable", "parts of the body had not been turned quoted-printable", explain_decode_parts, 0),
	ROW("body-base64", "the body had not been turned base64", explain_decode_base64, 0),
	ROW("body-was-quoted-printable", "the body were quoted-printable still", explain_encode_quoted, 0),
	ROW("body-was-base64", "the body were base64 still", explain_encode_base64, 0),
	ROW("footer-in-part", "a footer had not been put into a part of the body", explain_footer_in_part, 0),
	ROW("wrapped", "a list had not made the body a part of its own", explain_first_part, 0),
	ROW("body-crcrlf", "line ends of the body had no second CR", explain_line_ends, EXPLAIN_CRCRLF_WAS_CRLF),
	ROW("body-bare-lf", "bare LF in the body had stayed as signed, not become CRLF", explain_line_ends, EXPLAIN_ENDS_WERE_LF),
	ROW("body-lf-was-crlf", "each bare LF in the body were CRLF", explain_line_ends, EXPLAIN_LF_WAS_CRLF),
	ROW("body-cr-was-crlf", "each bare CR in the body were CRLF", explain_line_ends, EXPLAIN_CR_WAS_CRLF),
	ROW("dots-doubled", "dots at the start of lines had not been doubled", explain_line_starts, 0),
	ROW("dots-lost", "dots at the start of lines had not been lost", explain_line_starts, 1),
	ROW("from-quoted", "\"From \" at the start of lines had not become \">From \"", explain_line_starts, 2),
	ROW("first-line-lost", "the body began with an empty line", explain_first_line, 1),
	ROW("first-line-added", "the body did not begin with an empty line", explain_first_line, 0),
	ROW("body-one-bare-lf", "one line of the body had ended in a bare LF still", explain_one_lf, 0),
};

/* Looks at the hash behind each line end of the canonical body: is it the claimed one there? */
struct prefix_search {
	struct dkim_digest *digest;
	const uint8_t *wanted;
	uint64_t octets;
	uint64_t found; /* octets of the canonical body that have the claimed hash; 0: none so far */
	size_t looks_left;
	char last;
};

static int look(struct prefix_search *prefix)
{
	uint8_t digest[DKIM_DIGEST_OCTETS];
	int r;

	prefix->looks_left--;
	r = dkim_digest_peek(prefix->digest, digest);
	if (r == 0 && memcmp(digest, prefix->wanted, sizeof digest) == 0)
		prefix->found = prefix->octets;
	return r;
}

static int prefix_sink(void *context, const char *octets, size_t n)
{
	struct prefix_search *prefix = context;
	struct view rest = { octets, n };
	int r = 0;

	while (rest.n > 0 && r == 0) {
		struct view piece = view_slice(rest, 0, view_find(rest, '\n') + 1);
		char before = piece.n > 1 ? piece.p[piece.n - 2] : prefix->last;

		r = dkim_digest_update(prefix->digest, piece);
		prefix->octets += piece.n;
		prefix->last = piece.p[piece.n - 1];
		if (r == 0 && prefix->last == '\n' && before == '\r' && prefix->looks_left > 0)
			r = look(prefix);
		rest = view_slice(rest, piece.n, rest.n);
	}
	return r;
}

/* ret_found: octets of the canonical body that have the claimed hash; 0: none. ret_octets: all of them. */
static int find_prefix(const struct explain_search *search, struct view body, uint64_t *ret_found, uint64_t *ret_octets)
{
	struct prefix_search prefix = { .wanted = search->signature->body_hash, .looks_left = DKIM_EXPLAIN_LINES_MAX };
	struct dkim_canon_body canon;
	int r = dkim_digest_new(search->mem, &prefix.digest);

	if (r < 0)
		return r;
	dkim_canon_body_init(&canon, search->signature->body_canon, prefix_sink, &prefix);
	r = dkim_canon_body_update(&canon, body);
	if (r == 0)
		r = dkim_canon_body_finish(&canon);
	*ret_found = prefix.found;
	*ret_octets = prefix.octets;
	talloc_free(prefix.digest);
	return r;
}

/* Verify a changed body as the verifier does it.
 *   length      octets of the canonical body to hash
 *   ret_octets  all of them */
static int judge(const struct explain_search *search, struct view body, int64_t length, bool *ret, uint64_t *ret_octets)
{
	struct dkim_body_hash *hash;
	int r = dkim_body_hash_new(search->mem, search->signature->body_canon, length, &hash);

	if (r < 0)
		return r;
	r = dkim_body_hash_update(hash, body);
	if (r == 0)
		r = dkim_body_hash_finish(hash);
	if (r == 0) {
		*ret_octets = dkim_body_hash_octets(hash);
		*ret = (length < 0 || (uint64_t)length <= *ret_octets) &&
		       memcmp(dkim_body_hash_digest(hash), search->signature->body_hash, DKIM_DIGEST_OCTETS) == 0;
	}
	talloc_free(hash);
	return r;
}

/* Name the row; and when only the beginning of that body has the hash, that the rest was added. */
static int found(struct explain_search *search, const struct body_row *row, uint64_t added)
{
	char detail[80];
	int r = 0;

	if (row->change || row->arg)
		r = explain_found(search, &row->guess, NULL);
	if (r < 0 || added == 0)
		return r;
	(void)snprintf(detail, sizeof detail, "the last %" PRIu64 " octets of its canonical form", added);
	return explain_found(search, &rows[FOOTER].guess, detail);
}

/* Without l= a body that was only added to is found, too. Returns 1 when this was it. */
static int try_body(struct explain_search *search, const struct body_row *row, struct view body)
{
	int64_t length = search->signature->body_length;
	uint64_t octets, beginning = 0;
	bool good = false;
	int r;

	if (!explain_may_try(search, body.n))
		return 0;
	r = judge(search, body, length, &good, &octets);
	if (r == 0 && !good && length < 0) {
		r = find_prefix(search, body, &beginning, &octets);
		if (r == 0 && beginning > 0)
			r = judge(search, body, (int64_t)beginning, &good, &octets);
	}
	if (r == 0 && good)
		r = found(search, row, beginning ? octets - beginning : 0);
	return r == 0 && good ? 1 : r;
}

static int try_without_final_crlf(struct explain_search *search, const struct body_row *row)
{
	bool good = false;
	uint64_t octets = search->explain->body_octets;
	int r;

	if (search->signature->body_length >= 0 || octets < 2 || !explain_may_try(search, search->body.n))
		return 0;
	r = judge(search, search->body, (int64_t)octets - 2, &good, &octets);
	if (r == 0 && good)
		r = found(search, row, 0);
	return r == 0 && good ? 1 : r;
}

static int try_variant(struct explain_search *search, const struct body_row *row, size_t variant, bool *ret_more)
{
	struct buf changed;
	int r = 0;

	*ret_more = false;
	if (!explain_spend(search, search->body.n))
		return 0;
	buf_init(&changed, search->mem, search->body.n * ENCODED_GROWTH + ENCODED_EXTRA);
	*ret_more = row->change(search->body, row->arg, variant, &changed);
	if (buf_error(&changed) < 0)
		r = buf_error(&changed) == -EMSGSIZE ? 0 : buf_error(&changed);
	else if (*ret_more && !view_eq(buf_view(&changed), search->body))
		r = try_body(search, row, buf_view(&changed));
	buf_free(&changed);
	return r;
}

static int try_row(struct explain_search *search, const struct body_row *row)
{
	bool more = true;
	int r = 0;

	if (!row->change)
		return row->arg ? try_without_final_crlf(search, row) : try_body(search, row, search->body);
	for (size_t variant = 0; more && r == 0 && !search->given_up; variant++)
		r = try_variant(search, row, variant, &more);
	return r;
}

int explain_search_body(struct explain_search *search)
{
	int r = 0;

	for (size_t i = 0; r == 0 && !search->given_up && i < sizeof rows / sizeof rows[0]; i++)
		r = try_row(search, &rows[i]);
	if (r == 1)
		search->explain->body_explained = true;
	return r < 0 ? r : 0;
}

const struct dkim_guess *explain_body_row(size_t i)
{
	return i < sizeof rows / sizeof rows[0] ? &rows[i].guess : NULL;
}
