#include "milter/actions.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <talloc.h>

struct actions {
	struct actions_step *deletes, *inserts; /* talloc arrays, as they were added */
	size_t delete_count, insert_count;
	const char *quarantine; /* NULL: not asked for */
	struct actions_reply_text reply; /* code NULL: none */
	bool discard;
	int error;
};

int actions_new(void *mem, struct actions **ret)
{
	struct actions *actions = talloc_zero(mem, struct actions);

	if (!actions)
		return -ENOMEM;
	*ret = actions;
	return 0;
}

int actions_error(const struct actions *actions)
{
	return actions->error;
}

/* The first error is the one that explains the others. */
static void stick(struct actions *actions, int error)
{
	if (!actions->error)
		actions->error = error;
}

/* field-name = 1*ftext (RFC 5322 section 3.6.8). */
static bool is_field_name(struct view name)
{
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] < 33 || name.p[i] > 126 || name.p[i] == ':')
			return false;
	return name.n > 0;
}

/* Room for one more step; the array doubles, so that thousands of forged fields cost no more than each one once. */
static struct actions_step *next_step(struct actions *actions, struct actions_step **steps, size_t *count)
{
	size_t capacity = talloc_array_length(*steps);

	if (actions->error)
		return NULL;
	if (actions->delete_count + actions->insert_count == ACTIONS_EDITS_MAX) {
		stick(actions, -E2BIG);
		return NULL;
	}
	if (*count == capacity) {
		struct actions_step *more = talloc_realloc(actions, *steps, struct actions_step, (unsigned)(capacity ? 2 * capacity : 8));

		if (!more) {
			stick(actions, -ENOMEM);
			return NULL;
		}
		*steps = more;
	}
	return &(*steps)[*count];
}

void actions_delete(struct actions *actions, struct view name, unsigned index)
{
	struct actions_step *step;
	char *copy;

	if (!is_field_name(name) || index == 0 || index > INT_MAX) {
		stick(actions, -EINVAL);
		return;
	}
	step = next_step(actions, &actions->deletes, &actions->delete_count);
	if (!step)
		return;
	copy = talloc_strndup(actions->deletes, name.p, name.n);
	if (!copy) {
		stick(actions, -ENOMEM);
		return;
	}
	*step = (struct actions_step){ .kind = ACTIONS_DELETE, .name = copy, .index = index };
	actions->delete_count++;
}

/* Copy a value with its folds as LF: both MTAs deliver CRLF as CR CRLF. */
static int copy_value(void *mem, struct view value, char **ret)
{
	char *copy = talloc_size(mem, value.n + 1);
	size_t n = 0;

	if (!copy)
		return -ENOMEM;
	for (size_t i = 0; i < value.n; i++) {
		if (value.p[i] == '\r' && i + 1 < value.n && value.p[i + 1] == '\n')
			i++;
		if (value.p[i] == '\0' || value.p[i] == '\r')
			goto bad;
		if (value.p[i] == '\n' && (i + 1 == value.n || (value.p[i + 1] != ' ' && value.p[i + 1] != '\t')))
			goto bad;
		copy[n++] = value.p[i];
	}
	copy[n] = '\0';
	*ret = copy;
	return 0;
bad:
	talloc_free(copy);
	return -EINVAL;
}

void actions_insert(struct actions *actions, struct view name, struct view value)
{
	struct actions_step *step;
	char *name_copy, *value_copy;
	int r;

	if (!is_field_name(name)) {
		stick(actions, -EINVAL);
		return;
	}
	step = next_step(actions, &actions->inserts, &actions->insert_count);
	if (!step)
		return;
	name_copy = talloc_strndup(actions->inserts, name.p, name.n);
	r = name_copy ? copy_value(actions->inserts, value, &value_copy) : -ENOMEM;
	if (r < 0) {
		stick(actions, r);
		return;
	}
	*step = (struct actions_step){ .kind = ACTIONS_INSERT, .name = name_copy, .value = value_copy };
	actions->insert_count++;
}

void actions_quarantine(struct actions *actions, const char *reason)
{
	if (actions->quarantine)
		return;
	actions->quarantine = talloc_strdup(actions, reason);
	if (!actions->quarantine)
		stick(actions, -ENOMEM);
}

