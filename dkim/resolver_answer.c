#include "dkim/resolver_answer.h"

#include <errno.h>
#include <string.h>
#include <talloc.h>
#include <unbound.h>

/* RFC 1035 section 4.1.1 */
#define RCODE_NOERROR 0
#define RCODE_NXDOMAIN 3

const char *dkim_dns_status_text(enum dkim_dns_status status)
{
	switch (status) {
	case DKIM_DNS_FOUND:
		return "found";
	case DKIM_DNS_NO_RECORD:
		return "no record";
	case DKIM_DNS_FAILED:
		return "query failed";
	case DKIM_DNS_TIMEOUT:
		return "timed out";
	case DKIM_DNS_BOGUS:
		return "failed DNSSEC";
	}
	return "unknown";
}

/* bogus goes first: libunbound gives the forged data along with it. */
static enum dkim_dns_status status_of(int error, const struct ub_result *result)
{
	if (error || !result)
		return DKIM_DNS_FAILED;
	if (result->bogus)
		return DKIM_DNS_BOGUS;
	if (result->havedata)
		return DKIM_DNS_FOUND;
	if (result->rcode == RCODE_NOERROR || result->rcode == RCODE_NXDOMAIN)
		return DKIM_DNS_NO_RECORD;
	return DKIM_DNS_FAILED;
}

/* RDATA of TXT is a row of strings, each behind an octet with its length (RFC 1035 section 3.3.14).
 * Joins them in place; false when a string is longer than what is left. */
static bool join_strings(char *octets, size_t n, struct view *ret)
{
	size_t from = 0, to = 0;

	while (from < n) {
		size_t length = (unsigned char)octets[from++];

		if (length > n - from)
			return false;
		memmove(octets + to, octets + from, length);
		from += length;
		to += length;
	}
	*ret = (struct view){ octets, to };
	return true;
}

/* A record that is broken or longer than a key can be is left out, as any that is no key (R67). */
static int add_text(struct dkim_dns_answer *answer, const char *rdata, size_t n)
{
	struct view text;
	char *octets;

	octets = talloc_memdup(answer, rdata, n);
	if (!octets)
		return -ENOMEM;
	if (join_strings(octets, n, &text) && text.n <= DKIM_TXT_OCTETS_MAX)
		answer->texts[answer->text_count++] = text;
	else
		talloc_free(octets);
	return 0;
}

static int add_texts(struct dkim_dns_answer *answer, const struct ub_result *result)
{
	int r;

	answer->texts = talloc_array(answer, struct view, DKIM_TXT_RECORDS_MAX);
	if (!answer->texts)
		return -ENOMEM;
	for (size_t i = 0; result->data[i] && answer->text_count < DKIM_TXT_RECORDS_MAX; i++) {
		r = add_text(answer, result->data[i], (size_t)result->len[i]);
		if (r)
			return r;
	}
	return 0;
}

static struct view without_last_dot(struct view name)
{
	return name.n > 0 && name.p[name.n - 1] == '.' ? view_slice(name, 0, name.n - 1) : name;
}

static int add_canonical_name(struct dkim_dns_answer *answer, const struct ub_result *result)
{
	struct view canonical = without_last_dot(view_of(result->canonname));

	if (canonical.n == 0 || view_eq_nocase(canonical, without_last_dot(view_of(result->qname))))
		return 0;
	answer->canonical_name = view_string(answer, canonical);
	return answer->canonical_name ? 0 : -ENOMEM;
}

/* Without an SOA record in a negative answer libunbound reports 32,768 seconds, hence the maximum. */
static uint32_t ttl_of(enum dkim_dns_status status, int ttl)
{
	if (ttl <= 0 || (status != DKIM_DNS_FOUND && status != DKIM_DNS_NO_RECORD))
		return 0;
	if (status == DKIM_DNS_NO_RECORD && ttl > DKIM_NEGATIVE_TTL_MAX)
		return DKIM_NEGATIVE_TTL_MAX;
	return (uint32_t)ttl;
}

static int fill(struct dkim_dns_answer *answer, const struct ub_result *result)
{
	int r;

	answer->secure = result->secure;
	r = add_canonical_name(answer, result);
	if (!r && answer->status == DKIM_DNS_FOUND)
		r = add_texts(answer, result);
	if (!r && answer->status == DKIM_DNS_FOUND && answer->text_count == 0)
		answer->status = DKIM_DNS_NO_RECORD;
	answer->ttl = ttl_of(answer->status, result->ttl); /* of what the answer is now */
	return r;
}

int resolver_answer_from_result(void *mem, int error, const struct ub_result *result, struct dkim_dns_answer **ret)
{
	struct dkim_dns_answer *answer;
	int r = 0;

	answer = talloc_zero(mem, struct dkim_dns_answer);
	if (!answer)
		return -ENOMEM;
	answer->status = status_of(error, result);
	if (result && !error)
		r = fill(answer, result);
	if (r) {
		talloc_free(answer);
		return r;
	}
	*ret = answer;
	return 0;
}

int resolver_answer_from_records(void *mem, const struct dkim_records *records, struct view name,
                                 struct dkim_dns_answer **ret)
{
	struct dkim_dns_answer *answer;
	struct view text;

	if (!dkim_records_find(records, name, 0, &text))
		return 1;
	answer = talloc_zero(mem, struct dkim_dns_answer);
	if (!answer)
		return -ENOMEM;
	answer->status = DKIM_DNS_FOUND;
	answer->ttl = DKIM_RECORDS_TTL;
	answer->from_records = true;
	answer->texts = talloc_array(answer, struct view, DKIM_TXT_RECORDS_MAX);
	if (!answer->texts) {
		talloc_free(answer);
		return -ENOMEM;
	}
	while (answer->text_count < DKIM_TXT_RECORDS_MAX && dkim_records_find(records, name, answer->text_count, &text))
		answer->texts[answer->text_count++] = text;
	*ret = answer;
	return 0;
}
