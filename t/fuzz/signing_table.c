/* A SigningTable, in both of its forms: any octets give rows or faults; which rows stand for a sender, and in which order, is found
 * a second time by trying every row for every step. */
#include "conf/signing_table.h"
#include "conf/table_text.h"
#include "dkim/domain.h"
#include "t/fuzz/tables.h"

#include <string.h>
#include <talloc.h>

#define TEXT_MAX (16 * 1024 * 1024) /* far above what the rows of one input, each with a pattern and an identity, become */
#define SENDERS_MAX 8          /* looked up in one input */
#define IDENTITY_MAX 320       /* octets: 64 for the local part, 255 for the domain (RFC 5321 section 4.5.3.1) */

static const char key_text[] = "a example.com:a:/a\nB example.com:b:/b\nexample.org %:c:/c\n";

/* A table, and what the slow search knows of it. */
struct tables {
	const struct signing_table *fast;
	struct signing_row *rows;
	size_t count;
	bool refile, all;
};

/* One that is asked for, and the rows that are found. */
struct sender {
	struct view user, host;
	const struct tables *tables;
	struct buf *out;
	unsigned line; /* of the first row; 0: none yet */
};

static int write_row(void *arg, const struct signing_row *row)
{
	struct buf *out = arg;

	buf_printf(out, "%u: %s %s %s\n", row->line, row->pattern, row->key ? row->key->name : "%", row->identity ? row->identity : "");
	return 0;
}

static const struct key_row *slow_key(const struct key_table *keys, struct view name)
{
	for (size_t i = 0; i < keys->count; i++)
		if (view_eq_nocase(view_of(keys->rows[i].name), name))
			return &keys->rows[i];
	return NULL;
}

/* name[,name...][:identity]. Returns whether all of it is right. */
static bool slow_names(void *mem, struct tables *tables, const struct table_row *row, const struct key_table *keys)
{
	const struct view value = view_of(row->value);
	const size_t colon = view_find(value, ':');
	const struct view identity = view_slice(value, colon + 1, value.n);
	bool right = true;

	if (identity.n > IDENTITY_MAX || !matches(identity, "[!-:<-~]*"))
		return false;
	for (size_t at = 0, end; at <= colon; at = end + 1) {
		struct view name = view_slice(value, at, colon);
		struct signing_row one = { .pattern = row->key, .line = row->line };

		name = view_slice(name, 0, view_find(name, ','));
		end = at + name.n;
		one.identity = identity.n ? view_string(mem, identity) : NULL;
		one.key = slow_key(keys, name);
		if (one.key || view_eq(name, VIEW("%")))
			tables->rows[tables->count++] = one;
		else
			right = false;
	}
	return right;
}

/* Each name takes an octet at least, or is refused. Returns whether all of the text is right. */
static bool slow_parse(void *mem, struct tables *tables, struct view text, const struct key_table *keys)
{
	struct fault_list *faults = faults_new(mem, "f");
	struct table_text lines;
	struct table_row row;
	bool right = true;

	tables->rows = talloc_array(mem, struct signing_row, (unsigned)text.n + 1);
	CLAIM(tables->rows);
	if (!table_text_begin(&lines, table_copy(mem, text), text.n, faults))
		return false;
	while (table_text_next(&lines, &row))
		right = slow_names(mem, tables, &row, keys) && right;
	return right;
}

/* After each octet of the pattern: behind which octets of the text can we be? */
static bool slow_glob(struct view pattern, struct view text)
{
	bool reached[SIGNING_ADDRESS_MAX + 1] = { true };

	for (size_t i = 0; i < pattern.n; i++) {
		for (size_t at = 1; pattern.p[i] == '*' && at <= text.n; at++)
			reached[at] = reached[at] || reached[at - 1];
		for (size_t at = text.n; pattern.p[i] != '*' && at > 0; at--)
			reached[at] = reached[at - 1] && ascii_lower(text.p[at - 1]) == ascii_lower(pattern.p[i]);
		reached[0] = reached[0] && pattern.p[i] == '*';
	}
	return reached[text.n];
}

