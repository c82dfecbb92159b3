/*
 * The status socket (status.socket): unix, SOCK_SEQPACKET. A client sends one packet with one word; the answer is packets of which
 * the first octet says what it is, and ends with STATUS_DONE or STATUS_FAILED.
 *
 *     status  lines: KIND, then KEY=VALUE of what is there, separated by tabs
 *     reload  error lines, when the new configuration is not taken
 *     scan    STATUS_DONE comes with a descriptor: the sending end of the job queue (queue.h)
 */
#ifndef MILTER_STATUS_WIRE_H
#define MILTER_STATUS_WIRE_H

#define STATUS_WORD_MAX 16    /* octets of a request */
#define STATUS_LINE_MAX 4096  /* octets of one packet of an answer; a longer line is cut */

enum status_packet {
	STATUS_LINE = 'L',
	STATUS_ERROR = 'E',  /* a line for people */
	STATUS_DONE = 'D',   /* the end: all is well */
	STATUS_FAILED = 'F', /* the end: it is not; error lines came before */
};

#endif
