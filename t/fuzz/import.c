/* Old configurations: any octets give notes and faults fit for people, and without a fault a text that conf_parse() can read. */
#include "conf/conf.h"
#include "milter/import_clamav.h"
#include "milter/import_command.h"
#include "milter/import_opendkim.h"
#include "t/fuzz/fuzz.h"

#include <errno.h>
#include <string.h>
#include <talloc.h>

static void claim_texts(const struct import *import)
{
	for (size_t i = 0; import_note_at(import, i); i++)
		CLAIM(is_printable(view_of(import_note_at(import, i))) && strstr(import_note_at(import, i), ": "));
	for (size_t i = 0; import_fault_at(import, i); i++)
		CLAIM(is_printable(view_of(import_fault_at(import, i))) && strstr(import_fault_at(import, i), ": "));
}

/* Each value was judged by itself, so only what they say together can be wrong: no key, one socket twice. */
static void claim_text(struct import *import)
{
	const struct conf *conf;
	struct conf_errors errors;
	struct buf out;
	int r;

	buf_init(&out, import, IMPORT_TEXT_MAX);
	import_write(import, &out);
	CLAIM(buf_error(&out) == 0);
	r = conf_parse(import, buf_string(&out), out.n, "result", &conf, &errors);
	CLAIM(r == 0 || r == -EINVAL);
	for (size_t i = 0; i < errors.count; i++)
		CLAIM(!strstr(errors.text[i], "syntax") && !strstr(errors.text[i], "an option known here"));
}

static void map(struct import *import, struct old_settings *settings, bool alone)
{
	struct old_filter filter = { .settings = settings, .place = { "f", 0, "opendkim" }, .alone = alone };

	import_mode(import, &filter);
	import_listener(import, &filter);
	import_keys(import, &filter);
	import_settings(import, &filter);
}

/* Input: an octet that says what it is, then the file or command line. */
int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t n)
{
	struct import *import = import_new(NULL);
	struct view input = copy_of(import, (struct view){ (const char *)octets, n });
	uint8_t kind = take_octet(&input);
	struct old_settings settings = { NULL, 0 };
	const struct import_place place = { "f", 0, "clamav-milter" };
	char *text = view_string(import, input);

	/* Files may be named; not those that never end. */
	if (!text || strstr(text, "dev") || strstr(text, "proc") || strstr(text, "sys")) {
		talloc_free(import);
		return 0;
	}
	if (kind % 3 == 0) {
		old_settings_parse(import, &opendkim_syntax, input, "f", &settings);
		map(import, &settings, kind & 4);
	} else if (kind % 3 == 1) {
		old_command_parse(import, text, "f", &settings);
		map(import, &settings, kind & 4);
	} else {
		old_settings_parse(import, &clamav_syntax, input, "f", &settings);
		import_clamav(import, &settings, &place, kind & 4 ? "inbound" : NULL);
	}
	CLAIM(import_error(import) == 0);
	claim_texts(import);
	if (!import_fault_at(import, 0))
		claim_text(import);
	talloc_free(import);
	return 0;
}
