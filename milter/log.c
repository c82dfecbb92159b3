#include "milter/log.h"

#include "dkim/buf.h"
#include "milter/log_write.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>
#include <time.h>
#include <unistd.h>

#define LOG_TAIL_MAX 16 /* octets kept free for `,"cut":1}` */
#define LOG_PROCESS_MAX 64 /* octets of the process's name; listener titles are short */

/* Written by log_open() only, before there are threads. */
static struct {
	enum conf_log_target target;
	enum conf_log_format format;
	enum conf_log_level level;
	char process[LOG_PROCESS_MAX];
} log_state = { CONF_LOG_STDERR, CONF_LOG_TEXT, CONF_LOG_INFO, "postern" };

static const char *const level_names[] = {
	[CONF_LOG_ERROR] = "error",
	[CONF_LOG_WARNING] = "warning",
	[CONF_LOG_INFO] = "info",
	[CONF_LOG_DEBUG] = "debug",
};

struct log_line {
	enum conf_log_level level;
	struct buf out;
	bool cut;
};

int log_open(const struct conf_log *params, const char *process)
{
	enum conf_log_target target = log_target_choose(params->target);
	int r = log_target_open(target);

	if (r < 0)
		return r;
	log_state.target = target;
	log_state.format = params->format;
	log_state.level = params->level;
	(void)snprintf(log_state.process, sizeof log_state.process, "%s", process);
	return 0;
}

bool log_enabled(enum conf_log_level level)
{
	return level <= log_state.level;
}

static bool json(void)
{
	return log_state.format == CONF_LOG_JSON;
}

/* A text value may stand bare when nothing in it could be taken for a separator, a quote or an escape. */
static bool is_bare(struct view v)
{
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] <= ' ' || v.p[i] > '~' || strchr("\"'\\=", v.p[i]))
			return false;
	return v.n > 0;
}

static void add_text_value(struct buf *out, void *mem, struct view value)
{
	char *escaped;

	if (value.n <= LOG_VALUE_MAX && is_bare(value)) {
		buf_add(out, value);
		return;
	}
	escaped = view_escape(mem, value, LOG_VALUE_MAX);
	buf_add_char(out, '"');
	buf_add_string(out, escaped ? escaped : "");
	buf_add_char(out, '"');
	talloc_free(escaped);
}

/* RFC 8259 section 7. Octets above 0x7e need not be UTF-8: each is shown as the code point of its value, which every
 * reader takes. */
static void add_json_value(struct buf *out, struct view value)
{
	size_t n = value.n <= LOG_VALUE_MAX ? value.n : LOG_VALUE_MAX;

	buf_add_char(out, '"');
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)value.p[i];

		if (c == '"' || c == '\\')
			buf_printf(out, "\\%c", c);
		else if (c >= ' ' && c <= '~')
			buf_add_char(out, (char)c);
		else
			buf_printf(out, "\\u%04x", c);
	}
	if (n < value.n)
		buf_add_string(out, "...");
	buf_add_char(out, '"');
}

/* Keys are words of our own: they need no escape. */
static void add_key(struct buf *out, const char *key)
{
	if (json())
		buf_printf(out, "%s\"%s\":", out->n > 1 ? "," : "", key);
	else
		buf_printf(out, "%s%s=", out->n ? " " : "", key);
}

/* A field whole or not at all: one that does not fit ends the line. */
static void add_field(struct log_line *line, const char *key, struct view value, bool number)
{
	struct buf *out;
	size_t before;

	if (!line || line->cut)
		return;
	out = &line->out;
	before = out->n;
	add_key(out, key);
	if (number)
		buf_add(out, value);
	else if (json())
		add_json_value(out, value);
	else
		add_text_value(out, line, value);
	if (!buf_error(out))
		return;
	line->cut = true;
	out->n = before;
	out->error = 0;
}

void log_field(struct log_line *line, const char *key, struct view value)
{
	add_field(line, key, value, false);
}

void log_string(struct log_line *line, const char *key, const char *value)
{
	log_field(line, key, view_of(value));
}

void log_number(struct log_line *line, const char *key, long long value)
{
	char digits[3 * sizeof value + 2]; /* three decimal digits hold an octet; sign and NUL */

	(void)snprintf(digits, sizeof digits, "%lld", value);
	add_field(line, key, view_of(digits), true);
}

