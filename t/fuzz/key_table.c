/* A KeyTable: any octets give rows that can be used, or faults fit for people. */
#include "conf/key_table.h"
#include "dkim/domain.h"
#include "t/fuzz/tables.h"

#include <string.h>
#include <talloc.h>

/* Lines that are not empty and no comment alone. */
static size_t count_rows(struct view text)
{
	size_t count = 0;

	while (text.n > 0) {
		const struct view line = take_line(&text);
		const struct view row = view_slice(line, 0, view_find(line, '#'));

		count += !matches(row, "[ \t\r\v\f]*");
	}
	return count;
}

static void claim_row(const struct key_table *table, const struct key_row *row)
{
	const struct view selector = view_of(row->selector);
	const struct key_row *named = key_table_find(table, row->name);

	CLAIM(matches(view_of(row->name), "[^* \t\r\v\f\n#]+"));
	CLAIM(strcmp(row->domain, "%") == 0 || domain_is_valid(view_of(row->domain)));
	CLAIM(domain_is_ascii(view_of(row->domain)));
	CLAIM(domain_is_valid(selector) && domain_is_ascii(selector));
	CLAIM(matches(view_of(row->file), "/[^%\n#]*"));
	CLAIM(named && view_eq_nocase(view_of(named->name), view_of(row->name)));
	CLAIM(named->line <= row->line); /* the first of its name */
}

/* Input: the table. */
int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t n)
{
	const struct view input = { (const char *)octets, n };
	void *mem = talloc_new(NULL);
	struct fault_list *faults = faults_new(mem, "f");
	struct key_table *table;
	size_t fault_count;

	CLAIM(key_table_parse(mem, table_copy(mem, input), n, faults, &table) == 0);
	fault_count = claim_faults(mem, faults, input);
	for (size_t i = 0; i < table->count; i++) {
		claim_row(table, &table->rows[i]);
		CLAIM(i == 0 || table->rows[i].line > table->rows[i - 1].line);
		CLAIM(fault_count > 0 || key_table_find(table, table->rows[i].name) == &table->rows[i]);
	}
	CLAIM(table->count <= count_rows(input));
	CLAIM(fault_count > 0 || table->count == count_rows(input));
	CLAIM(!key_table_find(table, "") && !key_table_find(table, "*"));
	talloc_free(mem);
	return 0;
}
