#include "milter/check.h"

#include "dkim/buf.h"
#include "milter/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <sysexits.h>
#include <talloc.h>

#define REPORT_MAX ((size_t)64 * 1024 * 1024) /* octets; a full configuration has 10,000 keys and listeners */
#define KEY_TEXT_MAX 16384 /* octets of the text about one key */
#define NAME_MAX_SHOWN 200 /* octets of a title that the table shows */
#define ADVICE_COLUMN 19       /* below the name of its finding */

struct finding {
	enum check_state state;
	const char *what, *name, *text, *advice; /* advice may be NULL */
};

struct check {
	struct finding *finding;
	size_t count;
	struct buf keys; /* JSON, between its brackets */
	bool out_of_memory;
};

static const char *const state_words[] = { [CHECK_OK] = "ok", [CHECK_WARNING] = "warning", [CHECK_FAILS] = "FAILS" };
static const char *const state_names[] = { [CHECK_OK] = "ok", [CHECK_WARNING] = "warning", [CHECK_FAILS] = "fails" };

struct check *check_new(void *mem)
{
	struct check *check = talloc_zero(mem, struct check);

	if (check)
		buf_init(&check->keys, check, REPORT_MAX);
	return check;
}

void check_add(struct check *check, enum check_state state, const char *what, const char *name, const char *format, ...)
{
	struct finding finding = { .state = state, .what = what };
	struct finding *larger;
	va_list arguments;

	va_start(arguments, format);
	finding.text = talloc_vasprintf(check, format, arguments);
	va_end(arguments);
	finding.name = talloc_strdup(check, name);
	larger = talloc_realloc(check, check->finding, struct finding, (unsigned)check->count + 1);
	if (larger)
		check->finding = larger;
	if (!larger || !finding.name || !finding.text) {
		check->out_of_memory = true;
		return;
	}
	check->finding[check->count++] = finding;
}

void check_advise(struct check *check, const char *advice)
{
	char *copy = talloc_strdup(check, advice);

	if (copy && check->count)
		check->finding[check->count - 1].advice = copy;
	else
		check->out_of_memory = true; /* without a finding: there was none left for it */
}

void check_add_key(struct check *check, enum check_state state, const struct key_report *report)
{
	struct buf text;

	buf_init(&text, check, KEY_TEXT_MAX);
	key_report_text(report, &text);
	if (buf_error(&text))
		check->out_of_memory = true;
	else
		check_add(check, state, "key", report->name, "%s", buf_string(&text));
	buf_free(&text);
	json_separate(&check->keys);
	key_report_json(report, &check->keys);
}

static int worst(const struct check *check)
{
	for (size_t i = 0; i < check->count; i++)
		if (check->finding[i].state == CHECK_FAILS)
			return EX_CONFIG;
	return EX_OK;
}

static void add_row(struct buf *out, const struct finding *finding)
{
	char *name = view_escape(out->mem, view_of(finding->name), NAME_MAX_SHOWN);

	buf_printf(out, "%-9s %-8s %-12s %s\n", finding->what, state_words[finding->state], name ? name : "", finding->text);
	if (finding->advice)
		buf_printf(out, "%*s-> %s\n", ADVICE_COLUMN, "", finding->advice);
	talloc_free(name);
}

static void add_json(struct buf *out, const struct check *check, const char *file)
{
	buf_add_char(out, '{');
	json_member(out, "file", view_of(file));
	json_bool(out, "ok", worst(check) == EX_OK);
	json_name(out, "findings");
	buf_add_char(out, '[');
	for (size_t i = 0; i < check->count; i++) {
		json_separate(out);
		buf_add_char(out, '{');
		json_member(out, "what", view_of(check->finding[i].what));
		json_member(out, "name", view_of(check->finding[i].name));
		json_member(out, "state", view_of(state_names[check->finding[i].state]));
		json_member(out, "text", view_of(check->finding[i].text));
		if (check->finding[i].advice)
			json_member(out, "advice", view_of(check->finding[i].advice));
		buf_add_char(out, '}');
	}
	buf_add_char(out, ']');
	json_name(out, "keys");
	buf_printf(out, "[%s]}\n", buf_string(&check->keys));
}

int check_print(const struct check *check, const char *file, bool json)
{
	struct buf out;
	int code = worst(check);

	buf_init(&out, NULL, REPORT_MAX);
	if (json)
		add_json(&out, check, file);
	for (size_t i = 0; i < check->count && !json; i++)
		add_row(&out, &check->finding[i]);
	if (check->out_of_memory || buf_error(&out) || buf_error(&check->keys))
		code = EX_OSERR;
	else if (fputs(buf_string(&out), stdout) == EOF)
		code = EX_IOERR;
	buf_free(&out);
	return code;
}
