#include "milter/scan_text.h"

#include "milter/json.h"

#include <string.h>
#include <talloc.h>

#define PATH_SHOWN_MAX 4096 /* octets: PATH_MAX */

static void add_found(const struct scan_text *text, enum av_class class, struct buf *out)
{
	const char *name = text->verdicts->name[class], *part = text->verdicts->part[class];

	buf_add_string(out, av_class_text(class));
	if (name && *name)
		buf_printf(out, " (%s)", name);
	if (part && *part)
		buf_printf(out, " in %s", part);
}

void scan_text_line(const struct scan_text *text, struct buf *out)
{
	char *path = view_escape(NULL, view_of(text->path), PATH_SHOWN_MAX);
	const char *comma = "";

	buf_printf(out, "%s: ", path ? path : "?");
	talloc_free(path);
	if (!text->verdicts)
		buf_printf(out, "error (%s)", strerror(-text->error));
	for (int class = 0; text->verdicts && class < AV_CLASS_COUNT; class++) {
		if (!text->verdicts->name[class])
			continue;
		buf_add_string(out, comma);
		add_found(text, (enum av_class)class, out);
		comma = ", ";
	}
	buf_add_char(out, '\n');
}

static void add_findings(const struct scan_text *text, struct buf *out)
{
	json_name(out, "findings");
	buf_add_char(out, '[');
	for (int class = 0; class < AV_CLASS_COUNT; class++) {
		if (!text->verdicts->name[class] || class == AV_CLASS_CLEAN)
			continue;
		json_separate(out);
		buf_add_char(out, '{');
		json_member(out, "class", view_of(av_class_text((enum av_class)class)));
		json_member(out, "name", view_of(text->verdicts->name[class]));
		json_member(out, "part", view_of(text->verdicts->part[class] ? text->verdicts->part[class] : ""));
		buf_add_char(out, '}');
	}
	buf_add_char(out, ']');
}

void scan_text_json(const struct scan_text *text, struct buf *out)
{
	buf_add_char(out, '{');
	json_member(out, "file", view_of(text->path));
	json_member(out, "class", view_of(av_class_text(text->class)));
	if (text->verdicts) {
		add_findings(text, out);
		json_name(out, "scan-ms");
		buf_printf(out, "%u", text->report->scan_ms);
		json_member(out, "engine", view_of(text->report->reply.facts.engine));
	} else {
		json_member(out, "error", view_of(strerror(-text->error)));
	}
	buf_add_string(out, "}\n");
}
