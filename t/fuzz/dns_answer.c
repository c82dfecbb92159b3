/* What libunbound reports, made an answer: TXT records of any octets, against strings joined one by one. */
#include "dkim/resolver_answer.h"
#include "t/fuzz/fuzz.h"

#include <talloc.h>
#include <unbound.h>

#define RECORDS_MAX 24 /* more than an answer holds */

/* The strings of one record joined; false when a string is longer than what is left, or all are longer than a key. */
static bool reference_text(struct view rdata, struct buf *ret)
{
	while (rdata.n > 0) {
		size_t length = take_octet(&rdata);

		if (length > rdata.n)
			return false;
		buf_add(ret, take(&rdata, length));
	}
	return buf_error(ret) == 0;
}

static void claim_texts(void *mem, const struct dkim_dns_answer *answer, const struct view *rdata, size_t count)
{
	size_t found = 0;

	for (size_t i = 0; i < count && found < DKIM_TXT_RECORDS_MAX; i++) {
		struct buf text;

		buf_init(&text, mem, DKIM_TXT_OCTETS_MAX);
		if (!reference_text(rdata[i], &text))
			continue;
		CLAIM(found < answer->text_count);
		CLAIM_SAME(answer->texts[found++], buf_view(&text));
	}
	CLAIM(answer->text_count == found);
}

static enum dkim_dns_status reference_status(int error, const struct ub_result *result, size_t texts)
{
	if (error)
		return DKIM_DNS_FAILED;
	if (result->bogus)
		return DKIM_DNS_BOGUS;
	if (result->havedata)
		return texts > 0 ? DKIM_DNS_FOUND : DKIM_DNS_NO_RECORD;
	return result->rcode == 0 || result->rcode == 3 ? DKIM_DNS_NO_RECORD : DKIM_DNS_FAILED;
}

static char *take_name(void *mem, struct view *input)
{
	struct view name = take_line(input);

	return talloc_strndup(mem, name.p ? name.p : "", name.n);
}

/* Input: one octet (1: bogus, 2: data, 4: secure, 8: an error; above: the rcode), four of a TTL, a line with the name
 * asked for, one with the canonical name, then records: two octets of length each, and data. */
int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t n)
{
	struct view input = { (const char *)octets, n };
	uint8_t flags = take_octet(&input);
	struct ub_result result = { .bogus = flags & 1, .havedata = (flags >> 1) & 1, .secure = (flags >> 2) & 1, .rcode = flags >> 4 };
	struct view rdata[RECORDS_MAX];
	char *data[RECORDS_MAX + 1] = { NULL };
	int len[RECORDS_MAX];
	struct dkim_dns_answer *answer;
	void *mem = talloc_new(NULL);
	int error = flags & 8 ? -1 : 0;
	size_t count = 0;

	for (int i = 0; i < 4; i++)
		result.ttl = (int)((unsigned)result.ttl << 8 | take_octet(&input));
	result.qname = take_name(mem, &input);
	result.canonname = take_name(mem, &input);
	for (; input.n > 0 && count < RECORDS_MAX; count++) {
		size_t length = (size_t)take_octet(&input) << 8 | take_octet(&input);

		rdata[count] = copy_of(mem, take(&input, length));
		data[count] = (char *)(uintptr_t)rdata[count].p;
		len[count] = (int)rdata[count].n;
	}
	result.data = data;
	result.len = len;
	CLAIM(resolver_answer_from_result(mem, error, &result, &answer) == 0);
	CLAIM(answer->status == reference_status(error, &result, answer->text_count));
	CLAIM(answer->ttl == 0 || answer->ttl <= (uint32_t)result.ttl);
	if (!error && !result.bogus && result.havedata)
		claim_texts(mem, answer, rdata, count);
	else
		CLAIM(answer->text_count == 0);
	talloc_free(mem);
	return 0;
}
