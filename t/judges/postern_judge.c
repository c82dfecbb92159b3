/*
 * The dkim library as a judge. Each message is verified twice: parsed as a whole, its body in one piece, and
 * field by field as a milter gets it, with folds as LF and the body in chunks. Both must come to the same.
 */
#include "judge_line.h"

#include "dkim/sign.h"
#include "dkim/verify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>

static const char *const reason_names[] = {
#define X(reason, result, rule, clause, text) #reason,
	DKIM_REASONS(X)
#undef X
};

static const struct dkim_verify_params params = {
	.minimum_rsa_bits = 1024,
	.maximum_signatures = 8,
	.clock_skew = 300,
	.budget_ms = 20000,
};

static void check(int r, const char *what)
{
	if (r == 0)
		return;
	fprintf(stderr, "postern_judge: %s: %s\n", what, strerror(-r));
	exit(70); /* EX_SOFTWARE */
}

#define RECORDS_TEXT_MAX (1024 * 1024)
#define STRING_OCTETS 255 /* of one string of a TXT record (RFC 1035 section 3.3) */

static void add_record(struct buf *out, const char *name, struct judge_octets text)
{
	buf_printf(out, "%s TXT \"", name);
	for (size_t i = 0; i < text.n; i++) {
		if (i > 0 && i % STRING_OCTETS == 0)
			buf_add_string(out, "\" \"");
		buf_printf(out, "\\%03u", (unsigned char)text.p[i]);
	}
	buf_add_string(out, "\"\n");
}

static struct dkim_records *read_records(void *mem, char *rest)
{
	struct dkim_records *records;
	struct buf text;
	char *item, *error = NULL;

	buf_init(&text, mem, RECORDS_TEXT_MAX);
	while ((item = judge_next_item(&rest))) {
		const char *name = strsep(&item, "=");

		add_record(&text, name, judge_octets(item));
	}
	check(buf_error(&text), "records");
	check(dkim_records_parse(mem, "request", buf_view(&text), &records, &error), error ? error : "records");
	return records;
}

static struct header_list *parse_header(void *mem, struct view message, struct view *ret_body)
{
	struct header_list *headers;

	check(header_list_new(mem, NULL, &headers), "header_list_new");
	check(header_list_parse(headers, message, ret_body), "header_list_parse");
	return headers;
}

/* CRLF becomes LF. */
static struct view as_milter_value(void *mem, struct view value)
{
	struct buf out;

	buf_init(&out, mem, value.n);
	for (size_t i = 0; i < value.n; i++)
		if (value.p[i] != '\r' || i + 1 == value.n || value.p[i + 1] != '\n')
			buf_add_char(&out, value.p[i]);
	check(buf_error(&out), "value");
	return buf_view(&out);
}

/* The same header as a milter would get it. */
static struct header_list *as_milter(void *mem, const struct header_list *headers)
{
	struct header_list *list;

	check(header_list_new(mem, NULL, &list), "header_list_new");
	for (size_t i = 0; i < header_list_count(headers); i++) {
		const struct header_field *field = header_list_at(headers, i);
		struct view name = view_slice(field->raw, 0, view_find(field->raw, ':'));

		check(header_list_add(list, name, as_milter_value(mem, field->value)), "header_list_add");
	}
	return list;
}

static struct dkim_verify *judge(void *mem, struct dkim_key_cache *cache, int64_t now, const struct header_list *headers,
                                 struct view body, size_t chunk)
{
	struct dkim_verify *verify;
	int r;

	check(dkim_verify_new(mem, &params, cache, now, headers, &verify), "dkim_verify_new");
	for (size_t at = 0; at < body.n; at += chunk)
		check(dkim_verify_body(verify, view_slice(body, at, at + chunk)), "dkim_verify_body");
	while ((r = dkim_verify_finish(verify, 1000)) == 1)
		;
	check(r, "dkim_verify_finish");
	return verify;
}

