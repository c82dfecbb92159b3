/* OpenDKIM's KeyTable and SigningTable with the keys that they name. */
#ifndef MILTER_SIGN_TABLES_H
#define MILTER_SIGN_TABLES_H

#include "conf/signing_table.h"
#include "milter/loaded_key.h"

struct sign_tables {
	struct key_table *keys;
	struct signing_table *senders;
	struct loaded_key **loaded; /* one per row of keys; NULL: could not be loaded. Rows of one file share it */
};

/* Read both files; sign.key-table must be set.
 *   ret_errors  always written: all faults of the rows, or why a file cannot be read
 * Returns 0, -EINVAL (see ret_errors) or -ENOMEM. */
int sign_tables_read(void *mem, const struct conf_sign *conf, struct sign_tables **ret, struct conf_errors *ret_errors);

/* Load each file once. `lost` is told of each row whose file cannot be loaded. Returns 0 or -ENOMEM. */
typedef void sign_tables_lost(void *arg, const struct key_row *row, const char *error);
int sign_tables_load_keys(struct sign_tables *tables, sign_tables_lost *lost, void *arg);

/* The key of a row; NULL: could not be loaded. */
const struct loaded_key *sign_tables_key(const struct sign_tables *tables, const struct key_row *row);

/* A row as if it were a section. Strings are borrowed. */
struct conf_key sign_tables_conf_key(const struct key_row *row);

#endif
