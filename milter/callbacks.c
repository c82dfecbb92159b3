#include "milter/callbacks.h"

#include "milter/actions_apply.h"
#include "milter/gate.h"
#include "milter/log.h"
#include "milter/message.h"
#include "milter/session.h"

#include <errno.h>
#include <stdatomic.h>
#include <talloc.h>

/* How often the MTA hears from us while a message waits for DNS or the scanner; both MTAs give up a
 * silent filter after minutes (milter_content_timeout, T=E:). */
#define PROGRESS_MS 3000

/* Commands and replies that carry nothing: the verdict falls at the end of the message, on client, sender, header and
 * body. Over a unix socket leaving them out saves a third of the CPU time. Over TCP each reply carries the
 * acknowledgement for which Postfix would wait 44 ms (Nagle against delayed acknowledgement); a command that is not
 * wanted is no better, for Postfix sends its macros all the same, and these have no reply. */
#define STEPS_NOT_WANTED (SMFIP_NOHELO | SMFIP_NORCPT | SMFIP_NODATA)
#define STEPS_WITHOUT_REPLY (SMFIP_NR_CONN | SMFIP_NR_MAIL | SMFIP_NR_RCPT | SMFIP_NR_HDR | SMFIP_NR_EOH | SMFIP_NR_BODY)

static const struct gate *callbacks_gate; /* set once, before smfi_main() */
static atomic_size_t open_sessions;

/* What libmilter's callback returns before the end of a message. Where no reply was negotiated, saying anything else is a
 * fault that libmilter logs each time; session and message then keep a failure of ours until the end of the message.
 *   step  its SMFIP_NR_* */
static sfsistat answer(const struct session *session, unsigned long step, int r)
{
	if (session && (session->without_reply & step))
		return SMFIS_NOREPLY;
	return r < 0 ? SMFIS_TEMPFAIL : SMFIS_CONTINUE;
}

static struct message *current_message(SMFICTX *ctx)
{
	struct session *session = smfi_getpriv(ctx);

	return session ? session->message : NULL;
}

/* Only macros that are used: the MTA looks each of them up for every message, and Sendmail sends them as a packet of their
 * own. The queue id is there from MAIL on in Sendmail, later in Postfix. */
static const struct {
	int stage;
	const char *names;
} macros[] = {
	{ SMFIM_CONNECT, "j v {daemon_name}" },
	{ SMFIM_HELO, "" },
	{ SMFIM_ENVFROM, "i {auth_type}" },
	{ SMFIM_ENVRCPT, "" },
	{ SMFIM_DATA, "" },
	{ SMFIM_EOH, "" },
	{ SMFIM_EOM, "i" },
};

static bool ask_for_macros(SMFICTX *ctx)
{
	for (size_t i = 0; i < sizeof macros / sizeof *macros; i++)
		if (smfi_setsymlist(ctx, macros[i].stage, (char *)macros[i].names) != MI_SUCCESS)
			return false;
	return true;
}

static sfsistat on_negotiate(SMFICTX *ctx, unsigned long f0, unsigned long f1, unsigned long f2, unsigned long f3,
                             unsigned long *pf0, unsigned long *pf1, unsigned long *pf2, unsigned long *pf3)
{
	struct session *session;
	unsigned long wanted = ACTIONS_NEGOTIATE;
	bool leadspc = f1 & SMFIP_HDR_LEADSPC;

	(void)f2;
	(void)f3;
	if (!gate_may_quarantine(callbacks_gate))
		wanted &= ~(unsigned long)SMFIF_QUARANTINE;
	if ((f0 & wanted) != wanted) {
		log_text(CONF_LOG_ERROR, "negotiate", "wanted an MTA that lets filters add and change header fields%s (actions 0x%lx), "
		         "got 0x%lx", wanted & SMFIF_QUARANTINE ? " and quarantine" : "", wanted, f0);
		return SMFIS_REJECT;
	}
	if (session_new(callbacks_gate, leadspc, &session) < 0)
		return SMFIS_REJECT;
	if (((f0 & SMFIF_SETSYMLIST) && !ask_for_macros(ctx)) || smfi_setpriv(ctx, session) != MI_SUCCESS) {
		talloc_free(session);
		return SMFIS_REJECT;
	}
	atomic_fetch_add(&open_sessions, 1);
	counters_add(callbacks_gate->counters, COUNTER_CONNECTIONS);
	*pf0 = wanted | (f0 & SMFIF_SETSYMLIST);
	*pf1 = f1 & (SMFIP_NOUNKNOWN | SMFIP_HDR_LEADSPC);
	if (!callbacks_gate->tcp)
		*pf1 |= f1 & (STEPS_NOT_WANTED | STEPS_WITHOUT_REPLY);
	if (gate_wants_recipients(callbacks_gate))
		*pf1 &= ~(unsigned long)SMFIP_NORCPT;
	session->without_reply = *pf1 & STEPS_WITHOUT_REPLY;
	*pf2 = *pf3 = 0;
	return SMFIS_CONTINUE;
}

/* libmilter lets a peer begin without negotiating: there is no session then, and nothing for it here. */
static sfsistat on_connect(SMFICTX *ctx, char *name, struct sockaddr *address)
{
	struct session *session = smfi_getpriv(ctx);

	if (!session)
		return SMFIS_TEMPFAIL;
	session_set_mta(session, smfi_getsymval(ctx, (char *)"v"));
	return answer(session, SMFIP_NR_CONN, session_connect(session, name, address, smfi_getsymval(ctx, (char *)"{daemon_name}"),
	                                                      smfi_getsymval(ctx, (char *)"j")));
}

