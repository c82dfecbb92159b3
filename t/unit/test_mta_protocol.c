/* Packets that change something, and the bits of protocol versions. */
#include "milter/mta_protocol.h"

#include "t/unit/support.h"

#include <errno.h>

#define ALL_ACTIONS 0x1ff

struct row {
	const char *name;
	char reply;
	struct view data;
	uint32_t actions;
	int r;
	struct mta_change wanted; /* when r is 1 */
};

static const struct row rows[] = {
	{ "add-header", 'h', VIEW_INIT("X\0v\0"), ALL_ACTIONS, 1,
	  { .kind = MTA_ADD_HEADER, .name = VIEW_INIT("X"), .value = VIEW_INIT("v") } },
	{ "insert-header", 'i', VIEW_INIT("\0\0\1\2X\0v\0"), ALL_ACTIONS, 1,
	  { .kind = MTA_INSERT_HEADER, .index = 258, .name = VIEW_INIT("X"), .value = VIEW_INIT("v") } },
	{ "change-header", 'm', VIEW_INIT("\0\0\0\1X\0v\0"), ALL_ACTIONS, 1,
	  { .kind = MTA_CHANGE_HEADER, .index = 1, .name = VIEW_INIT("X"), .value = VIEW_INIT("v") } },
	{ "an empty value deletes", 'm', VIEW_INIT("\0\0\0\1X\0\0"), ALL_ACTIONS, 1,
	  { .kind = MTA_DELETE_HEADER, .index = 1, .name = VIEW_INIT("X") } },
	{ "an empty value inserted stays one", 'i', VIEW_INIT("\0\0\0\1X\0\0"), ALL_ACTIONS, 1,
	  { .kind = MTA_INSERT_HEADER, .index = 1, .name = VIEW_INIT("X") } },
	{ "replace-body may hold NUL", 'b', VIEW_INIT("a\0b"), ALL_ACTIONS, 1,
	  { .kind = MTA_REPLACE_BODY, .value = VIEW_INIT("a\0b") } },
	{ "change-from without parameters", 'e', VIEW_INIT("<a>\0"), ALL_ACTIONS, 1,
	  { .kind = MTA_CHANGE_FROM, .value = VIEW_INIT("<a>") } },
	{ "change-from with parameters", 'e', VIEW_INIT("<a>\0P=1\0"), ALL_ACTIONS, 1,
	  { .kind = MTA_CHANGE_FROM, .value = VIEW_INIT("<a>"), .parameters = VIEW_INIT("P=1") } },
	{ "progress", 'p', VIEW_INIT(""), 0, 1, { .kind = MTA_PROGRESS } },
	{ "continue changes nothing", 'c', VIEW_INIT(""), ALL_ACTIONS, 0, { .kind = MTA_PROGRESS } },
	{ "NUL is no reply", '\0', VIEW_INIT("X\0v\0"), ALL_ACTIONS, 0, { .kind = MTA_PROGRESS } },
	{ "not negotiated", 'q', VIEW_INIT("why\0"), MTA_ACTION_ADD_HEADERS, -EPERM, { .kind = MTA_PROGRESS } },
	{ "a string without its NUL", 'q', VIEW_INIT("why"), ALL_ACTIONS, -EPROTO, { .kind = MTA_PROGRESS } },
	{ "nothing at all", '+', VIEW_INIT(""), ALL_ACTIONS, -EPROTO, { .kind = MTA_PROGRESS } },
	{ "a third string", '2', VIEW_INIT("<a>\0P\0Q\0"), ALL_ACTIONS, -EPROTO, { .kind = MTA_PROGRESS } },
};

static void test_change(void **state)
{
	const struct row *row = *state;
	struct view data = guarded(row->data);
	struct mta_change change;
	const char *wanted = NULL;

	assert_int_equal(mta_change_parse(row->reply, data, row->actions, &change, &wanted), row->r);
	assert_int_equal(wanted == NULL, row->r >= 0);
	if (row->r == 1) {
		assert_int_equal(change.kind, row->wanted.kind);
		assert_int_equal(change.index, row->wanted.index);
		assert_true(view_eq(change.name, row->wanted.name));
		assert_true(view_eq(change.value, row->wanted.value));
		assert_true(view_eq(change.parameters, row->wanted.parameters));
	}
	guarded_free(data);
}

/* Whatever comes, no octet behind the packet is read. */
static void test_noise_packets(void **state)
{
	static const char *const words[] = { "X", "v", "<a@example.com>", "", NULL };
	static const char replies[] = "himbe+2-qp";
	uint32_t seed = 1;
	char room[64];

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct view noise = test_noise(&seed, words, room, sizeof room);
		struct view data = guarded(noise);
		struct mta_change change;
		const char *wanted;
		int r = mta_change_parse(replies[i % (int)(sizeof replies - 1)], data, ALL_ACTIONS, &change, &wanted);

		assert_true(r == 1 || r == -EPROTO);
		guarded_free(data);
	}
}

static void test_versions(void **state)
{
	uint32_t actions, protocol;

	(void)state;
	mta_version_bits(6, &actions, &protocol);
	assert_int_equal(actions, 0x1ff);
	assert_int_equal(protocol, 0x1fffff);
	mta_version_bits(2, &actions, &protocol);
	assert_int_equal(actions, 0x3f);
	assert_int_equal(protocol, 0x7f);
	mta_version_bits(5, &actions, &protocol);
	assert_int_equal(actions | protocol, 0);
}

static void test_verdicts(void **state)
{
	enum mta_verdict verdict;

	(void)state;
	assert_true(mta_verdict_of_reply('t', &verdict));
	assert_int_equal(verdict, MTA_TEMPFAIL);
	assert_string_equal(mta_verdict_name(verdict), "tempfail");
	assert_false(mta_verdict_of_reply('\0', &verdict));
	assert_false(mta_verdict_of_reply('y', &verdict));
}

int main(void)
{
	TEST_ROWS(rows, test_change);
	test_add("packets of noise", test_noise_packets);
	test_add("bits of versions", test_versions);
	test_add("verdicts", test_verdicts);
	return test_run("mta_protocol");
}
