/* tag-list (RFC 6376 section 3.2) against its ABNF, written as a regular expression per tag-spec. */
#include "dkim/tag_list.h"
#include "t/fuzz/fuzz.h"

#include <stdlib.h>

#define FWS "((\r\n)?[ \t])"
#define VALUE_OCTET "[^\1- ;\177]" /* VALCHAR, and octets above 127 (RFC 8616) */
#define SPEC FWS "*[A-Za-z][A-Za-z0-9_]*" FWS "*=(" FWS "|" VALUE_OCTET ")*"

static bool is_name_known(const struct tag_list *list, struct view name)
{
	for (size_t i = 0; i < list->count; i++)
		if (view_eq(list->tag[i].name, name))
			return true;
	return false;
}

/* One tag-spec at a time, in the order of the text. */
static enum tag_list_reason reference(struct view in, struct tag_list *ret)
{
	size_t from = 0;

	ret->count = 0;
	while (from <= in.n) {
		size_t to = from + view_find(view_slice(in, from, in.n), ';');
		struct view spec = view_slice(in, from, to);
		size_t equals = view_find(spec, '=');
		struct view name = view_trim_fws(view_slice(spec, 0, equals));
		struct view raw = view_slice(spec, equals + 1, spec.n);

		from = to + 1;
		if (to == in.n && ret->count > 0 && matches(spec, FWS "*"))
			break;
		if (!matches(spec, SPEC))
			return TAG_LIST_SYNTAX;
		if (is_name_known(ret, name))
			return TAG_LIST_DUPLICATE;
		if (ret->count == TAG_LIST_MAX)
			return TAG_LIST_TOO_MANY;
		ret->tag[ret->count++] = (struct tag){ name, view_trim_fws(raw), raw };
	}
	return TAG_LIST_OK;
}

static void claim_same_tags(const struct tag_list *got, const struct tag_list *wanted)
{
	CLAIM(got->count == wanted->count);
	for (size_t i = 0; i < got->count; i++) {
		CLAIM_SAME(got->tag[i].name, wanted->tag[i].name);
		CLAIM_SAME(got->tag[i].value, wanted->tag[i].value);
		CLAIM_SAME(got->tag[i].raw, wanted->tag[i].raw);
		CLAIM(got->tag[i].raw.p == wanted->tag[i].raw.p);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t n)
{
	static struct tag_list got, wanted;
	struct view in = { (const char *)octets, n };
	struct view bad = { NULL, 0 };
	enum tag_list_reason reason = tag_list_parse(in, &got, &bad);

	CLAIM(reason == reference(in, &wanted));
	if (reason == TAG_LIST_OK)
		claim_same_tags(&got, &wanted);
	else
		CLAIM(lies_inside(bad, in));
	return 0;
}
