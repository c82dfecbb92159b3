#include "av/mime_part.h"

#include "av/mime_inline.h"
#include "av/mime_lines.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>

static void visit_object(struct mime_walk *walk, GMimeObject *object, const char *number, unsigned depth);

static void limit(struct mime_walk *walk, const char *what, const char *number)
{
	av_finding_add(walk->reply, AV_LIMIT, view_of(what), number);
	walk->limited = true;
}

static void no_memory(struct mime_walk *walk, const char *number)
{
	av_finding_add(walk->reply, AV_FAILURE, VIEW("no memory"), number);
}

/* Parts, depth and header sizes of the whole tree, before anything is decoded. */
static void measure(struct mime_walk *walk, GMimeObject *object, unsigned depth)
{
	if (depth > AV_MIME_DEPTH_MAX) {
		limit(walk, "depth", walk->number);
		return;
	}
	if (++walk->reply->parts > walk->settings->max_parts)
		limit(walk, "parts", walk->number);
	if (GMIME_IS_MESSAGE_PART(object)) {
		GMimeMessage *message = g_mime_message_part_get_message((GMimeMessagePart *)object);

		if (message)
			measure(walk, (GMimeObject *)message, depth + 1);
	} else if (GMIME_IS_MESSAGE(object)) {
		walk->reply->parts--; /* its content counts */
		if (g_mime_message_get_mime_part((GMimeMessage *)object))
			measure(walk, g_mime_message_get_mime_part((GMimeMessage *)object), depth);
	} else if (GMIME_IS_MULTIPART(object)) {
		int count = g_mime_multipart_get_count((GMimeMultipart *)object);

		for (int i = 0; i < count && !walk->limited; i++)
			measure(walk, g_mime_multipart_get_part((GMimeMultipart *)object, i), depth + 1);
	}
}

/* The octets of a leaf as they stand in the message: GMime keeps them as a range of our memory. */
static struct view raw_octets(GMimeObject *leaf)
{
	GMimeDataWrapper *content = GMIME_IS_PART(leaf) ? g_mime_part_get_content((GMimePart *)leaf) : NULL;
	GMimeStream *stream = content ? g_mime_data_wrapper_get_stream(content) : NULL;
	GByteArray *all = stream && GMIME_IS_STREAM_MEM(stream) ? g_mime_stream_mem_get_byte_array((GMimeStreamMem *)stream) : NULL;
	size_t end;

	if (!all)
		return VIEW("");
	end = stream->bound_end < 0 ? all->len : (size_t)stream->bound_end;
	return view_slice((struct view){ (const char *)all->data, all->len }, (size_t)stream->bound_start, end);
}

static void visit(struct mime_walk *walk, const char *number, const struct mime_fields *fields, struct view octets, bool as_is)
{
	struct av_mime_part part = { number, fields->type, fields->names, talloc_array_length(fields->names), octets, as_is };

	walk->settings->visit(walk->settings->arg, &part);
}

static bool is_message_type(const char *type)
{
	return strcmp(type, "message/rfc822") == 0 || strcmp(type, "message/global") == 0 || strcmp(type, "message/news") == 0;
}

static bool walk_message(struct mime_walk *walk);

/* A message inside an encoding, or in a file. */
static void walk_inner(struct mime_walk *walk, const char *number, unsigned depth, struct view octets)
{
	struct mime_walk inner = { .settings = walk->settings, .reply = walk->reply, .message = octets, .depth = depth, .number = number };

	if (!walk_message(&inner))
		walk->limited = true;
}

/* Files that stand in a text. */
static void visit_inline(struct mime_walk *walk, const char *number, struct view text)
{
	struct mime_inline file;

	while (!walk->limited && mime_inline_next(&text, &file)) {
		struct view octets;
		bool after;
		struct av_mime_part part = { number, "application/octet-stream", &file.name, 1, VIEW_INIT(""), false };

		if (++walk->reply->parts > walk->settings->max_parts) {
			limit(walk, "parts", number);
		} else if (av_transfer_decode(file.transfer, file.octets, &octets, &after)) {
			no_memory(walk, number);
		} else {
			part.octets = octets;
			walk->settings->visit(walk->settings->arg, &part);
			free((char *)(uintptr_t)octets.p);
		}
	}
}

