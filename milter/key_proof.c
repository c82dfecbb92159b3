#include "milter/key_proof.h"

static int64_t between(int64_t low, int64_t value, int64_t high)
{
	if (value < low)
		return low;
	return value > high ? high : value;
}

/* The record is there. What the records file says no cache ever held otherwise. */
static void judge_shown(struct key_proof *proof, const struct dkim_dns_answer *answer, int64_t now_ms)
{
	const int64_t ttl_ms = (int64_t)answer->ttl * 1000;

	if (proof->status != KEY_PROOF_SHOWN) {
		proof->shown_since_ms = now_ms;
		proof->ttl_ms = proof->absent_ms;
	}
	if (ttl_ms > proof->ttl_ms)
		proof->ttl_ms = between(0, ttl_ms, (int64_t)DKIM_KEY_CACHE_TTL_MAX * 1000);
	if (answer->from_records || now_ms >= proof->shown_since_ms + proof->ttl_ms)
		proof->status = KEY_PROOF_DONE;
	else
		proof->status = KEY_PROOF_SHOWN;
	/* When this answer has left the caches on our way; then it may turn out that its TTL is longer. */
	proof->due_ms = now_ms + between(KEY_PROOF_PAUSE_MIN_MS, ttl_ms, proof->ttl_ms);
}

void key_proof_judge(struct key_proof *proof, const struct dkim_published *published, const struct dkim_dns_answer *answer,
                     int64_t now_ms)
{
	if (proof->status == KEY_PROOF_DONE)
		return;
	if (answer && published->state == DKIM_PUBLISHED) {
		judge_shown(proof, answer, now_ms);
	} else if (answer && published->state != DKIM_PUBLISHED_UNKNOWN) {
		const int64_t ttl_ms = (int64_t)answer->ttl * 1000;

		proof->status = KEY_PROOF_ABSENT;
		proof->absent_ms = between(proof->absent_ms, ttl_ms, (int64_t)DKIM_KEY_CACHE_TTL_MAX * 1000);
		proof->due_ms = now_ms + between(KEY_PROOF_PAUSE_MIN_MS, ttl_ms, KEY_PROOF_PAUSE_MAX_MS);
	} else { /* what was shown before counts on */
		if (proof->status != KEY_PROOF_SHOWN)
			proof->status = KEY_PROOF_NO_ANSWER;
		proof->due_ms = now_ms + KEY_PROOF_PAUSE_MAX_MS;
	}
}
