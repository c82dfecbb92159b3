/*
 * TCP acknowledgements at once. Sendmail writes a command's macros and the command as two small packets; the second waits
 * (Nagle) until the first is acknowledged, which the kernel puts off for 40 ms on a connection that answers each packet.
 * Macros have no answer of ours that could carry the acknowledgement: 44 ms for each command with macros. TCP_QUICKACK
 * ends that, but each write of ours begins it anew, and the writes are libmilter's, which shows us neither its descriptor nor
 * the moment after. So this module has the program's writev(), which libmilter calls in the place of the C library's.
 */
#ifndef MILTER_PROMPT_ACK_H
#define MILTER_PROMPT_ACK_H

/* From now on each writev() to a TCP socket is followed by TCP_QUICKACK. Before any thread. */
void prompt_ack_enable(void);

#endif
