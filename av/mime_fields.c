#include "av/mime_part.h"

#include "av/parameter.h"

#include <errno.h>
#include <string.h>
#include <talloc.h>

struct collector {
	struct mime_walk *walk;
	struct mime_fields *fields;
	const char *number;
	bool is_type; /* Content-Type, not Content-Disposition */
	int error;
};

void mime_ambiguous(struct mime_walk *walk, const char *what, const char *number)
{
	av_finding_add(walk->reply, AV_AMBIGUOUS, view_of(what), number);
}

static int copy_of(void *mem, struct view octets, struct view *ret)
{
	char *p = talloc_array(mem, char, (unsigned)octets.n + 1);

	if (!p)
		return -ENOMEM;
	if (octets.n)
		memcpy(p, octets.p, octets.n);
	p[octets.n] = '\0';
	*ret = (struct view){ p, octets.n };
	return 0;
}

static int add_name(struct mime_fields *fields, struct view value)
{
	unsigned count = (unsigned)talloc_array_length(fields->names);
	struct view *names = talloc_realloc(fields, fields->names, struct view, count + 1);

	if (!names)
		return -ENOMEM;
	fields->names = names;
	return copy_of(names, value, &names[count]);
}

/* RFC 2046 section 5.1.1: no boundary is empty or ends with a blank; readers differ in what they make of one that does. */
static int take_boundary(struct collector *c, struct view value)
{
	struct view *boundary = &c->fields->boundary;

	if (boundary->p ? !view_eq(*boundary, value) : value.n == 0 || ascii_is_blank(value.p[value.n - 1]))
		mime_ambiguous(c->walk, "boundary", c->number);
	return boundary->p ? 0 : copy_of(c->fields, value, boundary);
}

static void take_parameter(void *arg, struct view name, struct view value)
{
	struct collector *c = arg;
	int r = 0;

	if (view_eq_nocase(name, VIEW("name")) || view_eq_nocase(name, VIEW("filename")))
		r = add_name(c->fields, value);
	else if (c->is_type && view_eq_nocase(name, VIEW("boundary")))
		r = take_boundary(c, value);
	if (r)
		c->error = r;
}

/* Fields of one name that are looked at: nobody writes more than one, and with two the mail is ambiguous already. */
#define SAME_FIELDS_MAX 8

/* The n-th field of that name, or NULL. */
static GMimeHeader *field_of(GMimeObject *object, const char *name, int n)
{
	GMimeHeaderList *list = g_mime_object_get_header_list(object);
	int count = g_mime_header_list_get_count(list);

	for (int i = 0; i < count; i++) {
		GMimeHeader *field = g_mime_header_list_get_header_at(list, i);

		if (g_ascii_strcasecmp(g_mime_header_get_name(field), name) == 0 && n-- == 0)
			return field;
	}
	return NULL;
}

static struct view value_of(GMimeHeader *field)
{
	return view_trim_fws(view_of(field ? g_mime_header_get_raw_value(field) : ""));
}

/* Which of two fields that differ counts, the first or the last, is each reader's own choice; so is whether a name with a blank
 * before its colon is one. */
static void check_single(struct mime_walk *walk, GMimeObject *object, const char *name, const char *what, const char *number)
{
	GMimeHeader *first = field_of(object, name, 0), *next;

	if (first && strlen(g_mime_header_get_raw_name(first)) != strlen(name))
		mime_ambiguous(walk, what, number);
	for (int i = 1; first && i < SAME_FIELDS_MAX && (next = field_of(object, name, i)); i++)
		if (!view_eq(value_of(first), value_of(next)))
			mime_ambiguous(walk, what, number);
}

static int read_parameters(struct mime_walk *walk, GMimeObject *object, const char *name, const char *number, struct mime_fields *fields)
{
	struct collector c = { walk, fields, number, strcmp(name, "Content-Type") == 0, 0 };
	GMimeHeader *field;

	for (int i = 0; i < SAME_FIELDS_MAX && (field = field_of(object, name, i)); i++) {
		int r = av_parameters(value_of(field), take_parameter, &c);

		if (r)
			return r;
	}
	return c.error;
}

/* What the parser takes for a leaf although the field names a container: others may look into it. */
static void check_type(struct mime_walk *walk, GMimeObject *object, const struct mime_fields *fields, const char *number)
{
	if (strstr(fields->type, "multipart") && !GMIME_IS_MULTIPART(object))
		mime_ambiguous(walk, "content-type", number);
	/* RFC 2046 section 5.2.2: this is a piece of a message whose other pieces come in other mails. */
	if (strcmp(fields->type, "message/partial") == 0)
		mime_ambiguous(walk, "partial", number);
}

int mime_fields_read(struct mime_walk *walk, GMimeObject *object, const char *number, struct mime_fields *fields)
{
	GMimeHeader *type = field_of(object, "Content-Type", 0);
	int r;

	av_parameter_head(value_of(type), fields->type, sizeof fields->type);
	if (!type)
		strcpy(fields->type, GMIME_IS_MESSAGE_PART(object) ? "message/rfc822" : "text/plain");
	fields->transfer = av_transfer_of(value_of(field_of(object, "Content-Transfer-Encoding", 0)));
	check_single(walk, object, "Content-Type", "content-type", number);
	check_single(walk, object, "Content-Transfer-Encoding", "transfer-encoding", number);
	check_single(walk, object, "Content-Disposition", "content-disposition", number);
	if (fields->transfer == AV_TRANSFER_UNKNOWN)
		mime_ambiguous(walk, "transfer-encoding", number);
	check_type(walk, object, fields, number);
	r = read_parameters(walk, object, "Content-Type", number, fields);
	return r ? r : read_parameters(walk, object, "Content-Disposition", number, fields);
}
