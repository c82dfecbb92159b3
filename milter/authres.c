#include "milter/authres.h"

#include "dkim/domain.h"
#include "dkim/idna.h"

#include <errno.h>
#include <string.h>
#include <talloc.h>

#define TAB_COLUMNS 8
#define LINE_COLUMNS 77 /* 78 (RFC 5322 section 2.1.1) and room for a semicolon */
#define B_LENGTH_MIN 8  /* RFC 6008 section 3 */

/* The field as it grows, word by word: a word is never folded inside. */
struct writer {
	struct buf *out;
	struct buf word; /* the next word, as it will be written */
	struct buf raw;  /* the value of a property, before quoting */
	size_t column; /* of the line in out, once it was folded */
	size_t limit;  /* octets of out that the properties of this signature may reach */
	bool smtputf8;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

bool authres_is_token_octet(char c)
{
	return c > 32 && c < 127 && !strchr("()<>@,;:\\\"/[]?=", c);
}

static bool is_token(struct view v)
{
	for (size_t i = 0; i < v.n; i++)
		if (!authres_is_token_octet(v.p[i]))
			return false;
	return v.n > 0;
}

/* RFC 5322 section 3.2.3, for the dot-atom of a local part; here it may be empty. */
static bool is_local_part(struct view v)
{
	if (v.n > 0 && (v.p[0] == '.' || v.p[v.n - 1] == '.'))
		return false;
	for (size_t i = 0; i < v.n; i++)
		if (!is_alnum(v.p[i]) && (v.p[i] == '\0' || !strchr("!#$%&'*+-/=?^_`{|}~.", v.p[i]) ||
		                          (v.p[i] == '.' && v.p[i - 1] == '.')))
			return false;
	return true;
}

/* sub-domain 1*("." sub-domain) (RFC 6376 section 3.5). */
static bool is_domain_name(struct view v)
{
	struct view label;

	if (v.n == 0)
		return false;
	while (view_next(&v, '.', &label)) {
		if (label.n == 0 || label.p[0] == '-' || label.p[label.n - 1] == '-')
			return false;
		for (size_t i = 0; i < label.n; i++)
			if (!is_alnum(label.p[i]) && label.p[i] != '-')
				return false;
	}
	return true;
}

/* pvalue of RFC 8601 section 2.2 without quotes: a token, or [ [ local-part ] "@" ] domain-name. */
static bool is_bare_pvalue(struct view v)
{
	size_t at = view_find(v, '@');

	if (at == v.n)
		return is_token(v);
	return is_local_part(view_slice(v, 0, at)) && is_domain_name(view_slice(v, at + 1, v.n));
}

/* A quoted-string (RFC 5322 section 3.2.4; RFC 6532 section 3.2) of what may be shown. */
static void add_quoted(struct writer *w, struct view v)
{
	bool eight_bit = w->smtputf8 && view_is_utf8(v);

	buf_add_char(&w->word, '"');
	for (size_t i = 0; i < v.n; i++) {
		unsigned char c = (unsigned char)v.p[i];

		if (c == '"' || c == '\\')
			buf_add_char(&w->word, '\\');
		buf_add_char(&w->word, (c >= 32 && c < 127) || (c > 127 && eight_bit) ? v.p[i] : '?');
	}
	buf_add_char(&w->word, '"');
}

static void fold(struct writer *w)
{
	buf_add_string(w->out, "\r\n\t");
	w->column = TAB_COLUMNS;
}

/* Write what stands in `word`. */
static void put_word(struct writer *w)
{
	struct view word = buf_view(&w->word);

	if (buf_error(&w->word) && !w->out->error)
		w->out->error = buf_error(&w->word);
	buf_add(w->out, word);
	w->column += word.n;
	buf_clear(&w->word);
}

/* Write `word`: on a new line when that is asked for, or when this one has no room for it. */
static void end_word(struct writer *w, bool new_line)
{
	if (new_line || w->column + 1 + buf_view(&w->word).n > LINE_COLUMNS) {
		fold(w);
	} else {
		buf_add_char(w->out, ' ');
		w->column++;
	}
	put_word(w);
}

static void add_reason(struct writer *w, const char *text)
{
	buf_add_string(&w->word, "reason=");
	add_quoted(w, view_of(text));
	end_word(w, false);
}

/* Write name=value, the value from `raw`, if there is one and room for it. */
static void end_property(struct writer *w, const char *name)
{
	struct view value = buf_view(&w->raw);

	if (buf_error(&w->raw) == -ENOMEM && !w->out->error)
		w->out->error = -ENOMEM;
	if (!buf_error(&w->raw) && value.n > 0) {
		buf_printf(&w->word, "%s=", name);
		if (is_bare_pvalue(value))
			buf_add(&w->word, value);
		else
			add_quoted(w, value);
		if (w->out->n + w->word.n + strlen("\r\n\t;") > w->limit)
			buf_clear(&w->word);
		else
			end_word(w, false);
	}
	buf_clear(&w->raw);
}

/* Append to `raw` without folding white space, which means nothing in i= and b= (RFC 6376 section 3.5), at most n octets. */
static void add_raw_without_fws(struct writer *w, struct view v, size_t n)
{
	for (size_t i = 0; i < v.n && n > 0; i++)
		if (!is_blank(v.p[i])) {
			buf_add_char(&w->raw, v.p[i]);
			n--;
		}
}

/* Append to `raw` in the form that the message allows (RFC 8601 section 2.3, RFC 8616). */
static void add_raw_domain(struct writer *w, struct view domain)
{
	struct view shown = domain;

	if (w->smtputf8 && idna_to_unicode(w->out->mem, domain, &shown) < 0 && !w->out->error)
		w->out->error = -ENOMEM;
	buf_add(&w->raw, shown.n > DOMAIN_NAME_MAX ? domain : shown); /* the longer form may be too long for a property */
	if (shown.p != domain.p)
		talloc_free((void *)(uintptr_t)shown.p);
}

static void add_raw_identity(struct writer *w, const struct dkim_verify_result *result)
{
	const struct dkim_signature *signature = &result->signature;
	struct view identity = signature->identity;
	size_t domain = identity.n;

	if (identity.n == 0) { /* R15: i= is absent, or else it stands for nothing */
		if (signature->signing_domain.n == 0 || result->reason == DKIM_REASON_BAD_IDENTITY ||
		    result->reason == DKIM_REASON_BAD_IDNA)
			return;
		buf_add_char(&w->raw, '@');
		add_raw_domain(w, signature->signing_domain);
		return;
	}
	while (domain > 0 && identity.p[domain - 1] != '@')
		domain--;
	add_raw_without_fws(w, view_slice(identity, 0, domain), domain);
	add_raw_domain(w, view_slice(identity, domain, identity.n));
}

/* The next octet of b= that is no white space, -1 at its end. */
static int next_octet(struct view v, size_t *at)
{
	while (*at < v.n && is_blank(v.p[*at]))
		(*at)++;
	return *at < v.n ? (unsigned char)v.p[(*at)++] : -1;
}

/* Octets that two b= need to be told apart; 0 when nothing within AUTHRES_PROPERTY_MAX does. */
static size_t telling_length(struct view a, struct view b)
{
	size_t i = 0, k = 0;

	for (size_t n = 1; n <= AUTHRES_PROPERTY_MAX; n++) {
		int x = next_octet(a, &i), y = next_octet(b, &k);

		if (x != y)
			return n;
		if (x < 0)
			return 0;
	}
	return 0;
}

/* R86: eight octets, or as many more as it takes to differ from every other signature. */
static size_t b_length(const struct authres *authres, size_t i)
{
	size_t length = B_LENGTH_MIN;

	for (size_t k = 0; k < authres->count; k++) {
		size_t telling = k == i ? 0 : telling_length(authres->results[i]->signature.signature_data,
		                                             authres->results[k]->signature.signature_data);

		if (telling > length)
			length = telling;
	}
	return length;
}

/* Comments hold nothing that came with the message. */
static void add_comment(struct writer *w, const struct dkim_verify_result *result)
{
	const char *separator = "(";

	if (result->key_bits > 0) {
		buf_printf(&w->word, "(%u-bit %s", result->key_bits,
		           result->signature.algorithm == DKIM_ED25519_SHA256 ? "ed25519" : "rsa");
		separator = ", ";
	}
	if (result->test_mode) {
		buf_printf(&w->word, "%stest mode", separator);
		separator = ", ";
	}
	if (result->secure) {
		buf_printf(&w->word, "%ssecure key", separator);
		separator = ", ";
	}
	if (separator[0] == '(')
		return;
	buf_add_char(&w->word, ')');
	end_word(w, false);
}

static void add_result(struct writer *w, const struct authres *authres, size_t i)
{
	const struct dkim_verify_result *result = authres->results[i];
	const struct dkim_signature *signature = &result->signature;
	enum dkim_result word = dkim_reason_result(result->reason);

	buf_printf(&w->word, "dkim=%s", dkim_result_text(word));
	end_word(w, true);
	add_comment(w, result);
	if (word != DKIM_PASS)
		add_reason(w, dkim_reason_text(result->reason));

	add_raw_domain(w, signature->signing_domain);
	end_property(w, "header.d");
	add_raw_identity(w, result);
	end_property(w, "header.i");
	add_raw_domain(w, signature->selector);
	end_property(w, "header.s");
	buf_add(&w->raw, signature->algorithm_name);
	end_property(w, "header.a");
	add_raw_without_fws(w, signature->signature_data, b_length(authres, i));
	end_property(w, "header.b");
}

static void add_authserv_id(struct writer *w, const char *authserv_id)
{
	struct view id = view_of(authserv_id);

	if (is_token(id))
		buf_add(&w->word, id);
	else
		add_quoted(w, id);
	buf_add_char(&w->word, ';');
	buf_add_char(w->out, ' ');
	put_word(w);
}

void authres_build(const struct authres *authres, struct buf *out)
{
	struct writer w = { .out = out, .smtputf8 = authres->smtputf8 };

	buf_init(&w.word, out->mem, AUTHRES_VALUE_MAX);
	buf_init(&w.raw, out->mem, AUTHRES_PROPERTY_MAX);
	add_authserv_id(&w, authres->authserv_id);
	if (authres->not_verified) {
		buf_add_string(&w.word, "dkim=neutral");
		end_word(&w, true);
		add_reason(&w, authres->not_verified);
	} else if (authres->count == 0) { /* R87 */
		buf_add_string(&w.word, "dkim=none");
		end_word(&w, true);
	}
	for (size_t i = 0; !authres->not_verified && i < authres->count; i++) {
		if (i > 0)
			buf_add_char(out, ';');
		w.limit = out->maximum / authres->count * (i + 1); /* what one leaves, the next ones may use */
		add_result(&w, authres, i);
	}
	buf_free(&w.word);
	buf_free(&w.raw);
}
