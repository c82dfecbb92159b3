/* The inside of av/client.h, shared by its parts: client.c (memory, accounts, the report) and the two ways to a scanner. */
#ifndef AV_SCAN_H
#define AV_SCAN_H

#include "av/clamd.h"
#include "av/client.h"
#include "av/held.h"

/* Also with load-hold = 0 an idle child has so long to take a job. */
#define AV_BEGIN_MS_MIN 1000

/* Octets are counted in such steps: header fields come in many small pieces, and the sum over all workers has AV_WORKERS_MAX terms. */
#define AV_CHARGE_STEP ((size_t)16 * 1024)

/* How long to sleep before a full queue, or clamds that cannot be reached, are tried again. */
#define AV_NAP_MS 20
#define AV_CLAMD_NAP_MS 250

/* Jobs that a child took and dropped unread, as one does that dies in between; the message is not to blame. */
#define AV_DROPS_MAX 8

struct av_client {
	struct av_client_params params;
	struct clamd *clamd; /* NULL: the job queue */
};

enum scan_state {
	SCAN_COLLECTING,
	SCAN_UNSENT,  /* the queue was full, or there is no clamd at the moment */
	SCAN_SENT,    /* nobody has begun it */
	SCAN_BEGUN,
	SCAN_DONE,
};

struct av_scan {
	struct av_client *client;
	struct av_held *held;        /* NULL: given back */
	size_t prefix;               /* octets of it */
	size_t charged;              /* octets counted in our row */
	bool job_charged;
	bool may_lie_in_queue;       /* a job that no child has begun was sent: its memory must be cut at the end */
	enum scan_state state;
	int64_t sent_ms, wait_from_ms, begun_ms; /* first sending; begin of the present wait for a child; its begin */
	unsigned drops;
	int reply_fd;                /* our end of the pair that went with the job, or -1 */
	struct clamd_call *call;
	bool digest_known;
	uint8_t digest[AV_DIGEST_OCTETS];
	struct av_report report;
};

/* The end of a scan: the first one counts. */
void scan_finish(struct av_scan *scan, enum av_outcome outcome, int error);

/* A child or clamd has begun: times and tries. */
void scan_begun(struct av_scan *scan);

/* Nobody is at it (any more): wait for one anew. */
void scan_unsent(struct av_scan *scan);

/* The messages that kill children. */
void scan_remember(struct av_scan *scan);

/* One step through the job queue, or through clamd: sends what is unsent, then waits for at most `milliseconds` and does what there is. */
void scan_queue_step(struct av_scan *scan, unsigned milliseconds);
void scan_clamd_step(struct av_scan *scan, unsigned milliseconds);

/* Wait no longer for a child: afterwards it is certain whether one has begun. */
void scan_queue_leave(struct av_scan *scan);

#endif
