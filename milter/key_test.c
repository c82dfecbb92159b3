#include "milter/key_test.h"

#include <sysexits.h>

/* What a verifier says of a record before it has seen a signature. */
static enum dkim_reason usable(const struct dkim_key *key)
{
	enum dkim_reason reason = key->reason;

	if (reason == DKIM_REASON_PASS)
		reason = dkim_key_record_refusal(&key->record);
	if (reason != DKIM_REASON_PASS)
		return reason;
	if (key->record.type == DKIM_KEY_RSA && dkim_public_key_bits(key->key) < DKIM_RSA_BITS_MIN_SIGN)
		return DKIM_REASON_WEAK_KEY;
	return DKIM_REASON_PASS;
}

/* Verifiers try each of several records: the first that can be used counts, else the first. */
static size_t best_record(const struct dkim_key_set *set)
{
	for (size_t i = 0; i < set->answer->text_count; i++)
		if (usable(&set->keys[i]) == DKIM_REASON_PASS)
			return i;
	return 0;
}

static int say_unusable(const struct key_test *test, enum dkim_reason reason, struct buf *sentence)
{
	buf_printf(sentence, "the record at %s cannot be used: %s (%s)", test->name, dkim_reason_text(reason), dkim_reason_clause(reason));
	if (test->set->answer->text_count > 1)
		buf_printf(sentence, "; nor can the others");
	return dkim_reason_result(reason) == DKIM_TEMPERROR ? EX_OSERR : EX_DATAERR;
}

static int say_good(const struct key_test *test, size_t record, struct buf *sentence)
{
	const size_t count = test->set->answer->text_count;

	if (test->key)
		buf_printf(sentence, "DNS has the other half of %s", test->file);
	else
		buf_add_string(sentence, "DNS has a key that can be used");
	if (test->set->keys[record].record.test_mode)
		buf_add_string(sentence, ", in test mode: verifiers treat mail signed with it like mail without a signature");
	if (count > 1)
		buf_printf(sentence, ", as number %zu of %zu records; one alone is safer", record + 1, count);
	return EX_OK;
}

static int judge_found(const struct key_test *test, struct buf *sentence)
{
	const size_t record = best_record(test->set);
	enum dkim_reason reason = usable(&test->set->keys[record]);
	struct dkim_published published;

	if (reason != DKIM_REASON_PASS)
		return say_unusable(test, reason, sentence);
	if (!test->key)
		return say_good(test, record, sentence);
	dkim_key_published(test->key, test->set, &published);
	if (published.state == DKIM_PUBLISHED)
		return say_good(test, published.record, sentence);
	if (published.reason != DKIM_REASON_SIGNATURE_DIFFERS)
		return say_unusable(test, published.reason, sentence);
	buf_printf(sentence, "DNS has another key than the other half of %s", test->file);
	return EX_CONFIG;
}

int key_test_judge(const struct key_test *test, struct buf *sentence)
{
	if (!test->set) {
		buf_add_string(sentence, "out of memory");
		return EX_OSERR;
	}
	switch (test->set->answer->status) {
	case DKIM_DNS_FOUND:
		return judge_found(test, sentence);
	case DKIM_DNS_NO_RECORD:
		buf_printf(sentence, "there is no TXT record at %s", test->name);
		return EX_NOHOST;
	case DKIM_DNS_BOGUS:
		buf_printf(sentence, "the answer about %s failed DNSSEC: it was altered, or its zone is signed wrongly", test->name);
		return EX_PROTOCOL;
	case DKIM_DNS_FAILED:
	case DKIM_DNS_TIMEOUT:
		break;
	}
	buf_printf(sentence, "DNS gave no answer about %s: %s", test->name, dkim_dns_status_text(test->set->answer->status));
	return EX_TEMPFAIL;
}
