/* The reflector's way of a message: whoever wrote it, the answer is one that every MTA takes, to one address, with the header in it. */
#include "milter/answer.h"
#include "milter/answer_whom.h"
#include "milter/mailbox.h"
#include "milter/mbox_line.h"
#include "t/fuzz/fuzz.h"

#include <errno.h>
#include <string.h>
#include <talloc.h>

#define OWN "dkim-test@example.org"
#define TOKEN "0123456789abcdef"

static const char fields[] =
	"(From: DKIM reflector <dkim-test@example\\.org>|To: <[^\n]+>|Subject: Re:[ -~]*|Date: [A-Za-z0-9,:+ ]+|"
	"Message-ID: <0123456789abcdef@example\\.org>|In-Reply-To: <[!-~]+>|References: <[!-~]+>|Auto-Submitted: auto-replied|"
	"MIME-Version: 1\\.0|Content-Type: multipart/mixed; boundary=\"=_0123456789abcdef\"|Content-Transfer-Encoding: 7bit| [!-~]+( [!-~]+)*)";

/* Nothing in the header but what the reflector means to say. Returns what follows it. */
static struct view claim_header(struct view answer)
{
	struct view line;

	while ((line = take_line(&answer)).n > 0)
		if (!matches(line, fields))
			CLAIM_SAME(line, VIEW("a field of the reflector's own"));
	return answer;
}

static void claim_lines(struct view body)
{
	while (body.n > 0) {
		struct view line = take_line(&body);

		CLAIM(matches(line, "[\t -~]{0,998}"));
		CLAIM(!matches(line, "From .*"));
	}
}

static int hex(char c)
{
	const char *digits = "0123456789ABCDEF", *at = strchr(digits, c);

	CLAIM(at && c);
	return (int)(at - digits);
}

/* RFC 2045 section 6.7, the other way. */
static void decode(struct view text, struct buf *out)
{
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] != '=') {
			buf_add_char(out, text.p[i]);
		} else if (text.p[i + 1] == '\n') {
			i++;
		} else {
			buf_add_char(out, (char)(hex(text.p[i + 1]) * 16 + hex(text.p[i + 2])));
			i += 2;
		}
	}
}

/* CRLF, and a CRLF at the end, as LF. */
static void collect(const struct header_list *headers, struct buf *out)
{
	for (size_t i = 0; i < header_list_count(headers); i++) {
		struct view raw = header_list_at(headers, i)->raw;

		for (size_t j = 0; j < raw.n; j++)
			if (raw.p[j] != '\r' || j + 1 == raw.n || raw.p[j + 1] != '\n')
				buf_add_char(out, raw.p[j]);
	}
}

/* The second part, decoded, is the header. */
static void claim_part(void *mem, struct view body, const struct header_list *headers)
{
	const char *start = memmem(body.p, body.n, "text/rfc822-headers\nContent-Transfer-Encoding: ", 47);
	struct view part = view_slice(body, (size_t)(start - body.p) + 47, body.n), encoding = take_line(&part);
	struct buf got, wanted;

	CLAIM(take_line(&part).n == 0);
	part.n -= strlen("\n--=_" TOKEN "--\n");
	buf_init(&got, mem, ANSWER_MAX);
	buf_init(&wanted, mem, ANSWER_MAX);
	if (view_eq(encoding, VIEW("7bit")))
		buf_add(&got, part);
	else
		decode(part, &got);
	collect(headers, &wanted);
	CLAIM_SAME(buf_view(&got), buf_view(&wanted));
}

static void answer_it(void *mem, const struct header_list *headers, const char *to, struct view text)
{
	const struct answer answer = { .from = OWN, .to = to, .headers = headers, .text = text, .token = TOKEN, .now = 1800000000 };
	struct buf out;
	int r;

	buf_init(&out, mem, ANSWER_MAX);
	r = answer_compose(&answer, &out);
	CLAIM(r == 0 || r == -EEXIST);
	if (r < 0)
		return;
	text = claim_header(buf_view(&out));
	claim_lines(text);
	claim_part(mem, text, headers);
}

/* Input: a line with the envelope sender, then the message. */
int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t n)
{
	void *mem = talloc_new(NULL);
	struct view input = copy_of(mem, (struct view){ (const char *)octets, n }), sender = take_line(&input), rest, body;
	struct answer_request request = { .own = OWN };
	struct header_list *headers;
	enum answer_whom whom;
	char *address;

	if (sender.n > 0)
		request.sender = sender;
	rest = mbox_line_cut(input, &request.from_line);
	CLAIM(lies_inside(rest, input) && lies_inside(request.from_line, input));
	CLAIM(header_list_new(mem, NULL, &headers) == 0 && header_list_parse(headers, rest, &body) == 0);
	request.headers = headers;
	CLAIM(answer_whom(mem, &request, &whom, &address) == 0);
	if (whom == ANSWER_YES) {
		CLAIM(mailbox_is_valid(view_of(address)) && strcmp(address, OWN) != 0);
		CLAIM(!matches(view_of(address), "[^\"]*[][ <>(),;:\\].*"));
	}
	answer_it(mem, headers, whom == ANSWER_YES ? address : "joe@example.com", VIEW("text\n"));
	talloc_free(mem);
	return 0;
}
