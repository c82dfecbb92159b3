/*
 * What a worker and a scan child say to each other. Both are built from one tree, but a scan child reads hostile files:
 * nothing that it says is believed beyond its form (av_reply_is_valid()).
 *
 * The job queue is one SOCK_SEQPACKET pair that the supervisor makes. A job is one packet with two descriptors: first the
 * memory (memfd) with what is to be scanned, then one end of a SOCK_SEQPACKET pair of its own for the replies. Whichever idle
 * child takes the packet sends AV_STARTED on that end, then AV_RESULT, and closes it. An end that closes without AV_RESULT:
 * the child died.
 *
 * A worker that waits no longer shuts its end down and, unless AV_STARTED has come, cuts the memory to nothing: jobs that lie
 * in the queue of an absent scanner hold no mail. So the memory is sealed against growing and writing, not against shrinking,
 * and a child sends AV_STARTED before it looks at the memory: when that send fails (-EPIPE) nobody waits, and the job is
 * dropped. Once AV_STARTED is sent the memory stays as it is.
 */
#ifndef AV_WIRE_H
#define AV_WIRE_H

#include <stdbool.h>
#include <stdint.h>

#define AV_WIRE_VERSION 1
#define AV_NAME_MAX 120     /* octets of a name as it is told: signatures are far shorter */
#define AV_PART_MAX 120     /* likewise of the file or part that it was found in */
#define AV_VERSION_MAX 31   /* of an engine's version */
#define AV_FINDINGS_MAX 16  /* of one message; the first of each kind and the worst names stay */

enum av_job_kind {
	AV_JOB_MESSAGE = 1, /* Received: field of our own, header, empty line, body */
	AV_JOB_FILE = 2,    /* anything: `postern scan` */
};

struct av_job {
	uint32_t version;   /* AV_WIRE_VERSION */
	uint32_t kind;      /* enum av_job_kind */
	uint64_t octets;    /* of the memory */
};

enum av_finding_kind {
	AV_SIGNATURE = 1,   /* name: what libclamav calls it; heuristics and exceeded limits included */
	AV_ENCRYPTED,       /* name: what needs a password, "zip" */
	AV_BANNED,          /* name: the extension or type that may not pass */
	AV_LIMIT,           /* name: the limit that ended the scan early, "parts", "size" */
	AV_AMBIGUOUS,       /* name: what in the MIME structure readers may read in different ways */
	AV_FAILURE,         /* name: why the scan is not complete, "timeout", "temporary files are full" */
};

/* Strings are NUL-terminated printable ASCII without blanks at their ends. */
struct av_finding {
	uint32_t kind;                /* enum av_finding_kind */
	char name[AV_NAME_MAX + 1];
	char part[AV_PART_MAX + 1];   /* file name or number of the MIME part; empty: unknown */
};

/* What scanned. */
struct av_facts {
	char engine[AV_VERSION_MAX + 1]; /* "1.4.6" */
	uint32_t database;               /* version of daily.cvd; 0: unsigned databases alone */
	int64_t database_time;           /* s since 1970: of daily.cvd, else of the youngest file */
	uint64_t signatures;
};

enum av_reply_kind { AV_STARTED = 1, AV_RESULT = 2 };

struct av_reply {
	uint32_t version;                /* AV_WIRE_VERSION */
	uint32_t kind;                   /* enum av_reply_kind; of AV_STARTED nothing below counts */
	struct av_facts facts;
	uint32_t parts;                  /* MIME parts that were seen */
	uint64_t scan_us;                /* time that the scan took */
	uint32_t findings_left_out;      /* beyond AV_FINDINGS_MAX */
	uint32_t finding_count;
	struct av_finding findings[AV_FINDINGS_MAX];
};

/* Is this what a scan child of this version may say: known kinds, terminated printable strings, counts within bounds?
 *   octets  received; a packet of any other length than that of the struct is none */
bool av_reply_is_valid(const struct av_reply *reply, uint64_t octets);

/* Copy a name as it may be told: octets other than [A-Za-z0-9 ._:/+@()-] become "_", blanks at the ends go, what is beyond
 * `size` - 1 octets goes. */
void av_wire_name(char *ret, uint32_t size, const char *name, uint64_t octets);

/* Send or take one packet with at most AV_WIRE_DESCRIPTORS descriptors.
 *   av_wire_send()     never waits; -EAGAIN when there is no room, -EPIPE when nobody will read it
 *   av_wire_receive()  waits unless fd is non-blocking, at most until a signal (-EINTR); ret_fds gets -1 where none came, superfluous ones are closed, received
 *                      ones are close-on-exec; a packet that is too long is -EMSGSIZE (and taken); 0 at the end of the
 *                      connection, which a packet without octets is too
 * Return the octets, or a negative errno. */
#define AV_WIRE_DESCRIPTORS 2
int64_t av_wire_send(int fd, const void *packet, uint64_t octets, const int *fds, unsigned fd_count);
int64_t av_wire_receive(int fd, void *packet, uint64_t size, int ret_fds[AV_WIRE_DESCRIPTORS]);

#endif
