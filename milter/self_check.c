#include "milter/self_check.h"

#include "dkim/clock.h"
#include "dkim/sign_check.h"
#include "milter/log.h"

#include <errno.h>
#include <talloc.h>

struct self_check {
	const struct gate *gate;
	const struct chosen_keys *chosen;
	struct dkim_key_lookup *lookups[CHOOSE_KEYS_MAX]; /* NULL: DNS is not asked */
	enum dkim_reason reasons[CHOOSE_KEYS_MAX];
	int64_t give_up_ms; /* monotonic clock; 0 until the first finish */
};

static int self_check_destructor(struct self_check *check)
{
	for (size_t i = 0; i < CHOOSE_KEYS_MAX; i++)
		dkim_key_lookup_free(check->lookups[i]);
	return 0;
}

int self_check_new(void *mem, const struct gate *gate, const struct chosen_keys *chosen, struct self_check **ret)
{
	struct self_check *check = talloc_zero(mem, struct self_check);
	int r = 0;

	if (!check)
		return -ENOMEM;
	talloc_set_destructor(check, self_check_destructor);
	check->gate = gate;
	check->chosen = chosen;
	for (size_t i = 0; r != -ENOMEM && gate->conf->sign.self_check == CONF_CHECK_DNS && i < chosen->count; i++) {
		r = dkim_key_lookup_start(gate->key_cache, chosen->keys[i].selector, chosen->keys[i].domain, &check->lookups[i]);
		if (r == -EINVAL)
			check->reasons[i] = DKIM_REASON_KEY_NAME_TOO_LONG;
	}
	if (r == -ENOMEM) {
		talloc_free(check);
		return r;
	}
	*ret = check;
	return 0;
}

static unsigned milliseconds_until(int64_t when_ms)
{
	const int64_t left = when_ms - clock_monotonic_ms();

	return left > 0 ? (unsigned)left : 0;
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* True when all answers are there, or it is too late for them. */
static bool answers_are_in(struct self_check *check, unsigned milliseconds)
{
	const int64_t until_ms = earlier(clock_monotonic_ms() + milliseconds, check->give_up_ms);

	for (size_t i = 0; i < check->chosen->count; i++)
		if (check->lookups[i] && dkim_key_lookup_wait(check->lookups[i], milliseconds_until(until_ms)) != 0)
			return until_ms >= check->give_up_ms;
	return true;
}

static void check_one(struct self_check *check, size_t i, const struct header_list *headers, const struct dkim_sign *sign)
{
	struct dkim_key_lookup *lookup = check->lookups[i];
	const struct dkim_sign_check one = {
		.headers = headers,
		.value = dkim_sign_value(sign, i),
		.body_digest = dkim_sign_body_digest(sign),
		.key = check->chosen->loaded[i]->public_key,
		.published = lookup && dkim_key_lookup_wait(lookup, 0) == 0 ? dkim_key_lookup_result(lookup) : NULL,
	};
	const struct dkim_sign_key *key = &check->chosen->keys[i];
	struct log_line *line;

	if (check->reasons[i] == DKIM_REASON_PASS)
		check->reasons[i] = dkim_sign_check(&one);
	if (check->reasons[i] == DKIM_REASON_PASS)
		return;
	line = log_begin(NULL, CONF_LOG_ERROR, "self-check");
	log_field(line, "d", key->domain);
	log_field(line, "s", key->selector);
	log_string(line, "reason", dkim_reason_text(check->reasons[i]));
	log_end(line);
}

int self_check_finish(struct self_check *check, const struct header_list *headers, const struct dkim_sign *sign, unsigned milliseconds)
{
	if (check->gate->conf->sign.self_check == CONF_CHECK_OFF)
		return 0;
	if (check->give_up_ms == 0)
		check->give_up_ms = clock_monotonic_ms() + check->gate->conf->dns.budget_ms;
	if (!answers_are_in(check, milliseconds))
		return 1;
	for (size_t i = 0; i < check->chosen->count; i++)
		check_one(check, i, headers, sign);
	return 0;
}

enum dkim_reason self_check_reason(const struct self_check *check, size_t i)
{
	return check->reasons[i];
}
