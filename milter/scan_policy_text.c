/* What people and programs read of a scan: header fields and replies. */
#include "dkim/buf.h"
#include "milter/scan_policy.h"

#include <string.h>
#include <talloc.h>

#define TEXT_MAX 2048 /* a host name, three names, and the words between */

/* Parentheses would end the comment that the name stands in. */
static void add_name(struct buf *buf, const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ._:/+@-";

	for (size_t i = 0; name[i] && i < SCAN_NAME_SHOWN_MAX; i++)
		buf_add_char(buf, strchr(allowed, name[i]) ? name[i] : '_');
}

static char *finish(struct buf *buf)
{
	if (buf_error(buf) == 0)
		return buf->p;
	buf_free(buf);
	return NULL;
}

char *scan_status_text(void *mem, enum av_class class, const char *name)
{
	struct buf buf;

	buf_init(&buf, mem, TEXT_MAX);
	buf_add_string(&buf, av_class_status(class));
	if (*name && class != AV_CLASS_ENCRYPTED) {
		buf_add_string(&buf, " (");
		add_name(&buf, name);
		buf_add_char(&buf, ')');
	}
	return finish(&buf);
}

char *scan_scanned_text(void *mem, const char *host, const struct av_facts *facts)
{
	struct buf buf;

	buf_init(&buf, mem, TEXT_MAX);
	buf_add_string(&buf, "postern " POSTERN_VERSION " at ");
	add_name(&buf, host);
	if (facts->engine[0]) {
		buf_add_string(&buf, " (ClamAV ");
		add_name(&buf, facts->engine);
		if (facts->database)
			buf_printf(&buf, ", database %u", facts->database);
		buf_add_char(&buf, ')');
	}
	return finish(&buf);
}

static void add_reply_text(struct buf *buf, const char *text, const struct scan_verdict *verdict)
{
	for (; *text; text++) {
		if (*text != '%' || !text[1] || !strchr("cv%", text[1])) {
			buf_add_char(buf, *text);
			continue;
		}
		text++;
		if (*text == 'c')
			buf_add_string(buf, av_class_text(verdict->class));
		else if (*text == 'v')
			add_name(buf, verdict->name);
		else
			buf_add_char(buf, '%');
	}
}

char *scan_reply_text(void *mem, const struct conf_av *conf, const struct scan_verdict *verdict)
{
	struct buf buf;

	buf_init(&buf, mem, (size_t)SCAN_NAME_SHOWN_MAX * 256); /* reject-text may be %v over and over */
	if (verdict->class == AV_CLASS_ERROR && verdict->action == CONF_SCAN_TEMPFAIL) {
		buf_add_string(&buf, "message cannot be scanned now, try again later: ");
		add_name(&buf, verdict->name);
	} else {
		add_reply_text(&buf, conf->reject_text, verdict);
	}
	return finish(&buf);
}
