/* A log line over values of any octets: one line, whose fields come back as they were. */
#include "milter/log.h"
#include "t/fuzz/capture.h"
#include "t/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>
#include <talloc.h>

#define FIELDS_MAX 16

/* One octet of a value, escapes undone; -1 at the closing quotation mark. */
static int unescaped_octet(struct view *line)
{
	static const char letters[] = "trn\"\\";
	static const char octets[] = "\t\r\n\"\\";
	char c = (char)take_octet(line);
	char digits[5] = "";

	CLAIM(c >= ' ' && c <= '~');
	if (c == '"')
		return -1;
	if (c != '\\')
		return c;
	c = (char)take_octet(line);
	if (c == 'x' || c == 'u') {
		size_t n = c == 'x' ? 2 : 4;

		CLAIM(line->n >= n);
		memcpy(digits, take(line, n).p, n);
		return (int)strtol(digits, NULL, 16);
	}
	CLAIM(c && strchr(letters, c));
	return (unsigned char)octets[strchr(letters, c) - letters];
}

static struct view take_quoted(void *mem, struct view *line)
{
	struct buf value;
	int c;

	buf_init(&value, mem, LOG_LINE_MAX);
	CLAIM(take_octet(line) == '"');
	while ((c = unescaped_octet(line)) >= 0)
		buf_add_char(&value, (char)c);
	return buf_view(&value);
}

static struct view take_until(struct view *line, const char *ends)
{
	size_t n = 0;

	while (n < line->n && !strchr(ends, line->p[n]))
		n++;
	return take(line, n);
}

/* key=value and a blank, or the end. */
static void take_text_field(void *mem, struct view *line, struct view *ret_key, struct view *ret_value)
{
	*ret_key = take_until(line, "= \"");
	CLAIM(ret_key->n > 0 && take_octet(line) == '=');
	*ret_value = line->n && line->p[0] == '"' ? take_quoted(mem, line) : take_until(line, "=\" \\");
	CLAIM(line->n == 0 || take_octet(line) == ' ');
}

/* "key":value and a comma, or the end; the braces are gone. */
static void take_json_field(void *mem, struct view *line, struct view *ret_key, struct view *ret_value)
{
	*ret_key = take_quoted(mem, line);
	CLAIM(take_octet(line) == ':');
	*ret_value = line->n && line->p[0] == '"' ? take_quoted(mem, line) : take_until(line, ",");
	CLAIM(line->n == 0 || take_octet(line) == ',');
}

static struct view line_of(struct view octets, bool json)
{
	CLAIM(octets.n >= 1 && octets.n <= LOG_LINE_MAX + 1);
	CLAIM(octets.p[octets.n - 1] == '\n');
	octets.n--;
	CLAIM(is_printable(octets));
	if (!json)
		return octets;
	CLAIM(octets.n >= 2 && octets.p[0] == '{' && octets.p[octets.n - 1] == '}');
	return view_slice(octets, 1, octets.n - 1);
}

static struct view shown(void *mem, struct view value)
{
	struct buf cut;

	if (value.n <= LOG_VALUE_MAX)
		return value;
	buf_init(&cut, mem, LOG_VALUE_MAX + 3);
	buf_add(&cut, view_slice(value, 0, LOG_VALUE_MAX));
	buf_add_string(&cut, "...");
	return buf_view(&cut);
}

/* The fields that the line begins with, then ours in their order, or as many as fit and "cut". */
static void claim_fields(void *mem, struct view line, bool json, const struct view *values, size_t count)
{
	static const char *const first[] = { "time", "pid", "level", "process", "event" };
	static const size_t first_count = sizeof first / sizeof *first;
	struct view key, value;
	size_t i = 0;

	for (; line.n > 0; i++) {
		(json ? take_json_field : take_text_field)(mem, &line, &key, &value);
		if (i < first_count) {
			CLAIM_SAME(key, view_of(first[i]));
		} else if (view_eq(key, VIEW("cut"))) {
			CLAIM(line.n == 0 && i - first_count < count);
			return;
		} else {
			CLAIM(i - first_count < count);
			CLAIM_SAME(key, VIEW("value"));
			CLAIM_SAME(value, shown(mem, values[i - first_count]));
		}
	}
	CLAIM(i == first_count + count);
}

/* Input: one octet (1: JSON; above 1: how often each value is given), then a line for each value. */
int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t n)
{
	struct view input = { (const char *)octets, n };
	uint8_t flags = take_octet(&input);
	const struct conf_log params = { CONF_LOG_STDERR, flags & 1 ? CONF_LOG_JSON : CONF_LOG_TEXT, CONF_LOG_INFO };
	struct view values[FIELDS_MAX];
	struct log_line *line;
	void *mem = talloc_new(NULL);
	size_t count = 0;

	while (input.n > 0 && count < FIELDS_MAX) {
		struct view value = copy_of(mem, take_line(&input));

		for (unsigned i = 0; i <= flags / 2u && count < FIELDS_MAX; i++)
			values[count++] = value;
	}
	CLAIM(log_open(&params, "fuzz") == 0);
	capture_begin();
	line = log_begin(mem, CONF_LOG_ERROR, "test");
	for (size_t i = 0; i < count; i++)
		log_field(line, "value", values[i]);
	log_end(line);
	claim_fields(mem, line_of(capture_end(mem), flags & 1), flags & 1, values, count);
	talloc_free(mem);
	return 0;
}