static void visit_decoded(struct mime_walk *walk, const struct mime_fields *fields, const char *number, unsigned depth, struct view octets)
{
	visit(walk, number, fields, octets, fields->transfer == AV_TRANSFER_IDENTITY);
	if (is_message_type(fields->type) || (strncmp(fields->type, "text/", 5) != 0 && av_mime_looks_like_mail(octets)))
		walk_inner(walk, number, depth + 1, octets);
	else if (strncmp(fields->type, "text/", 5) == 0)
		visit_inline(walk, number, octets);
}

static void visit_leaf(struct mime_walk *walk, GMimeObject *object, const struct mime_fields *fields, const char *number, unsigned depth)
{
	struct view raw = raw_octets(object), octets = raw;
	bool after = false;

	if (fields->transfer != AV_TRANSFER_IDENTITY && av_transfer_decode(fields->transfer, raw, &octets, &after)) {
		no_memory(walk, number);
		return;
	}
	if (after)
		mime_ambiguous(walk, "padding", number);
	visit_decoded(walk, fields, number, depth, octets);
	if (octets.p != raw.p)
		free((char *)(uintptr_t)octets.p);
}

static void add_boundary(struct mime_walk *walk, struct view boundary, const char *number)
{
	unsigned count = (unsigned)talloc_array_length(walk->boundaries);
	struct view *longer = talloc_realloc(NULL, walk->boundaries, struct view, count + 1);
	char *copy = longer ? talloc_memdup(longer, boundary.p, boundary.n) : NULL;

	if (longer)
		walk->boundaries = longer;
	if (!copy) {
		no_memory(walk, number);
		return;
	}
	longer[count] = (struct view){ copy, boundary.n };
}

/* Two multiparts of one boundary: where the inner one ends, the outer one may end too. */
static bool is_declared(const struct mime_walk *walk, struct view boundary)
{
	size_t count = talloc_array_length(walk->boundaries);

	for (size_t i = 0; i < count; i++)
		if (view_eq(walk->boundaries[i], boundary))
			return true;
	return false;
}

/* What stands before and behind the parts, where nobody looks, and whether someone might. */
static void check_multipart(struct mime_walk *walk, GMimeMultipart *multipart, const struct mime_fields *fields, const char *number)
{
	const char *prologue = g_mime_multipart_get_prologue(multipart), *epilogue = g_mime_multipart_get_epilogue(multipart);
	bool empty = g_mime_multipart_get_count(multipart) == 0;

	if (fields->boundary.n > 0 && is_declared(walk, fields->boundary))
		mime_ambiguous(walk, "boundary", number);
	if (empty && prologue && mime_has_delimiter(view_of(prologue), VIEW("")))
		mime_ambiguous(walk, "boundary", number);
	if (empty && fields->transfer != AV_TRANSFER_IDENTITY)
		mime_ambiguous(walk, "encoded-multipart", number);
	if (epilogue && fields->boundary.n > 0 && mime_has_delimiter(view_of(epilogue), fields->boundary))
		mime_ambiguous(walk, "after-end", number);
	if (fields->boundary.n == 0)
		mime_ambiguous(walk, "boundary", number);
	else
		add_boundary(walk, fields->boundary, number);
}

static void visit_parts(struct mime_walk *walk, GMimeMultipart *multipart, const char *number, unsigned depth)
{
	int count = g_mime_multipart_get_count(multipart);

	for (int i = 0; i < count && !walk->limited; i++) {
		char inner[AV_PART_NUMBER_MAX + 1];

		snprintf(inner, sizeof inner, "%s%s%d", number, *number ? "." : "", i + 1);
		visit_object(walk, g_mime_multipart_get_part(multipart, i), inner, depth + 1);
	}
}

