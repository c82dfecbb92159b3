/* milter/broken_signatures.c: which signatures of others are taken off a message that is to be signed. */
#include "forge.h"
#include "support.h"
#include "zone.h"

#include "milter/broken_signatures.h"

#include <talloc.h>

static struct dkim_private_key *ed;
static struct zone zone;

#define HEADER "From: joe@example.com\r\nSubject: dinner\r\n"
#define TAGS "v=1; a=ed25519-sha256; d=example.com; h=from:subject; "
#define RELAXED "c=relaxed/relaxed; "

struct row {
	const char *name;
	const char *tags, *tail;
	int64_t l;
	const char *header, *body; /* what is left of HEADER and BODY when the message comes to us */
	bool space_guessed, broken;
};

#define BODY "Hello.\r\n"
#define SAME HEADER, BODY
#define ALL DKIM_LENGTH_UNLIMITED

static const struct row rows[] = {
	{ "R107 a good one stays", TAGS RELAXED "s=ed", NULL, ALL, SAME, false, false },
	{ "R107 a footer breaks it", TAGS RELAXED "s=ed", NULL, ALL, HEADER, BODY "-- \r\nlist\r\n", false, true },
	{ "R107 a tag in the subject breaks it", TAGS RELAXED "s=ed", NULL, ALL, "From: joe@example.com\r\nSubject: [list] dinner\r\n", BODY, false, true },
	{ "R107 a lost body breaks l=", TAGS RELAXED "l=8; s=ed", NULL, 8, HEADER, "Hell\r\n", false, true },
	{ "R107 a footer behind l= does not break it", TAGS RELAXED "l=8; s=ed", NULL, 8, HEADER, BODY "-- \r\n", false, false },
	{ "R107 without its key nobody knows", TAGS RELAXED "s=none", NULL, ALL, HEADER, BODY "-- \r\n", false, false },
	{ "R107 an expired one is not broken", TAGS RELAXED "s=ed; t=1; x=2", NULL, ALL, HEADER, BODY "-- \r\n", false, false },
	{ "R107 a malformed one is not broken", TAGS RELAXED "s=ed", "; v=1", ALL, HEADER, BODY "-- \r\n", false, false },
	{ "R39 a simple header with guessed blanks proves nothing", TAGS "c=simple/simple; s=ed", NULL, ALL,
	  "From:  joe@example.com\r\nSubject: dinner\r\n", BODY, true, false },
	{ "R39 a simple header that is known does", TAGS "c=simple/simple; s=ed", NULL, ALL, "From:  joe@example.com\r\nSubject: dinner\r\n", BODY,
	  false, true },
	{ "R39 a body is never guessed", TAGS "c=simple/simple; s=ed", NULL, ALL, HEADER, BODY "-- \r\n", true, true },
};

/* The signature field of the message as it was, above what it has become. */
static struct view change(void *mem, const struct row *row, struct view *ret_body)
{
	struct view whole = forge(mem, ed, row->tags, row->tail, VIEW(HEADER), VIEW(BODY), row->l);
	struct view field = view_slice(whole, 0, whole.n - strlen(HEADER "\r\n" BODY));
	struct buf *message = talloc_zero(mem, struct buf);

	buf_init(message, mem, 65536);
	buf_add(message, field);
	buf_add_string(message, row->header);
	assert_int_equal(buf_error(message), 0);
	*ret_body = view_of(row->body);
	return buf_view(message);
}

static unsigned strip(void *mem, struct view header, struct view body, bool space_guessed, struct actions *actions)
{
	const struct gate gate = { .key_cache = zone.cache, .verify_params = { .minimum_rsa_bits = 1024, .maximum_signatures = 8, .budget_ms = 1000 } };
	struct broken_signatures *broken;
	struct header_list *headers;
	struct view no_body;
	unsigned count;

	assert_int_equal(header_list_new(mem, NULL, &headers), 0);
	assert_int_equal(header_list_parse(headers, header, &no_body), 0);
	assert_int_equal(broken_signatures_new(mem, &gate, headers, &broken), 0);
	assert_int_equal(broken_signatures_body(broken, body), 0);
	assert_int_equal(broken_signatures_finish(broken, 1000), 0);
	count = broken_signatures_strip(broken, space_guessed, actions);
	talloc_free(broken);
	return count;
}

static void test_row(void **state)
{
	const struct row *row = *state;
	void *mem = talloc_new(NULL);
	struct actions *actions;
	struct actions_step *steps;
	struct view header, body;
	size_t count;

	assert_int_equal(actions_new(mem, &actions), 0);
	header = change(mem, row, &body);
	assert_int_equal(strip(mem, header, body, row->space_guessed, actions), row->broken);
	assert_int_equal(actions_steps(actions, mem, &steps, &count), 0);
	assert_int_equal(count, row->broken);
	talloc_free(mem);
}

/* Of three the second is good: the others go, by their numbers. */
static void test_several(void **state)
{
	static const struct row broken = { .tags = TAGS RELAXED "s=ed", .l = ALL, .header = "", .body = BODY };
	void *mem = talloc_new(NULL);
	const struct view good = forge(mem, ed, TAGS RELAXED "s=ed", NULL, VIEW("From: joe@example.com\r\nSubject: tea\r\n"), VIEW(BODY), ALL);
	struct actions *actions;
	struct actions_step *steps;
	struct view body, bad = change(mem, &broken, &body);
	struct buf header;
	size_t count;

	(void)state;
	buf_init(&header, mem, 65536);
	buf_add(&header, bad);
	buf_add(&header, view_slice(good, 0, good.n - strlen("From: joe@example.com\r\nSubject: tea\r\n\r\n" BODY)));
	buf_add(&header, bad);
	buf_add_string(&header, "From: joe@example.com\r\nSubject: tea\r\n");
	assert_int_equal(actions_new(mem, &actions), 0);
	assert_int_equal(strip(mem, buf_view(&header), body, false, actions), 2);
	assert_int_equal(actions_steps(actions, mem, &steps, &count), 0);
	assert_int_equal(count, 2);
	assert_int_equal(steps[0].index, 3);
	assert_int_equal(steps[1].index, 1);
	talloc_free(mem);
}

static int set_up(void **state)
{
	struct buf text;

	(void)state;
	if (dkim_private_key_init() < 0 || dkim_private_key_generate(DKIM_KEY_ED25519, 0, &ed) < 0)
		return -1;
	buf_init(&text, NULL, 4096);
	zone_line(&text, "ed._domainkey.example.com", "k=ed25519;", ed);
	zone_open(&zone, buf_view(&text));
	buf_free(&text);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	zone_close(&zone);
	dkim_private_key_free(ed);
	return 0;
}

int main(void)
{
	TEST_ROWS(rows, test_row);
	test_add("R107 each is judged by itself", test_several);
	return test_run_with("broken_signatures", set_up, tear_down);
}
