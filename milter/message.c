#include "milter/message.h"

#include "milter/authres.h"
#include "milter/message_scan.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <talloc.h>

int message_new(struct session *session, const char *sender, enum conf_role role, enum policy_role_reason reason,
                struct message **ret)
{
	const struct conf *conf = session->gate->conf;
	const struct header_limits limits = { .fields = conf->header_count_limit, .octets = conf->header_size_limit };
	struct message *message;

	message = talloc_zero(session, struct message);
	if (!message)
		return -ENOMEM;
	message->session = session;
	message->role = role == CONF_SIGN ? &message_sign : &message_verify;
	message->role_reason = reason;
	message->survival = session->survival;
	message->sender = talloc_strdup(message, sender ? sender : "");
	if (!message->sender || header_list_new(message, &limits, &message->headers) < 0 ||
	    actions_new(message, &message->actions) < 0)
		goto out;
	*ret = message;
	return 0;
out:
	talloc_free(message);
	return -ENOMEM;
}

/* The first failure stands; the message ends in a tempfail. */
static void message_fail(struct message *message, int r)
{
	if (message->error == 0)
		message->error = r;
}

void message_mail_parameter(struct message *message, const char *parameter)
{
	if (strcasecmp(parameter, "SMTPUTF8") == 0)
		message->smtputf8 = true;
	survival_mail_argument(&message->survival, view_of(parameter));
}

void message_recipient(struct message *message, const char *recipient)
{
	int r = message_scan_recipient(message, recipient);

	if (r < 0)
		message_fail(message, r);
}

void message_set_queue_id(struct message *message, const char *queue_id)
{
	char *copy;

	if (!queue_id || !queue_id[0] || (message->queue_id && strcmp(message->queue_id, queue_id) == 0))
		return;
	copy = talloc_strdup(message, queue_id);
	if (!copy)
		message_fail(message, -ENOMEM);
	else
		message->queue_id = copy;
}

/* A field that claims our authserv-id did not come from us (RFC 8601 section 5). Fields beyond
 * the header limits are looked at too: nothing may hide behind a long header. */
static void find_forged_result(struct message *message, struct view name, struct view value)
{
	if (!view_eq_nocase(name, VIEW("Authentication-Results")))
		return;
	message->authres_seen++;
	if (!authres_claims(value, view_of(message->session->authserv_id)))
		return;
	message->authres_forged++;
	actions_delete(message->actions, name, message->authres_seen);
}

/* Without HDR_LEADSPC the MTA cuts one leading space and does not say whether there was one. A value that begins
 * with a tab or a fold had none; otherwise one is what nearly all mail has (R39). */
static bool needs_leading_space(const struct message *message, struct view value)
{
	return !message->session->leadspc && !(value.n > 0 && (value.p[0] == '\t' || value.p[0] == '\n'));
}

static int add_with_space(struct message *message, struct view name, struct view value)
{
	struct buf spaced;
	int r;

	buf_init(&spaced, message, value.n + 1);
	buf_add_char(&spaced, ' ');
	buf_add(&spaced, value);
	r = buf_error(&spaced);
	if (r == 0)
		r = header_list_add(message->headers, name, buf_view(&spaced));
	buf_free(&spaced);
	return r;
}

void message_header(struct message *message, struct view name, struct view value)
{
	int r;

	message->header_fields++;
	message->header_octets += name.n + value.n + strlen(":\r\n");
	find_forged_result(message, name, value);
	r = message_scan_header(message, name, value);
	if (r < 0)
		message_fail(message, r);
	if (message->limit || message->error)
		return;
	if (needs_leading_space(message, value)) {
		message->space_guessed = true;
		r = add_with_space(message, name, value);
	} else {
		r = header_list_add(message->headers, name, value);
	}
	if (r == -E2BIG)
		message->limit = "header-count-limit";
	else if (r == -EMSGSIZE)
		message->limit = "header-size-limit";
	else if (r < 0)
		message_fail(message, r);
}

void message_eoh(struct message *message)
{
	int r;

	message->header_over = true;
	if (message->error)
		return;
	r = message_scan_eoh(message);
	if (r == 0)
		r = message->role->eoh(message);
	if (r < 0)
		message_fail(message, r);
}

/* libmilter lets an MTA leave out the end of the header: whatever comes behind the header ends it then. */
static void end_header(struct message *message)
{
	if (!message->header_over)
		message_eoh(message);
}

void message_body(struct message *message, struct view chunk)
{
	int r;

	end_header(message);
	message->body_octets += chunk.n;
	if (message->error)
		return;
	r = message_scan_body(message, chunk);
	if (r == 0)
		r = message->role->body(message, chunk);
	if (r < 0)
		message_fail(message, r);
}

/* Our own failure: no edit, the client tries again. */
static void refuse_for_error(struct message *message)
{
	actions_reply(message->actions, "451", "4.3.0", "mail filter is short of resources, try again later");
}

/* DKIM first: the scanner works meanwhile. Returns 1: not yet. */
static int finish_parts(struct message *message, unsigned milliseconds)
{
	int r;

	if (!message->sent)
		message_scan_send(message);
	message->sent = true;
	if (!message->role_finished) {
		r = message->role->finish(message, milliseconds);
		if (r != 0)
			return r;
		message->role_finished = true;
	}
	return message_scan_finish(message, milliseconds);
}

int message_finish(struct message *message, unsigned milliseconds)
{
	int r;

	end_header(message);
	r = message->error;
	if (r == 0)
		r = finish_parts(message, milliseconds);
	if (r > 0)
		return 1;
	if (r == 0)
		r = message->role->decide(message);
	if (r == 0)
		r = message_scan_decide(message);
	if (r == 0)
		r = actions_error(message->actions);
	if (r < 0) {
		message_fail(message, r);
		refuse_for_error(message);
	}
	return 0;
}

const struct actions *message_actions(const struct message *message)
{
	return message->actions;
}

struct view message_address(struct view argument)
{
	if (argument.n >= 2 && argument.p[0] == '<' && argument.p[argument.n - 1] == '>')
		return view_slice(argument, 1, argument.n - 1);
	return argument;
}

static void log_limit(const struct message *message, struct log_line *line)
{
	if (!message->limit)
		return;
	log_string(line, "limit", message->limit);
	log_number(line, "header-octets", (long long)message->header_octets);
	log_number(line, "header-fields", (long long)message->header_fields);
}

void message_log(const struct message *message, const char *outcome, const char *error)
{
	const struct actions_reply_text *reply = actions_reply_wanted(message->actions);
	void *mem = talloc_new(NULL); /* not the message's: a message out of memory must still be logged */
	struct log_line *line = log_begin(mem, CONF_LOG_INFO, "message");

	log_string(line, "qid", message->queue_id ? message->queue_id : "-");
	log_string(line, "role", message->role == &message_sign ? "sign" : "verify");
	if (message->role_reason != POLICY_ROLE_FIXED)
		log_string(line, "role-reason", policy_role_reason_text(message->role_reason));
	log_string(line, "client", session_client_text(message->session, mem));
	log_field(line, "from", message_address(view_of(message->sender)));
	message->role->log(message, line);
	message_scan_log(message, line);
	if (message->authres_forged > 0)
		log_number(line, "forged-results-removed", message->authres_forged);
	log_limit(message, line);
	if (message->error)
		log_string(line, "error", strerrorname_np(-message->error));
	if (error)
		log_string(line, "edit-error", error);
	log_string(line, "action", outcome);
	if (reply)
		log_string(line, "reply", reply->text);
	log_end(line);
	talloc_free(mem);
}
