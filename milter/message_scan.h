/*
 * Scanning, beside the role of a message: what the MTA hands over is passed on to the scanner as it comes, and at the end there is a
 * verdict. Each function does nothing for a message that is not scanned. Negative returns are failures of our own.
 */
#ifndef MILTER_MESSAGE_SCAN_H
#define MILTER_MESSAGE_SCAN_H

#include "dkim/view.h"
#include "milter/log.h"

struct message;
struct message_scan;

/* At MAIL: where the listener scans, message->scan is made. Returns 0 or -ENOMEM. */
int message_scan_new(struct message *message, bool authenticated);

/* RCPT, where the MTA says it. */
int message_scan_recipient(struct message *message, const char *recipient);

/* As in message.h; the fields of av.remove-headers are planned to be deleted. */
int message_scan_header(struct message *message, struct view name, struct view value);
int message_scan_eoh(struct message *message);
int message_scan_body(struct message *message, struct view chunk);

/* The end: hand over to the scanner, which works while DKIM is finished. */
void message_scan_send(struct message *message);

/* Returns 1: not yet after `milliseconds`; 0: done. */
int message_scan_finish(struct message *message, unsigned milliseconds);

/* Header fields, reply, quarantine, discard into the plan; a copy into the spool. Returns 0 or a negative errno. */
int message_scan_decide(struct message *message);

void message_scan_log(const struct message *message, struct log_line *line);

#endif
