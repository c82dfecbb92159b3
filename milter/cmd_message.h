/* The message that a command works on. */
#ifndef MILTER_CMD_MESSAGE_H
#define MILTER_CMD_MESSAGE_H

#include "dkim/header.h"

struct cmd_message {
	struct view text; /* the whole, CRLF line ends */
	struct header_list *headers;
	struct view body; /* inside text */
};

/* Read a message (mail_file.h) and its header; what goes wrong is told on standard error.
 *   path  NULL or "-": standard input
 *   ret   its memory belongs to mem
 * Returns EX_OK or the exit code of the command. */
int cmd_message_read(const char *command, void *mem, const char *path, struct cmd_message *ret);

/* The same for a message that has been read: text has CRLF line ends and is borrowed. */
int cmd_message_parse(const char *command, void *mem, struct view text, struct cmd_message *ret);

#endif
