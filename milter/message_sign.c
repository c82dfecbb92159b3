/* Role sign: what RFC 6376 section 5 asks of the sending side. */
#include "dkim/domain.h"
#include "dkim/idna.h"
#include "milter/broken_signatures.h"
#include "milter/choose_keys.h"
#include "milter/message.h"
#include "milter/self_check.h"

#include <errno.h>
#include <talloc.h>
#include <time.h>

struct signing {
	enum from_reason from_reason;
	struct from_mailbox from;    /* the domain in A-labels, as those of the keys are; when from_reason is FROM_OK */
	struct chosen_keys chosen;   /* the keys that sign */
	bool too_many_names;         /* DKIM_SIGN_NAMES_MAX */
	struct dkim_sign *sign;      /* NULL: the message stays unsigned */
	struct survival survival;
	struct self_check *check;    /* likewise */
	struct broken_signatures *broken; /* NULL: those of others are kept */
	unsigned broken_count;       /* of these, to be deleted */
	bool sealed;                 /* dkim_sign_finish() was called */
	bool none_passed;            /* signatures were made, but none that verifiers would let pass */
};

/* A key of the sender could not be loaded, and no other one signs. */
static bool key_missing(const struct signing *state)
{
	return state->chosen.missing && state->chosen.count == 0;
}

/* From may have U-labels (RFC 6532 section 3.2): its keys are those of the A-label domain. */
static int find_author(const struct message *message, struct signing *state)
{
	int r;

	state->from_reason = header_from_mailbox(message->headers, &state->from);
	if (state->from_reason != FROM_OK)
		return 0;
	r = idna_to_ascii(state, state->from.domain, &state->from.domain);
	if (r == -EINVAL)
		state->from_reason = FROM_BAD_DOMAIN;
	return r == -EINVAL ? 0 : r;
}

static int sign_eoh(struct message *message)
{
	const struct gate *gate = message->session->gate;
	struct signing *state = talloc_zero(message, struct signing);
	int r;

	if (!state)
		return -ENOMEM;
	message->state = state;
	if (message->limit)
		return 0;
	if (gate->conf->sign.strip_broken_signatures) {
		r = broken_signatures_new(message, gate, message->headers, &state->broken);
		if (r < 0)
			return r;
	}
	r = find_author(message, state);
	if (r < 0 || state->from_reason != FROM_OK)
		return r;
	survival_header(&state->survival, &message->survival, message->headers);
	r = choose_keys(message, gate, &state->from, &state->chosen);
	if (r < 0 || state->chosen.count == 0)
		return r;
	r = dkim_sign_new(message, &gate->sign_params, state->chosen.keys, state->chosen.count, time(NULL), message->headers, &state->sign);
	state->too_many_names = r == -EMSGSIZE;
	if (r == 0)
		r = self_check_new(message, gate, &state->chosen, &state->check);
	return state->too_many_names ? 0 : r;
}

static int sign_body(struct message *message, struct view chunk)
{
	struct signing *state = message->state;
	int r = state->broken ? broken_signatures_body(state->broken, chunk) : 0;

	if (r < 0 || !state->sign)
		return r;
	survival_body(&state->survival, &message->survival, chunk);
	return dkim_sign_body(state->sign, chunk);
}

static int finish_signatures(struct message *message, unsigned milliseconds)
{
	struct signing *state = message->state;
	int r = 0;

	if (!state->sign)
		return 0;
	if (!state->sealed) {
		survival_end(&state->survival);
		r = dkim_sign_finish(state->sign);
		state->sealed = true;
	}
	return r < 0 ? r : self_check_finish(state->check, message->headers, state->sign, milliseconds);
}

static int sign_finish(struct message *message, unsigned milliseconds)
{
	struct signing *state = message->state;
	int r = state->broken ? broken_signatures_finish(state->broken, milliseconds) : 0;

	return r == 0 ? finish_signatures(message, milliseconds) : r;
}

