/* One connection of an MTA: what is known of its client, and the message that is under way. */
#ifndef MILTER_SESSION_H
#define MILTER_SESSION_H

#include "milter/gate.h"
#include "milter/survival.h"

#include <sys/socket.h>

struct message;

struct session {
	const struct gate *gate;
	bool leadspc;                  /* SMFIP_HDR_LEADSPC: header values come with their leading blank */
	unsigned long without_reply;   /* SMFIP_NR_* that were negotiated: commands that the MTA sends without waiting */
	int error;                     /* a failure of our own at connect, negative; no message can begin then; else 0 */
	bool client_known;
	struct sockaddr_storage client; /* valid when client_known */
	const char *client_name;       /* as the MTA says it: a host name, or "[192.0.2.1]" */
	const char *daemon_name;       /* macro {daemon_name}, or NULL */
	const char *authserv_id;       /* authserv-id of the configuration, else macro j, else the host name */
	struct survival_params survival; /* what the MTA does by itself */
	struct message *message;       /* NULL between messages */
};

/* A session that belongs to nobody: end it with talloc_free(). Returns 0 or -ENOMEM. */
int session_new(const struct gate *gate, bool leadspc, struct session **ret);

/* What the MTA says at connect; all is copied.
 *   client       NULL: not an IP address
 *   macro_j      the MTA's own name; NULL or empty: the host name stands in
 * Returns 0 or -ENOMEM, which sticks: without these names a message could get the wrong role. */
int session_connect(struct session *session, const char *client_name, const struct sockaddr *client,
                    const char *daemon_name, const char *macro_j);

/* At connect too: macro v, NULL when the MTA does not say it. */
void session_set_mta(struct session *session, const char *macro_v);

/* MAIL: a new message begins; one that was under way is forgotten.
 *   sender     as given, angle brackets or not
 *   auth_type  macro {auth_type}, or NULL
 * Returns 0 or -ENOMEM, also when that befell session_connect(); there is no message then. */
int session_mail(struct session *session, const char *sender, const char *auth_type);

/* The one place that frees a message: called after its end, on abort and on close. */
void session_end_message(struct session *session);

/* The client as text: its address, or its name when that is all there is. A talloc string of mem; NULL when memory is out. */
char *session_client_text(const struct session *session, void *mem);

#endif
