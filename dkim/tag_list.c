#include "dkim/tag_list.h"

#include <string.h>

/* Octets of folding white space at the start of v: a blank, or a CRLF that a blank follows (RFC 6376 section 2.8). */
static size_t fws_length(struct view v)
{
	if (v.n > 0 && ascii_is_blank(v.p[0]))
		return 1;
	return v.n > 2 && v.p[0] == '\r' && v.p[1] == '\n' && ascii_is_blank(v.p[2]) ? 2 : 0;
}

/* tag-name = ALPHA *( ALPHA / DIGIT / "_" ) */
static bool is_tag_name(struct view v)
{
	for (size_t i = 0; i < v.n; i++) {
		char c = ascii_lower(v.p[i]);

		if (!(c >= 'a' && c <= 'z') && !(i > 0 && ((c >= '0' && c <= '9') || c == '_')))
			return false;
	}
	return v.n > 0;
}

/* tag-value: printable octets (";" was cut away before) with FWS between. */
static bool is_tag_value(struct view v)
{
	for (size_t i = 0; i < v.n; ) {
		if ((unsigned char)v.p[i] > ' ' && v.p[i] != 0x7f) {
			i++;
			continue;
		}
		size_t fws = fws_length(view_slice(v, i, v.n));

		if (fws == 0)
			return false;
		i += fws;
	}
	return true;
}

static bool is_fws_only(struct view v)
{
	return view_trim_fws(v).n == 0 && is_tag_value(v);
}

/* tag-spec = [FWS] tag-name [FWS] "=" [FWS] tag-value [FWS] */
static bool tag_spec_parse(struct view spec, struct tag *ret)
{
	size_t equals = view_find(spec, '=');
	struct view before = view_slice(spec, 0, equals);
	struct tag tag = { .name = view_trim_fws(before), .raw = view_slice(spec, equals + 1, spec.n) };

	tag.value = view_trim_fws(tag.raw);
	if (equals == spec.n || !is_tag_name(tag.name) || !is_tag_value(before) || !is_tag_value(tag.raw))
		return false;
	*ret = tag;
	return true;
}

static bool has_name(const struct tag_list *list, struct view name)
{
	for (size_t i = 0; i < list->count; i++)
		if (view_eq(list->tag[i].name, name))
			return true;
	return false;
}

static enum tag_list_reason tag_list_append(struct tag_list *list, struct view spec)
{
	struct tag tag;

	if (!tag_spec_parse(spec, &tag))
		return TAG_LIST_SYNTAX;
	if (has_name(list, tag.name))
		return TAG_LIST_DUPLICATE;
	if (list->count == TAG_LIST_MAX)
		return TAG_LIST_TOO_MANY;
	list->tag[list->count++] = tag;
	return TAG_LIST_OK;
}

enum tag_list_reason tag_list_parse(struct view in, struct tag_list *ret, struct view *ret_bad)
{
	struct view rest = in.p ? in : VIEW("");
	struct tag_list list;
	struct view spec;

	list.count = 0;
	while (view_next(&rest, ';', &spec)) {
		enum tag_list_reason reason;

		if (!rest.p && list.count > 0 && is_fws_only(spec))
			break; /* what follows the optional last semicolon */
		reason = tag_list_append(&list, spec);
		if (reason == TAG_LIST_OK)
			continue;
		if (ret_bad)
			*ret_bad = spec;
		return reason;
	}
	memcpy(ret->tag, list.tag, list.count * sizeof list.tag[0]);
	ret->count = list.count;
	return TAG_LIST_OK;
}

const struct tag *tag_list_find(const struct tag_list *list, const char *name)
{
	struct view wanted = view_of(name);

	for (size_t i = 0; i < list->count; i++)
		if (view_eq(list->tag[i].name, wanted))
			return &list->tag[i];
	return NULL;
}
