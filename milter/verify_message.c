#include "milter/verify_message.h"

#include "milter/authres.h"
#include "milter/explain_report.h"
#include "milter/key_source.h"

#include <errno.h>
#include <talloc.h>

#define WAIT_MS 1000 /* between two looks at the budget, which dkim_verify_finish() keeps */

struct verified {
	const struct verify_setup *setup;
	const struct cmd_message *message;
	const char *server_names; /* for people */
	struct key_source *source;
	struct dkim_verify *results;
};

int verified_new(void *mem, const struct verify_setup *setup, const struct cmd_message *message, struct verified **ret,
                 char **ret_error)
{
	struct verified *verified = talloc_zero(mem, struct verified);
	int r;

	*ret_error = NULL;
	if (!verified)
		return -ENOMEM;
	verified->setup = setup;
	verified->message = message;
	verified->server_names = key_source_servers(verified, &setup->resolver);
	r = verified->server_names ? 0 : -ENOMEM;
	if (r == 0)
		r = key_source_new(verified, &setup->resolver, setup->records_file, &verified->source, ret_error);
	if (r < 0) {
		*ret_error = *ret_error ? talloc_strdup(mem, *ret_error) : NULL;
		verified_free(verified);
		return r;
	}
	*ret = verified;
	return 0;
}

int verified_judge(struct verified *verified)
{
	const struct verify_setup *setup = verified->setup;
	int r = dkim_verify_new(verified, &setup->params, verified->source->cache, setup->now, verified->message->headers, &verified->results);

	if (r == 0)
		r = dkim_verify_body(verified->results, verified->message->body);
	if (r == 0)
		do
			r = dkim_verify_finish(verified->results, WAIT_MS);
		while (r == 1);
	return r;
}

void verified_free(struct verified *verified)
{
	if (!verified)
		return;
	talloc_free(verified->results); /* lets go of its key lookups before the cache goes */
	talloc_free(verified);
}

const struct dkim_verify *verified_results(const struct verified *verified)
{
	return verified->results;
}

bool verified_passes(const struct verified *verified)
{
	for (size_t i = 0; i < dkim_verify_count(verified->results); i++)
		if (dkim_reason_result(dkim_verify_result(verified->results, i)->reason) == DKIM_PASS)
			return true;
	return false;
}

int verified_add_field(const struct verified *verified, struct buf *out)
{
	size_t count = dkim_verify_count(verified->results);
	const struct dkim_verify_result **list = talloc_zero_size(out->mem, (count + 1) * sizeof *list);
	const struct authres authres = { .authserv_id = verified->setup->authserv_id, .results = list, .count = count };
	struct buf value;
	struct view v;

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		list[i] = dkim_verify_result(verified->results, i);
	buf_init(&value, out->mem, AUTHRES_VALUE_MAX);
	authres_build(&authres, &value);
	v = buf_view(&value);
	buf_add_string(out, "Authentication-Results:");
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] != '\r' || i + 1 == v.n || v.p[i + 1] != '\n')
			buf_add_char(out, v.p[i]);
	buf_add_char(out, '\n');
	return buf_error(&value);
}

int verified_add_explanation(const struct verified *verified, size_t i, const struct verified_form *form, struct buf *out)
{
	struct explain_report report = {
		.result = dkim_verify_result(verified->results, i),
		.keys = dkim_verify_keys(verified->results, i),
		.servers = verified->server_names,
		.header_block = form->header_block,
	};
	const struct dkim_explain_input input = {
		.headers = verified->message->headers,
		.body = verified->message->body,
		.result = report.result,
		.keys = report.keys,
	};
	struct dkim_explain *explain;
	int r = dkim_explain(out->mem, &input, &explain);

	if (r < 0)
		return r;
	report.explain = explain;
	if (form->json)
		explain_report_json(&report, out);
	else
		explain_report_text(&report, out);
	talloc_free(explain);
	return 0;
}
