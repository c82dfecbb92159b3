/*
 * One message through a milter, in the order in which Postfix sends it: connect, helo, mail, rcpt,
 * data, each header field, end of header, the body in chunks, end of message.
 */
#ifndef MILTER_MTA_SESSION_H
#define MILTER_MTA_SESSION_H

#include "dkim/header.h"
#include "milter/mta_client.h"

#define MTA_CHUNK_OCTETS 65535 /* MILTER_CHUNK_SIZE: the body is cut here, wherever a line stands */

struct mta_envelope {
	const char *client_name;
	const char *client_address; /* literal IPv4 or IPv6, or the path of a local socket */
	uint16_t client_port;
	const char *helo;
	const char *sender;         /* as the SMTP command has it: "<a@example.com>", "<>" */
	const char *const *recipients;
	size_t recipient_count;
};

struct mta_message {
	const struct mta_envelope *envelope;
	const struct header_list *headers; /* folds as CRLF, as dkim/header.h keeps them */
	struct view body;
	size_t chunk;                      /* octets of body per packet */
	const struct mta_macros *macros;   /* {rcpt_addr} is added for each recipient, below these */
};

struct mta_outcome {
	enum mta_stage stage;        /* where the verdict fell */
	struct mta_reply reply;      /* a verdict is never SKIP or NOT_SENT; CONTINUE only at the end of the message */
	struct mta_reply *recipients; /* one per recipient asked for; NOT_SENT once nobody asks any more */
	bool body_skipped;           /* the filter wanted no more of the body */
	double stage_ms[MTA_STAGES]; /* time spent in each stage, all its commands together */
	double total_ms;             /* from the connection on */
};

/* Run a message through a filter that has been negotiated with.
 *   ret  belongs to mem; views in it live as long as the client
 * Returns as mta_client_command(). */
int mta_session_run(void *mem, struct mta_client *client, const struct mta_message *message, struct mta_outcome *ret);

/* What the MTA says to its own client: the filter's text, or Postfix's for a verdict without one; empty for a
 * verdict that refuses nothing. */
struct view mta_reply_text(const struct mta_reply *reply, enum mta_stage stage);

#endif