static void slow_step(struct sender *sender, const char *text)
{
	const struct tables *tables = sender->tables;

	for (size_t i = 0; i < tables->count; i++) {
		const struct signing_row *row = &tables->rows[i];
		const struct view pattern = view_of(row->pattern), wanted = view_of(text);

		if (tables->refile ? !slow_glob(pattern, wanted) : !view_eq_nocase(pattern, wanted))
			continue;
		if (!sender->line)
			sender->line = row->line;
		if (tables->all || row->line == sender->line)
			CLAIM(write_row(sender->out, row) == 0);
	}
}

/* user@.parent or .parent of each parent domain. */
static void slow_parents(void *mem, struct sender *sender, const char *start, const char *host)
{
	for (const char *dot = strchr(host, '.'); dot; dot = strchr(dot + 1, '.'))
		if (sender->tables->all || !sender->line)
			slow_step(sender, talloc_asprintf(mem, "%s%s", start, dot));
}

static void slow_match(void *mem, struct sender *sender)
{
	const char *user = view_string(mem, sender->user), *host = view_string(mem, sender->host);
	const char *address = talloc_asprintf(mem, "%s@%s", user, host);
	const bool all = sender->tables->all;

	if (strlen(address) > SIGNING_ADDRESS_MAX)
		return;
	slow_step(sender, address);
	if (sender->tables->refile)
		return;
	if (all || !sender->line)
		slow_step(sender, host);
	slow_parents(mem, sender, talloc_asprintf(mem, "%s@", user), host);
	slow_parents(mem, sender, "", host);
	if (all || !sender->line)
		slow_step(sender, talloc_asprintf(mem, "%s@*", user));
	if (all || !sender->line)
		slow_step(sender, "*");
}

/* A sender whose domain is a domain name: others have no mailbox (dkim/domain.h). */
static void claim_sender(void *parent, const struct tables *tables, struct view address)
{
	void *mem = talloc_new(parent);
	struct buf got, wanted;
	struct sender sender = { .tables = tables, .out = &wanted };
	size_t at = address.n;

	while (at > 0 && address.p[at - 1] != '@')
		at--;
	sender.user = view_slice(address, 0, at > 0 ? at - 1 : 0);
	sender.host = view_slice(address, at, address.n);
	buf_init(&got, mem, TEXT_MAX);
	buf_init(&wanted, mem, TEXT_MAX);
	if (at > 0 && view_find(address, '\0') == address.n && domain_is_valid(sender.host)) {
		CLAIM(signing_table_match(tables->fast, view_string(mem, sender.user), view_string(mem, sender.host), tables->all,
		                          write_row, &got) == 0);
		slow_match(mem, &sender);
		CLAIM(buf_error(&got) == 0 && buf_error(&wanted) == 0);
		CLAIM_SAME(buf_view(&got), buf_view(&wanted));
	}
	talloc_free(mem);
}

/* Input: an octet for the form, lines of addresses to be looked up, an empty line, the table. Its patterns are looked up too. */
int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t n)
{
	struct view input = { (const char *)octets, n }, senders, line;
	const uint8_t form = take_octet(&input);
	struct tables tables = { .refile = form & 1, .all = form & 2 };
	void *mem = talloc_new(NULL);
	struct fault_list *faults = faults_new(mem, "f");
	struct signing_table *table;
	struct key_table *keys;

	CLAIM(key_table_parse(mem, table_copy(mem, VIEW(key_text)), strlen(key_text), faults, &keys) == 0);
	CLAIM(faults_count(faults) == 0);
	senders = input;
	do
		line = take_line(&input);
	while (line.n > 0);
	CLAIM(signing_table_parse(mem, table_copy(mem, input), input.n, tables.refile, keys, faults, &table) == 0);
	tables.fast = table;
	CLAIM(slow_parse(mem, &tables, input, keys) == (claim_faults(mem, faults, input) == 0));
	CLAIM(signing_table_count(table) == tables.count);
	for (size_t i = 0; i < SENDERS_MAX && (line = take_line(&senders)).n > 0; i++)
		claim_sender(mem, &tables, line);
	for (size_t i = 0; i < SENDERS_MAX && i < tables.count; i++)
		claim_sender(mem, &tables, view_of(tables.rows[i].pattern));
	claim_sender(mem, &tables, VIEW("joe@sub.example.com"));
	talloc_free(mem);
	return 0;
}