static void print_result(const struct dkim_verify_result *whole, const struct dkim_verify_result *parts)
{
	printf("{\"selector\": ");
	judge_print_string(whole->signature.selector.p, whole->signature.selector.n);
	printf(", \"result\": \"%s\", \"reason\": \"%s\"", dkim_result_text(dkim_reason_result(whole->reason)),
	       reason_names[whole->reason]);
	if (parts->reason != whole->reason)
		printf(", \"as_milter\": \"%s\"", reason_names[parts->reason]);
	putchar('}');
}

static void verify(char *rest)
{
	void *mem = talloc_new(NULL);
	int64_t now = judge_number(judge_next_item(&rest));
	size_t chunk = (size_t)judge_number(judge_next_item(&rest));
	struct judge_octets message = judge_octets(judge_next_item(&rest));
	struct dkim_resolver_params resolver_params = { .records_only = true, .timeout_ms = 1000 };
	struct dkim_verify *whole, *parts;
	struct dkim_resolver *resolver;
	struct dkim_key_cache *cache;
	struct header_list *headers;
	struct view body = { NULL, 0 };
	char *error = NULL;

	resolver_params.records = read_records(mem, rest);
	check(dkim_resolver_new(mem, &resolver_params, &resolver, &error), error ? error : "dkim_resolver_new");
	check(dkim_key_cache_new(resolver, 100, DKIM_KEY_CACHE_OCTETS, &cache), "dkim_key_cache_new");
	headers = parse_header(mem, (struct view){ message.p, message.n }, &body);
	whole = judge(mem, cache, now, headers, body, body.n + 1);
	parts = judge(mem, cache, now, as_milter(mem, headers), body, chunk);
	printf("{\"signatures\": [");
	for (size_t i = 0; i < dkim_verify_count(whole); i++) {
		printf(i ? ", " : "");
		print_result(dkim_verify_result(whole, i), dkim_verify_result(parts, i));
	}
	printf("]}");
	talloc_free(parts);
	talloc_free(whole);
	dkim_key_cache_free(cache);
	dkim_resolver_free(resolver);
	talloc_free(mem);
}

static enum dkim_canon canon_of(const char *name)
{
	return strncmp(name, "relaxed", strlen("relaxed")) == 0 ? DKIM_RELAXED : DKIM_SIMPLE;
}

static struct dkim_private_key *load_key(void *mem, const char *path)
{
	struct dkim_private_key *key;
	char *error = NULL;

	check(dkim_private_key_load(mem, path, &key, &error), error ? error : path);
	return key;
}

/* What is left of the request: key file, message. */
static void sign_message(void *mem, const struct dkim_sign_params *sign_params, struct dkim_sign_key *sign_key, int64_t now,
                         char *rest)
{
	struct dkim_private_key *key = load_key(mem, judge_next_item(&rest));
	struct judge_octets message = judge_octets(judge_next_item(&rest));
	struct dkim_sign *signing;
	struct view body = { NULL, 0 };
	struct view value;

	sign_key->key = key;
	check(dkim_sign_new(mem, sign_params, sign_key, 1, now, parse_header(mem, (struct view){ message.p, message.n }, &body),
	                    &signing), "dkim_sign_new");
	check(dkim_sign_body(signing, body), "dkim_sign_body");
	check(dkim_sign_finish(signing), "dkim_sign_finish");
	value = dkim_sign_value(signing, 0);
	printf("{\"value\": ");
	judge_print_string(value.p, value.n);
	putchar('}');
	dkim_private_key_free(key);
}

static void sign(char *rest)
{
	void *mem = talloc_new(NULL);
	int64_t now = judge_number(judge_next_item(&rest));
	const char *canon = judge_next_item(&rest);
	struct dkim_sign_params sign_params = {
		.header_canon = canon_of(canon),
		.body_canon = canon_of(strchr(canon, '/') + 1),
		.headers = dkim_sign_default_headers,
	};
	struct dkim_sign_key key = { .key = NULL };

	judge_next_item(&rest); /* the algorithm is that of the key */
	key.domain = view_of(judge_next_item(&rest));
	key.selector = view_of(judge_next_item(&rest));
	sign_message(mem, &sign_params, &key, now, rest);
	talloc_free(mem);
}

int main(void)
{
	check(dkim_private_key_init(), "dkim_private_key_init");
	return judge_serve(verify, sign);
}
