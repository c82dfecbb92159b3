#include "milter/mta_apply.h"

#include <errno.h>
#include <string.h>
#include <talloc.h>

struct field {
	struct view raw;         /* a field of the message as it was; else name and value of a filter */
	struct view name, value;
	bool own_received;       /* stands for the MTA's own field; not part of the result */
};

struct state {
	struct field *field;
	size_t count;
	struct view body;           /* as it was */
	struct buf new_body;
	bool body_replaced;
};

static void insert_field(struct state *s, size_t at, struct field field)
{
	memmove(s->field + at + 1, s->field + at, (s->count - at) * sizeof field);
	s->field[at] = field;
	s->count++;
}

/* The MTA's own Received has a place, which inserts count, but no filter can change or delete it. */
static size_t find_field(const struct state *s, struct view name, uint32_t index)
{
	size_t i;

	for (i = 0; i < s->count; i++)
		if (!s->field[i].own_received && view_eq_nocase(s->field[i].name, name) && --index == 0)
			break;
	return i;
}

static void apply_change(struct state *s, const struct mta_change *change)
{
	struct field field = { .name = change->name, .value = change->value };
	/* Postfix takes index 0 of change-header for 1. */
	uint32_t index = change->index > 0 ? change->index : 1;
	size_t at;

	switch (change->kind) {
	case MTA_ADD_HEADER:
		insert_field(s, s->count, field);
		break;
	case MTA_INSERT_HEADER:
		insert_field(s, change->index < s->count ? change->index : s->count, field);
		break;
	case MTA_CHANGE_HEADER:
		at = find_field(s, change->name, index);
		if (at == s->count)
			insert_field(s, at, field);
		else
			s->field[at] = field;
		break;
	case MTA_DELETE_HEADER:
		at = find_field(s, change->name, index);
		if (at < s->count)
			memmove(s->field + at, s->field + at + 1, (--s->count - at) * sizeof field);
		break;
	case MTA_REPLACE_BODY:
		buf_add(&s->new_body, change->value);
		s->body_replaced = true;
		break;
	case MTA_CHANGE_FROM:
	case MTA_ADD_RECIPIENT:
	case MTA_ADD_RECIPIENT_PARAMETERS:
	case MTA_DELETE_RECIPIENT:
	case MTA_QUARANTINE:
	case MTA_PROGRESS:
		break;
	}
}

static bool is_blank_at(struct view v, size_t i)
{
	return i < v.n && (v.p[i] == ' ' || v.p[i] == '\t');
}

/* Each LF of a filter's value is a fold: it becomes CRLF, behind a CR too (hence the CR CR LF of filters that fold
 * with CRLF), and a line that does not begin with a blank gets a tab, so that no value can begin another field. */
static void write_new_field(const struct field *field, bool leading_space, struct buf *out)
{
	buf_add(out, field->name);
	buf_add(out, leading_space ? VIEW(":") : VIEW(": "));
	for (size_t i = 0; i < field->value.n; i++) {
		if (field->value.p[i] != '\n') {
			buf_add_char(out, field->value.p[i]);
			continue;
		}
		buf_add(out, VIEW("\r\n"));
		if (!is_blank_at(field->value, i + 1))
			buf_add_char(out, '\t');
	}
	buf_add(out, VIEW("\r\n"));
}

/* Postfix keeps lines: a bare LF ends one as CRLF does, and the last one is ended. */
static void write_new_body(struct view body, struct buf *out)
{
	for (size_t i = 0; i < body.n; i++) {
		if (body.p[i] == '\n' && (i == 0 || body.p[i - 1] != '\r'))
			buf_add_char(out, '\r');
		buf_add_char(out, body.p[i]);
	}
	if (body.n > 0 && body.p[body.n - 1] != '\n')
		buf_add(out, VIEW("\r\n"));
}

static void write_message(const struct state *s, bool leading_space, struct buf *out)
{
	for (size_t i = 0; i < s->count; i++) {
		if (s->field[i].own_received)
			continue;
		if (s->field[i].raw.n > 0)
			buf_add(out, s->field[i].raw);
		else
			write_new_field(&s->field[i], leading_space, out);
	}
	buf_add(out, VIEW("\r\n"));
	if (s->body_replaced)
		write_new_body(buf_view(&s->new_body), out);
	else
		buf_add(out, s->body);
}

static int new_state(void *mem, const struct header_list *headers, const struct mta_changes *changes, struct state *ret)
{
	size_t count = header_list_count(headers);
	struct state s = { .body_replaced = false };

	s.field = talloc_zero_size(mem, (count + 1 + changes->count) * sizeof *s.field);
	if (!s.field)
		return -ENOMEM;
	s.field[s.count++] = (struct field){ .name = VIEW("Received"), .own_received = true };
	for (size_t i = 0; i < count; i++) {
		const struct header_field *field = header_list_at(headers, i);

		s.field[s.count++] = (struct field){ .raw = field->raw, .name = field->name };
	}
	*ret = s;
	return 0;
}

int mta_apply(void *mem, const struct header_list *headers, struct view body, const struct mta_changes *changes,
              bool leading_space, struct buf *out)
{
	struct state s;
	int r = new_state(mem, headers, changes, &s);

	if (r < 0)
		return r;
	s.body = body;
	buf_init(&s.new_body, s.field, MTA_CHANGES_OCTETS_MAX);
	for (size_t i = 0; i < changes->count; i++)
		apply_change(&s, &changes->change[i]);
	r = buf_error(&s.new_body);
	if (r == 0) {
		write_message(&s, leading_space, out);
		r = buf_error(out);
	}
	talloc_free(s.field);
	return r;
}
