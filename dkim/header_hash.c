#include "dkim/header_hash.h"

#include "dkim/canon.h"
#include "dkim/digest.h"

#include <assert.h>
#include <talloc.h>

static void add_listed_fields(const struct dkim_header_hash_input *input, struct header_selection *selection,
                              struct buf *out)
{
	struct view rest = input->signed_headers;
	struct view name;

	while (view_next(&rest, ':', &name) && buf_error(out) == 0) {
		const struct header_field *field = header_selection_next(selection, view_trim_fws(name));

		if (field)
			dkim_canon_header(input->canon, field->raw, out);
	}
}

/* The signature field, its b= emptied and all else kept to the octet (section 3.7). */
static void add_signature_field(const struct dkim_header_hash_input *input, struct buf *out)
{
	struct view field = input->signature_field;
	size_t from = input->signature_raw.n ? (size_t)(input->signature_raw.p - field.p) : field.n;
	struct buf emptied;

	assert(from <= field.n && input->signature_raw.n <= field.n - from);
	buf_init(&emptied, out->mem, field.n);
	buf_add(&emptied, view_slice(field, 0, from));
	buf_add(&emptied, view_slice(field, from + input->signature_raw.n, field.n));
	if (buf_error(&emptied) < 0)
		out->error = buf_error(&emptied);
	else
		dkim_canon_header(input->canon, buf_view(&emptied), out);
	buf_free(&emptied);
	if (buf_error(out) == 0)
		buf_cut(out, buf_view(out).n - 2); /* the final CRLF */
}

void dkim_header_block(const struct dkim_header_hash_input *input, struct buf *out)
{
	struct header_selection *selection;
	int r = header_selection_new(out->mem, input->headers, input->skip, &selection);

	if (r < 0) {
		out->error = r;
		return;
	}
	add_listed_fields(input, selection, out);
	add_signature_field(input, out);
	talloc_free(selection);
}

int dkim_header_hash(void *mem, const struct dkim_header_hash_input *input, uint8_t ret[DKIM_DIGEST_OCTETS])
{
	struct dkim_digest *digest;
	struct buf block;
	int r = dkim_digest_new(mem, &digest);

	if (r < 0)
		return r;
	/* No canonical form is longer than its field, a CRLF that may be missing aside. */
	buf_init(&block, digest, header_list_octets(input->headers) + input->signature_field.n + 2);
	dkim_header_block(input, &block);
	r = buf_error(&block);
	if (r == 0)
		r = dkim_digest_update(digest, buf_view(&block));
	if (r == 0)
		r = dkim_digest_finish(digest, ret);
	talloc_free(digest);
	return r;
}
