/* A filter's reply packets, as `postern probe` reads them: what is read lies inside the packet and was negotiated. */
#include "milter/mta_protocol.h"
#include "t/fuzz/fuzz.h"

#include <errno.h>
#include <string.h>
#include <talloc.h>

/* Which action each kind of change takes; 0: none. */
static const uint32_t needs[] = {
	[MTA_ADD_HEADER] = MTA_ACTION_ADD_HEADERS,
	[MTA_INSERT_HEADER] = MTA_ACTION_ADD_HEADERS,
	[MTA_CHANGE_HEADER] = MTA_ACTION_CHANGE_HEADERS,
	[MTA_DELETE_HEADER] = MTA_ACTION_CHANGE_HEADERS,
	[MTA_REPLACE_BODY] = MTA_ACTION_CHANGE_BODY,
	[MTA_CHANGE_FROM] = MTA_ACTION_CHANGE_FROM,
	[MTA_ADD_RECIPIENT] = MTA_ACTION_ADD_RECIPIENT,
	[MTA_ADD_RECIPIENT_PARAMETERS] = MTA_ACTION_ADD_RECIPIENT_PARAMETERS,
	[MTA_DELETE_RECIPIENT] = MTA_ACTION_DELETE_RECIPIENT,
	[MTA_QUARANTINE] = MTA_ACTION_QUARANTINE,
	[MTA_PROGRESS] = 0,
};

static void claim_change(const struct mta_change *change, struct view data, uint32_t actions)
{
	CLAIM((size_t)change->kind < sizeof needs / sizeof *needs);
	CLAIM((needs[change->kind] & actions) == needs[change->kind]);
	CLAIM(lies_inside(change->name, data) && lies_inside(change->value, data) && lies_inside(change->parameters, data));
	CLAIM(change->kind == MTA_REPLACE_BODY || view_find(change->value, '\0') == change->value.n);
	CLAIM(change->kind != MTA_DELETE_HEADER || change->value.n == 0);
	CLAIM(mta_change_name(change->kind));
}

/* Input: two octets of actions, the reply, its data. */
int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t n)
{
	struct view input = { (const char *)octets, n };
	uint32_t actions = take_octet(&input) * 256u + take_octet(&input);
	char reply = (char)take_octet(&input);
	void *mem = talloc_new(NULL);
	struct view data = copy_of(mem, input);
	const char *wanted = NULL;
	struct mta_change change;
	enum mta_verdict verdict;
	int r = mta_change_parse(reply, data, actions, &change, &wanted);

	CLAIM(r == 1 || r == 0 || r == -EPROTO || r == -EPERM);
	if (r == 1)
		claim_change(&change, data, actions);
	if (r < 0)
		CLAIM(wanted && is_printable(view_of(wanted)));
	if (mta_verdict_of_reply(reply, &verdict))
		CLAIM(r == 0 && mta_verdict_name(verdict));
	talloc_free(mem);
	return 0;
}
