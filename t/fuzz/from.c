/* The author's domain in a From value: any octets; and values written by the grammar of RFC 5322 section 3.4, whose
 * first domain is known. */
#include "dkim/domain.h"
#include "t/fuzz/fuzz.h"

#include <string.h>
#include <talloc.h>

#define VALUE_MAX (64 * 1024)
#define DEPTH_MAX 3 /* comments in comments */

/* The text under construction, the octets that steer it, and the first domain written. */
struct writer {
	struct view input;
	struct buf out;
	size_t domain_at, domain_n; /* n is 0: none yet */
};

static unsigned choose(struct writer *w, unsigned count)
{
	return take_octet(&w->input) % count;
}

/* An octet that is text wherever it stands, or one that would mean something outside of quotes. */
static void write_octets(struct writer *w, bool quoted)
{
	static const char plain[] = "abcxyz019!#$%&'*+-/=?^_`{|}~\xc3\xa9";
	static const char special[] = "@<>,;:[]. ";
	unsigned count = choose(w, 4);

	for (unsigned i = 0; i < count; i++) {
		unsigned pick = choose(w, 64);

		if (!quoted || pick < 32)
			buf_add_char(&w->out, plain[pick % (sizeof plain - 1)]);
		else
			buf_add_char(&w->out, special[pick % (sizeof special - 1)]);
	}
}

static void write_quoted_pair(struct writer *w)
{
	static const char octets[] = "\\\"()@<> ";

	buf_add_char(&w->out, '\\');
	buf_add_char(&w->out, octets[choose(w, sizeof octets - 1)]);
}

static void write_comment(struct writer *w, unsigned depth)
{
	buf_add_char(&w->out, '(');
	for (unsigned i = choose(w, 4); i > 0; i--) {
		if (depth > 0 && choose(w, 4) == 0)
			write_comment(w, depth - 1);
		else if (choose(w, 4) == 0)
			write_quoted_pair(w);
		else
			write_octets(w, true);
		if (choose(w, 8) == 0)
			buf_add_char(&w->out, '"');
	}
	buf_add_char(&w->out, ')');
}

static void write_cfws(struct writer *w)
{
	static const char *const fws[] = { " ", "\t", "\r\n ", " \r\n\t " };

	for (unsigned i = choose(w, 3); i > 0; i--) {
		if (choose(w, 4) == 0)
			write_comment(w, DEPTH_MAX);
		else
			buf_add_string(&w->out, fws[choose(w, 4)]);
	}
}

static void write_quoted_string(struct writer *w)
{
	buf_add_char(&w->out, '"');
	for (unsigned i = choose(w, 4); i > 0; i--) {
		if (choose(w, 4) == 0)
			write_quoted_pair(w);
		else
			write_octets(w, true);
	}
	buf_add_char(&w->out, '"');
}

static void write_atom(struct writer *w)
{
	buf_add_string(&w->out, "a");
	write_octets(w, false);
}

/* phrase: words with CFWS around; dots as in obs-phrase. */
static void write_phrase(struct writer *w)
{
	for (unsigned i = choose(w, 3) + 1; i > 0; i--) {
		if (choose(w, 3) == 0)
			write_quoted_string(w);
		else
			write_atom(w);
		if (choose(w, 6) == 0)
			buf_add_char(&w->out, '.');
		buf_add_char(&w->out, ' ');
		write_cfws(w);
	}
}

static void write_domain(struct writer *w)
{
	static const char *const names[] = { "example.com", "EXAMPLE.NET", "t\xc3\xbcr.example.org", "a-b.c_d.example.com" };
	const char *name = names[choose(w, 4)];

	if (w->domain_n == 0) {
		w->domain_at = w->out.n;
		w->domain_n = strlen(name);
	}
	buf_add_string(&w->out, name);
}

