#include "milter/actions.h"
#include "t/unit/support.h"

#include <errno.h>
#include <stdlib.h>
#include <talloc.h>

/* What a test does to a plan. */
struct edit {
	enum actions_kind kind;
	const char *name;
	unsigned index;
	const char *value;
};

#define EDITS_MAX 8

struct order_row {
	const char *name;
	struct edit edits[EDITS_MAX];
	size_t count;
	struct edit want[EDITS_MAX];
	size_t want_count;
};

#define DEL(name, index) { ACTIONS_DELETE, (name), (index), NULL }
#define INS(name, value) { ACTIONS_INSERT, (name), 0, (value) }

static const struct order_row order_rows[] = {
	{ .name = "nothing to do" },
	{ "R89 the highest index first (CVE-2022-48521)", { DEL("A", 1), DEL("A", 2), DEL("A", 10) }, 3,
	  { DEL("A", 10), DEL("A", 2), DEL("A", 1) }, 3 },
	{ "R89 in whatever order they came", { DEL("A", 2), DEL("A", 3), DEL("A", 1) }, 3, { DEL("A", 3), DEL("A", 2), DEL("A", 1) }, 3 },
	{ "R89 the same field twice is one deletion", { DEL("A", 2), DEL("A", 1), DEL("A", 2) }, 3, { DEL("A", 2), DEL("A", 1) }, 2 },
	{ "R89 the same field under another case is one deletion", { DEL("Ab", 1), DEL("aB", 1), DEL("AB", 2) }, 3,
	  { DEL("AB", 2), DEL("Ab", 1) }, 2 },
	{ "R89 the same index of another name is another field", { DEL("A", 1), DEL("B", 1), DEL("B", 3), DEL("A", 2) }, 4,
	  { DEL("B", 3), DEL("A", 2), DEL("A", 1), DEL("B", 1) }, 4 },
	{ "R88 the first field inserted ends on top", { INS("X", " 1"), INS("Y", " 2"), INS("Z", " 3") }, 3,
	  { INS("Z", " 3"), INS("Y", " 2"), INS("X", " 1") }, 3 },
	{ "R90 deletions before insertions", { INS("A", " new"), DEL("A", 1), INS("B", " new"), DEL("A", 2) }, 4,
	  { DEL("A", 2), DEL("A", 1), INS("B", " new"), INS("A", " new") }, 4 },
	{ "R88 folds become LF", { INS("A", " a;\r\n\tb;\n c\r\n d") }, 1, { INS("A", " a;\n\tb;\n c\n d") }, 1 },
	{ "R88 the leading blank is kept", { INS("A", "\ta"), INS("B", "a"), INS("C", "") }, 3,
	  { INS("C", ""), INS("B", "a"), INS("A", "\ta") }, 3 },
};

static struct actions *new_actions(void *mem)
{
	struct actions *actions = NULL;

	assert_int_equal(actions_new(mem, &actions), 0);
	return actions;
}

static void add_edit(struct actions *actions, const struct edit *edit)
{
	struct view name = guarded(view_of(edit->name)), value = guarded(view_of(edit->value));

	if (edit->kind == ACTIONS_DELETE)
		actions_delete(actions, name, edit->index);
	else
		actions_insert(actions, name, value);
	guarded_free(name);
	guarded_free(value);
}

static void test_order(void **state)
{
	const struct order_row *row = *state;
	void *mem = talloc_new(NULL);
	struct actions *actions = new_actions(mem);
	struct actions_step *steps = NULL;
	size_t count = 0;

	for (size_t i = 0; i < row->count; i++)
		add_edit(actions, &row->edits[i]);
	assert_int_equal(actions_error(actions), 0);
	assert_int_equal(actions_steps(actions, mem, &steps, &count), 0);
	assert_int_equal(count, row->want_count);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(steps[i].kind, row->want[i].kind);
		assert_int_equal(steps[i].index, row->want[i].index);
		assert_int_equal(steps[i].value == NULL, row->want[i].value == NULL);
		if (steps[i].value)
			assert_string_equal(steps[i].value, row->want[i].value);
		assert_true(view_eq_nocase(view_of(steps[i].name), view_of(row->want[i].name)));
	}
	talloc_free(mem);
}

