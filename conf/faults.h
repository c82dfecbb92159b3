/* Everything that is wrong with one configuration, collected in any order. */
#ifndef CONF_FAULTS_H
#define CONF_FAULTS_H

#include "conf/conf.h"

struct fault_list;

/* A talloc child of mem; `file` names the text in every fault and is borrowed. NULL when memory is out. */
struct fault_list *faults_new(void *mem, const char *file);

/* Add "file:line: option: wanted ..., got ...". All strings are copied.
 *   line    0: of no line; then the fault reads "file: option: ..."
 *   wanted  what would have been right
 *   got     as it shall be shown, fit for a terminal (conf_quote() makes it so)
 * A fault that is there already is not added again; what is beyond CONF_ERRORS_MAX is left out. */
void faults_add(struct fault_list *faults, unsigned line, const char *option, const char *wanted, const char *got);

/* The number of faults so far. */
size_t faults_count(const struct fault_list *faults);

/* True once something was left out. */
bool faults_full(const struct fault_list *faults);

/* In the order of the lines, as conf_parse() hands them out. ret's memory belongs to mem.
 * Returns 0, or -ENOMEM also when that befell faults_add(). */
int faults_finish(struct fault_list *faults, void *mem, struct conf_errors *ret);

#endif
