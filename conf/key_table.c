#include "conf/key_table.h"

#include "conf/table_text.h"
#include "conf/values.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <talloc.h>

/* A fault that cannot be written for want of memory is none: the caller asks faults_finish(). */
static bool fault(struct fault_list *faults, const struct table_row *row, const char *wanted, const char *got)
{
	char *quoted = conf_quote(faults, got);

	faults_add(faults, row->line, "key", wanted, quoted ? quoted : "another");
	talloc_free(quoted);
	return false;
}

static char *cut_field(char **rest)
{
	char *field = *rest;

	*rest += strcspn(field, ":");
	if (**rest)
		*(*rest)++ = '\0';
	return field;
}

static bool read_row(const struct table_row *row, struct fault_list *faults, struct key_row *ret)
{
	char *rest = row->value;

	*ret = (struct key_row){ .name = row->key, .line = row->line };
	ret->domain = cut_field(&rest);
	ret->selector = cut_field(&rest);
	ret->file = rest;
	if (strchr(row->key, '*'))
		return fault(faults, row, "a name without *", row->key);
	if (strcmp(ret->domain, "%") != 0 && !value_is_domain(ret->domain))
		return fault(faults, row, "DOMAIN:SELECTOR:/PATH with a domain name in ASCII, or %, first", ret->domain);
	if (!*ret->selector || !value_is_selector(ret->selector))
		return fault(faults, row, "DOMAIN:SELECTOR:/PATH with a selector second", ret->selector);
	if (!value_is_path(ret->file)) /* what it is may be a secret */
		return fault(faults, row, "an absolute path to the private key", "something else");
	if (strchr(ret->file, '%'))
		return fault(faults, row, "a path without %: keys are read before there are senders", ret->file);
	return true;
}

static int compare_names(const void *a, const void *b)
{
	const struct key_row *x = *(const struct key_row *const *)a, *y = *(const struct key_row *const *)b;
	int difference = strcasecmp(x->name, y->name);

	return difference ? difference : (x->line > y->line) - (x->line < y->line);
}

static void check_names(const struct key_table *table, struct fault_list *faults)
{
	for (size_t i = 1; i < table->count; i++) {
		const struct key_row *row = table->sorted[i], *before = table->sorted[i - 1];

		if (strcasecmp(row->name, before->name) == 0) {
			const struct table_row at = { .line = row->line };

			fault(faults, &at, "a name that no row above has", row->name);
		}
	}
}

static int sort(struct key_table *table)
{
	table->sorted = talloc_array(table, const struct key_row *, (unsigned)table->count);
	if (!table->sorted)
		return -ENOMEM;
	for (size_t i = 0; i < table->count; i++)
		table->sorted[i] = &table->rows[i];
	qsort(table->sorted, table->count, sizeof *table->sorted, compare_names);
	return 0;
}

int key_table_parse(void *mem, char *text, size_t n, struct fault_list *faults, struct key_table **ret)
{
	struct key_table *table = talloc_zero(mem, struct key_table);
	struct table_text lines;
	struct table_row row;
	size_t room = 0;
	int r;

	if (!table)
		return -ENOMEM;
	if (table_text_begin(&lines, text, n, faults))
		while (table_text_next(&lines, &row)) {
			if (table->count == room) {
				room = room ? 2 * room : 64;
				table->rows = talloc_realloc(table, table->rows, struct key_row, (unsigned)room);
				if (!table->rows)
					goto out;
			}
			table->count += read_row(&row, faults, &table->rows[table->count]);
		}
	r = sort(table);
	if (r < 0)
		goto out;
	check_names(table, faults);
	*ret = table;
	return 0;
out:
	talloc_free(table);
	return -ENOMEM;
}

const struct key_row *key_table_find(const struct key_table *table, const char *name)
{
	size_t low = 0, high = table->count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (strcasecmp(table->sorted[middle]->name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < table->count && strcasecmp(table->sorted[low]->name, name) == 0 ? table->sorted[low] : NULL;
}
