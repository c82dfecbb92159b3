#include "milter/key_prover.h"

#include "dkim/clock.h"
#include "milter/key_proof.h"
#include "milter/log.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <talloc.h>
#include <time.h>

#define WAIT_MS 100 /* between two looks at whether to stop, while an answer is awaited */

struct candidate {
	struct gate_key *key;
	struct key_proof proof;
};

struct key_prover {
	struct dkim_key_cache *cache;
	struct candidate *candidates;
	size_t count;
	pthread_t thread;
	bool running;
	pthread_mutex_t lock;
	pthread_cond_t stopped;
	bool stop; /* under the lock */
};

static bool is_stopped(struct key_prover *prover)
{
	bool stop;

	pthread_mutex_lock(&prover->lock);
	stop = prover->stop;
	pthread_mutex_unlock(&prover->lock);
	return stop;
}

/* Sleep; true when told to stop. */
static bool sleep_until(struct key_prover *prover, int64_t when_ms)
{
	const struct timespec when = { .tv_sec = (time_t)(when_ms / 1000), .tv_nsec = (long)(when_ms % 1000) * 1000000 };
	bool stop;

	pthread_mutex_lock(&prover->lock);
	while (!prover->stop && clock_monotonic_ms() < when_ms)
		(void)pthread_cond_timedwait(&prover->stopped, &prover->lock, &when);
	stop = prover->stop;
	pthread_mutex_unlock(&prover->lock);
	return stop;
}

static void tell(const struct candidate *candidate, const struct dkim_published *published)
{
	static const char *const texts[] = {
		[KEY_PROOF_NO_ANSWER] = "does not sign yet: DNS gave no answer",
		[KEY_PROOF_ABSENT] = "does not sign yet: DNS does not show its record",
		[KEY_PROOF_SHOWN] = "does not sign yet: DNS shows its record, but not yet for its TTL",
		[KEY_PROOF_DONE] = "signs from now on: DNS has shown its record for its TTL",
	};
	const struct conf_key *conf = candidate->key->conf;
	struct log_line *line = log_begin(NULL, CONF_LOG_INFO, "key-next");

	log_string(line, "key", conf->name);
	log_string(line, "d", conf->domain);
	log_string(line, "s", conf->selector);
	log_string(line, "text", texts[candidate->proof.status]);
	if (candidate->proof.status == KEY_PROOF_ABSENT)
		log_string(line, "reason", published->reason == DKIM_REASON_SIGNATURE_DIFFERS ? "another key is published"
		                                                                               : dkim_reason_text(published->reason));
	if (candidate->proof.status == KEY_PROOF_SHOWN)
		log_number(line, "ttl", (long long)(candidate->proof.ttl_ms / 1000));
	log_end(line);
}

static void judge(struct candidate *candidate, const struct dkim_key_set *set)
{
	const enum key_proof_status before = candidate->proof.status;
	struct dkim_published published;

	dkim_key_published(candidate->key->loaded->key, set, &published);
	key_proof_judge(&candidate->proof, &published, set ? set->answer : NULL, clock_monotonic_ms());
	if (candidate->proof.status == KEY_PROOF_DONE)
		atomic_store(&candidate->key->proven, true);
	if (candidate->proof.status != before)
		tell(candidate, &published);
}

/* Returns true when told to stop. */
static bool ask(struct key_prover *prover, struct candidate *candidate)
{
	const struct conf_key *conf = candidate->key->conf;
	struct dkim_key_lookup *lookup = NULL;
	bool stop = false;
	int r;

	r = dkim_key_lookup_start(prover->cache, view_of(conf->selector), view_of(conf->domain), &lookup);
	while (r == 0 && !stop && dkim_key_lookup_wait(lookup, WAIT_MS) != 0)
		stop = is_stopped(prover);
	if (!stop)
		judge(candidate, r == 0 ? dkim_key_lookup_result(lookup) : NULL);
	dkim_key_lookup_free(lookup);
	return stop;
}

/* The candidate whose question is due first; NULL when all may sign. */
static struct candidate *next_due(const struct key_prover *prover)
{
	struct candidate *first = NULL;

	for (size_t i = 0; i < prover->count; i++) {
		struct candidate *candidate = &prover->candidates[i];

		if (candidate->proof.status != KEY_PROOF_DONE && (!first || candidate->proof.due_ms < first->proof.due_ms))
			first = candidate;
	}
	return first;
}

static void *run(void *argument)
{
	struct key_prover *prover = argument;
	struct candidate *candidate;

	while ((candidate = next_due(prover)))
		if (sleep_until(prover, candidate->proof.due_ms) || ask(prover, candidate))
			break;
	return NULL;
}

static int key_prover_destructor(struct key_prover *prover)
{
	if (prover->running) {
		pthread_mutex_lock(&prover->lock);
		prover->stop = true;
		pthread_cond_signal(&prover->stopped);
		pthread_mutex_unlock(&prover->lock);
		pthread_join(prover->thread, NULL);
	}
	pthread_cond_destroy(&prover->stopped);
	pthread_mutex_destroy(&prover->lock);
	return 0;
}

/* Signals are for the main thread and libmilter. */
static int start_thread(struct key_prover *prover)
{
	sigset_t all, before;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&prover->thread, NULL, run, prover);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	prover->running = error == 0;
	return -error;
}

static void init_locks(struct key_prover *prover)
{
	pthread_condattr_t monotonic;
	int error;

	/* With glibc none of these can fail. */
	error = pthread_condattr_init(&monotonic) | pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	error |= pthread_cond_init(&prover->stopped, &monotonic) | pthread_mutex_init(&prover->lock, NULL);
	assert(error == 0);
	(void)error;
	pthread_condattr_destroy(&monotonic);
}

static bool is_candidate(const struct gate_key *key)
{
	return key->conf->state == CONF_KEY_NEXT && key->loaded;
}

int key_prover_new(void *mem, struct dkim_key_cache *cache, struct gate_key *keys, size_t count, struct key_prover **ret)
{
	struct key_prover *prover = talloc_zero(mem, struct key_prover);
	int r = 0;

	if (!prover)
		return -ENOMEM;
	init_locks(prover);
	talloc_set_destructor(prover, key_prover_destructor);
	prover->cache = cache;
	prover->candidates = talloc_zero_array(prover, struct candidate, (unsigned)count);
	for (size_t i = 0; prover->candidates && i < count; i++)
		if (is_candidate(&keys[i]))
			prover->candidates[prover->count++].key = &keys[i];
	if (!prover->candidates)
		r = -ENOMEM;
	else if (prover->count > 0)
		r = start_thread(prover);
	if (r < 0 || prover->count == 0) {
		talloc_free(prover);
		prover = NULL;
	}
	if (r == 0)
		*ret = prover;
	return r;
}
