/*
 * A worker's side of scanning: a message is written into memory as it arrives, sealed, sent to whoever scans (scan children by
 * the job queue, or clamd), and its findings come back. Nothing here judges: see av/classify.h.
 *
 *     av_scan_new()      at MAIL
 *     av_scan_append()   as octets arrive
 *     av_scan_send()     end of the message
 *     av_scan_wait()     repeat while it says "not yet"
 *     av_scan_report()   what was found
 */
#ifndef AV_CLIENT_H
#define AV_CLIENT_H

#include "av/shared.h"
#include "av/wire.h"
#include "dkim/view.h"

#include <stddef.h>

struct av_client_params {
	int jobs;                    /* sending end of the job queue; -1 when clamd scans */
	enum av_job_kind kind;       /* 0: AV_JOB_MESSAGE */
	struct av_shared *shared;    /* counters of all workers, remembered messages */
	unsigned row;                /* our own row in it */
	size_t max_size;             /* octets of a message */
	unsigned timeout_ms;         /* of the scan itself, once a child has begun */
	unsigned hold_ms;            /* until a child begins */
	unsigned queue_jobs;         /* of all workers together */
	size_t queue_size;
	const char *const *clamd;    /* NULL-terminated; empty: the own scanner */
	int (*digest)(struct view octets, uint8_t ret[AV_DIGEST_OCTETS]); /* SHA-256; 0 or a negative errno. Cryptography is not av/'s */
};

/* A worker's deadline lies so much beyond timeout_ms: the loader kills a late child first, and its closed end says so. */
#define AV_CLIENT_GRACE_MS 2000

/* Children that may die over one message. */
#define AV_TRIES_MAX 2

/* A message whose scan killed its child twice is not tried again for this long. */
#define AV_REMEMBER_S 3600

struct av_client;

/* One per worker; thread-safe. A talloc child of mem; params and what they point to are borrowed while it lives. Looks up the
 * hosts of clamd's sockets. ret_error: of a clamd that makes no sense, a talloc string of mem, else NULL. Returns 0 or a
 * negative errno. */
int av_client_new(void *mem, const struct av_client_params *params, struct av_client **ret, char **ret_error);

struct av_scan;

enum av_outcome {
	AV_SCANNED,     /* reply holds the findings of a complete round: none means clean */
	AV_TOO_LARGE,   /* beyond max_size: unscannable(size) */
	AV_BUSY,        /* queue_jobs or queue_size are used up: come again later */
	AV_NO_SCANNER,  /* nobody began within hold_ms */
	AV_LATE,        /* begun, but not ended within timeout_ms, by the second child too */
	AV_CRASHED,     /* AV_TRIES_MAX children died over it, now or lately (remembered by digest) */
	AV_FAILED,      /* memory, descriptors, a reply that is none; `error` says it */
};
const char *av_outcome_text(enum av_outcome outcome);

struct av_report {
	enum av_outcome outcome;
	struct av_reply reply;       /* facts may be known for other outcomes than AV_SCANNED too; engine is "" when they are not */
	unsigned wait_ms, scan_ms;   /* until a child began; from then on */
	unsigned tries;              /* children, or sessions of clamd, that began it */
	int error;                   /* negative errno of AV_FAILED */
	const char *clamd;           /* the clamd that scanned, or NULL */
};

/* A talloc child of mem, whose end gives memory and place in the queue back.
 *   prefix  what the scanner sees before the message and nobody else: not a part of size, digest and octets below
 * -ENOMEM or 0. */
int av_scan_new(void *mem, struct av_client *client, struct view prefix, struct av_scan **ret);

/* Errors (memory, limits) stick and come out in the report; beyond max_size the memory is given back at once. */
void av_scan_append(struct av_scan *scan, struct view octets);

/* Seal and send; never blocks. */
void av_scan_send(struct av_scan *scan);

/* After av_scan_send(). Returns 1: not yet after `milliseconds`; 0: the report is there. */
int av_scan_wait(struct av_scan *scan, unsigned milliseconds);

const struct av_report *av_scan_report(const struct av_scan *scan);

/* The message read back, for a copy: valid while the scan lives; the empty view when there is none (given back for its size or the
 * queue's, or a scan child has cut it). When there is a report. */
struct view av_scan_octets(struct av_scan *scan);

/* SHA-256 of what was appended, computed when first asked. Returns 0, -ENODATA when there is no memory, or the digest's error. */
int av_scan_digest(struct av_scan *scan, uint8_t ret[AV_DIGEST_OCTETS]);

#endif