/* CFWS may stand around the parts, never inside a dot-atom: obs-local-part is left out. */
static void write_addr_spec(struct writer *w)
{
	write_cfws(w);
	if (choose(w, 4) == 0) {
		write_quoted_string(w);
	} else {
		write_atom(w);
		if (choose(w, 3) == 0) {
			buf_add_char(&w->out, '.');
			write_atom(w);
		}
	}
	write_cfws(w);
	buf_add_char(&w->out, '@');
	write_cfws(w);
	write_domain(w);
	write_cfws(w);
}

static void write_mailbox(struct writer *w)
{
	bool phrase = choose(w, 2);

	write_cfws(w);
	if (!phrase && choose(w, 2)) {
		write_addr_spec(w);
		return;
	}
	if (phrase)
		write_phrase(w);
	buf_add_char(&w->out, '<');
	write_cfws(w);
	if (choose(w, 8) == 0)
		buf_add_string(&w->out, "@route.example.org,@b.example.org:");
	write_addr_spec(w);
	buf_add_char(&w->out, '>');
	write_cfws(w);
}

static void write_group(struct writer *w)
{
	write_phrase(w);
	buf_add_char(&w->out, ':');
	write_cfws(w);
	for (unsigned i = choose(w, 3); i > 0; i--) {
		write_mailbox(w);
		if (i > 1)
			buf_add_char(&w->out, ',');
	}
	buf_add_char(&w->out, ';');
	write_cfws(w);
}

static void write_list(struct writer *w)
{
	for (unsigned i = choose(w, 3) + 1; i > 0; i--) {
		if (choose(w, 4) == 0)
			write_group(w);
		else
			write_mailbox(w);
		if (i > 1)
			buf_add_char(&w->out, ',');
	}
}

static void try_grammar(void *mem, struct view input)
{
	struct writer w = { .input = input };
	struct view domain, wanted;
	enum from_reason reason;

	buf_init(&w.out, mem, VALUE_MAX);
	write_list(&w);
	CLAIM(buf_error(&w.out) == 0);
	wanted = view_slice(buf_view(&w.out), w.domain_at, w.domain_at + w.domain_n);
	reason = from_value_domain(buf_view(&w.out), &domain);
	if (w.domain_n == 0)
		CLAIM_SAME(view_of(from_reason_text(reason)), view_of(from_reason_text(FROM_NO_MAILBOX)));
	if (w.domain_n == 0)
		return;
	if (reason != FROM_OK)
		CLAIM_SAME(buf_view(&w.out), wanted); /* shows both */
	CLAIM_SAME(domain, wanted);
	CLAIM(domain.p == wanted.p);
}

/* The same for a whole header, where a second From spoils it. */
static void try_header(void *mem, struct view value, enum from_reason reason)
{
	struct view domain = { NULL, 0 };
	struct header_list *headers;

	CLAIM(header_list_new(mem, NULL, &headers) == 0);
	CLAIM(header_from_domain(headers, &domain) == FROM_MISSING);
	CLAIM(header_list_add(headers, VIEW("FROM"), value) == 0);
	if (view_find(value, '\n') == value.n) /* else a fold may have been mended */
		CLAIM(header_from_domain(headers, &domain) == reason);
	CLAIM(lies_inside(domain, header_list_at(headers, 0)->raw));
	CLAIM(header_list_add(headers, VIEW("from"), value) == 0);
	CLAIM(header_from_domain(headers, &domain) == FROM_SEVERAL);
}

/* Input: "G" and what steers the grammar, or else a value. */
int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t n)
{
	struct view input = { (const char *)octets, n };
	struct view domain = { NULL, 0 };
	enum from_reason reason;
	void *mem = talloc_new(NULL);

	if (n > 0 && octets[0] == 'G') {
		try_grammar(mem, view_slice(input, 1, n));
	} else {
		reason = from_value_domain(input, &domain);
		CLAIM((reason == FROM_OK) == (domain.n > 0));
		CLAIM(reason != FROM_OK || domain_is_valid(domain));
		CLAIM(lies_inside(domain, input));
		try_header(mem, input, reason);
	}
	talloc_free(mem);
	return 0;
}
