/*
 * The milter protocol, version 6, as its two sides see it: the numbers of libmilter's mfdef.h in tables
 * with the words that people use for them. For the MTA's side only; the filter's side is libmilter's.
 */
#ifndef MILTER_MTA_PROTOCOL_H
#define MILTER_MTA_PROTOCOL_H

#include "dkim/view.h"

#include <stdint.h>

#define MTA_VERSION_MAX 6

/* What a filter may change (SMFIF_*). */
enum mta_action {
	MTA_ACTION_ADD_HEADERS = 0x1,
	MTA_ACTION_CHANGE_BODY = 0x2,
	MTA_ACTION_ADD_RECIPIENT = 0x4,
	MTA_ACTION_DELETE_RECIPIENT = 0x8,
	MTA_ACTION_CHANGE_HEADERS = 0x10,
	MTA_ACTION_QUARANTINE = 0x20,
	MTA_ACTION_CHANGE_FROM = 0x40,
	MTA_ACTION_ADD_RECIPIENT_PARAMETERS = 0x80,
	MTA_ACTION_SET_MACROS = 0x100,
};

/* What the MTA shall leave out, and what both agree on (SMFIP_*); the stages' own bits are in mta_stages. */
enum mta_protocol {
	MTA_PROTOCOL_SKIP = 0x400,
	MTA_PROTOCOL_LEADING_SPACE = 0x100000, /* SMFIP_HDR_LEADSPC */
};

#define MTA_PROTOCOL_DATA_SIZES 0x30000000u /* SMFIP_MDS_*: negotiated apart, never offered here */

/* The commands of one message, in their order. */
enum mta_stage {
	MTA_CONNECT,
	MTA_HELO,
	MTA_MAIL,
	MTA_RCPT,
	MTA_DATA,
	MTA_HEADER,
	MTA_END_OF_HEADER,
	MTA_BODY,
	MTA_END_OF_MESSAGE,
	MTA_STAGES,
};

struct mta_stage_row {
	const char *name;
	char command;         /* SMFIC_* */
	uint32_t no_send;     /* SMFIP_NO*: the filter does not want it */
	uint32_t no_reply;    /* SMFIP_NR_*: the filter will not answer it; 0: it always answers */
	uint32_t version;     /* the command exists since this protocol version */
	unsigned symbol_list; /* number of its macro list in the negotiation (SMFIM_*) */
	const char *macros;   /* what Postfix sends unless the filter asked for others */
};

#define MTA_SYMBOL_LISTS 7 /* SMFIM_FIRST to SMFIM_LAST */

extern const struct mta_stage_row mta_stages[MTA_STAGES];

/* The bits that exist in a protocol version; both 0 when there is no such version. */
void mta_version_bits(uint32_t version, uint32_t *ret_actions, uint32_t *ret_protocol);

enum mta_verdict {
	MTA_CONTINUE,
	MTA_ACCEPT,
	MTA_REJECT,
	MTA_TEMPFAIL,
	MTA_DISCARD,
	MTA_SKIP,
	MTA_SHUTDOWN,
	MTA_CONNECTION_FAIL,
	MTA_NOT_SENT, /* the filter does not want this command */
};
const char *mta_verdict_name(enum mta_verdict verdict);

/* The verdict of a reply packet (SMFIR_*) that carries no text. False when it is none. */
bool mta_verdict_of_reply(char reply, enum mta_verdict *ret);

enum mta_change_kind {
	MTA_ADD_HEADER,
	MTA_INSERT_HEADER,
	MTA_CHANGE_HEADER,
	MTA_DELETE_HEADER, /* change-header with an empty value */
	MTA_REPLACE_BODY,
	MTA_CHANGE_FROM,
	MTA_ADD_RECIPIENT,
	MTA_ADD_RECIPIENT_PARAMETERS,
	MTA_DELETE_RECIPIENT,
	MTA_QUARANTINE,
	MTA_PROGRESS,
};

struct mta_change {
	enum mta_change_kind kind;
	uint32_t index;    /* *_HEADER except ADD */
	struct view name;  /* *_HEADER */
	struct view value; /* field value, address, reason, or octets of the body */
	struct view parameters; /* ESMTP parameters of an address */
};
const char *mta_change_name(enum mta_change_kind kind);

/* Read a packet that changes something.
 *   actions    what the filter negotiated
 *   data       borrowed: ret points into it
 *   ret_wanted on -EPROTO, -EPERM: what should have come, for the error text
 * Returns 1 and ret; 0 when the reply changes nothing; -EPROTO (its data is malformed); -EPERM (the filter
 * did not negotiate the action). */
int mta_change_parse(char reply, struct view data, uint32_t actions, struct mta_change *ret, const char **ret_wanted);

#endif
