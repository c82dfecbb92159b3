#include "dkim/explain_change.h"

#include <string.h>

/* See explain_fields.c; Sendmail marks its cuts with "!" and makes them at 2040 where L= does not say otherwise. */
#define CUT_LINE_MIN 985
#define ONE_LF_LINES_MAX 300 /* of these each is tried: some pages */

bool explain_next_line(struct view *rest, struct view *ret_text, struct view *ret_end)
{
	size_t lf = 0;

	if (rest->n == 0)
		return false;
	for (;; lf++) {
		lf += view_find(view_slice(*rest, lf, rest->n), '\n');
		if (lf == rest->n || (lf > 0 && rest->p[lf - 1] == '\r'))
			break;
	}
	*ret_text = view_slice(*rest, 0, lf == rest->n ? lf : lf - 1);
	*ret_end = view_slice(*rest, ret_text->n, lf + 1);
	*rest = view_slice(*rest, lf + 1, rest->n);
	return true;
}

bool explain_strip_blanks(struct view body, int arg, size_t variant, struct buf *out)
{
	struct view rest = body, line, end;

	(void)arg;
	while (variant == 0 && explain_next_line(&rest, &line, &end)) {
		while (line.n > 0 && ascii_is_blank(line.p[line.n - 1]))
			line.n--;
		buf_add(out, line);
		buf_add(out, end);
	}
	return variant == 0;
}

bool explain_signature_dashes(struct view body, int arg, size_t variant, struct buf *out)
{
	struct view rest = body, line, end;

	(void)arg;
	while (variant == 0 && explain_next_line(&rest, &line, &end)) {
		buf_add(out, line);
		if (view_eq(line, VIEW("--")))
			buf_add_char(out, ' ');
		buf_add(out, end);
	}
	return variant == 0;
}

static bool is_cut(struct view line, int mark)
{
	return line.n >= CUT_LINE_MIN && (!mark || line.p[line.n - 1] == mark);
}

bool explain_join_lines(struct view body, int arg, size_t variant, struct buf *out)
{
	struct view rest = body, line, end;

	if (variant > 0)
		return false;
	for (bool joined = false; explain_next_line(&rest, &line, &end); ) {
		bool joins = is_cut(line, arg) && rest.n > 0 && rest.p[0] == ' ';

		if (joined)
			line = view_slice(line, 1, line.n);
		buf_add(out, joins && arg ? view_slice(line, 0, line.n - 1) : line);
		buf_add(out, joins ? VIEW("") : end);
		joined = joins;
	}
	return true;
}

/* What stands at the beginning of a line, and what stood there: dots of SMTP (RFC 5321 section 4.5.2), mbox files. */
static const struct {
	struct view is, was;
} starts[] = {
	{ VIEW_INIT(".."), VIEW_INIT(".") },
	{ VIEW_INIT("."), VIEW_INIT("..") },
	{ VIEW_INIT(">From "), VIEW_INIT("From ") },
};

bool explain_line_starts(struct view body, int arg, size_t variant, struct buf *out)
{
	struct view is = starts[arg].is, rest = body, line, end;

	while (variant == 0 && explain_next_line(&rest, &line, &end)) {
		bool begins = view_eq(view_slice(line, 0, is.n), is);

		buf_add(out, begins ? starts[arg].was : VIEW(""));
		buf_add(out, view_slice(line, begins ? is.n : 0, line.n));
		buf_add(out, end);
	}
	return variant == 0;
}

bool explain_first_line(struct view body, int arg, size_t variant, struct buf *out)
{
	static const struct view empty = VIEW_INIT("\r\n");

	if (variant > 0)
		return false;
	if (arg == 1)
		buf_add(out, empty);
	else if (view_eq(view_slice(body, 0, 2), empty))
		body = view_slice(body, 2, body.n);
	buf_add(out, body);
	return true;
}

/* Octets of the line end at i that was changed in this way; 0: none. */
static size_t changed_line_end(struct view body, size_t i, int how)
{
	bool cr = body.p[i] == '\r', lf = body.p[i] == '\n';
	bool lf_follows = i + 1 < body.n && body.p[i + 1] == '\n';

	switch (how) {
	case EXPLAIN_ENDS_WERE_LF:
		return cr && lf_follows ? 2 : 0;
	case EXPLAIN_LF_WAS_CRLF:
		return lf && (i == 0 || body.p[i - 1] != '\r') ? 1 : 0;
	case EXPLAIN_CR_WAS_CRLF:
		return cr && !lf_follows ? 1 : 0;
	default: /* EXPLAIN_CRCRLF_WAS_CRLF */
		return view_eq(view_slice(body, i, i + 3), VIEW("\r\r\n")) ? 3 : 0;
	}
}

bool explain_line_ends(struct view body, int arg, size_t variant, struct buf *out)
{
	if (variant > 0)
		return false;
	for (size_t i = 0; i < body.n; ) {
		size_t changed = changed_line_end(body, i, arg);

		if (changed)
			buf_add_string(out, arg == EXPLAIN_ENDS_WERE_LF ? "\n" : "\r\n");
		else
			buf_add_char(out, body.p[i]);
		i += changed ? changed : 1;
	}
	return true;
}

bool explain_one_lf(struct view body, int arg, size_t variant, struct buf *out)
{
	struct view rest = body, line, end;
	size_t number = 0;

	(void)arg;
	if (variant >= ONE_LF_LINES_MAX)
		return false;
	for (; explain_next_line(&rest, &line, &end); number++) {
		buf_add(out, line);
		buf_add(out, number == variant && end.n > 0 ? VIEW("\n") : end);
	}
	return variant < number;
}