static void visit_containers(struct mime_walk *walk, GMimeObject *object, const struct mime_fields *fields, const char *number, unsigned depth)
{
	if (GMIME_IS_MULTIPART(object)) {
		visit(walk, number, fields, VIEW(""), false);
		check_multipart(walk, (GMimeMultipart *)object, fields, number);
		visit_parts(walk, (GMimeMultipart *)object, number, depth);
	} else if (GMIME_IS_MESSAGE_PART(object)) {
		GMimeMessage *message = g_mime_message_part_get_message((GMimeMessagePart *)object);
		GMimeObject *content = message ? g_mime_message_get_mime_part(message) : NULL;

		visit(walk, number, fields, VIEW(""), false);
		if (content)
			visit_object(walk, content, number, depth + 1);
	} else {
		visit_leaf(walk, object, fields, *number ? number : "1", depth);
	}
}

static void visit_object(struct mime_walk *walk, GMimeObject *object, const char *number, unsigned depth)
{
	struct mime_fields *fields = talloc_zero(NULL, struct mime_fields);
	int r = fields ? mime_fields_read(walk, object, number, fields) : -ENOMEM;

	if (r == -E2BIG)
		limit(walk, "parameters", number);
	else if (r)
		no_memory(walk, number);
	else
		visit_containers(walk, object, fields, number, depth);
	talloc_free(fields);
}

/* A line in a header that is no field ends the header for some; those that mbox files leave are known to all. */
static void on_warning(gint64 offset, GMimeParserWarning warning, const gchar *item, gpointer arg)
{
	struct mime_walk *walk = arg;

	(void)offset;
	if (warning == GMIME_CRIT_INVALID_HEADER_NAME && !(item && (strncmp(item, "From ", 5) == 0 || strncmp(item, ">From ", 6) == 0)))
		mime_ambiguous(walk, "header", walk->number);
	if (warning == GMIME_CRIT_NESTING_OVERFLOW)
		limit(walk, "depth", walk->number);
}

/* GMime reads our memory in place and does not write to it. */
static GMimeMessage *parse(struct mime_walk *walk)
{
	GMimeParserOptions *options = g_mime_parser_options_new();
	GMimeStream *stream = g_mime_stream_mem_new();
	GMimeParser *parser;
	GMimeMessage *message;

	walk->octets = (GByteArray){ .data = (guint8 *)(uintptr_t)walk->message.p, .len = (guint)walk->message.n };
	g_mime_stream_mem_set_byte_array((GMimeStreamMem *)stream, &walk->octets);
	g_mime_parser_options_set_warning_callback(options, on_warning, walk);
	parser = g_mime_parser_new_with_stream(stream);
	message = g_mime_parser_construct_message(parser, options);
	g_object_unref(parser);
	g_object_unref(stream);
	g_mime_parser_options_free(options);
	return message;
}

static void walk_tree(struct mime_walk *walk, GMimeMessage *message)
{
	GMimeObject *content = g_mime_message_get_mime_part(message);

	measure(walk, (GMimeObject *)message, walk->depth);
	if (walk->limited || !content)
		return;
	visit_object(walk, content, walk->number, walk->depth);
	mime_boundaries_check(walk);
}

static bool walk_message(struct mime_walk *walk)
{
	struct av_mime_lines lines;
	GMimeMessage *message;

	av_mime_lines(walk->message, &lines);
	if (lines.nul)
		mime_ambiguous(walk, "nul", walk->number);
	if (lines.bare_cr)
		mime_ambiguous(walk, "bare-cr", walk->number);
	if (walk->message.n > G_MAXUINT || av_mime_lines_limit(&lines)) {
		limit(walk, walk->message.n > G_MAXUINT ? "size" : av_mime_lines_limit(&lines), walk->number);
		return false;
	}
	message = parse(walk);
	if (message) {
		walk_tree(walk, message);
		g_object_unref(message);
	}
	TALLOC_FREE(walk->boundaries);
	return !walk->limited;
}

bool av_mime_walk(const struct av_mime_settings *settings, struct view message, struct av_reply *reply)
{
	struct mime_walk walk = { .settings = settings, .reply = reply, .message = message, .number = "" };

	return walk_message(&walk);
}
