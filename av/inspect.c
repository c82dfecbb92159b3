#include "av/inspect.h"

#include "av/file_name.h"

#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct inspection {
	struct av_engine *engine;
	const struct av_inspect_settings *settings;
	struct av_reply *reply;
	const char *part; /* that is looked at: its file name or number */
};

int av_inspect_begin(void)
{
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		return -ENOENT;
	return av_mime_begin();
}

static bool names_count(const struct inspection *i)
{
	return i->settings->ban_extensions && i->settings->ban_extensions[0];
}

static void judge_name(struct inspection *i, struct view name)
{
	char clean[AV_FILE_NAME_MAX + 1];
	const char *banned;

	if (!names_count(i))
		return;
	av_file_name_clean(name, clean);
	banned = av_file_name_banned(clean, i->settings->ban_extensions);
	if (banned)
		av_finding_add(i->reply, AV_BANNED, view_of(banned), clean);
}

static void judge_archived_name(void *arg, struct view name)
{
	struct inspection *i = arg;

	if (i->settings->ban_in_archives)
		judge_name(i, name);
}

static void list_archive(struct inspection *i, struct view octets)
{
	struct av_archive archive;

	av_archive_list(octets, judge_archived_name, i, &archive);
	if (archive.encrypted[0])
		av_finding_add(i->reply, AV_ENCRYPTED, view_of(archive.encrypted), i->part);
	if (archive.state == AV_ARCHIVE_MEMORY)
		av_finding_add(i->reply, AV_FAILURE, VIEW("no memory"), i->part);
	/* What follows matters to names alone: libclamav has limits of its own. */
	if (!i->settings->ban_in_archives || !names_count(i))
		return;
	if (archive.state == AV_ARCHIVE_DAMAGED)
		av_finding_add(i->reply, AV_AMBIGUOUS, VIEW("archive"), i->part);
	if (archive.state == AV_ARCHIVE_ENTRIES)
		av_finding_add(i->reply, AV_LIMIT, VIEW("archive-entries"), i->part);
	if (archive.state == AV_ARCHIVE_SIZE)
		av_finding_add(i->reply, AV_LIMIT, VIEW("archive-size"), i->part);
}

/* HTML that is not encoded, in lines as libclamav takes them out of the message (LF, the last one too): its cache knows the part
 * then, and it is not scanned twice. The octets as they are it sees in the message. */
static void scan_html(struct inspection *i, struct view html)
{
	char *lines = malloc(html.n + 1);
	size_t n = 0;

	if (!lines) {
		av_finding_add(i->reply, AV_FAILURE, VIEW("no memory"), i->part);
		return;
	}
	for (struct view rest = html; rest.n > 0;) {
		size_t end = view_find(rest, '\n'), length = end > 0 && rest.p[end - 1] == '\r' ? end - 1 : end;

		memcpy(lines + n, rest.p, length);
		n += length;
		lines[n++] = '\n';
		rest = view_slice(rest, end + 1, rest.n);
	}
	av_engine_scan(i->engine, &i->settings->ban, (struct view){ lines, n }, i->part, i->reply);
	free(lines);
}

static void scan_part(struct inspection *i, const struct av_mime_part *part)
{
	bool is_text = part->as_is && part->name_count == 0;

	if (is_text && strcmp(part->type, "text/html") == 0)
		scan_html(i, part->octets);
	/* Plain text that stands in the message as it is, libclamav sees there. */
	else if (!is_text || strcmp(part->type, "text/plain") != 0)
		av_engine_scan(i->engine, &i->settings->ban, part->octets, i->part, i->reply);
}

static void inspect_part(void *arg, const struct av_mime_part *part)
{
	struct inspection *i = arg;
	char name[AV_FILE_NAME_MAX + 1] = "";
	const char *banned = av_media_type_banned(part->type, i->settings->ban_types);

	for (size_t n = 0; n < part->name_count; n++)
		judge_name(i, part->names[n]);
	if (part->name_count)
		av_file_name_clean(part->names[0], name);
	i->part = name[0] ? name : part->number;
	if (banned)
		av_finding_add(i->reply, AV_BANNED, view_of(part->type), i->part);
	if (part->octets.n == 0)
		return;
	list_archive(i, part->octets);
	if (i->settings->scan_parts)
		scan_part(i, part);
}

static uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static bool inspect_mail(struct inspection *i, struct view octets)
{
	struct av_mime_settings mime = { i->settings->max_parts, inspect_part, i };

	return av_mime_walk(&mime, octets, i->reply);
}

void av_inspect(struct av_engine *engine, const struct av_inspect_settings *settings, enum av_job_kind kind, struct view octets,
                struct av_reply *ret)
{
	struct inspection i = { engine, settings, ret, "" };
	uint64_t begun = now_us();

	*ret = (struct av_reply){ .version = AV_WIRE_VERSION, .kind = AV_RESULT };
	av_engine_facts(engine, &ret->facts);
	if (octets.n > av_engine_max_octets(engine)) {
		av_finding_add(ret, AV_LIMIT, VIEW("size"), "");
	} else if ((kind != AV_JOB_MESSAGE && !av_mime_looks_like_mail(octets)) || inspect_mail(&i, octets)) {
		i.part = "";
		if (kind == AV_JOB_FILE)
			list_archive(&i, octets);
		av_engine_scan(engine, &settings->ban, octets, "", ret);
	}
	ret->scan_us = now_us() - begun;
}
