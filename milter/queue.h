/*
 * The job queue: one pair of SOCK_SEQPACKET sockets that the supervisor makes at its start and keeps to its end, so that jobs
 * which wait in it outlive the scanners and workers around it (av/wire.h says what a job is).
 */
#ifndef MILTER_QUEUE_H
#define MILTER_QUEUE_H

/* Room wanted for waiting jobs. The kernel doubles the number, and charges a job with 768 octets (measured on Linux 6.18): room for
 * 2,731 jobs. Without CAP_NET_ADMIN it is cut to net.core.wmem_max: by default 554 jobs. */
#define QUEUE_OCTETS (1024 * 1024)

struct queue {
	int send;    /* non-blocking, can only be written to; for workers and `postern scan` */
	int receive; /* blocking, can only be read from; whoever does not want to wait says so with MSG_DONTWAIT */
};

/* Both ends are close-on-exec. Returns 0 or a negative errno. */
int queue_open(struct queue *ret);

/* Close what is open (not -1). */
void queue_close(struct queue *queue);

#endif
