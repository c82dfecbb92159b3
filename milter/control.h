/* What supervisor and workers say to each other: one packet per message on a SOCK_SEQPACKET pair. */
#ifndef MILTER_CONTROL_H
#define MILTER_CONTROL_H

#define CONTROL_TEXT_MAX 1024 /* octets; a longer text is cut */

enum control_kind {
	CONTROL_READY = 'R',  /* worker: serving from now on */
	CONTROL_FAILED = 'F', /* worker, before it ends: why it could not start */
	CONTROL_DRAIN = 'D',  /* supervisor: accept no more, finish what is open, end. The end of the connection means the same */
};

struct control_message {
	enum control_kind kind;
	char text[CONTROL_TEXT_MAX + 1]; /* of CONTROL_FAILED; else empty */
};

/* Returns 0 or a negative errno: -EPIPE when the other side is gone, -EAGAIN when it does not read. */
int control_send(int fd, enum control_kind kind, const char *text);

/* Take the next message.
 *   ret  written only when 1 is returned
 * Returns 1; 0 when the other side is gone; -EAGAIN when there is none (non-blocking), -EBADMSG for what is none, or
 * another negative errno. */
int control_receive(int fd, struct control_message *ret);

#endif
