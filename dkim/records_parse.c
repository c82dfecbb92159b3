#include "dkim/records_parse.h"

#include "dkim/domain.h"
#include "dkim/fault.h"
#include "dkim/idna.h"
#include "dkim/records.h"

#include <errno.h>
#include <string.h>
#include <talloc.h>

/* Octets of a bad item that an error shows. */
#define ITEM_SHOWN_MAX 40

enum item_type { ITEM_WORD, ITEM_STRING, ITEM_LINE_END, ITEM_BAD };

struct item {
	enum item_type type;
	struct view octets; /* of a string: what stands between the quotes, escapes included */
};

struct parser {
	void *mem;        /* of the error */
	const char *name; /* of the file */
	char **ret_error;
	struct view text;
	size_t at;             /* next octet of text */
	unsigned line;         /* where `at` is */
	bool in_parentheses;   /* line ends are blanks */
	char *room;            /* names and texts; never more octets than `text` has */
	size_t room_used;
	struct record *records; /* the talloc parent of room, once finished */
	size_t count, capacity;
};

static int complain(struct parser *parser, const char *wanted, struct item got)
{
	const char *shown = "the end of the line";

	if (got.type != ITEM_LINE_END)
		shown = talloc_asprintf(parser->mem, "\"%s\"", view_escape(parser->mem, got.octets, ITEM_SHOWN_MAX));
	return fault(parser->mem, parser->ret_error, -EBADMSG, "%s:%u: wanted %s, got %s", parser->name, parser->line, wanted,
	             shown);
}

static bool is_word_end(char c)
{
	return ascii_is_blank(c) || strchr("\r\n\"();", c) != NULL; /* NUL, too */
}

static void skip_comment(struct parser *parser)
{
	while (parser->at < parser->text.n && parser->text.p[parser->at] != '\n')
		parser->at++;
}

/* Pass over blanks, comments and parentheses. False at a parenthesis that has no partner. */
static bool skip_to_item(struct parser *parser)
{
	for (; parser->at < parser->text.n; parser->at++) {
		char c = parser->text.p[parser->at];

		if (c == ';' || c == '#') {
			skip_comment(parser);
			if (parser->at == parser->text.n)
				break;
			c = '\n';
		}
		if (c == '(' || c == ')') {
			if (parser->in_parentheses == (c == '('))
				return false;
			parser->in_parentheses = c == '(';
		} else if (c == '\n' && parser->in_parentheses) {
			parser->line++;
		} else if (!ascii_is_blank(c) && c != '\r') {
			break;
		}
	}
	return true;
}

/* Past the opening quote. */
static struct item string_item(struct parser *parser)
{
	struct item item = { ITEM_STRING, { NULL, 0 } };
	size_t from = parser->at;
	const char *p = parser->text.p;

	while (parser->at < parser->text.n && p[parser->at] != '"' && p[parser->at] != '\n') {
		if (p[parser->at] == '\\' && parser->at + 1 < parser->text.n && p[parser->at + 1] != '\n')
			parser->at++;
		parser->at++;
	}
	item.octets = view_slice(parser->text, from, parser->at);
	if (parser->at == parser->text.n || p[parser->at] == '\n') {
		item.octets = view_slice(parser->text, from - 1, parser->at);
		item.type = ITEM_BAD;
	} else {
		parser->at++;
	}
	return item;
}

static struct item word_item(struct parser *parser)
{
	struct item item = { ITEM_WORD, { NULL, 0 } };
	size_t from = parser->at;

	while (parser->at < parser->text.n && !is_word_end(parser->text.p[parser->at]))
		parser->at++;
	if (parser->at == from) { /* NUL, or a parenthesis too many */
		parser->at++;
		item.type = ITEM_BAD;
	}
	item.octets = view_slice(parser->text, from, parser->at);
	return item;
}

static struct item next_item(struct parser *parser)
{
	struct item line_end = { ITEM_LINE_END, { NULL, 0 } };

	if (!skip_to_item(parser))
		return word_item(parser);
	if (parser->at == parser->text.n || parser->text.p[parser->at] == '\n')
		return line_end;
	if (parser->text.p[parser->at] == '"') {
		parser->at++;
		return string_item(parser);
	}
	return word_item(parser);
}

/* The octets that `\DDD` stands for, and how many characters that took; 0: no octet is so large. */
static size_t unescape(struct view v, size_t at, char *ret)
{
	unsigned number = 0;
	size_t i;

	for (i = at + 1; i < v.n && i < at + 4 && v.p[i] >= '0' && v.p[i] <= '9'; i++)
		number = number * 10 + (unsigned)(v.p[i] - '0');
	if (i == at + 1) { /* no digits: the octet itself */
		*ret = v.p[at + 1];
		return 2;
	}
	*ret = (char)(unsigned char)number;
	return i == at + 4 && number <= 255 ? 4 : 0;
}

