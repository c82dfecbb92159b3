#include "av/shared.h"

#include <errno.h>
#include <string.h>

int av_shared_init(struct av_shared *shared)
{
	pthread_mutexattr_t attributes;
	int r = pthread_mutexattr_init(&attributes);

	if (r)
		return -r;
	r = pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
	if (!r)
		r = pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
	if (!r)
		r = pthread_mutex_init(&shared->lock, &attributes);
	(void)pthread_mutexattr_destroy(&attributes); /* cannot fail for one that was initialised */
	return -r;
}

void av_shared_forget_worker(struct av_shared *shared, unsigned row)
{
	atomic_store(&shared->usage[row].jobs, 0);
	atomic_store(&shared->usage[row].octets, 0);
}

/* A worker may die while it holds the lock; whatever row it was writing is at worst a digest that no message has. */
static bool lock(struct av_shared *shared)
{
	int r = pthread_mutex_lock(&shared->lock);

	if (r == EOWNERDEAD)
		r = pthread_mutex_consistent(&shared->lock);
	return r == 0;
}

static void unlock(struct av_shared *shared)
{
	(void)pthread_mutex_unlock(&shared->lock); /* it is ours */
}

/* The row of this digest, else the one that ends first: free ones end at 0. */
static struct av_remembered *row_for(struct av_shared *shared, const uint8_t digest[AV_DIGEST_OCTETS])
{
	struct av_remembered *first = &shared->remembered[0];

	for (size_t i = 0; i < AV_REMEMBERED_MAX; i++) {
		struct av_remembered *row = &shared->remembered[i];

		if (row->until_s && memcmp(row->digest, digest, AV_DIGEST_OCTETS) == 0)
			return row;
		if (row->until_s < first->until_s)
			first = row;
	}
	return first;
}

void av_shared_remember(struct av_shared *shared, const uint8_t digest[AV_DIGEST_OCTETS], int64_t until_s)
{
	struct av_remembered *row;

	if (!lock(shared))
		return;
	row = row_for(shared, digest);
	memcpy(row->digest, digest, AV_DIGEST_OCTETS);
	row->until_s = until_s;
	if (until_s > atomic_load(&shared->remembered_until_s))
		atomic_store(&shared->remembered_until_s, until_s);
	unlock(shared);
}

bool av_shared_is_remembered(struct av_shared *shared, const uint8_t digest[AV_DIGEST_OCTETS], int64_t now_s)
{
	bool found = false;

	if (!lock(shared))
		return false;
	for (size_t i = 0; i < AV_REMEMBERED_MAX && !found; i++)
		found = shared->remembered[i].until_s > now_s && memcmp(shared->remembered[i].digest, digest, AV_DIGEST_OCTETS) == 0;
	unlock(shared);
	return found;
}

bool av_shared_remembers_any(struct av_shared *shared, int64_t now_s)
{
	return atomic_load(&shared->remembered_until_s) > now_s;
}
