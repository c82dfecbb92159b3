/* What scanning adds to a gate. */
#include "milter/gate.h"

#include "av/client.h"
#include "dkim/digest.h"
#include "milter/log.h"
#include "milter/scan_copy.h"

#include <errno.h>
#include <string.h>
#include <talloc.h>

bool gate_wants_recipients(const struct gate *gate)
{
	return gate->av_client && (gate->conf->av.skip_recipients[0] || gate->copies);
}

/* For av/, which has no cryptography of its own. */
static int sha256(struct view octets, uint8_t ret[AV_DIGEST_OCTETS])
{
	struct dkim_digest *digest;
	int r = dkim_digest_new(NULL, &digest);

	if (r < 0)
		return r;
	r = dkim_digest_update(digest, octets);
	if (r == 0)
		r = dkim_digest_finish(digest, ret);
	talloc_free(digest);
	return r;
}

/* Mail goes on without copies: they are for the administrator's eyes. */
static int open_copies(struct gate *gate)
{
	int r = gate->conf->av.copy[0] ? scan_copies_new(gate, &gate->conf->av, &gate->copies) : 0;

	if (r < 0 && r != -ENOMEM)
		log_text(CONF_LOG_ERROR, "copy", "av.copy-directory: wanted a folder that can be read, got %s (%s): no copies are kept",
		         gate->conf->av.copy_directory, strerror(-r));
	return r == -ENOMEM ? r : 0;
}

int gate_start_scanning(struct gate *gate, int jobs, char **ret_error)
{
	const struct conf_av *conf = &gate->conf->av;
	const struct av_client_params params = {
		.jobs = conf->clamd[0] ? -1 : jobs,
		.shared = &gate->shared->av,
		.row = gate->row,
		.max_size = conf->max_size,
		.timeout_ms = conf->timeout_ms,
		.hold_ms = conf->load_hold_ms,
		.queue_jobs = conf->queue_jobs,
		.queue_size = conf->queue_size,
		.clamd = conf->clamd,
		.digest = sha256,
	};
	int r;

	*ret_error = NULL;
	if (!gate->listener->scan)
		return 0;
	r = av_client_new(gate, &params, &gate->av_client, ret_error);
	return r < 0 ? r : open_copies(gate);
}