/* The header of a message as an MTA keeps it, reduced to what steps do to it. */
struct mta_header {
	const char *fields[64]; /* names, top to bottom */
	bool ours[64];
	size_t count;
};

static void mta_carry_out(struct mta_header *header, const struct actions_step *step)
{
	size_t at = 0, seen = 0;

	if (step->kind == ACTIONS_DELETE) {
		while (at < header->count && (strcmp(header->fields[at], step->name) != 0 || ++seen < step->index))
			at++;
		assert_true(at < header->count);
		header->count--;
		memmove(&header->fields[at], &header->fields[at + 1], (header->count - at) * sizeof header->fields[0]);
		memmove(&header->ours[at], &header->ours[at + 1], (header->count - at) * sizeof header->ours[0]);
		return;
	}
	memmove(&header->fields[1], &header->fields[0], header->count * sizeof header->fields[0]);
	memmove(&header->ours[1], &header->ours[0], header->count * sizeof header->ours[0]);
	header->fields[0] = step->name;
	header->ours[0] = true;
	header->count++;
}

/* Random headers with forged fields among true ones: after the plan, none of the forged is left, all others are. */
static void test_forged(void **state)
{
	static const char *const names[] = { "A", "B", "C" };
	uint32_t seed = 7;

	(void)state;
	for (unsigned run = 0; run < 500; run++) {
		void *mem = talloc_new(NULL);
		struct actions *actions = new_actions(mem);
		struct mta_header header = { .count = 0 };
		unsigned seen[3] = { 0, 0, 0 };
		size_t count = 0, kept = 0;
		struct actions_step *steps = NULL;

		for (size_t i = 0; i < 30; i++) {
			uint32_t which = test_random(&seed) % 3;
			bool forged = test_random(&seed) % 2;

			header.fields[header.count++] = forged ? names[which] : talloc_strdup(mem, names[which]);
			seen[which]++;
			kept += !forged;
			if (forged)
				actions_delete(actions, view_of(names[which]), seen[which]);
			if (i % 10 == 0)
				actions_insert(actions, VIEW("A"), VIEW(" ours"));
		}
		assert_int_equal(actions_steps(actions, mem, &steps, &count), 0);
		for (size_t i = 0; i < count; i++)
			mta_carry_out(&header, &steps[i]);
		assert_int_equal(header.count, kept + 3);
		for (size_t i = 0; i < header.count; i++) {
			assert_int_equal(header.ours[i], i < 3);
			for (size_t k = 0; k < 3 && !header.ours[i]; k++)
				assert_ptr_not_equal(header.fields[i], names[k]); /* the forged ones share these */
		}
		talloc_free(mem);
	}
}

struct bad_row {
	const char *name;
	enum actions_kind kind;
	struct view field, value;
	unsigned index;
};

static const struct bad_row bad_rows[] = {
	{ "a NUL in a value", ACTIONS_INSERT, VIEW_INIT("A"), VIEW_INIT(" a\0b"), 0 },
	{ "a line end that begins another field", ACTIONS_INSERT, VIEW_INIT("A"), VIEW_INIT(" a\r\nB: c"), 0 },
	{ "a bare LF that begins another field", ACTIONS_INSERT, VIEW_INIT("A"), VIEW_INIT(" a\nB: c"), 0 },
	{ "a line end at the end", ACTIONS_INSERT, VIEW_INIT("A"), VIEW_INIT(" a\r\n"), 0 },
	{ "a bare CR", ACTIONS_INSERT, VIEW_INIT("A"), VIEW_INIT(" a\rb"), 0 },
	{ "a bare CR at the end", ACTIONS_INSERT, VIEW_INIT("A"), VIEW_INIT(" a\r"), 0 },
	{ "two CR and a fold", ACTIONS_INSERT, VIEW_INIT("A"), VIEW_INIT(" a\r\r\n b"), 0 },
	{ "an empty name", ACTIONS_INSERT, VIEW_INIT(""), VIEW_INIT(" a"), 0 },
	{ "a colon in a name", ACTIONS_INSERT, VIEW_INIT("A:B"), VIEW_INIT(" a"), 0 },
	{ "a blank in a name", ACTIONS_DELETE, VIEW_INIT("A "), VIEW_INIT(""), 1 },
	{ "an octet above 127 in a name", ACTIONS_DELETE, VIEW_INIT("A\xff"), VIEW_INIT(""), 1 },
	{ "index 0", ACTIONS_DELETE, VIEW_INIT("A"), VIEW_INIT(""), 0 },
	{ "an index that no int holds", ACTIONS_DELETE, VIEW_INIT("A"), VIEW_INIT(""), 0x80000000u },
};

