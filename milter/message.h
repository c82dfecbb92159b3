/*
 * One message on its way through: header fields are kept as they come, the body is passed on and not kept, and
 * at the end there is a plan of what to do.
 *
 *     message_new()         MAIL
 *     message_mail_parameter()  each further argument of MAIL
 *     message_recipient()   RCPT, where the MTA is asked for it
 *     message_header()      each field
 *     message_eoh()         signatures are parsed and key queries start, or keys are chosen
 *     message_body()        each chunk
 *     message_finish()      end; repeat while it says "not yet"
 *     message_actions()     the plan
 *     message_log()         the one line about it
 *
 * Memory: the header up to header-size-limit, the signatures and results over it (max-signatures), and a plan of at most
 * ACTIONS_EDITS_MAX edits; the body takes none here (a scanner's copy is counted by av.queue-size). All of it hangs from the message and goes with it.
 *
 * Nothing here knows libmilter. A failure of our own (memory, crypto library) sticks to the message: it
 * ends in a tempfail and touches no other one.
 */
#ifndef MILTER_MESSAGE_H
#define MILTER_MESSAGE_H

#include "dkim/header.h"
#include "milter/actions.h"
#include "milter/log.h"
#include "milter/policy.h"
#include "milter/session.h"

struct message;

/* What a role does at each stage; one for verify, one for sign. Negative returns are failures of our own. */
struct message_role {
	int (*eoh)(struct message *message);
	int (*body)(struct message *message, struct view chunk);
	int (*finish)(struct message *message, unsigned milliseconds); /* 1: not yet */
	int (*decide)(struct message *message);                        /* fills message->actions */
	void (*log)(const struct message *message, struct log_line *line);
};
extern const struct message_role message_verify;
extern const struct message_role message_sign;

struct message {
	const struct session *session;
	const struct message_role *role;
	enum policy_role_reason role_reason;
	const char *sender;          /* MAIL argument */
	const char *queue_id;        /* macro i, the last one seen; NULL until then */
	struct header_list *headers;
	const char *limit;           /* name of the limit that the header went beyond, else NULL */
	size_t header_octets;        /* as they came, those beyond the limit included */
	size_t header_fields;        /* likewise */
	bool header_over;            /* the end of the header was seen, or something that stands behind it */
	bool smtputf8;               /* MAIL had that parameter */
	bool space_guessed;          /* a value came without its leading blank (R39) */
	unsigned authres_seen;       /* Authentication-Results fields so far */
	unsigned authres_forged;     /* of these, with our authserv-id: to be deleted */
	uint64_t body_octets;
	struct survival_params survival;
	struct actions *actions;
	int error;                   /* first failure of our own, negative; else 0 */
	void *state;                 /* the role's own */
	bool sent;                   /* to the scanner, and the role's end has begun */
	bool role_finished;
	struct message_scan *scan;   /* NULL: the listener does not scan (message_scan.h) */
};

/* Returns 0 or -ENOMEM. The message is a talloc child of session. */
int message_new(struct session *session, const char *sender, enum conf_role role, enum policy_role_reason reason,
                struct message **ret);

/* An ESMTP parameter of MAIL ("SMTPUTF8", "SIZE=100"). Two matter: SMTPUTF8 (RFC 6531 section 3.4) allows
 * UTF-8 in the header, and so U-labels in what we add; BODY= says whether the body may have 8 bits. */
void message_mail_parameter(struct message *message, const char *parameter);

/* "<a@b>" or "a@b" as "a@b"; Postfix sends those of local mail without brackets. */
struct view message_address(struct view argument);

/* RCPT, its first argument. */
void message_recipient(struct message *message, const char *recipient);

/* The MTA may say it at any stage; the last one counts. */
void message_set_queue_id(struct message *message, const char *queue_id);

/* One field, as libmilter gives it: folds are bare LF, the leading blank is there only with leadspc. */
void message_header(struct message *message, struct view name, struct view value);

/* May be left out by the MTA. */
void message_eoh(struct message *message);

void message_body(struct message *message, struct view chunk);

/* The end; decides. Waits at most `milliseconds`. Returns 0 when done, 1 when not yet: call again. */
int message_finish(struct message *message, unsigned milliseconds);

/* After message_finish() returned 0. */
const struct actions *message_actions(const struct message *message);

/* Write the one line about this message.
 *   outcome  what the MTA was told: "accept", "tempfail", ...
 *   error    what went wrong while carrying out the plan, or NULL */
void message_log(const struct message *message, const char *outcome, const char *error);

#endif