static int sign_decide(struct message *message)
{
	struct signing *state = message->state;
	const bool tempfail = message->session->gate->conf->sign.on_key_error == CONF_TEMPFAIL;

	if (state->broken)
		state->broken_count = broken_signatures_strip(state->broken, message->space_guessed, message->actions);
	state->none_passed = state->sign != NULL;
	for (size_t i = 0; state->sign && i < state->chosen.count; i++)
		if (self_check_reason(state->check, i) == DKIM_REASON_PASS) {
			actions_insert(message->actions, VIEW("DKIM-Signature"), dkim_sign_value(state->sign, i));
			state->none_passed = false;
		}
	counters_add(message->session->gate->counters, state->sign && !state->none_passed ? COUNTER_SIGNED : COUNTER_NOT_SIGNED);
	if (tempfail && key_missing(state))
		actions_reply(message->actions, "451", "4.7.5", "signing key of the sender's domain is not available");
	else if (tempfail && state->none_passed)
		actions_reply(message->actions, "451", "4.7.5", "signature of the sender's domain would not verify");
	return 0;
}

/* Why the message was not signed; NULL when it was. */
static const char *unsigned_reason(const struct message *message, const struct signing *state)
{
	if (message->limit)
		return "header beyond limit";
	if (state->from_reason != FROM_OK)
		return from_reason_text(state->from_reason);
	if (key_missing(state))
		return "key could not be loaded";
	if (state->chosen.count == 0)
		return state->chosen.idle ? "no key for the From domain signs yet, or any more" : "no key for the From domain";
	if (state->none_passed)
		return "no signature passed its self-check";
	if (state->too_many_names)
		return "more fields to sign than h= has room for";
	return NULL;
}

static void log_keys(const struct signing *state, struct log_line *line)
{
	for (size_t i = 0; i < state->chosen.count; i++) {
		const struct dkim_sign_key *key = &state->chosen.keys[i];
		char name[40]; /* "sig", at most 20 digits, ".", a key of ours */

		snprintf(name, sizeof name, "sig%zu.d", i + 1);
		log_field(line, name, key->domain);
		snprintf(name, sizeof name, "sig%zu.s", i + 1);
		log_field(line, name, key->selector);
		snprintf(name, sizeof name, "sig%zu.a", i + 1);
		log_string(line, name, dkim_private_key_type(key->key) == DKIM_KEY_RSA ? "rsa-sha256" : "ed25519-sha256");
		snprintf(name, sizeof name, "sig%zu.bits", i + 1);
		log_number(line, name, dkim_private_key_bits(key->key));
		if (state->check && self_check_reason(state->check, i) != DKIM_REASON_PASS) {
			snprintf(name, sizeof name, "sig%zu.left-out", i + 1);
			log_string(line, name, dkim_reason_text(self_check_reason(state->check, i)));
		}
	}
}

static void log_warnings(const struct signing *state, struct log_line *line)
{
	char *text = survival_text(NULL, &state->survival);

	if (text && *text)
		log_string(line, "warn", text);
	talloc_free(text);
}

static void sign_log(const struct message *message, struct log_line *line)
{
	const struct signing *state = message->state;
	const char *reason;

	if (!state)
		return;
	reason = unsigned_reason(message, state);
	if (state->from.domain.n > 0)
		log_field(line, "author-domain", state->from.domain);
	log_string(line, "signed", reason || message->error ? "no" : "yes");
	if (reason)
		log_string(line, "reason", reason);
	else
		log_keys(state, line);
	if (!reason)
		log_warnings(state, line);
	if (state->broken_count > 0)
		log_number(line, "broken-signatures-removed", state->broken_count);
	if (state->chosen.left_out > 0)
		log_number(line, "keys-left-out", (long long)state->chosen.left_out);
}

const struct message_role message_sign = { sign_eoh, sign_body, sign_finish, sign_decide, sign_log };
