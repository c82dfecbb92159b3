/* A records file: any text; and texts written with every freedom that a zone file gives, whose records are known. */
#include "dkim/records.h"
#include "t/fuzz/fuzz.h"

#include <string.h>
#include <talloc.h>

#define TEXT_MAX (1024 * 1024) /* far above what libFuzzer's inputs become */
#define RECORDS_MAX 6
#define NAMES 2

static const char *const names[NAMES] = { "a._domainkey.example.com", "B.example.net" };

/* A blank; inside parentheses also a line end or a comment. */
static void write_space(struct view *input, bool in_parentheses, struct buf *out)
{
	static const char *const spaces[] = { " ", "\t ", "\r", "\n", "; \"comment\" )\n", "\r\n # comment\n" };

	buf_add_string(out, " ");
	buf_add_string(out, spaces[take_octet(input) % (in_parentheses ? 6 : 3)]);
}

static void write_octet(char c, uint8_t how, struct buf *out)
{
	bool special = c == '"' || c == '\\';
	bool digit = c >= '0' && c <= '9';

	if (c == '\n' || how == 0)
		buf_printf(out, "\\%03u", (unsigned char)c);
	else if (special || (how == 1 && !digit))
		buf_printf(out, "\\");
	if (c != '\n' && how != 0)
		buf_add_char(out, c);
}

/* text as one quoted string or several. */
static void write_strings(struct view *input, struct view text, bool in_parentheses, struct buf *out)
{
	buf_add_char(out, '"');
	for (size_t i = 0; i < text.n; i++) {
		uint8_t how = take_octet(input) % 8;

		if (how == 2) {
			buf_add_char(out, '"');
			write_space(input, in_parentheses, out);
			buf_add_char(out, '"');
		}
		write_octet(text.p[i], how, out);
	}
	buf_add_char(out, '"');
}

/* name [TTL] [IN] TXT strings */
static void write_record(struct view *input, const char *name, struct view text, struct buf *out)
{
	static const char *const types[] = { "TXT", "IN TXT", "300 TXT", "0 in txt", "IN 86400 Txt" };
	uint8_t form = take_octet(input);
	bool in_parentheses = form & 1;

	if (form & 2)
		buf_add_string(out, "; comment (\n\n");
	buf_printf(out, "%s%s", name, form & 4 ? "." : "");
	write_space(input, false, out);
	buf_add_string(out, types[(form >> 3) % 5]);
	write_space(input, false, out);
	if (in_parentheses)
		buf_add_char(out, '(');
	write_strings(input, text, in_parentheses, out);
	if (in_parentheses) {
		write_space(input, true, out);
		buf_add_char(out, ')');
	}
	buf_add_string(out, form & 64 ? " # comment\n" : form & 128 ? "\r\n" : "\n");
}

static void claim_found(const struct dkim_records *records, size_t name, const struct view *texts, size_t count)
{
	struct view found;

	for (size_t i = 0; i < count; i++) {
		CLAIM(dkim_records_find(records, view_of(names[name]), i, &found));
		CLAIM_SAME(found, texts[i]);
	}
	CLAIM(!dkim_records_find(records, view_of(names[name]), count, &found));
}

static void try_written(void *mem, struct view input)
{
	struct view texts[NAMES][RECORDS_MAX];
	size_t count[NAMES] = { 0 };
	struct dkim_records *records;
	char *error = NULL;
	struct buf out;

	buf_init(&out, mem, TEXT_MAX);
	for (size_t i = 0; input.n > 0 && i < RECORDS_MAX; i++) {
		size_t name = take_octet(&input) % NAMES;
		struct view text = take(&input, take_octet(&input));

		write_record(&input, name ? "b.EXAMPLE.net" : names[0], text, &out);
		texts[name][count[name]++] = text;
	}
	CLAIM(buf_error(&out) == 0);
	if (dkim_records_parse(mem, "records", buf_view(&out), &records, &error) < 0)
		CLAIM_SAME(view_of(error), buf_view(&out)); /* shows both */
	for (size_t name = 0; name < NAMES; name++)
		claim_found(records, name, texts[name], count[name]);
}

/* Input: "W" and what steers the writing, or else a text. */
int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t n)
{
	struct view input = { (const char *)octets, n };
	struct dkim_records *records;
	struct view found;
	char *error = NULL;
	void *mem = talloc_new(NULL);

	if (n > 0 && octets[0] == 'W') {
		try_written(mem, view_slice(input, 1, n));
	} else if (dkim_records_parse(mem, "records", input, &records, &error) < 0) {
		claim_error_text(error, "records:");
		CLAIM(matches(view_of(error), "records:[0-9]+: wanted .* got .*"));
	} else {
		(void)dkim_records_find(records, view_of(names[0]), 0, &found);
	}
	talloc_free(mem);
	return 0;
}