static void test_bad(void **state)
{
	const struct bad_row *row = *state;
	void *mem = talloc_new(NULL);
	struct actions *actions = new_actions(mem);
	struct view value = guarded(row->value);
	struct actions_step *steps;
	size_t count;

	actions_delete(actions, VIEW("Good"), 1);
	if (row->kind == ACTIONS_DELETE)
		actions_delete(actions, row->field, row->index);
	else
		actions_insert(actions, row->field, value);
	actions_delete(actions, VIEW("Good"), 2);
	assert_int_equal(actions_error(actions), -EINVAL);
	assert_int_equal(actions_steps(actions, mem, &steps, &count), -EINVAL);
	guarded_free(value);
	talloc_free(mem);
}

static void test_maximum(void **state)
{
	void *mem = talloc_new(NULL);
	struct actions *actions = new_actions(mem);
	struct actions_step *steps = NULL;
	size_t count = 0;

	(void)state;
	for (unsigned i = 1; i <= ACTIONS_EDITS_MAX; i++)
		actions_delete(actions, VIEW("A"), i);
	assert_int_equal(actions_error(actions), 0);
	assert_int_equal(actions_steps(actions, mem, &steps, &count), 0);
	assert_int_equal(count, ACTIONS_EDITS_MAX);
	assert_int_equal(steps[0].index, ACTIONS_EDITS_MAX);
	actions_insert(actions, VIEW("A"), VIEW(" a"));
	assert_int_equal(actions_error(actions), -E2BIG);
	talloc_free(mem);
}

struct reply_row {
	const char *name;
	struct actions_reply_text replies[2]; /* a code of NULL: none */
	struct actions_reply_text want;
	int want_error;
};

static const struct reply_row reply_rows[] = {
	{ .name = "no reply" },
	{ "R92 a reject", { { "550", "5.7.20", "no" } }, { "550", "5.7.20", "no" }, 0 },
	{ "R92 a tempfail", { { "451", "4.7.5", "later" } }, { "451", "4.7.5", "later" }, 0 },
	{ "R92 without an enhanced code", { { "550", NULL, "no" } }, { "550", NULL, "no" }, 0 },
	{ "a reject outranks a tempfail", { { "451", "4.7.5", "later" }, { "550", "5.7.20", "no" } }, { "550", "5.7.20", "no" }, 0 },
	{ "a tempfail does not outrank a reject", { { "550", "5.7.20", "no" }, { "451", "4.7.5", "later" } }, { "550", "5.7.20", "no" }, 0 },
	{ "of two alike the first stands", { { "550", "5.7.20", "no" }, { "554", "5.7.21", "never" } }, { "550", "5.7.20", "no" }, 0 },
	{ "octets that no reply may hold", { { "550", NULL, "a\r\nb\x7f\xc3\xbc%s" } }, { "550", NULL, "a??b???%s" }, 0 },
	{ "a code that is no refusal", { { "250", NULL, "x" } }, { NULL, NULL, NULL }, -EINVAL },
	{ "a code of two digits", { { "55", NULL, "x" } }, { NULL, NULL, NULL }, -EINVAL },
	{ "a code of four digits", { { "5500", NULL, "x" } }, { NULL, NULL, NULL }, -EINVAL },
	{ "an enhanced code of another class", { { "550", "4.7.5", "x" } }, { NULL, NULL, NULL }, -EINVAL },
	{ "an enhanced code of two numbers", { { "550", "5.7", "x" } }, { NULL, NULL, NULL }, -EINVAL },
	{ "an enhanced code of four numbers", { { "550", "5.7.1.2", "x" } }, { NULL, NULL, NULL }, -EINVAL },
	{ "an enhanced code with four digits", { { "550", "5.7.1234", "x" } }, { NULL, NULL, NULL }, -EINVAL },
	{ "an enhanced code without a subject", { { "550", "5..1", "x" } }, { NULL, NULL, NULL }, -EINVAL },
};

