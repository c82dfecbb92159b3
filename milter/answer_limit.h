/*
 * How many answers an address gets in an hour, and all together, kept in a directory so that every process knows: one file per
 * address, named by the hash of mailbox_key(), with the times of its answers; and one for all. Files are locked while they are
 * looked at, so that processes side by side give no more than the limit. Files of addresses that have been silent for an hour are removed.
 */
#ifndef MILTER_ANSWER_LIMIT_H
#define MILTER_ANSWER_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#define ANSWER_LIMIT_WINDOW_S 3600
#define ANSWER_LIMIT_AHEAD_S 600   /* a process looks at the clock once and then works for minutes at most: others may be ahead of it by that */
#define ANSWER_LIMIT_SWEEP_S 600   /* seconds between two searches for old files; each reads the whole directory */
#define ANSWER_LIMIT_LOCK_MS 5000  /* a file is locked for less than a millisecond: whoever holds it longer hangs */
#define ANSWER_LIMIT_MAX 10000     /* answers in an hour, at most: their times are read into memory, eight octets each */

struct answer_limit {
	const char *directory; /* made when it is not there; must belong to this user and be closed to writing by others */
	unsigned per_address;
	unsigned total;        /* of all addresses: what bounds the files too */
	int64_t now;           /* seconds since 1970 */
};

/* Take the right to one answer.
 *   ret        whether there is one left
 *   ret_error  on failure: what people are told, naming the file; a talloc string of mem, or NULL
 * Symbolic links are not followed. Returns 0 or a negative errno. */
int answer_limit_take(void *mem, const struct answer_limit *limit, const char *address, bool *ret, char **ret_error);

/* Give it back: the answer was not sent after all. Returns and says as above. */
int answer_limit_give_back(void *mem, const struct answer_limit *limit, const char *address, char **ret_error);

#endif
