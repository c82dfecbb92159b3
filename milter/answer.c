#include "milter/answer.h"

#include "milter/answer_fields.h"
#include "milter/mailbox.h"
#include "milter/mime_text.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#define DATE_MAX 64

static void add_date(int64_t now, struct buf *out)
{
	time_t seconds = (time_t)now;
	char text[DATE_MAX];
	struct tm tm;

	if (gmtime_r(&seconds, &tm) && strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S +0000", &tm) > 0)
		buf_printf(out, "Date: %s\n", text);
}

static void add_thread(const struct header_list *headers, struct buf *out)
{
	struct view id = answer_message_id(answer_field_value(headers, VIEW("Message-ID")));

	if (!id.p)
		return;
	buf_add_string(out, "In-Reply-To: ");
	buf_add(out, id);
	buf_add_string(out, "\nReferences: ");
	answer_add_references(headers, out);
	buf_add_char(out, '\n');
}

static void add_header(const struct answer *answer, struct buf *out)
{
	struct view own = view_of(answer->from);
	struct view host = view_slice(own, mailbox_local(own).n + 1, own.n);

	buf_printf(out, "From: DKIM reflector <%s>\nTo: <%s>\nSubject: ", answer->from, answer->to);
	answer_add_subject(answer_field_value(answer->headers, VIEW("Subject")), out);
	buf_add_char(out, '\n');
	add_date(answer->now, out);
	buf_printf(out, "Message-ID: <%s@", answer->token);
	buf_add(out, host);
	buf_add_string(out, ">\n");
	add_thread(answer->headers, out);
	buf_printf(out, "Auto-Submitted: auto-replied\nMIME-Version: 1.0\n"
	                "Content-Type: multipart/mixed; boundary=\"=_%s\"\n"
	                "Content-Transfer-Encoding: 7bit\n\n", answer->token);
}

/* What stands before the first part is shown by readers that know no MIME, and to nobody else. */
static void add_part(const struct answer *answer, const char *type, struct view content, struct buf *out)
{
	buf_printf(out, "\n--=_%s\nContent-Type: %s\nContent-Transfer-Encoding: %s\n\n", answer->token, type, mime_text_encoding(content));
	mime_text_add(content, out);
}

/* The whole fields that fit. */
static int collect_header(const struct header_list *headers, struct buf *out)
{
	size_t count = header_list_count(headers), taken = 0;

	while (taken < count && out->n + header_list_at(headers, taken)->raw.n <= ANSWER_HEADER_MAX)
		buf_add(out, header_list_at(headers, taken++)->raw);
	if (taken < count)
		buf_printf(out, "X-Postern-Cut: %zu of %zu fields are left out: an answer has at most %d octets of them\r\n", count - taken,
		           count, ANSWER_HEADER_MAX);
	return buf_error(out);
}

/* The lines that fit. */
static int collect_text(struct view text, struct buf *out)
{
	size_t n = text.n < ANSWER_TEXT_MAX ? text.n : ANSWER_TEXT_MAX;

	while (n < text.n && n > 0 && text.p[n - 1] != '\n')
		n--;
	buf_add(out, view_slice(text, 0, n));
	if (n < text.n)
		buf_printf(out, "\n(cut here: an answer has at most %d octets of text)\n", ANSWER_TEXT_MAX);
	return buf_error(out);
}

static bool contains(const struct buf *buf, const char *token)
{
	struct view v = buf_view(buf);

	return v.n > 0 && memmem(v.p, v.n, token, strlen(token));
}

static int add_parts(const struct answer *answer, struct buf *text, struct buf *header, struct buf *out)
{
	int r = collect_text(answer->text, text);

	if (r == 0)
		r = collect_header(answer->headers, header);
	if (r < 0)
		return r;
	if (contains(text, answer->token) || contains(header, answer->token))
		return -EEXIST;
	add_header(answer, out);
	buf_add_string(out, "This is a message of two parts in MIME format (RFC 2046).\n");
	add_part(answer, "text/plain; charset=us-ascii", buf_view(text), out);
	add_part(answer, "text/rfc822-headers", buf_view(header), out);
	buf_printf(out, "\n--=_%s--\n", answer->token);
	return buf_error(out);
}

int answer_compose(const struct answer *answer, struct buf *out)
{
	struct buf text, header;
	int r;

	buf_init(&text, out->mem, 2 * ANSWER_TEXT_MAX);
	buf_init(&header, out->mem, 2 * ANSWER_HEADER_MAX);
	r = add_parts(answer, &text, &header, out);
	buf_free(&text);
	buf_free(&header);
	return r;
}
