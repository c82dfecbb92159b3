/* Role verify: what RFC 6376 section 6 and RFC 8601 ask of the receiving side. */
#include "milter/authres.h"
#include "milter/message.h"

#include <errno.h>
#include <talloc.h>
#include <time.h>

struct verification {
	struct dkim_verify *verify;                 /* NULL when the header was beyond a limit, */
	const char *not_verified;                   /* and then this says which; else NULL */
	const struct dkim_verify_result **results;  /* one per signature, after finish */
	struct policy_verdict verdict;
};

static int verify_eoh(struct message *message)
{
	const struct gate *gate = message->session->gate;
	struct verification *state = talloc_zero(message, struct verification);

	if (!state)
		return -ENOMEM;
	message->state = state;
	if (message->limit) {
		state->not_verified = talloc_asprintf(message, "header exceeds %s", message->limit);
		return state->not_verified ? 0 : -ENOMEM;
	}
	return dkim_verify_new(message, &gate->verify_params, gate->key_cache, time(NULL), message->headers, &state->verify);
}

static int verify_body(struct message *message, struct view chunk)
{
	struct verification *state = message->state;

	return state->verify ? dkim_verify_body(state->verify, chunk) : 0;
}

static size_t result_count(const struct verification *state)
{
	return state->verify ? dkim_verify_count(state->verify) : 0;
}

static int verify_finish(struct message *message, unsigned milliseconds)
{
	struct verification *state = message->state;

	return state->verify ? dkim_verify_finish(state->verify, milliseconds) : 0;
}

static int collect_results(struct message *message, struct verification *state)
{
	size_t count = result_count(state);

	state->results = talloc_array(message, const struct dkim_verify_result *, (unsigned)count);
	if (!state->results)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		state->results[i] = dkim_verify_result(state->verify, i);
	return 0;
}

static int insert_results(struct message *message, const struct verification *state)
{
	const struct authres authres = {
		.authserv_id = message->session->authserv_id,
		.results = state->results,
		.count = result_count(state),
		.not_verified = state->not_verified,
		.smtputf8 = message->smtputf8,
	};
	struct buf value;
	int r;

	buf_init(&value, message, AUTHRES_VALUE_MAX);
	authres_build(&authres, &value);
	r = buf_error(&value);
	if (r == 0)
		actions_insert(message->actions, VIEW("Authentication-Results"), buf_view(&value));
	return r;
}

static int refuse(struct message *message, const struct verification *state)
{
	const char *text = state->not_verified;

	if (!text)
		text = policy_verdict_text(message, &state->verdict, state->results, result_count(state));
	if (!text)
		return -ENOMEM;
	if (state->verdict.action == CONF_QUARANTINE)
		actions_quarantine(message->actions, text);
	else
		actions_reply(message->actions, state->verdict.code, state->verdict.enhanced_code, text);
	return 0;
}

/* One signature that passes is enough. */
static void count_results(const struct message *message, const struct verification *state)
{
	enum counter counter = result_count(state) ? COUNTER_VERIFIED_FAIL : COUNTER_VERIFIED_NONE;

	for (size_t i = 0; i < result_count(state); i++)
		if (state->results[i]->reason == DKIM_REASON_PASS)
			counter = COUNTER_VERIFIED_PASS;
	counters_add(message->session->gate->counters, counter);
}

static int verify_decide(struct message *message)
{
	const struct conf_verify *conf = &message->session->gate->conf->verify;
	struct verification *state = message->state;
	int r;

	r = collect_results(message, state);
	if (r == 0)
		r = insert_results(message, state);
	if (r < 0)
		return r;
	count_results(message, state);
	state->verdict = state->not_verified ? policy_not_verified(conf)
	                                     : policy_verify(conf, state->results, result_count(state));
	return state->verdict.action == CONF_ACCEPT ? 0 : refuse(message, state);
}

/* Keys like "sig1.d": `number` counts from 1, top to bottom. */
static void log_view(struct log_line *line, size_t number, const char *key, struct view value)
{
	char name[48]; /* "sig", at most 20 digits, ".", a key of ours */

	snprintf(name, sizeof name, "sig%zu.%s", number, key);
	if (value.n > 0)
		log_field(line, name, value);
}

static void log_count(struct log_line *line, size_t number, const char *key, long long value)
{
	char digits[24]; /* 20 octets hold any 64-bit number */

	snprintf(digits, sizeof digits, "%lld", value);
	log_view(line, number, key, view_of(digits));
}

static void log_result(struct log_line *line, size_t number, const struct dkim_verify_result *result)
{
	const struct dkim_signature *signature = &result->signature;

	log_view(line, number, "result", view_of(dkim_result_text(dkim_reason_result(result->reason))));
	log_view(line, number, "d", signature->signing_domain);
	log_view(line, number, "s", signature->selector);
	log_view(line, number, "a", signature->algorithm_name);
	if (result->key_bits > 0)
		log_count(line, number, "bits", result->key_bits);
	if (result->key_cached)
		log_view(line, number, "key", VIEW("cached"));
	else if (result->key_asked)
		log_count(line, number, "dns-ms", result->dns_ms);
	if (result->test_mode)
		log_view(line, number, "test", VIEW("yes"));
	if (signature->version_not_first || result->record_version_not_first)
		log_view(line, number, "version-not-first", signature->version_not_first ? VIEW("signature") : VIEW("record"));
	if (result->secure)
		log_view(line, number, "dnssec", VIEW("secure"));
	if (result->reason != DKIM_REASON_PASS)
		log_view(line, number, "reason", view_of(dkim_reason_text(result->reason)));
}

static bool any_simple_header(const struct verification *state, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (state->results[i]->signature.header_canon == DKIM_SIMPLE)
			return true;
	return false;
}

static void verify_log(const struct message *message, struct log_line *line)
{
	const struct verification *state = message->state;
	size_t count;

	if (!state || !state->results)
		return;
	count = result_count(state);
	if (message->limit)
		log_string(line, "dkim", "neutral");
	else if (count == 0)
		log_string(line, "dkim", "none");
	for (size_t i = 0; i < count; i++)
		log_result(line, i + 1, state->results[i]);
	if (state->verify && dkim_verify_found(state->verify) > count)
		log_number(line, "signatures-found", (long long)dkim_verify_found(state->verify));
	if (message->space_guessed && any_simple_header(state, count))
		log_string(line, "leading-space", "guessed");
}

const struct message_role message_verify = { verify_eoh, verify_body, verify_finish, verify_decide, verify_log };
