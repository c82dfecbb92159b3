#include "milter/answer_whom.h"

#include "dkim/domain.h"
#include "milter/mailbox.h"

#include <errno.h>
#include <talloc.h>

const char *answer_whom_text(enum answer_whom whom)
{
#define ANSWER_WHOM_TEXT(name, text) text,
	static const char *const texts[] = { ANSWER_WHOM(ANSWER_WHOM_TEXT) };

	return texts[whom];
}

static bool begins_with(struct view v, struct view start)
{
	return view_eq_nocase(view_slice(v, 0, start.n), start);
}

static bool ends_with(struct view v, struct view end)
{
	return v.n >= end.n && view_eq_nocase(view_slice(v, v.n - end.n, v.n), end);
}

/* The first word of a value, without a comment or parameter behind it. */
static struct view keyword(struct view value)
{
	size_t n = 0;

	value = view_trim_fws(value);
	while (n < value.n && !ascii_is_fws(value.p[n]) && value.p[n] != ';' && value.p[n] != '(')
		n++;
	return view_slice(value, 0, n);
}

static bool is_any(struct view value)
{
	(void)value;
	return true;
}

/* RFC 3834 section 5: whatever is not "no". */
static bool is_automatic(struct view value)
{
	return !view_eq_nocase(keyword(value), VIEW("no"));
}

static bool is_bulk(struct view value)
{
	struct view word = keyword(value);

	return view_eq_nocase(word, VIEW("bulk")) || view_eq_nocase(word, VIEW("junk")) || view_eq_nocase(word, VIEW("list"));
}

static bool is_report(struct view value)
{
	return view_eq_nocase(keyword(value), VIEW("multipart/report"));
}

/* Fields that forbid an answer. A name that ends with a hyphen stands for all that begin so (RFC 2369, RFC 2919). */
static const struct forbidden {
	struct view name;
	bool (*forbids)(struct view value);
	enum answer_whom why;
} forbidden[] = {
	{ VIEW_INIT("Auto-Submitted"), is_automatic, ANSWER_AUTOMATIC },
	{ VIEW_INIT("List-"),          is_any,       ANSWER_LIST },
	{ VIEW_INIT("Mailing-List"),   is_any,       ANSWER_LIST },
	{ VIEW_INIT("Precedence"),     is_bulk,      ANSWER_BULK },
	{ VIEW_INIT("Content-Type"),   is_report,    ANSWER_REPORT },
};

static bool is_named(const struct header_field *field, struct view name)
{
	return name.p[name.n - 1] == '-' ? begins_with(field->name, name) : view_eq_nocase(field->name, name);
}

static enum answer_whom judge_fields(const struct header_list *headers)
{
	for (size_t i = 0; i < header_list_count(headers); i++) {
		const struct header_field *field = header_list_at(headers, i);

		for (size_t j = 0; j < sizeof forbidden / sizeof *forbidden; j++)
			if (is_named(field, forbidden[j].name) && forbidden[j].forbids(field->value))
				return forbidden[j].why;
	}
	return ANSWER_YES;
}

/* RFC 3834 section 2, and what list managers and MTAs have always called themselves. */
static bool is_robot(struct view mailbox)
{
	static const struct view names[] = {
		VIEW_INIT("mailer-daemon"), VIEW_INIT("listserv"), VIEW_INIT("majordomo"),
		VIEW_INIT("noreply"), VIEW_INIT("no-reply"), VIEW_INIT("donotreply"),
	};
	struct view local = mailbox_local(mailbox);

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (view_eq_nocase(local, names[i]))
			return true;
	return begins_with(local, VIEW("owner-")) || ends_with(local, VIEW("-owner")) || ends_with(local, VIEW("-request")) ||
	       ends_with(local, VIEW("-bounces"));
}

/* Without the angle brackets of a path. */
static struct view path_address(struct view path)
{
	path = view_trim_fws(path);
	if (path.n >= 2 && path.p[0] == '<' && path.p[path.n - 1] == '>')
		path = view_slice(path, 1, path.n - 1);
	return path;
}

/* pipe(8) writes MAILER-DAEMON for the null sender unless it is told otherwise; so do the "From " lines. */
static bool is_null(struct view path)
{
	struct view address = path_address(path);

	return path.p && (address.n == 0 || view_eq_nocase(mailbox_local(address), VIEW("mailer-daemon")));
}

/* The envelope sender; p is NULL when nobody says it. Return-Path is the topmost: the last MTA wrote it. */
static enum answer_whom envelope_sender(const struct answer_request *request, struct view *ret)
{
	struct view sources[] = { request->sender, request->from_line, { NULL, 0 } };

	for (size_t i = 0; i < header_list_count(request->headers) && !sources[2].p; i++)
		if (view_eq_nocase(header_list_at(request->headers, i)->name, VIEW("Return-Path")))
			sources[2] = header_list_at(request->headers, i)->value;
	for (size_t i = sizeof sources / sizeof *sources; i > 0; i--) {
		if (is_null(sources[i - 1]))
			return ANSWER_BOUNCE;
		if (sources[i - 1].p)
			*ret = path_address(sources[i - 1]);
	}
	return ANSWER_YES;
}

/* The first mailbox of the only field of that name; untouched when there is none. Returns 0 or -ENOMEM. */
static int mailbox_of_field(void *mem, const struct header_list *headers, struct view name, char **ret)
{
	const struct header_field *field = header_list_from_bottom(headers, name, 0, NULL);
	struct from_mailbox mailbox;

	if (*ret || !field || from_value_mailbox(field->value, &mailbox) != FROM_OK || mailbox.local.n + mailbox.domain.n >= MAILBOX_MAX)
		return 0;
	*ret = talloc_asprintf(mem, "%.*s@%.*s", (int)mailbox.local.n, mailbox.local.p, (int)mailbox.domain.n, mailbox.domain.p);
	return *ret ? 0 : -ENOMEM;
}

/* Of what the message says, the first that can be read. RFC 3834 section 4 wants the envelope sender alone as long as there is one. */
static int find_address(void *mem, const struct header_list *headers, struct view sender, char **ret)
{
	int r = 0;

	*ret = NULL;
	if (!sender.p)
		r = mailbox_of_field(mem, headers, VIEW("Reply-To"), ret);
	if (!sender.p && r == 0)
		r = mailbox_of_field(mem, headers, VIEW("From"), ret);
	if (sender.p && mailbox_is_valid(sender)) {
		*ret = view_string(mem, sender);
		r = *ret ? 0 : -ENOMEM;
	}
	return r;
}

static enum answer_whom judge_address(const char *address, const char *own)
{
	const struct view v = view_of(address);

	if (!address || !mailbox_is_valid(v))
		return ANSWER_NO_ADDRESS;
	if (view_eq_nocase(v, view_of(own)))
		return ANSWER_OURSELVES;
	return is_robot(v) ? ANSWER_ROBOT : ANSWER_YES;
}

int answer_whom(void *mem, const struct answer_request *request, enum answer_whom *ret, char **ret_address)
{
	struct view sender = { NULL, 0 };
	enum answer_whom whom = envelope_sender(request, &sender);
	char *address = NULL;

	if (whom == ANSWER_YES)
		whom = judge_fields(request->headers);
	if (whom == ANSWER_YES && find_address(mem, request->headers, sender, &address) < 0)
		return -ENOMEM;
	if (whom == ANSWER_YES)
		whom = judge_address(address, request->own);
	*ret = whom;
	*ret_address = address;
	return 0;
}
