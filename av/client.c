#include "av/scan.h"

#include "dkim/clock.h"

#include <errno.h>
#include <string.h>
#include <talloc.h>

const char *av_outcome_text(enum av_outcome outcome)
{
	static const char *const texts[] = {
		[AV_SCANNED] = "scanned", [AV_TOO_LARGE] = "too large", [AV_BUSY] = "busy", [AV_NO_SCANNER] = "no scanner",
		[AV_LATE] = "late", [AV_CRASHED] = "crashed", [AV_FAILED] = "failed",
	};

	return texts[outcome];
}

int av_client_new(void *mem, const struct av_client_params *params, struct av_client **ret, char **ret_error)
{
	struct av_client *client = talloc_zero(mem, struct av_client);
	int r = 0;

	*ret_error = NULL;
	if (!client)
		return -ENOMEM;
	client->params = *params;
	if (params->clamd[0])
		r = clamd_new(client, params->clamd, &client->clamd, ret_error);
	if (r < 0) {
		*ret_error = talloc_steal(mem, *ret_error);
		talloc_free(client);
		return r;
	}
	*ret = client;
	return 0;
}

/* Count in our row, and see what all rows have then. Counting first and looking second: two that come at one time may both be sent
 * away, but never both come in. */
static bool charge_octets(struct av_scan *scan, size_t n)
{
	const struct av_client_params *params = &scan->client->params;
	uint64_t sum = 0;

	atomic_fetch_add(&params->shared->usage[params->row].octets, n);
	scan->charged += n;
	for (size_t i = 0; i < AV_WORKERS_MAX; i++)
		sum += atomic_load_explicit(&params->shared->usage[i].octets, memory_order_relaxed);
	return sum <= params->queue_size;
}

static bool charge_job(struct av_scan *scan)
{
	const struct av_client_params *params = &scan->client->params;
	uint64_t sum = 0;

	atomic_fetch_add(&params->shared->usage[params->row].jobs, 1);
	scan->job_charged = true;
	for (size_t i = 0; i < AV_WORKERS_MAX; i++)
		sum += atomic_load_explicit(&params->shared->usage[i].jobs, memory_order_relaxed);
	return sum <= params->queue_jobs;
}

static void uncharge_job(struct av_scan *scan)
{
	const struct av_client_params *params = &scan->client->params;

	if (scan->job_charged)
		atomic_fetch_sub(&params->shared->usage[params->row].jobs, 1);
	scan->job_charged = false;
}

static void give_back(struct av_scan *scan)
{
	const struct av_client_params *params = &scan->client->params;

	talloc_free(scan->call); /* it has the octets mapped */
	scan->call = NULL;
	if (scan->may_lie_in_queue)
		(void)av_held_cut(scan->held); /* it is not sealed against that */
	talloc_free(scan->held);
	scan->held = NULL;
	atomic_fetch_sub(&params->shared->usage[params->row].octets, scan->charged);
	scan->charged = 0;
}

static int scan_destructor(struct av_scan *scan)
{
	scan_queue_leave(scan);
	uncharge_job(scan);
	give_back(scan);
	return 0;
}

void scan_finish(struct av_scan *scan, enum av_outcome outcome, int error)
{
	const int64_t now_ms = clock_monotonic_ms();

	if (scan->state == SCAN_DONE)
		return;
	scan->report.outcome = outcome;
	scan->report.error = error;
	if (scan->state == SCAN_BEGUN)
		scan->report.scan_ms = (unsigned)(now_ms - scan->begun_ms);
	else if (scan->state != SCAN_COLLECTING)
		scan->report.wait_ms = (unsigned)(now_ms - scan->sent_ms);
	scan->state = SCAN_DONE;
	scan_queue_leave(scan);
	uncharge_job(scan);
}

static void hold(struct av_scan *scan, struct view octets)
{
	const size_t wanted = av_held_octets(scan->held) + octets.n;
	int r;

	if (wanted > scan->charged && !charge_octets(scan, wanted - scan->charged + (AV_CHARGE_STEP - wanted % AV_CHARGE_STEP))) {
		scan_finish(scan, AV_BUSY, 0);
		return;
	}
	r = av_held_append(scan->held, octets);
	if (r < 0)
		scan_finish(scan, AV_FAILED, r);
}

void av_scan_append(struct av_scan *scan, struct view octets)
{
	if (scan->state != SCAN_COLLECTING || octets.n == 0)
		return;
	if (octets.n > scan->client->params.max_size - (av_held_octets(scan->held) - scan->prefix))
		scan_finish(scan, AV_TOO_LARGE, 0);
	else
		hold(scan, octets);
	if (scan->state == SCAN_DONE)
		give_back(scan);
}

