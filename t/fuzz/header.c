/* A message's header taken apart, and the fields that an h= selects, against loops that look at every line and
 * every field each time. */
#include "dkim/canon.h"
#include "dkim/header.h"
#include "dkim/header_hash.h"
#include "t/fuzz/fuzz.h"

#include <errno.h>
#include <talloc.h>

#define FIELDS_MAX 512 /* libFuzzer's inputs have fewer */
#define OUT_MAX (1024 * 1024)

struct line {
	struct view whole; /* with its CRLF */
	struct view text;
};

static struct line first_line(struct view v)
{
	for (size_t i = 0; i + 1 < v.n; i++)
		if (v.p[i] == '\r' && v.p[i + 1] == '\n')
			return (struct line){ view_slice(v, 0, i + 2), view_slice(v, 0, i) };
	return (struct line){ v, v };
}

/* Octets of the field at the start of v: a line with a name and a colon, and all lines behind it that begin with
 * a blank. 0 when none begins here. */
static size_t field_length(struct view v)
{
	struct line line = first_line(v);
	size_t n = line.whole.n;

	if (!matches(view_slice(line.text, 0, view_find(line.text, ':') + 1), "[!-9;-~]+[ \t]*:"))
		return 0;
	while (n < v.n && ascii_is_blank(v.p[n]))
		n += first_line(view_slice(v, n, v.n)).whole.n;
	return n;
}

/* The same as header_list_parse(): fields are views into the message. */
static int reference_parse(struct view message, const struct header_limits *limits, struct view *ret_fields,
                           size_t *ret_count, struct view *ret_body)
{
	size_t octets = 0, n;

	*ret_count = 0;
	for (; (n = field_length(message)) > 0; message = view_slice(message, n, message.n)) {
		struct view field = view_slice(message, 0, n);
		bool complete = n >= 2 && field.p[n - 2] == '\r' && field.p[n - 1] == '\n';

		octets += complete ? n : n + 2;
		if (*ret_count == limits->fields)
			return -E2BIG;
		if (octets > limits->octets)
			return -EMSGSIZE;
		CLAIM(*ret_count < FIELDS_MAX);
		ret_fields[(*ret_count)++] = complete ? view_slice(field, 0, n - 2) : field;
	}
	*ret_body = message.n >= 2 && message.p[0] == '\r' && message.p[1] == '\n' ? view_slice(message, 2, message.n) : message;
	return 0;
}

static void claim_field(const struct header_field *field, struct view wanted)
{
	size_t colon = view_find(wanted, ':');

	CLAIM_SAME(view_slice(field->raw, 0, field->raw.n - 2), wanted);
	CLAIM_SAME(view_slice(field->raw, field->raw.n - 2, field->raw.n), VIEW("\r\n"));
	CLAIM_SAME(field->value, view_slice(wanted, colon + 1, wanted.n));
	CLAIM(lies_inside(field->name, field->raw) && lies_inside(field->value, field->raw));
	CLAIM(view_eq(field->name, view_slice(wanted, 0, field->name.n)));
	CLAIM(matches(view_slice(wanted, field->name.n, colon), "[ \t]*"));
}

/* A field as a milter gives it, folds as LF: the list must hold what was cut away (R40). */
static void claim_folds_come_back(void *mem, const struct header_field *field)
{
	struct header_list *list;
	struct buf bare, mended;

	buf_init(&bare, mem, OUT_MAX);
	buf_init(&mended, mem, OUT_MAX);
	for (size_t i = 0; i < field->value.n; i++)
		if (field->value.p[i] != '\r' || i + 1 == field->value.n || field->value.p[i + 1] != '\n')
			buf_add_char(&bare, field->value.p[i]);
	for (size_t i = 0; i < bare.n; i++) {
		if (bare.p[i] == '\n' && (i == 0 || bare.p[i - 1] != '\r') && i + 1 < bare.n && ascii_is_blank(bare.p[i + 1]))
			buf_add_char(&mended, '\r');
		buf_add_char(&mended, bare.p[i]);
	}
	CLAIM(header_list_new(mem, NULL, &list) == 0);
	CLAIM(header_list_add(list, field->name, buf_view(&bare)) == 0);
	CLAIM_SAME(header_list_at(list, 0)->value, buf_view(&mended));
	talloc_free(list);
}

