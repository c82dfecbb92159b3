#include "milter/status_report.h"

#include "milter/json.h"
#include "milter/process_memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>

#define VALUE_MAX_SHOWN 400 /* octets of one value in the text */

struct pair {
	const char *key, *value;
};

struct record {
	const char *kind;
	struct pair *pairs;
	size_t count;
};

struct status_report {
	struct record **records;
	size_t count;
};

/* In this order they are shown; what is many is a list. */
static const struct kind {
	const char *name, *list;
} kinds[] = {
	{ "configuration", NULL }, { "listener", "listeners" }, { "scanner", NULL }, { "queue", NULL }, { "process", "processes" },
};

#define KINDS (sizeof kinds / sizeof *kinds)

struct status_report *status_report_new(void *mem)
{
	return talloc_zero(mem, struct status_report);
}

static const char *value_of(const struct record *record, const char *key)
{
	for (size_t i = 0; i < record->count; i++)
		if (strcmp(record->pairs[i].key, key) == 0)
			return record->pairs[i].value;
	return "";
}

static bool is(const struct record *record, const char *key, const char *value)
{
	return strcmp(value_of(record, key), value) == 0;
}

static int add_pair(struct record *record, const char *key, size_t n, char *value)
{
	struct pair *larger = talloc_realloc(record, record->pairs, struct pair, (unsigned)record->count + 1);
	char *name = talloc_strndup(record, key, n);

	if (!larger || !name || !value)
		return -ENOMEM;
	record->pairs = larger;
	record->pairs[record->count++] = (struct pair){ name, value };
	return 0;
}

static int add_view_pair(struct record *record, struct view text)
{
	size_t n = view_find(text, '=');

	if (n == text.n)
		return -EINVAL;
	return add_pair(record, text.p, n, talloc_strndup(record, text.p + n + 1, text.n - n - 1));
}

/* Who may not read it, or comes too late, sees none. */
static int add_memory(struct record *record)
{
	struct process_memory memory;
	int r;

	if (!*value_of(record, "pid") || process_memory(atoi(value_of(record, "pid")), &memory) < 0)
		return 0;
	r = add_pair(record, "pss", strlen("pss"), talloc_asprintf(record, "%llu", (unsigned long long)memory.pss));
	if (r == 0)
		r = add_pair(record, "private", strlen("private"), talloc_asprintf(record, "%llu", (unsigned long long)memory.private_only));
	return r;
}

static int parse(struct record *record, const char *line)
{
	struct view rest = view_of(line), part;
	int r = 0;

	if (!view_next(&rest, '\t', &part) || part.n == 0)
		return -EINVAL;
	record->kind = talloc_strndup(record, part.p, part.n);
	if (!record->kind)
		return -ENOMEM;
	while (r == 0 && view_next(&rest, '\t', &part))
		r = add_view_pair(record, part);
	if (r == 0 && strcmp(record->kind, "process") == 0)
		r = add_memory(record);
	return r;
}

int status_report_add(void *arg, const char *line)
{
	struct status_report *report = arg;
	struct record *record = talloc_zero(report, struct record), **larger;
	int r;

	if (!record)
		return -ENOMEM;
	r = parse(record, line);
	larger = r == 0 ? talloc_realloc(report, report->records, struct record *, (unsigned)report->count + 1) : NULL;
	if (!larger) {
		talloc_free(record);
		return r < 0 ? r : -ENOMEM;
	}
	report->records = larger;
	report->records[report->count++] = record;
	return 0;
}

/* Children that scan have no state of their own, and what leaves does so because something better has come. */
static bool is_well(const struct record *record)
{
	if (strcmp(record->kind, "scanner") == 0 || (strcmp(record->kind, "process") == 0 && (is(record, "role", "worker") || is(record, "role", "supervisor"))))
		return is(record, "state", "ready") || is(record, "state", "draining");
	return true;
}

bool status_report_is_well(const struct status_report *report)
{
	for (size_t i = 0; i < report->count; i++)
		if (!is_well(report->records[i]))
			return false;
	return report->count > 0;
}

static bool is_number(const char *value)
{
	size_t n = strspn(value, "0123456789");

	return n > 0 && n < 20 && value[n] == '\0' && (n == 1 || value[0] != '0');
}

static void add_object(struct buf *out, const struct record *record)
{
	buf_add_char(out, '{');
	for (size_t i = 0; i < record->count; i++) {
		const struct pair *pair = &record->pairs[i];

		json_name(out, pair->key);
		if (is_number(pair->value))
			buf_add_string(out, pair->value);
		else
			json_string(out, view_of(pair->value));
	}
	buf_add_char(out, '}');
}

static void add_kind(const struct status_report *report, const struct kind *kind, struct buf *out)
{
	bool any = false;

	for (size_t i = 0; i < report->count; i++) {
		if (strcmp(report->records[i]->kind, kind->name) != 0)
			continue;
		if (!any) {
			json_name(out, kind->list ? kind->list : kind->name);
			buf_add_string(out, kind->list ? "[" : "");
		} else {
			json_separate(out);
		}
		any = true;
		add_object(out, report->records[i]);
	}
	if (any && kind->list)
		buf_add_char(out, ']');
}

static void add_keys(const struct status_keys *keys, struct buf *out)
{
	json_name(out, "keys");
	buf_add_char(out, '[');
	for (size_t i = 0; i < keys->count; i++) {
		json_separate(out);
		key_report_json(&keys->reports[i], out);
	}
	buf_add_char(out, ']');
}

