/* An answer of clamd against its forms, written as regular expressions; and what is told of it. */
#include "av/clamd_answer.h"
#include "t/fuzz/fuzz.h"

#include <string.h>
#include <talloc.h>

#define ID "[0-9]{1,9}: "

static bool is_answer(struct view in)
{
	return matches(in, ID "ClamAV (.|\n)*") || matches(in, ID "(.|\n)* ERROR") || matches(in, ID "stream: OK") ||
	       matches(in, ID "stream: (.|\n)* FOUND");
}

static void claim_told(const struct clamd_answer *answer)
{
	struct av_reply reply = { .version = AV_WIRE_VERSION, .kind = AV_RESULT };

	if (answer->kind == CLAMD_VERSION)
		clamd_facts_parse(answer->text, &reply.facts);
	else
		clamd_answer_finding(answer, &reply);
	CLAIM(av_reply_is_valid(&reply, sizeof reply));
	CLAIM((reply.finding_count > 0) == (answer->kind == CLAMD_FOUND || answer->kind == CLAMD_ERROR));
}

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t n)
{
	struct view in = copy_of(NULL, (struct view){ (const char *)octets, n });
	struct clamd_answer answer;
	bool ascii = true, parsed = clamd_answer_parse(in, &answer);

	for (size_t i = 0; i < n; i++)
		ascii = ascii && octets[i] > 0 && octets[i] < 128;
	if (ascii) /* regular expressions know no NUL */
		CLAIM(parsed == is_answer(in));
	if (parsed) {
		CLAIM(lies_inside(answer.text, in));
		claim_told(&answer);
	}
	talloc_free((void *)(uintptr_t)in.p);
	return 0;
}