int av_scan_new(void *mem, struct av_client *client, struct view prefix, struct av_scan **ret)
{
	struct av_scan *scan = talloc_zero(mem, struct av_scan);
	int r;

	if (!scan)
		return -ENOMEM;
	scan->client = client;
	scan->reply_fd = -1;
	r = av_held_new(scan, &scan->held);
	if (r == -ENOMEM) {
		talloc_free(scan);
		return r;
	}
	talloc_set_destructor(scan, scan_destructor);
	scan->prefix = prefix.n;
	if (r < 0)
		scan_finish(scan, AV_FAILED, r);
	else
		hold(scan, prefix);
	*ret = scan;
	return 0;
}

static int64_t now_s(void)
{
	return clock_monotonic_ms() / 1000;
}

static bool is_remembered(struct av_scan *scan)
{
	struct av_shared *shared = scan->client->params.shared;
	uint8_t digest[AV_DIGEST_OCTETS];

	return av_shared_remembers_any(shared, now_s()) && av_scan_digest(scan, digest) == 0 &&
	       av_shared_is_remembered(shared, digest, now_s());
}

void scan_remember(struct av_scan *scan)
{
	uint8_t digest[AV_DIGEST_OCTETS];

	if (av_scan_digest(scan, digest) == 0)
		av_shared_remember(scan->client->params.shared, digest, now_s() + AV_REMEMBER_S);
}

void av_scan_send(struct av_scan *scan)
{
	int r;

	if (scan->state != SCAN_COLLECTING)
		return;
	scan->sent_ms = clock_monotonic_ms();
	r = av_held_seal(scan->held);
	if (r < 0) {
		scan_finish(scan, AV_FAILED, r);
		give_back(scan);
		return;
	}
	scan_unsent(scan);
	if (!charge_job(scan))
		scan_finish(scan, AV_BUSY, 0);
	else if (!scan->client->clamd && is_remembered(scan))
		scan_finish(scan, AV_CRASHED, 0);
	else if (!scan->client->clamd)
		scan_queue_step(scan, 0);
}

void scan_unsent(struct av_scan *scan)
{
	scan->state = SCAN_UNSENT;
	scan->wait_from_ms = clock_monotonic_ms();
}

void scan_begun(struct av_scan *scan)
{
	scan->begun_ms = clock_monotonic_ms();
	if (scan->report.tries++ == 0)
		scan->report.wait_ms = (unsigned)(scan->begun_ms - scan->sent_ms);
	scan->state = SCAN_BEGUN;
}

/* When the present wait, for a child or for its result, has lasted too long. */
static int64_t deadline_ms(const struct av_scan *scan)
{
	const struct av_client_params *params = &scan->client->params;

	if (scan->state == SCAN_BEGUN)
		return scan->begun_ms + params->timeout_ms + AV_CLIENT_GRACE_MS;
	return scan->wait_from_ms + (params->hold_ms > AV_BEGIN_MS_MIN ? params->hold_ms : AV_BEGIN_MS_MIN);
}

static void step(struct av_scan *scan, int64_t until_ms)
{
	const int64_t now_ms = clock_monotonic_ms(), deadline = deadline_ms(scan);
	unsigned left;

	if (now_ms >= deadline) {
		scan_finish(scan, scan->state == SCAN_BEGUN ? AV_LATE : AV_NO_SCANNER, 0);
		return;
	}
	left = until_ms < now_ms ? 0 : (unsigned)((until_ms < deadline ? until_ms : deadline) - now_ms);
	if (scan->client->clamd)
		scan_clamd_step(scan, left);
	else
		scan_queue_step(scan, left);
}

int av_scan_wait(struct av_scan *scan, unsigned milliseconds)
{
	const int64_t until_ms = clock_monotonic_ms() + milliseconds;

	while (scan->state != SCAN_DONE) {
		step(scan, until_ms);
		if (scan->state != SCAN_DONE && clock_monotonic_ms() >= until_ms)
			return 1;
	}
	return 0;
}

const struct av_report *av_scan_report(const struct av_scan *scan)
{
	return &scan->report;
}

struct view av_scan_octets(struct av_scan *scan)
{
	struct view all = scan->held ? av_held_view(scan->held) : (struct view){ NULL, 0 };

	return view_slice(all, scan->prefix, all.n);
}

int av_scan_digest(struct av_scan *scan, uint8_t ret[AV_DIGEST_OCTETS])
{
	struct view octets = av_scan_octets(scan);
	int r;

	if (!scan->digest_known && !octets.p)
		return -ENODATA;
	if (!scan->digest_known) {
		r = scan->client->params.digest(octets, scan->digest);
		if (r < 0)
			return r;
		scan->digest_known = true;
	}
	memcpy(ret, scan->digest, sizeof scan->digest);
	return 0;
}