const char *actions_quarantine_reason(const struct actions *actions)
{
	return actions->quarantine;
}

void actions_discard(struct actions *actions)
{
	actions->discard = true;
}

bool actions_discard_wanted(const struct actions *actions)
{
	return actions->discard && !(actions->reply.code && actions->reply.code[0] == '5');
}

/* RFC 5321 section 4.2: three digits, the first says permanent or transient. */
static bool is_reply_code(const char *code)
{
	return (code[0] == '4' || code[0] == '5') && isdigit((unsigned char)code[1]) && isdigit((unsigned char)code[2]) && !code[3];
}

/* RFC 3463 section 2: class.subject.detail, the latter two of one to three digits; RFC 2034 section 4: the class is the
 * reply code's first digit. */
static bool is_enhanced_code(const char *code, char class)
{
	size_t subject, detail;

	if (code[0] != class || code[1] != '.')
		return false;
	code += 2;
	subject = strspn(code, "0123456789");
	if (subject < 1 || subject > 3 || code[subject] != '.')
		return false;
	code += subject + 1;
	detail = strspn(code, "0123456789");
	return detail >= 1 && detail <= 3 && !code[detail];
}

static char *copy_reply_text(void *mem, const char *text)
{
	size_t n = strnlen(text, ACTIONS_REPLY_MAX + 1);
	bool cut = n > ACTIONS_REPLY_MAX;
	char *copy = talloc_strndup(mem, text, cut ? ACTIONS_REPLY_MAX - 3 : n);

	for (char *c = copy; c && *c; c++)
		if (*c < 32 || *c > 126)
			*c = '?';
	return copy && cut ? talloc_strdup_append_buffer(copy, "...") : copy;
}

void actions_reply(struct actions *actions, const char *code, const char *enhanced_code, const char *text)
{
	struct actions_reply_text reply = { NULL, NULL, NULL };

	if (!is_reply_code(code) || (enhanced_code && !is_enhanced_code(enhanced_code, code[0]))) {
		stick(actions, -EINVAL);
		return;
	}
	if (actions->reply.code && actions->reply.code[0] >= code[0])
		return;
	reply.code = talloc_strdup(actions, code);
	reply.enhanced_code = enhanced_code ? talloc_strdup(actions, enhanced_code) : NULL;
	reply.text = copy_reply_text(actions, text);
	if (!reply.code || (enhanced_code && !reply.enhanced_code) || !reply.text) {
		stick(actions, -ENOMEM);
		return;
	}
	actions->reply = reply;
}

const struct actions_reply_text *actions_reply_wanted(const struct actions *actions)
{
	return actions->reply.code && !actions_discard_wanted(actions) ? &actions->reply : NULL;
}

/* Highest index first; fields of different names do not move each other. */
static int compare_deletes(const void *a, const void *b)
{
	const struct actions_step *x = a, *y = b;

	if (x->index != y->index)
		return x->index < y->index ? 1 : -1;
	return strcasecmp(x->name, y->name);
}

/* Sort deletions and drop those that are there twice: the second would hit the next field. Returns what is left. */
static size_t order_deletes(struct actions_step *steps, size_t count)
{
	size_t n = 0;

	if (count == 0)
		return 0;
	qsort(steps, count, sizeof *steps, compare_deletes);
	for (size_t i = 1; i < count; i++)
		if (compare_deletes(&steps[n], &steps[i]) != 0)
			steps[++n] = steps[i];
	return n + 1;
}

int actions_steps(const struct actions *actions, void *mem, struct actions_step **ret, size_t *ret_count)
{
	struct actions_step *steps;
	size_t n;

	if (actions->error)
		return actions->error;
	steps = talloc_array(mem, struct actions_step, (unsigned)(actions->delete_count + actions->insert_count));
	if (!steps)
		return -ENOMEM;
	if (actions->delete_count > 0)
		memcpy(steps, actions->deletes, actions->delete_count * sizeof *steps);
	n = order_deletes(steps, actions->delete_count);
	for (size_t i = actions->insert_count; i > 0; i--)
		steps[n++] = actions->inserts[i - 1];
	*ret = steps;
	*ret_count = n;
	return 0;
}