/* The bottom field of that name that was not taken yet. */
static const struct header_field *reference_next(const struct header_list *list, struct view name,
                                                 const struct header_field *skip, bool taken[FIELDS_MAX])
{
	for (size_t i = header_list_count(list); i > 0; i--) {
		const struct header_field *field = header_list_at(list, i - 1);

		if (!view_eq_nocase(field->name, name) || taken[i - 1] || field == skip)
			continue;
		taken[i - 1] = true;
		return field;
	}
	return NULL;
}

static void claim_selection(void *mem, const struct header_list *list, struct view names, const struct header_field *skip)
{
	struct dkim_header_hash_input input = { list, names, VIEW_INIT("DKIM-Signature: b=;x"), { NULL, 0 }, skip, DKIM_RELAXED };
	struct header_selection *selection;
	bool taken[FIELDS_MAX] = { false };
	struct buf got, wanted;
	struct view name;

	buf_init(&got, mem, OUT_MAX);
	buf_init(&wanted, mem, OUT_MAX);
	dkim_header_block(&input, &got);
	CLAIM(header_selection_new(mem, list, skip, &selection) == 0);
	while (view_next(&names, ':', &name)) {
		const struct header_field *field = reference_next(list, view_trim_fws(name), skip, taken);

		CLAIM(header_selection_next(selection, view_trim_fws(name)) == field);
		if (field)
			dkim_canon_header(DKIM_RELAXED, field->raw, &wanted);
	}
	buf_add_string(&wanted, "dkim-signature:b=;x");
	CLAIM(buf_error(&got) == 0);
	CLAIM_SAME(buf_view(&got), buf_view(&wanted));
	talloc_free(selection);
}

static void claim_counts(const struct header_list *list, const struct header_field *skip)
{
	size_t octets = 0;

	for (size_t i = 0; i < header_list_count(list); i++) {
		const struct header_field *field = header_list_at(list, i);
		bool taken[FIELDS_MAX] = { false };
		size_t count = 0;

		octets += field->raw.n;
		for (size_t k = 0; k < header_list_count(list); k++)
			count += view_eq_nocase(header_list_at(list, k)->name, field->name);
		CLAIM(header_list_count_name(list, field->name) == count);
		for (size_t below = 0; below <= count; below++)
			CLAIM(header_list_from_bottom(list, field->name, below, skip) == reference_next(list, field->name, skip, taken));
	}
	CLAIM(header_list_octets(list) == octets);
}

/* Input: number of the field to skip, a limit of fields, one of octets divided by 16 (0: none); a line with the names
 * of h=; the message. */
int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t n)
{
	struct view input = { (const char *)octets, n };
	uint8_t skip_at = take_octet(&input), fields_max = take_octet(&input), octets_max = take_octet(&input);
	const struct header_limits limits = { fields_max ? fields_max : FIELDS_MAX, octets_max ? 16u * octets_max : OUT_MAX };
	struct view names = take_line(&input);
	struct view message, body = { NULL, 0 }, wanted_body;
	struct view fields[FIELDS_MAX];
	const struct header_field *skip;
	struct header_list *list;
	size_t count;
	void *mem = talloc_new(NULL);
	int r;

	message = copy_of(mem, input);
	CLAIM(header_list_new(mem, &limits, &list) == 0);
	r = header_list_parse(list, message, &body);
	CLAIM(r == reference_parse(message, &limits, fields, &count, &wanted_body));
	CLAIM(header_list_count(list) == count);
	if (r == 0)
		CLAIM(body.n == wanted_body.n && (body.n == 0 || body.p == wanted_body.p));
	for (size_t i = 0; i < count; i++) {
		claim_field(header_list_at(list, i), fields[i]);
		claim_folds_come_back(mem, header_list_at(list, i));
	}
	skip = skip_at < count ? header_list_at(list, skip_at) : NULL;
	claim_selection(mem, list, names, skip);
	claim_counts(list, skip);
	talloc_free(mem);
	return 0;
}