static int add_string(struct parser *parser, struct item string)
{
	struct view v = string.octets;
	size_t length;

	for (size_t i = 0; i < v.n; i += length) {
		length = 1;
		parser->room[parser->room_used] = v.p[i];
		if (v.p[i] == '\\')
			length = unescape(v, i, &parser->room[parser->room_used]);
		if (length == 0)
			return complain(parser, "\\ and three digits up to 255", string);
		parser->room_used++;
	}
	return 0;
}

/* The strings of one record; `item` is the first. Leaves *item at the line's end. */
static int parse_strings(struct parser *parser, struct item *item, struct view *ret)
{
	size_t from = parser->room_used;
	int r;

	do {
		if (item->type != ITEM_STRING)
			return complain(parser, "a string in quotes", *item);
		r = add_string(parser, *item);
		if (r)
			return r;
		*ret = (struct view){ parser->room + from, parser->room_used - from };
		if (ret->n > DKIM_TXT_OCTETS_MAX)
			return fault(parser->mem, parser->ret_error, -EBADMSG, "%s:%u: wanted at most %d octets in one record, got more",
			             parser->name, parser->line, DKIM_TXT_OCTETS_MAX);
		*item = next_item(parser);
	} while (item->type != ITEM_LINE_END);
	return 0;
}

static bool is_number(struct view v)
{
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] < '0' || v.p[i] > '9')
			return false;
	return true;
}

/* [TTL] [IN] TXT, the first two in any order (RFC 1035 section 5.1); returns at the item behind. */
static int parse_type(struct parser *parser, struct item *ret)
{
	bool ttl = false, class = false;
	struct item item = next_item(parser);

	while (item.type == ITEM_WORD && !view_eq_nocase(item.octets, VIEW("TXT"))) {
		bool *seen = is_number(item.octets) ? &ttl : &class;

		if (*seen || (seen == &class && !view_eq_nocase(item.octets, VIEW("IN"))))
			break;
		*seen = true;
		item = next_item(parser);
	}
	if (item.type != ITEM_WORD || !view_eq_nocase(item.octets, VIEW("TXT")))
		return complain(parser, "TXT", item);
	*ret = next_item(parser);
	return 0;
}

static int parse_name(struct parser *parser, struct item item, struct view *ret)
{
	struct view name = item.octets;
	int r = item.type == ITEM_WORD ? 0 : -EINVAL;

	if (name.n > 1 && name.p[name.n - 1] == '.')
		name.n--;
	if (r == 0)
		r = idna_to_ascii(parser->room, name, &name);
	if (r < 0)
		return r == -ENOMEM ? r : complain(parser, "a domain name", item);
	if (name.p != item.octets.p) {
		*ret = name; /* was mapped, and has memory of its own */
		return 0;
	}
	memcpy(parser->room + parser->room_used, name.p, name.n);
	*ret = (struct view){ parser->room + parser->room_used, name.n };
	parser->room_used += name.n;
	return 0;
}

/* Room for one more record, in steps that double. */
static int make_room(struct parser *parser)
{
	size_t capacity = parser->capacity ? 2 * parser->capacity : 16;
	struct record *records;

	if (parser->count < parser->capacity)
		return 0;
	records = talloc_realloc_size(parser->mem, parser->records, capacity * sizeof *records);
	if (!records)
		return -ENOMEM;
	parser->records = records;
	parser->capacity = capacity;
	return 0;
}

/* One entry, or an empty line. */
static int parse_entry(struct parser *parser)
{
	struct item item = next_item(parser);
	struct record record;
	int r;

	if (item.type == ITEM_LINE_END && !parser->in_parentheses)
		return 0;
	r = make_room(parser);
	if (!r)
		r = parse_name(parser, item, &record.name);
	if (!r)
		r = parse_type(parser, &item);
	if (!r)
		r = parse_strings(parser, &item, &record.text);
	if (r)
		return r;
	if (parser->in_parentheses)
		return complain(parser, "a closing parenthesis", item);
	parser->records[parser->count++] = record;
	return 0;
}

static int parse_all(struct parser *parser)
{
	int r;

	do {
		r = parse_entry(parser);
		if (r)
			return r;
		parser->line++;
	} while (parser->at++ < parser->text.n); /* past the line end */
	return 0;
}

int records_parse(void *mem, const char *name, struct view text, struct record **ret, size_t *ret_count, char **ret_error)
{
	struct parser parser = { .mem = mem, .name = name, .ret_error = ret_error, .text = text, .line = 1 };
	int r = -ENOMEM;

	parser.room = talloc_size(mem, text.n);
	if (!parser.room)
		return r;
	r = make_room(&parser);
	if (!r)
		r = parse_all(&parser);
	if (r) {
		talloc_free(parser.room);
		talloc_free(parser.records);
		return r;
	}
	talloc_reparent(mem, parser.records, parser.room);
	*ret = parser.records;
	*ret_count = parser.count;
	return 0;
}
