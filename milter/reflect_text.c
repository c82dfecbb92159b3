#include "milter/reflect_text.h"

#include <errno.h>
#include <talloc.h>

#define NAME_OCTETS_SHOWN 1024 /* a key's name has 253, but not everything that stands in s= and d= is one */

static const char *canon_text(enum dkim_canon canon)
{
	return canon == DKIM_RELAXED ? "relaxed" : "simple";
}

static void add_escaped(struct view octets, struct buf *out)
{
	char *text = view_escape(out->mem, octets, NAME_OCTETS_SHOWN);

	if (text)
		buf_add_string(out, text);
	else
		out->error = -ENOMEM;
	talloc_free(text);
}

/* Which key, and in which form the message was hashed. */
static void add_means(const struct dkim_verify_result *result, struct buf *out)
{
	const struct dkim_signature *signature = &result->signature;

	if (signature->signing_domain.n == 0 || signature->selector.n == 0)
		return;
	buf_add_string(out, "  by the key ");
	add_escaped(signature->selector, out);
	buf_add_string(out, "._domainkey.");
	add_escaped(signature->signing_domain, out);
	if (result->key_bits)
		buf_printf(out, " (%u bits)", result->key_bits);
	buf_printf(out, ",\n  canonicalization %s/%s, algorithm ", canon_text(signature->header_canon), canon_text(signature->body_canon));
	add_escaped(signature->algorithm_name, out);
	buf_add_char(out, '\n');
}

static void add_head(const struct dkim_verify *results, size_t i, struct buf *out)
{
	const struct dkim_verify_result *result = dkim_verify_result(results, i);

	buf_printf(out, "\nSignature %zu of %zu: %s (%s)\n", i + 1, dkim_verify_found(results),
	           dkim_result_text(dkim_reason_result(result->reason)), dkim_reason_text(result->reason));
	add_means(result, out);
	buf_add_char(out, '\n');
}

static void add_unseen(const struct dkim_verify *results, struct buf *out)
{
	size_t seen = dkim_verify_count(results), found = dkim_verify_found(results);

	if (found == 0)
		buf_add_string(out, "\nThe message has no DKIM-Signature field: there was nothing to verify.\n");
	else if (found > seen)
		buf_printf(out, "\nThe message has %zu DKIM-Signature fields; only the first %zu were looked at.\n", found, seen);
}

int reflect_text(const struct verified *verified, const char *own, struct buf *out)
{
	const struct verified_form form = { .json = false };
	const struct dkim_verify *results = verified_results(verified);
	int r;

	buf_add_string(out, "This is an automatic answer of the DKIM reflector ");
	add_escaped(view_of(own), out);
	buf_add_string(out, ".\nIt has verified your message as it arrived here, and found:\n\n");
	r = verified_add_field(verified, out);
	add_unseen(results, out);
	for (size_t i = 0; i < dkim_verify_count(results) && r == 0 && !buf_error(out); i++) {
		add_head(results, i, out);
		r = verified_add_explanation(verified, i, &form, out);
	}
	buf_add_string(out, "\nThe header fields of your message, as they arrived, are the second part of this answer.\n");
	return r < 0 ? r : buf_error(out) == -EMSGSIZE ? 0 : buf_error(out);
}
