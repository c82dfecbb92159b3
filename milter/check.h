/* What `postern check` finds: one line each, and whether the daemon could start and do its work. */
#ifndef MILTER_CHECK_H
#define MILTER_CHECK_H

#include "conf/conf.h"
#include "milter/key_report.h"

enum check_state {
	CHECK_OK,
	CHECK_WARNING, /* starts and works, but somebody should look */
	CHECK_FAILS,   /* would go wrong at start, or make signatures that do not verify */
};

struct check; /* a talloc object */

/* NULL when memory is out. */
struct check *check_new(void *mem);

/* Add a finding.
 *   what  "key"; name  "sel2026", or "" */
void check_add(struct check *check, enum check_state state, const char *what, const char *name, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* What to do about the finding that was added last. */
void check_advise(struct check *check, const char *advice);

/* Add a key: a finding with its text, and its members for JSON. */
void check_add_key(struct check *check, enum check_state state, const struct key_report *report);

/* Print all on standard output, as a table or as JSON; `file` is the configuration's name. Returns EX_OK, EX_CONFIG when a
 * finding fails, or EX_OSERR when memory was out. */
int check_print(const struct check *check, const char *file, bool json);

/* The user, and the files that are read at start but for keys. */
void check_user(struct check *check, const struct conf *conf);
void check_records(struct check *check, const struct conf *conf);

/* Whether each listener's socket could be bound, or whether a milter answers on it already. */
void check_listeners(struct check *check, const struct conf *conf);

/* The tables, with all faults of their rows.
 *   ret  their keys, in the order of the key table; belongs to check; NULL when there are none
 * Returns how many. */
size_t check_tables(struct check *check, const struct conf_sign *conf, struct conf_key **ret);

/* What an MTA will not take, or will change after it was signed: warnings alone. */
void check_delivery(struct check *check, const struct conf *conf);

/* Whether each key, of sections and tables, can be loaded, and whether DNS publishes it. */
void check_keys(struct check *check, const struct conf *conf);

/* Where a listener scans: whether the scanner or clamd, the class map and the folder for copies are as they must be. The scanner
 * looks for itself, into `file`. */
void check_scan(struct check *check, const struct conf *conf, const char *file);

/* What in Postfix's configuration would break signatures or keep mail away (milter/postfix_findings.h).
 *   directory  of its main.cf; NULL: the system's */
void check_postfix(struct check *check, const struct conf *conf, const char *directory);

#endif
