/*
 * When may a key of state `next` sign? When DNS shows its record, and has done so for the record's TTL, and for that of what it
 * said before (another key, or none), where we saw that: nobody who asks then has an older answer in a cache. Pure: answers and times in, a status and the time of the next question out.
 */
#ifndef MILTER_KEY_PROOF_H
#define MILTER_KEY_PROOF_H

#include "dkim/key_published.h"

enum key_proof_status {
	KEY_PROOF_UNASKED,
	KEY_PROOF_NO_ANSWER, /* DNS has not said anything yet */
	KEY_PROOF_ABSENT,    /* DNS does not show it, or something else in its place */
	KEY_PROOF_SHOWN,     /* DNS shows it, not yet for long enough */
	KEY_PROOF_DONE,      /* it may sign, whatever becomes of the record */
};

struct key_proof {
	enum key_proof_status status;
	int64_t shown_since_ms; /* monotonic clock; counts when status is SHOWN */
	int64_t absent_ms;      /* the longest TTL of an answer that did not show it: caches of others may be as old as ours */
	int64_t ttl_ms;         /* the longest that an answer had since: a resolver's cache gives what is left of it */
	int64_t due_ms;         /* when to ask next; 0 at first: at once */
};

/* Milliseconds between two questions for a record that is not there: as long as its absence may be kept in caches, within these. */
#define KEY_PROOF_PAUSE_MIN_MS 1000
#define KEY_PROOF_PAUSE_MAX_MS (60 * 1000)

/* What one answer means.
 *   published  what dkim_key_published() made of it
 *   answer     NULL: there was none */
void key_proof_judge(struct key_proof *proof, const struct dkim_published *published, const struct dkim_dns_answer *answer,
                     int64_t now_ms);

#endif
