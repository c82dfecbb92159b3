/* One header field canonicalized, against canon_reference.c. */
#include "dkim/canon.h"
#include "t/fuzz/canon_reference.h"
#include "t/fuzz/fuzz.h"

#include <talloc.h>

#define OUT_MAX (1024 * 1024) /* far above libFuzzer's inputs */

static bool ends_with_crlf(struct view v)
{
	return v.n >= 2 && v.p[v.n - 2] == '\r' && v.p[v.n - 1] == '\n';
}

/* Input: one octet, its lowest bit the canonicalization; then the field. */
int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t n)
{
	struct view input = { (const char *)octets, n };
	enum dkim_canon canon = take_octet(&input) & 1 ? DKIM_RELAXED : DKIM_SIMPLE;
	void *mem = talloc_new(NULL);
	struct view raw = copy_of(mem, input);
	struct buf got, wanted;

	buf_init(&got, mem, OUT_MAX);
	buf_init(&wanted, mem, OUT_MAX);
	if (view_find(raw, ':') < raw.n) {
		dkim_canon_header(canon, raw, &got);
		reference_header(canon, ends_with_crlf(raw) ? view_slice(raw, 0, raw.n - 2) : raw, &wanted);
		CLAIM(buf_error(&got) == 0 && buf_error(&wanted) == 0);
		CLAIM_SAME(buf_view(&got), buf_view(&wanted));
	}
	talloc_free(mem);
	return 0;
}
