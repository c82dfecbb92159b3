/* Memory that all workers share for scanning: how much is in flight, and which messages kill scan children. */
#ifndef AV_SHARED_H
#define AV_SHARED_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define AV_WORKERS_MAX 512   /* rows; two generations of 64 workers for each of four listeners */
#define AV_REMEMBERED_MAX 64 /* messages; the oldest is forgotten first */
#define AV_DIGEST_OCTETS 32  /* SHA-256 */

struct av_usage {
	_Atomic uint32_t jobs;
	_Atomic uint64_t octets;
};

struct av_shared {
	struct av_usage usage[AV_WORKERS_MAX]; /* one per worker; the supervisor zeroes that of a dead one */
	_Atomic int64_t remembered_until_s;    /* the last of those below to end */
	pthread_mutex_t lock;                  /* robust, of processes: guards what follows */
	struct av_remembered {
		uint8_t digest[AV_DIGEST_OCTETS];
		int64_t until_s;                   /* CLOCK_MONOTONIC; 0: free */
	} remembered[AV_REMEMBERED_MAX];
};

/* By the supervisor, in zeroed memory that is mapped shared. Returns 0 or a negative errno. */
int av_shared_init(struct av_shared *shared);

void av_shared_forget_worker(struct av_shared *shared, unsigned row);

void av_shared_remember(struct av_shared *shared, const uint8_t digest[AV_DIGEST_OCTETS], int64_t until_s);
bool av_shared_is_remembered(struct av_shared *shared, const uint8_t digest[AV_DIGEST_OCTETS], int64_t now_s);
bool av_shared_remembers_any(struct av_shared *shared, int64_t now_s); /* cheap: no digest needs to be computed otherwise */

#endif
