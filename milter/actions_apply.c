#include "milter/actions_apply.h"

#include <errno.h>
#include <string.h>
#include <talloc.h>

/* libmilter refuses a reply text above 980 octets (MAXREPLYLEN), an SMTP line has 512 with code and CRLF (RFC 5321
 * section 4.5.3.1.5); "%" takes two octets on the way, so that a line of 400 stays below both. */
#define REPLY_LINE_MAX 400

/* ACTIONS_REPLY_MAX octets at half a line each, the worst that cutting at blanks can do, and the last one. */
#define REPLY_LINES_MAX 12

/* The text from `text` as one reply line: at most REPLY_LINE_MAX octets, cut at a blank in its second half when there is one;
 * "%" doubled, for libmilter prints it. Returns how much of text it took. */
static size_t reply_line(void *mem, const char *text, char **ret)
{
	size_t n = strnlen(text, REPLY_LINE_MAX), next = n;
	char *line = talloc_array(mem, char, 2 * REPLY_LINE_MAX + 1), *out = line;

	if (text[n])
		for (size_t i = n; i > REPLY_LINE_MAX / 2; i--)
			if (text[i] == ' ') {
				n = i;
				next = i + 1;
				break;
			}
	for (size_t i = 0; line && i < n; i++) {
		if (text[i] == '%')
			*out++ = '%';
		*out++ = text[i];
	}
	if (line)
		*out = '\0';
	*ret = line;
	return next;
}

static int set_reply(SMFICTX *ctx, const struct actions_reply_text *reply, void *mem)
{
	char *l[REPLY_LINES_MAX] = { NULL };
	const char *rest = reply->text;

	for (size_t i = 0; i < REPLY_LINES_MAX && (i == 0 || *rest); i++) {
		rest += reply_line(mem, rest, &l[i]);
		if (!l[i])
			return -ENOMEM;
	}
	if (!l[1])
		return smfi_setreply(ctx, (char *)reply->code, (char *)reply->enhanced_code, l[0]) == MI_SUCCESS ? 0 : -EIO;
	/* a NULL ends the list, and l[] has them behind its last line */
	return smfi_setmlreply(ctx, reply->code, reply->enhanced_code, l[0], l[1], l[2], l[3], l[4], l[5], l[6], l[7], l[8], l[9],
	                       l[10], l[11], (char *)NULL) == MI_SUCCESS ? 0 : -EIO;
}

static int refuse(SMFICTX *ctx, const struct actions_reply_text *reply, void *mem, sfsistat *ret, char **ret_error)
{
	void *scratch = talloc_new(mem);
	int r = scratch ? set_reply(ctx, reply, scratch) : -ENOMEM;

	*ret = reply->code[0] == '5' ? SMFIS_REJECT : SMFIS_TEMPFAIL;
	if (r < 0)
		*ret_error = talloc_asprintf(mem, "reply %s %s: %s", reply->code, reply->enhanced_code ? reply->enhanced_code : "-",
		                             r == -EIO ? "libmilter refused it" : strerror(-r));
	talloc_free(scratch);
	return r;
}

/* libmilter's parameters lack const; it writes to none of them. */
static int apply_step(const struct actions_step *step, SMFICTX *ctx, bool leadspc)
{
	char *name = (char *)step->name, *value = (char *)step->value;

	if (step->kind == ACTIONS_DELETE)
		return smfi_chgheader(ctx, name, (int)step->index, NULL);
	if (!leadspc && value[0] == ' ')
		value++;
	return smfi_insheader(ctx, 0, name, value);
}

static int apply_edits(const struct actions *actions, SMFICTX *ctx, bool leadspc, void *mem, char **ret_error)
{
	struct actions_step *steps;
	size_t count;
	int r = actions_steps(actions, mem, &steps, &count);

	if (r < 0) {
		*ret_error = talloc_asprintf(mem, "plan of header edits: %s", strerror(-r));
		return r;
	}
	for (size_t i = 0; i < count && r == 0; i++)
		if (apply_step(&steps[i], ctx, leadspc) != MI_SUCCESS) {
			*ret_error = talloc_asprintf(mem, "%s %s (step %zu of %zu): libmilter refused it",
			                             steps[i].kind == ACTIONS_DELETE ? "smfi_chgheader" : "smfi_insheader",
			                             steps[i].name, i + 1, count);
			r = -EIO;
		}
	talloc_free(steps);
	return r;
}

int actions_apply(const struct actions *actions, SMFICTX *ctx, bool leadspc, void *mem, sfsistat *ret, char **ret_error)
{
	const struct actions_reply_text *reply = actions_reply_wanted(actions);
	const char *quarantine = actions_quarantine_reason(actions);
	int r;

	if (reply)
		return refuse(ctx, reply, mem, ret, ret_error);
	if (actions_discard_wanted(actions)) {
		*ret = SMFIS_DISCARD;
		return 0;
	}
	*ret = SMFIS_TEMPFAIL;
	r = apply_edits(actions, ctx, leadspc, mem, ret_error);
	if (r < 0)
		return r;
	if (quarantine && smfi_quarantine(ctx, (char *)quarantine) != MI_SUCCESS) {
		*ret_error = talloc_asprintf(mem, "smfi_quarantine: libmilter refused it");
		return -EIO;
	}
	*ret = SMFIS_CONTINUE;
	return 0;
}
