#include "milter/broken_signatures.h"

#include <errno.h>
#include <talloc.h>
#include <time.h>

struct broken_signatures {
	struct dkim_verify *verify;
};

int broken_signatures_new(void *mem, const struct gate *gate, const struct header_list *headers, struct broken_signatures **ret)
{
	struct broken_signatures *broken = talloc_zero(mem, struct broken_signatures);
	int r;

	if (!broken)
		return -ENOMEM;
	r = dkim_verify_new(broken, &gate->verify_params, gate->key_cache, time(NULL), headers, &broken->verify);
	if (r < 0) {
		talloc_free(broken);
		return r;
	}
	*ret = broken;
	return 0;
}

int broken_signatures_body(struct broken_signatures *broken, struct view chunk)
{
	return dkim_verify_body(broken->verify, chunk);
}

int broken_signatures_finish(struct broken_signatures *broken, unsigned milliseconds)
{
	return dkim_verify_finish(broken->verify, milliseconds);
}

/* The message is not what was signed. */
static bool is_broken(const struct dkim_verify_result *result, bool space_guessed)
{
	switch (result->reason) {
	case DKIM_REASON_BODY_HASH_DIFFERS:
	case DKIM_REASON_BODY_SHORTER_THAN_L:
		return true;
	case DKIM_REASON_SIGNATURE_DIFFERS:
		return !space_guessed || result->signature.header_canon == DKIM_RELAXED;
	default:
		return false;
	}
}

unsigned broken_signatures_strip(const struct broken_signatures *broken, bool space_guessed, struct actions *actions)
{
	unsigned count = 0;

	/* Result i is about the field i + 1 of that name. */
	for (size_t i = 0; i < dkim_verify_count(broken->verify); i++)
		if (is_broken(dkim_verify_result(broken->verify, i), space_guessed)) {
			actions_delete(actions, VIEW("DKIM-Signature"), (unsigned)i + 1);
			count++;
		}
	return count;
}
