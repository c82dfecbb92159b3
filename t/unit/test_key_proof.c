/* milter/key_proof.c: a key's way from `next` to signing, as a list of answers with their times. */
#include "support.h"

#include "milter/key_proof.h"

#define STEPS_MAX 6
#define DAY 86400

/* One answer and what must follow from it. */
struct step {
	int at;                           /* seconds */
	enum dkim_published_state published;
	uint32_t ttl;
	enum key_proof_status status;
	int due;                          /* seconds; not looked at once it is done */
	bool from_records, no_answer;
};

struct row {
	const char *name;
	struct step steps[STEPS_MAX]; /* up to the first without a status */
};

#define SHOWS DKIM_PUBLISHED
#define ABSENT DKIM_PUBLISHED_NOT
#define OTHERS DKIM_PUBLISHED_OTHERS
#define UNKNOWN DKIM_PUBLISHED_UNKNOWN

static const struct row rows[] = {
	{ "shown for its TTL", { { 10, SHOWS, 300, KEY_PROOF_SHOWN, 310, 0, 0 }, { 310, SHOWS, 300, KEY_PROOF_DONE, 0, 0, 0 } } },
	{ "asked too early by another message", { { 10, SHOWS, 300, KEY_PROOF_SHOWN, 310, 0, 0 }, { 100, SHOWS, 210, KEY_PROOF_SHOWN, 310, 0, 0 },
	                                        { 310, SHOWS, 300, KEY_PROOF_DONE, 0, 0, 0 } } },
	{ "published later", { { 10, ABSENT, 20, KEY_PROOF_ABSENT, 30, 0, 0 }, { 30, ABSENT, 50, KEY_PROOF_ABSENT, 80, 0, 0 },
	                       { 80, SHOWS, 60, KEY_PROOF_SHOWN, 140, 0, 0 }, { 140, SHOWS, 60, KEY_PROOF_DONE, 0, 0, 0 } } },
	{ "its absence may be kept longer than itself",
	  { { 10, ABSENT, 900, KEY_PROOF_ABSENT, 70, 0, 0 }, { 70, ABSENT, 20, KEY_PROOF_ABSENT, 90, 0, 0 }, { 90, SHOWS, 60, KEY_PROOF_SHOWN, 150, 0, 0 },
	    { 989, SHOWS, 60, KEY_PROOF_SHOWN, 1049, 0, 0 }, { 990, SHOWS, 60, KEY_PROOF_DONE, 0, 0, 0 } } },
	{ "and so may another key in its place",
	  { { 10, OTHERS, 3600, KEY_PROOF_ABSENT, 70, 0, 0 }, { 70, SHOWS, 60, KEY_PROOF_SHOWN, 130, 0, 0 }, { 3669, SHOWS, 60, KEY_PROOF_SHOWN, 3729, 0, 0 },
	    { 3670, SHOWS, 60, KEY_PROOF_DONE, 0, 0, 0 } } },
	{ "a resolver tells what is left of the TTL: the longest counts",
	  { { 10, SHOWS, 5, KEY_PROOF_SHOWN, 15, 0, 0 }, { 15, SHOWS, 3600, KEY_PROOF_SHOWN, 3615, 0, 0 }, { 3615, SHOWS, 3600, KEY_PROOF_DONE, 0, 0, 0 } } },
	{ "gone again in between: from the beginning",
	  { { 10, SHOWS, 60, KEY_PROOF_SHOWN, 70, 0, 0 }, { 70, ABSENT, 0, KEY_PROOF_ABSENT, 71, 0, 0 }, { 71, SHOWS, 60, KEY_PROOF_SHOWN, 131, 0, 0 },
	    { 131, SHOWS, 60, KEY_PROOF_DONE, 0, 0, 0 } } },
	{ "another key in its place", { { 10, OTHERS, 3600, KEY_PROOF_ABSENT, 70, 0, 0 } } },
	{ "DNS silent at first", { { 10, UNKNOWN, 0, KEY_PROOF_NO_ANSWER, 70, 0, 0 }, { 70, SHOWS, 0, KEY_PROOF_DONE, 0, 0, 0 } } },
	{ "no memory for an answer", { { 10, UNKNOWN, 0, KEY_PROOF_NO_ANSWER, 70, 0, true } } },
	{ "DNS silent in between: what was shown counts on",
	  { { 10, SHOWS, 60, KEY_PROOF_SHOWN, 70, 0, 0 }, { 70, UNKNOWN, 0, KEY_PROOF_SHOWN, 130, 0, 0 }, { 130, SHOWS, 60, KEY_PROOF_DONE, 0, 0, 0 } } },
	{ "silence alone proves nothing",
	  { { 10, SHOWS, 60, KEY_PROOF_SHOWN, 70, 0, 0 }, { 70, UNKNOWN, 0, KEY_PROOF_SHOWN, 130, 0, 0 }, { 130, UNKNOWN, 0, KEY_PROOF_SHOWN, 190, 0, 0 } } },
	{ "TTL 0: nobody keeps it", { { 10, SHOWS, 0, KEY_PROOF_DONE, 0, 0, 0 } } },
	{ "a TTL of years: caches keep a day, and so do we",
	  { { 10, SHOWS, 1000 * DAY, KEY_PROOF_SHOWN, 10 + DAY, 0, 0 }, { 10 + DAY, SHOWS, 1000 * DAY, KEY_PROOF_DONE, 0, 0, 0 } } },
	{ "the records file cannot change", { { 10, SHOWS, 3600, KEY_PROOF_DONE, 0, true, 0 } } },
	{ "what is done stays so", { { 10, SHOWS, 0, KEY_PROOF_DONE, 0, 0, 0 }, { 20, ABSENT, 0, KEY_PROOF_DONE, 0, 0, 0 } } },
};

static void test_row(void **state)
{
	const struct row *row = *state;
	struct key_proof proof = { .status = KEY_PROOF_UNASKED };

	for (const struct step *step = row->steps; step < row->steps + STEPS_MAX && step->status != KEY_PROOF_UNASKED; step++) {
		const struct dkim_published published = { .state = step->published };
		const struct dkim_dns_answer answer = { .ttl = step->ttl, .from_records = step->from_records };

		key_proof_judge(&proof, &published, step->no_answer ? NULL : &answer, step->at * INT64_C(1000));
		assert_int_equal(proof.status, step->status);
		if (proof.status != KEY_PROOF_DONE)
			assert_int_equal(proof.due_ms, step->due * INT64_C(1000));
	}
}

int main(void)
{
	TEST_ROWS(rows, test_row);
	return test_run("key_proof");
}
