/*
 * The log: lines of key=value, one per event, to stderr, syslog or the journal. All of a line's values are
 * escaped: what a message says can neither end a line nor forge a key. May be called from any thread.
 */
#ifndef MILTER_LOG_H
#define MILTER_LOG_H

#include "conf/conf.h"
#include "dkim/view.h"

/* Choose target, format and level; `process` ("supervisor", "inbound", ...) goes into every line. Before threads.
 * CONF_LOG_AUTO: the journal when stderr is connected to it ($JOURNAL_STREAM), stderr when that is open, else syslog.
 * Until then, lines go to stderr at level info. Returns 0 or a negative errno. */
int log_open(const struct conf_log *params, const char *process);

/* True when lines of this level are written: spares the work of building them. */
bool log_enabled(enum conf_log_level level);

struct log_line;

#define LOG_VALUE_MAX 512  /* octets of one value that are shown */
#define LOG_LINE_MAX 8192  /* octets of one line; what comes later is left out and "cut=1" says so */

/* Begin a line.
 *   mem    talloc parent for the time of building
 *   event  one word, the first value: event=message
 * Never fails: when memory is out the line is written without its fields. */
struct log_line *log_begin(void *mem, enum conf_log_level level, const char *event);

void log_field(struct log_line *line, const char *key, struct view value);
void log_string(struct log_line *line, const char *key, const char *value);
void log_number(struct log_line *line, const char *key, long long value);
void log_format(struct log_line *line, const char *key, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Write it and free it. */
void log_end(struct log_line *line);

/* A line with a text alone: event=EVENT text="...". */
void log_text(enum conf_log_level level, const char *event, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
