/*
 * The MTA's side of one milter connection: negotiation, commands with their macros, replies.
 * Whatever a filter sends that the protocol does not allow is an error with a text, never a guess.
 */
#ifndef MILTER_MTA_CLIENT_H
#define MILTER_MTA_CLIENT_H

#include "milter/mta_protocol.h"
#include "milter/socket_spec.h"

/* What a filter may change in one message: a new body of the largest mail takes 2,048 packets of 65,535 octets.
 * Both bound what a runaway filter can make us keep. */
#define MTA_CHANGES_MAX 20000
#define MTA_CHANGES_OCTETS_MAX (128 * 1024 * 1024)
#define MTA_COMMAND_OCTETS_MAX (4 * 1024 * 1024) /* one command that is sent; a whole header fits */
#define MTA_MACRO_LIST_MAX 4096 /* octets of one macro list that a filter asks for; Postfix's own have 80 */

struct mta_offer {
	uint32_t version, actions, protocol;
};

struct mta_answer {
	uint32_t version, actions, protocol;
	const char *macros[MTA_SYMBOL_LISTS]; /* what the filter asked for; NULL: the defaults */
};

struct mta_macro {
	const char *name; /* "j", "{daemon_name}" */
	const char *value;
	enum mta_stage since; /* not known to the MTA in earlier stages */
};

struct mta_macros {
	const struct mta_macro *macro;
	size_t count; /* of one name the last counts */
};

struct mta_reply {
	enum mta_verdict verdict;
	struct view text; /* "550 5.7.1 ...", `%%` undone; empty unless the filter chose one; lives as long as the client */
};

struct mta_changes {
	struct mta_change *change; /* in the order in which they came; views live as long as the client */
	size_t count;
	size_t octets;
};

struct mta_client; /* a talloc object; freeing it closes the connection */

/* Connect; timeout_ms is for everything up to the last reply.
 *   ret_error  on failure: a talloc string of mem; NULL when memory was out
 * Returns 0, -ENOMEM, -ETIMEDOUT or the errno of connect(). */
int mta_client_connect(void *mem, const struct socket_address *address, unsigned timeout_ms, struct mta_client **ret,
                       char **ret_error);

/* All functions below return 0, -ENOMEM, -ETIMEDOUT, -EPROTO (the filter broke the protocol or hung up) or another
 * negative errno of the socket; then mta_client_error() tells more and only freeing is left. */

int mta_client_negotiate(struct mta_client *client, const struct mta_offer *offer);
const struct mta_answer *mta_client_answer(const struct mta_client *client);

/* Send the stage's macros and its command, and wait for the reply, unless the filter does not want the one or will not
 * give the other (then the reply is MTA_NOT_SENT or MTA_CONTINUE).
 *   data   the command's arguments as they go over the wire
 * Changes are collected as they come. */
int mta_client_command(struct mta_client *client, enum mta_stage stage, const struct mta_macros *macros, struct view data,
                       struct mta_reply *ret);

/* Abandon the message, end the session. */
int mta_client_quit(struct mta_client *client);

const struct mta_changes *mta_client_changes(const struct mta_client *client);

/* What went wrong, wanted and got; "" when nothing did. */
const char *mta_client_error(const struct mta_client *client);

/* Milliseconds since mta_client_connect() began. */
double mta_client_elapsed_ms(const struct mta_client *client);

#endif
