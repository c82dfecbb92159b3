#include "dkim/canon.h"

#include <assert.h>
#include <string.h>

static const struct view crlf = VIEW_INIT("\r\n");

static struct view without_final_crlf(struct view raw)
{
	return raw.n >= 2 && memcmp(raw.p + raw.n - 2, "\r\n", 2) == 0 ? view_slice(raw, 0, raw.n - 2) : raw;
}

static void add_lower(struct view v, struct buf *out)
{
	size_t from = out->n;

	buf_add(out, v);
	for (size_t i = from; i < out->n; i++)
		out->p[i] = ascii_lower(out->p[i]);
}

/* Length of what section 3.4.2 takes for white space at the start of v: a blank, or the CRLF of a fold. */
static size_t wsp_length(struct view v)
{
	if (v.n > 0 && ascii_is_blank(v.p[0]))
		return 1;
	return v.n > 2 && v.p[0] == '\r' && v.p[1] == '\n' && ascii_is_blank(v.p[2]) ? 2 : 0;
}

/* The words of an unfolded value with one blank between, none at either end. */
static void add_relaxed_value(struct view value, struct buf *out)
{
	bool first = true;
	size_t at = 0;

	while (at < value.n) {
		size_t from, n;

		while ((n = wsp_length(view_slice(value, at, value.n))) > 0)
			at += n;
		from = at;
		while (at < value.n && wsp_length(view_slice(value, at, value.n)) == 0)
			at++;
		if (at == from)
			break;
		if (!first)
			buf_add_char(out, ' ');
		first = false;
		buf_add(out, view_slice(value, from, at));
	}
}

static void add_relaxed_header(struct view field, struct buf *out)
{
	size_t colon = view_find(field, ':');
	size_t name = colon;

	assert(colon < field.n);
	while (name > 0 && ascii_is_blank(field.p[name - 1]))
		name--;
	add_lower(view_slice(field, 0, name), out);
	buf_add_char(out, ':');
	add_relaxed_value(view_slice(field, colon + 1, field.n), out);
}

void dkim_canon_header(enum dkim_canon canon, struct view raw, struct buf *out)
{
	struct view field = without_final_crlf(raw);

	if (canon == DKIM_RELAXED)
		add_relaxed_header(field, out);
	else
		buf_add(out, field);
	buf_add(out, crlf);
}

/*
 * The body. Both canonicalizations hold back line ends until more data shows that they are not
 * trailing ones; relaxed holds back blanks too, until more data on the same line shows that they are
 * not at its end. All else passes in spans that are as long as possible.
 */

/* Short spans are gathered before the sink sees them: a hash costs more per call than per octet. */
#define GATHER_OCTETS 4096
#define GATHER_SPAN_MAX 512 /* a longer span goes to the sink as it is */

struct gather {
	struct dkim_canon_body *body;
	int error; /* what the sink said; nothing is passed on any more then */
	size_t n;
	char octets[GATHER_OCTETS];
};

static void pass(struct gather *gather, const char *octets, size_t n)
{
	if (!gather->error && n > 0)
		gather->error = gather->body->sink(gather->body->context, octets, n);
}

static void flush(struct gather *gather)
{
	pass(gather, gather->octets, gather->n);
	gather->n = 0;
}

static void emit(struct gather *gather, struct view v)
{
	gather->body->wrote = true;
	if (v.n > sizeof gather->octets - gather->n || v.n > GATHER_SPAN_MAX)
		flush(gather);
	if (v.n > GATHER_SPAN_MAX) {
		pass(gather, v.p, v.n);
		return;
	}
	memcpy(gather->octets + gather->n, v.p, v.n);
	gather->n += v.n;
}

/* Data follows, so what was held back belongs to the body. */
static void emit_held_back(struct gather *gather)
{
	struct dkim_canon_body *body = gather->body;

	for (; body->line_ends > 0 && !gather->error; body->line_ends--)
		emit(gather, crlf);
	if (body->pending_blank)
		emit(gather, VIEW(" "));
	body->pending_blank = false;
}

/* Pass on v, which begins with data, but hold back the CRLFs at its end. */
static void emit_data(struct gather *gather, struct view v)
{
	uint64_t line_ends = 0;

	for (; v.n >= 2 && v.p[v.n - 1] == '\n' && v.p[v.n - 2] == '\r'; v.n -= 2)
		line_ends++;
	if (v.n > 0) {
		emit_held_back(gather);
		emit(gather, v);
	}
	gather->body->line_ends += line_ends;
}

