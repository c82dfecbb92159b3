/* An Authentication-Results of ours over signatures of any octets: it stays one well-formed field that we recognise. */
#include "milter/actions.h"
#include "milter/authres.h"
#include "t/fuzz/fuzz.h"

#include <errno.h>
#include <string.h>
#include <talloc.h>

#define RESULTS_MAX 4
#define LINE_OCTETS_MAX 998 /* RFC 5322 section 2.1.1 */

#define X(reason, result, rule, clause, text) +1
enum { REASONS = DKIM_REASONS(X) };
#undef X

/* What a verifier would have read, or (flag 4) views of any octets. */
static void take_signature(void *mem, struct view *input, bool read, struct dkim_signature *ret)
{
	struct header_list *headers;

	if (!read) {
		*ret = (struct dkim_signature){ .algorithm = DKIM_ED25519_SHA256 };
		ret->signing_domain = copy_of(mem, take_line(input));
		ret->identity = copy_of(mem, take_line(input));
		ret->selector = copy_of(mem, take_line(input));
		ret->algorithm_name = copy_of(mem, take_line(input));
		ret->signature_data = copy_of(mem, take_line(input));
		return;
	}
	CLAIM(header_list_new(mem, NULL, &headers) == 0);
	CLAIM(header_list_add(headers, VIEW("DKIM-Signature"), take_line(input)) == 0);
	(void)dkim_signature_parse(mem, header_list_at(headers, 0), ret);
}

static void take_result(void *mem, struct view *input, struct dkim_verify_result *ret)
{
	uint8_t reason = take_octet(input), flags = take_octet(input);

	*ret = (struct dkim_verify_result){
		.reason = (enum dkim_reason)(reason % REASONS),
		.key_bits = 16u * (flags >> 4),
		.test_mode = flags & 1,
		.secure = flags & 2,
	};
	take_signature(mem, input, !(flags & 4), &ret->signature);
}

/* Lines of at most 998 octets, each but the first beginning with the tab of a fold; no other control octet. */
static void claim_folded(struct view value, bool smtputf8)
{
	size_t line = strlen("Authentication-Results:");

	CLAIM(value.n > 0 && value.p[0] == ' ');
	for (size_t i = 0; i < value.n; i++, line++) {
		unsigned char c = (unsigned char)value.p[i];

		CLAIM(line < LINE_OCTETS_MAX);
		if (c == '\r') {
			CLAIM(view_eq(view_slice(value, i, i + 3), VIEW("\r\n\t")));
			i += 2;
			line = 1;
		} else {
			CLAIM(c >= ' ' && c != 0x7f && (c < 0x7f || smtputf8));
		}
	}
	CLAIM(view_is_utf8(value));
}

/* The results, cut at the ";" that stand neither in quotes nor in comments. */
static void claim_results(struct view value, size_t wanted)
{
	bool quoted = false, comment = false;
	size_t count = 0;

	for (size_t i = 0; i < value.n; i++) {
		if (quoted && value.p[i] == '\\')
			i++;
		else if (value.p[i] == '"' && !comment)
			quoted = !quoted;
		else if ((value.p[i] == '(' || value.p[i] == ')') && !quoted)
			comment = value.p[i] == '(';
		else if (value.p[i] == ';' && !quoted && !comment) {
			count++;
			CLAIM_SAME(view_slice(value, i + 1, i + 9), VIEW("\r\n\tdkim="));
		}
	}
	CLAIM(!quoted && !comment);
	CLAIM(count == wanted);
}

static void claim_insertable(void *mem, struct view value)
{
	struct actions_step *steps;
	struct actions *actions;
	size_t count;

	CLAIM(actions_new(mem, &actions) == 0);
	actions_insert(actions, VIEW("Authentication-Results"), value);
	CLAIM(actions_steps(actions, mem, &steps, &count) == 0 && count == 1);
	CLAIM(authres_claims(view_of(steps[0].value), VIEW("mx.example.net")));
}

/* Input: one octet of flags (1: SMTPUTF8, 2: not verified), then results: reason, flags (1: test mode, 2: secure, 4: raw
 * views; above 15: key bits), a line with a DKIM-Signature value or five with d, i, s, a and b. */
int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t n)
{
	static struct dkim_verify_result results[RESULTS_MAX];
	const struct dkim_verify_result *pointers[RESULTS_MAX];
	struct view input = { (const char *)octets, n };
	uint8_t flags = take_octet(&input);
	void *mem = talloc_new(NULL);
	struct authres authres = {
		.authserv_id = "mx.example.net",
		.results = pointers,
		.not_verified = flags & 2 ? "header exceeds header-size-limit" : NULL,
		.smtputf8 = flags & 1,
	};
	struct buf out;

	for (; input.n > 0 && authres.count < RESULTS_MAX; authres.count++) {
		take_result(mem, &input, &results[authres.count]);
		pointers[authres.count] = &results[authres.count];
	}
	buf_init(&out, mem, AUTHRES_VALUE_MAX);
	authres_build(&authres, &out);
	CLAIM(buf_error(&out) == 0);
	claim_folded(buf_view(&out), flags & 1);
	claim_results(buf_view(&out), authres.count && !authres.not_verified ? authres.count : 1);
	CLAIM(authres_claims(buf_view(&out), VIEW("mx.example.net")));
	claim_insertable(mem, buf_view(&out));
	talloc_free(mem);
	return 0;
}