static sfsistat on_mail(SMFICTX *ctx, char **arguments)
{
	struct session *session = smfi_getpriv(ctx);
	int r;

	if (!session)
		return SMFIS_TEMPFAIL;
	r = session_mail(session, arguments[0], smfi_getsymval(ctx, (char *)"{auth_type}"));
	for (size_t i = 1; r == 0 && arguments[i]; i++)
		message_mail_parameter(session->message, arguments[i]);
	if (r == 0)
		message_set_queue_id(session->message, smfi_getsymval(ctx, (char *)"i"));
	return answer(session, SMFIP_NR_MAIL, r);
}

static sfsistat on_recipient(SMFICTX *ctx, char **arguments)
{
	struct message *message = current_message(ctx);

	if (message)
		message_recipient(message, arguments[0]);
	return answer(smfi_getpriv(ctx), SMFIP_NR_RCPT, 0);
}

static sfsistat on_header(SMFICTX *ctx, char *name, char *value)
{
	struct message *message = current_message(ctx);

	if (message)
		message_header(message, view_of(name), view_of(value));
	return answer(smfi_getpriv(ctx), SMFIP_NR_HDR, 0);
}

static sfsistat on_eoh(SMFICTX *ctx)
{
	struct message *message = current_message(ctx);

	if (message)
		message_eoh(message);
	return answer(smfi_getpriv(ctx), SMFIP_NR_EOH, 0);
}

static sfsistat on_body(SMFICTX *ctx, unsigned char *octets, size_t n)
{
	struct message *message = current_message(ctx);

	if (message)
		message_body(message, (struct view){ (const char *)octets, n });
	return answer(smfi_getpriv(ctx), SMFIP_NR_BODY, 0);
}

static const char *outcome_text(const struct actions *actions, sfsistat status)
{
	switch (status) {
	case SMFIS_REJECT:
		return "reject";
	case SMFIS_TEMPFAIL:
		return "tempfail";
	case SMFIS_DISCARD:
		return "discard";
	default:
		return actions_quarantine_reason(actions) ? "quarantine" : "accept";
	}
}

static void count(const struct actions *actions, sfsistat status)
{
	struct counters *counters = callbacks_gate->counters;

	counters_add(counters, COUNTER_MESSAGES);
	if (status == SMFIS_REJECT)
		counters_add(counters, COUNTER_REJECTED);
	else if (status == SMFIS_TEMPFAIL)
		counters_add(counters, COUNTER_TEMPFAILED);
	else if (status == SMFIS_DISCARD)
		counters_add(counters, COUNTER_DISCARDED);
	else if (actions_quarantine_reason(actions))
		counters_add(counters, COUNTER_QUARANTINED);
}

static sfsistat on_eom(SMFICTX *ctx)
{
	struct session *session = smfi_getpriv(ctx);
	struct message *message = current_message(ctx);
	char *error = NULL;
	sfsistat status;

	if (!message) /* nothing was negotiated, or there was no memory to begin it */
		return SMFIS_TEMPFAIL;
	message_set_queue_id(message, smfi_getsymval(ctx, (char *)"i"));
	while (message_finish(message, PROGRESS_MS) == 1)
		if (smfi_progress(ctx) != MI_SUCCESS) {
			log_text(CONF_LOG_WARNING, "progress", "the MTA hung up while its message waited for DNS or the scanner");
			session_end_message(session);
			return SMFIS_TEMPFAIL;
		}
	if (actions_apply(message_actions(message), ctx, session->leadspc, session, &status, &error) == 0)
		message_log(message, outcome_text(message_actions(message), status), NULL);
	else
		message_log(message, outcome_text(message_actions(message), status), error ? error : "out of memory");
	talloc_free(error);
	count(message_actions(message), status);
	session_end_message(session);
	return status;
}

static sfsistat on_abort(SMFICTX *ctx)
{
	struct session *session = smfi_getpriv(ctx);

	if (session)
		session_end_message(session);
	return SMFIS_CONTINUE;
}

static sfsistat on_close(SMFICTX *ctx)
{
	struct session *session = smfi_getpriv(ctx);

	if (!session) /* closed before or in negotiation */
		return SMFIS_CONTINUE;
	(void)smfi_setpriv(ctx, NULL); /* fails only without a context, and then we were not here */
	talloc_free(session);
	atomic_fetch_sub(&open_sessions, 1);
	return SMFIS_CONTINUE;
}

int callbacks_register(const struct gate *gate)
{
	struct smfiDesc description = {
		.xxfi_name = (char *)"postern",
		.xxfi_version = SMFI_VERSION,
		.xxfi_flags = ACTIONS_NEGOTIATE | SMFIF_SETSYMLIST,
		.xxfi_connect = on_connect,
		.xxfi_envfrom = on_mail,
		.xxfi_envrcpt = on_recipient,
		.xxfi_header = on_header,
		.xxfi_eoh = on_eoh,
		.xxfi_body = on_body,
		.xxfi_eom = on_eom,
		.xxfi_abort = on_abort,
		.xxfi_close = on_close,
		.xxfi_negotiate = on_negotiate,
	};

	callbacks_gate = gate;
	return smfi_register(description) == MI_SUCCESS ? 0 : -EIO;
}

size_t callbacks_open_sessions(void)
{
	return atomic_load(&open_sessions);
}
