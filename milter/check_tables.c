/* KeyTable and SigningTable: every fault of their rows, and what keys they name. */
#include "milter/check.h"

#include "milter/sign_tables.h"

#include <string.h>
#include <talloc.h>

size_t check_tables(struct check *check, const struct conf_sign *conf, struct conf_key **ret)
{
	struct sign_tables *tables = NULL;
	struct conf_errors errors = { NULL, 0 };
	int r = 0;

	*ret = NULL;
	if (!*conf->key_table)
		return 0;
	r = sign_tables_read(check, conf, &tables, &errors);
	for (size_t i = 0; i < errors.count; i++)
		check_add(check, CHECK_FAILS, "table", "", "%s", errors.text[i]);
	if (r < 0) {
		if (errors.count == 0)
			check_add(check, CHECK_FAILS, "table", "", "%s", strerror(-r));
		return 0;
	}
	check_add(check, CHECK_OK, "table", "", "%s: %zu key%s; %s: %zu row%s", conf->key_table, tables->keys->count,
	          tables->keys->count == 1 ? "" : "s", conf->signing_table, signing_table_count(tables->senders),
	          signing_table_count(tables->senders) == 1 ? "" : "s");
	*ret = talloc_array(check, struct conf_key, (unsigned)tables->keys->count);
	if (!*ret) {
		check_add(check, CHECK_FAILS, "table", "", "out of memory");
		return 0;
	}
	for (size_t i = 0; i < tables->keys->count; i++)
		(*ret)[i] = sign_tables_conf_key(&tables->keys->rows[i]);
	return tables->keys->count;
}