void status_report_json(const struct status_report *report, const struct status_keys *keys, struct buf *out)
{
	buf_add_char(out, '{');
	for (size_t i = 0; i < KINDS; i++)
		add_kind(report, &kinds[i], out);
	if (keys)
		add_keys(keys, out);
	json_name(out, "ok");
	buf_add_string(out, status_report_is_well(report) ? "true}\n" : "false}\n");
}

static void add_span(struct buf *out, long long seconds)
{
	if (seconds < 120)
		buf_printf(out, "%lld s", seconds);
	else if (seconds < 120 * 60)
		buf_printf(out, "%lld min", seconds / 60);
	else if (seconds < 48 * 3600)
		buf_printf(out, "%lld h", seconds / 3600);
	else
		buf_printf(out, "%lld days", seconds / 86400);
}

static void add_octets(struct buf *out, const char *value)
{
	double octets = strtod(value, NULL);

	if (octets < 1024 * 1024)
		buf_printf(out, "%.0f KB", octets / 1024);
	else
		buf_printf(out, "%.1f MB", octets / (1024 * 1024));
}

/* A value may come from a database or from another process: nothing in it may steer a terminal. */
static void add_escaped(struct buf *out, const char *value)
{
	char *escaped = view_escape(out->mem, view_of(value), VALUE_MAX_SHOWN);

	buf_add_string(out, escaped ? escaped : "?");
	talloc_free(escaped);
}

static void configuration_text(const struct record *record, time_t now, struct buf *out)
{
	buf_add_string(out, "configuration  ");
	add_escaped(out, value_of(record, "file"));
	buf_add_string(out, ", loaded ");
	add_span(out, (long long)now - atoll(value_of(record, "loaded")));
	buf_printf(out, " ago (number %s)\n", value_of(record, "generation"));
}

/* What never happened is left out. */
static void listener_text(const struct record *record, time_t now, struct buf *out)
{
	const char *comma = "";
	bool counts = false;

	(void)now;
	buf_add_string(out, "listener       ");
	add_escaped(out, value_of(record, "name"));
	buf_printf(out, ": %s, %s%s\n               ", value_of(record, "socket"), value_of(record, "role"), is(record, "scan", "yes") ? ", scans" : "");
	for (size_t i = 0; i < record->count; i++) {
		counts = counts || strcmp(record->pairs[i].key, "connections") == 0;
		if (!counts || strcmp(record->pairs[i].value, "0") == 0)
			continue;
		buf_printf(out, "%s%s %s", comma, record->pairs[i].key, record->pairs[i].value);
		comma = ", ";
	}
	buf_add_string(out, *comma ? "\n" : "nothing yet\n");
}

static void scanner_text_line(const struct record *record, time_t now, struct buf *out)
{
	(void)now;
	buf_printf(out, "scanner        %s: ", value_of(record, "state"));
	add_escaped(out, value_of(record, "text"));
	buf_printf(out, "; restarts: %s\n", value_of(record, "restarts"));
}

static void queue_text(const struct record *record, time_t now, struct buf *out)
{
	(void)now;
	buf_printf(out, "queue          %s messages, ", value_of(record, "jobs"));
	add_octets(out, value_of(record, "octets"));
	buf_add_char(out, '\n');
}

static void process_text(const struct record *record, time_t now, struct buf *out)
{
	(void)now;
	buf_printf(out, "process        %-8s %-10s %-11s ", *value_of(record, "pid") ? value_of(record, "pid") : "none", value_of(record, "role"), value_of(record, "name"));
	if (*value_of(record, "state")) {
		buf_printf(out, "%s for ", value_of(record, "state"));
		add_span(out, atoll(value_of(record, "since-s")));
	}
	if (*value_of(record, "restarts") && !is(record, "restarts", "0"))
		buf_printf(out, ", restarted %s times", value_of(record, "restarts"));
	if (*value_of(record, "pss")) {
		buf_add_string(out, *value_of(record, "state") ? ", " : "");
		add_octets(out, value_of(record, "private"));
		buf_add_string(out, " of its own, ");
		add_octets(out, value_of(record, "pss"));
		buf_add_string(out, " with its share");
	}
	buf_add_char(out, '\n');
}

static void keys_text(const struct status_keys *keys, struct buf *out)
{
	for (size_t i = 0; i < keys->count; i++) {
		buf_add_string(out, "key            ");
		add_escaped(out, keys->reports[i].name);
		buf_add_string(out, ": ");
		key_report_text(&keys->reports[i], out);
		buf_add_char(out, '\n');
	}
	if (keys->left_out)
		buf_printf(out, "key            %zu more: see postern testkey -c FILE\n", keys->left_out);
}

void status_report_text(const struct status_report *report, const struct status_keys *keys, time_t now, struct buf *out)
{
	static void (*const functions[KINDS])(const struct record *, time_t, struct buf *) = {
		configuration_text, listener_text, scanner_text_line, queue_text, process_text };

	for (size_t k = 0; k < KINDS; k++)
		for (size_t i = 0; i < report->count; i++)
			if (strcmp(report->records[i]->kind, kinds[k].name) == 0)
				functions[k](report->records[i], now, out);
	if (keys)
		keys_text(keys, out);
}
