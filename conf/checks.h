/* What no single value shows: whether the options fit each other. */
#ifndef CONF_CHECKS_H
#define CONF_CHECKS_H

#include "conf/faults.h"

/* Fields whose value was wrong may be NULL or 0; no further fault is made of them. Returns 0 or -ENOMEM. */
int check_conf(const struct conf *conf, struct fault_list *faults);

#endif