/* Octets at the start of v that are line ends; the blanks that were held back stood at the end of their line. */
static size_t take_line_ends(struct dkim_canon_body *body, struct view v)
{
	size_t at = 0;

	for (; v.n - at >= 2 && v.p[at] == '\r' && v.p[at + 1] == '\n'; at += 2)
		body->line_ends++;
	if (at > 0)
		body->pending_blank = false;
	return at;
}

static bool is_unstable_blank(struct view v, size_t i)
{
	if (v.p[i] == '\t')
		return true;
	return v.p[i] == ' ' && (i + 1 == v.n || ascii_is_blank(v.p[i + 1]) || v.p[i + 1] == '\r');
}

#define BLOCK 64 /* octets looked at together; of fixed size, so that the compiler makes vector code of it */

/* True when one of BLOCK octets may be a blank that does not stay as it is. Reads one octet more. */
static bool block_has_unstable_blank(const char *p)
{
	unsigned char found = 0;

	for (size_t i = 0; i < BLOCK; i++)
		found |= (unsigned char)((p[i] == '\t') | ((p[i] == ' ') & ((unsigned char)p[i + 1] <= ' ')));
	return found != 0;
}

/* Offset of the first blank, from `at` on, that relaxed does not pass on as it is; v.n when there is none.
 * One blank between two octets of data stays; "a\r" counts as none, for a line end may follow. */
static size_t find_unstable_blank(struct view v, size_t at)
{
	for (; v.n - at > BLOCK; at += BLOCK)
		if (block_has_unstable_blank(v.p + at))
			for (size_t i = at; i < at + BLOCK; i++)
				if (is_unstable_blank(v, i))
					return i;
	while (at < v.n && !is_unstable_blank(v, at))
		at++;
	return at;
}

static void update_relaxed(struct gather *gather, struct view v)
{
	struct dkim_canon_body *body = gather->body;
	size_t at = 0;

	while (at < v.n && !gather->error) {
		size_t from;

		at += take_line_ends(body, view_slice(v, at, v.n));
		from = at;
		while (at < v.n && ascii_is_blank(v.p[at]) && (body->pending_blank || is_unstable_blank(v, at))) {
			body->pending_blank = true;
			at++;
		}
		if (at > from)
			continue; /* a line end may follow */
		at = find_unstable_blank(v, at);
		emit_data(gather, view_slice(v, from, at));
	}
}

/* The CR that ended the last chunk begins a line end, or else was data. */
static struct view resolve_pending_cr(struct gather *gather, struct view chunk)
{
	struct dkim_canon_body *body = gather->body;

	if (!body->pending_cr || chunk.n == 0)
		return chunk;
	body->pending_cr = false;
	if (chunk.p[0] != '\n') {
		emit_held_back(gather);
		emit(gather, VIEW("\r"));
		return chunk;
	}
	body->line_ends++;
	body->pending_blank = false;
	return view_slice(chunk, 1, chunk.n);
}

void dkim_canon_body_init(struct dkim_canon_body *body, enum dkim_canon canon, dkim_canon_sink *sink, void *context)
{
	*body = (struct dkim_canon_body){ .canon = canon, .sink = sink, .context = context };
}

int dkim_canon_body_update(struct dkim_canon_body *body, struct view chunk)
{
	struct gather gather;
	struct view rest;

	gather.body = body;
	gather.error = 0;
	gather.n = 0;
	rest = resolve_pending_cr(&gather, chunk);
	if (rest.n > 0 && rest.p[rest.n - 1] == '\r') {
		body->pending_cr = true;
		rest.n--;
	}
	if (body->canon == DKIM_RELAXED)
		update_relaxed(&gather, rest);
	else
		emit_data(&gather, rest);
	flush(&gather);
	return gather.error;
}

int dkim_canon_body_finish(struct dkim_canon_body *body)
{
	struct gather gather;

	gather.body = body;
	gather.error = 0;
	gather.n = 0;
	if (body->pending_cr) {
		emit_held_back(&gather);
		emit(&gather, VIEW("\r"));
	}
	if (body->wrote || body->canon == DKIM_SIMPLE)
		emit(&gather, crlf);
	flush(&gather);
	return gather.error;
}