static void assert_same_string(const char *got, const char *want)
{
	assert_int_equal(got == NULL, want == NULL);
	if (got && want)
		assert_string_equal(got, want);
}

static void test_reply(void **state)
{
	const struct reply_row *row = *state;
	void *mem = talloc_new(NULL);
	struct actions *actions = new_actions(mem);
	const struct actions_reply_text *got;

	for (size_t i = 0; i < 2 && row->replies[i].code; i++)
		actions_reply(actions, row->replies[i].code, row->replies[i].enhanced_code, row->replies[i].text);
	assert_int_equal(actions_error(actions), row->want_error);
	got = actions_reply_wanted(actions);
	assert_int_equal(got == NULL, row->want.code == NULL);
	if (got) {
		assert_same_string(got->code, row->want.code);
		assert_same_string(got->enhanced_code, row->want.enhanced_code);
		assert_same_string(got->text, row->want.text);
	}
	talloc_free(mem);
}

static void test_long_reply(void **state)
{
	void *mem = talloc_new(NULL);
	char text[ACTIONS_REPLY_MAX + 2];

	(void)state;
	memset(text, 'a', sizeof text);
	for (size_t n = ACTIONS_REPLY_MAX - 1; n <= ACTIONS_REPLY_MAX + 1; n++) {
		struct actions *actions = new_actions(mem);
		const char *got;

		text[n] = '\0';
		actions_reply(actions, "550", NULL, text);
		text[n] = 'a';
		got = actions_reply_wanted(actions)->text;
		assert_int_equal(strlen(got), n < ACTIONS_REPLY_MAX ? n : ACTIONS_REPLY_MAX);
		assert_int_equal(strcmp(got + strlen(got) - 3, "...") == 0, n > ACTIONS_REPLY_MAX);
	}
	talloc_free(mem);
}

static void test_quarantine(void **state)
{
	void *mem = talloc_new(NULL);
	struct actions *actions = new_actions(mem);
	char reason[] = "first";

	(void)state;
	assert_null(actions_quarantine_reason(actions));
	actions_quarantine(actions, reason);
	memset(reason, 'x', sizeof reason - 1);
	actions_quarantine(actions, "second");
	assert_string_equal(actions_quarantine_reason(actions), "first");
	assert_int_equal(actions_error(actions), 0);
	talloc_free(mem);
}

static const struct discard_row {
	const char *name, *code; /* of a reply; NULL: none */
	bool discard, reply;     /* what is wanted */
} discard_rows[] = {
	{ "a discard", NULL, true, false },
	{ "a discard outranks a tempfail", "451", true, false },
	{ "a reject outranks a discard", "550", false, true },
};

static void test_discard(void **state)
{
	const struct discard_row *row = *state;
	void *mem = talloc_new(NULL);
	struct actions *actions = new_actions(mem);

	assert_false(actions_discard_wanted(actions));
	actions_discard(actions);
	if (row->code)
		actions_reply(actions, row->code, NULL, "text");
	assert_int_equal(actions_discard_wanted(actions), row->discard);
	assert_int_equal(actions_reply_wanted(actions) != NULL, row->reply);
	talloc_free(mem);
}

int main(void)
{
	TEST_ROWS(order_rows, test_order);
	test_add("R90 random headers: the forged fields go, the others stay", test_forged);
	TEST_ROWS(bad_rows, test_bad);
	test_add("a plan has a maximum", test_maximum);
	TEST_ROWS(reply_rows, test_reply);
	test_add("a long reply is cut", test_long_reply);
	TEST_ROWS(discard_rows, test_discard);
	test_add("the first reason of a quarantine stands", test_quarantine);
	return test_run("actions");
}
