/* What the supervisor and its children (workers, scanner) say to each other: one packet per message on a SOCK_SEQPACKET pair. */
#ifndef MILTER_CONTROL_H
#define MILTER_CONTROL_H

#define CONTROL_TEXT_MAX 1024 /* octets; a longer text is cut */

enum control_kind {
	CONTROL_READY = 'R',   /* child: serving from now on. Scanner: the text says with what, "ClamAV 1.4.6, database 27500, ..." */
	CONTROL_FAILED = 'F',  /* child, before it ends: why it could not start, or cannot go on */
	CONTROL_DRAIN = 'D',   /* supervisor: take no more, finish what is in hand, end. The end of the connection means the same */
	/* the scanner alone */
	CONTROL_PROGRESS = 'P',    /* "loading: 45 %" */
	CONTROL_CHANGED = 'C',     /* another database lies there: "concurrent" or "sequential", then a blank and why. Said again
	                              when it changes again */
	CONTROL_LOG_ERROR = 'E',   /* for the log */
	CONTROL_LOG_WARNING = 'W',
	CONTROL_LOG_INFO = 'I',
	CONTROL_CHILDREN = 'K',    /* process ids of its children now: "123 124" */
};

struct control_message {
	enum control_kind kind;
	char text[CONTROL_TEXT_MAX + 1]; /* empty where nothing is said above */
};

/* Returns 0 or a negative errno: -EPIPE when the other side is gone, -EAGAIN when it does not read. */
int control_send(int fd, enum control_kind kind, const char *text);

/* Take the next message.
 *   ret  written only when 1 is returned
 * Returns 1; 0 when the other side is gone; -EAGAIN when there is none (non-blocking), -EBADMSG for what is none, or
 * another negative errno. */
int control_receive(int fd, struct control_message *ret);

#endif
