/* OpenDKIM's SigningTable: which keys of a KeyTable sign for which senders (opendkim.conf(5)). */
#ifndef CONF_SIGNING_TABLE_H
#define CONF_SIGNING_TABLE_H

#include "conf/key_table.h"

struct signing_row {
	const char *pattern;
	const struct key_row *key;  /* NULL: "%", the row of the key table that is named like the From domain */
	const char *identity;       /* for i=, a % stands for the From domain; NULL: none */
	unsigned line;
};

struct signing_table; /* a talloc object */

/* Read rows `pattern name[,name...][:identity]`.
 *   text, n  as in table_text.h
 *   refile   patterns with asterisks, tried in the order of the file; else addresses, hosts and the like
 *   keys     borrowed for the table's life
 *   faults   gets every row that is wrong, one that names no key of `keys` too
 * Returns 0 or -ENOMEM. */
int signing_table_parse(void *mem, char *text, size_t n, bool refile, const struct key_table *keys, struct fault_list *faults,
                        struct signing_table **ret);

size_t signing_table_count(const struct signing_table *table);

/* Octets of an address that is looked up; RFC 5321 section 4.5.3.1.3 has 254. A longer one has no keys. */
#define SIGNING_ADDRESS_MAX 1024

/* Call `found` for each row that stands for this sender, in any case of letters. refile: in the order of the file. Otherwise:
 *   user@host, host, user@.parent (of each parent domain, the nearest first), .parent (likewise), user@*, *
 *   all    false: the first row alone, with all keys that it names (opendkim's MultipleSignatures off)
 * Ends early when `found` returns not 0. Returns that, or 0. */
typedef int signing_found(void *arg, const struct signing_row *row);
int signing_table_match(const struct signing_table *table, const char *user, const char *host, bool all, signing_found *found,
                        void *arg);

#endif