static void log_vformat(struct log_line *line, const char *key, const char *format, va_list arguments) __attribute__((format(printf, 3, 0)));

static void log_vformat(struct log_line *line, const char *key, const char *format, va_list arguments)
{
	char *value;

	if (!line)
		return;
	value = talloc_vasprintf(line, format, arguments);
	log_string(line, key, value ? value : format);
	talloc_free(value);
}

void log_format(struct log_line *line, const char *key, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	log_vformat(line, key, format, arguments);
	va_end(arguments);
}

/* RFC 3339, in UTC, to the millisecond: sorts as text. */
static void add_time(struct log_line *line)
{
	struct timespec now;
	char text[64];
	struct tm tm;
	size_t n;

	if (clock_gettime(CLOCK_REALTIME, &now) < 0 || !gmtime_r(&now.tv_sec, &tm))
		return;
	n = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(text + n, sizeof text - n, ".%03ldZ", now.tv_nsec / 1000000);
	log_string(line, "time", text);
}

/* Memory is out: a line that needs none. */
static void write_bare_line(enum conf_log_level level, const char *event)
{
	const char *form = json() ? "{\"level\":\"%s\",\"process\":\"%s\",\"event\":\"%s\",\"memory\":\"out\"}"
	                          : "level=%s process=%s event=%s memory=out";
	char text[LOG_VALUE_MAX];
	int n;

	n = snprintf(text, sizeof text, form, level_names[level], log_state.process, event);
	if (n > 0 && (size_t)n < sizeof text)
		log_target_write(log_state.target, level, text, (size_t)n);
}

struct log_line *log_begin(void *mem, enum conf_log_level level, const char *event)
{
	struct log_line *line;

	if (!log_enabled(level))
		return NULL;
	line = talloc_zero(mem, struct log_line);
	if (!line) {
		write_bare_line(level, event);
		return NULL;
	}
	line->level = level;
	buf_init(&line->out, line, LOG_LINE_MAX - LOG_TAIL_MAX);
	if (json())
		buf_add_char(&line->out, '{');
	if (log_state.target == CONF_LOG_STDERR) { /* the other targets add these themselves */
		add_time(line);
		log_number(line, "pid", getpid());
	}
	log_string(line, "level", level_names[level]);
	log_string(line, "process", log_state.process);
	log_string(line, "event", event);
	return line;
}

void log_end(struct log_line *line)
{
	struct view out;

	if (!line)
		return;
	line->out.maximum = LOG_LINE_MAX;
	if (line->cut) {
		line->cut = false;
		log_number(line, "cut", 1);
	}
	if (json())
		buf_add_char(&line->out, '}');
	out = buf_view(&line->out);
	log_target_write(log_state.target, line->level, buf_string(&line->out), out.n);
	talloc_free(line);
}

void log_text(enum conf_log_level level, const char *event, const char *format, ...)
{
	struct log_line *line = log_begin(NULL, level, event);
	va_list arguments;

	va_start(arguments, format);
	log_vformat(line, "text", format, arguments);
	va_end(arguments);
	log_end(line);
}

/*
 * libmilter reports its own troubles ("accept() returned invalid socket", a packet that was too big) through
 * syslog() only: lost on a host without /dev/log, and outside of the format and target that the administrator chose.
 * The linker takes a program's definition of a function before the C library's. With the two below, what any library of
 * this process says to syslog() becomes a line of this log. The prototypes do not come from <syslog.h>, because with
 * _FORTIFY_SOURCE that defines syslog() itself, in terms of the second.
 */
void syslog(int priority, const char *format, ...) __attribute__((format(printf, 2, 3)));
void __syslog_chk(int priority, int flag, const char *format, ...) __attribute__((format(printf, 3, 4)));

static void library_log(int priority, const char *format, va_list arguments) __attribute__((format(printf, 2, 0)));

static void library_log(int priority, const char *format, va_list arguments)
{
	struct log_line *line = log_begin(NULL, log_level_of_priority(priority), "library");

	log_vformat(line, "text", format, arguments);
	log_end(line);
}

void syslog(int priority, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	library_log(priority, format, arguments);
	va_end(arguments);
}

void __syslog_chk(int priority, int flag, const char *format, ...)
{
	va_list arguments;

	(void)flag; /* how strictly to check the format: a library's formats are constants */
	va_start(arguments, format);
	library_log(priority, format, arguments);
	va_end(arguments);
}
