/* The keys of a configuration, for `postern status --keys`: their files are read and DNS is asked here and now, not by the daemon. */
#ifndef MILTER_STATUS_KEYS_H
#define MILTER_STATUS_KEYS_H

#include "dkim/zone_count.h"
#include "milter/key_report.h"

/* Sections key: as many as may be asked for at once, if all are of one zone. `postern testkey -c FILE` goes through all, those of tables too. */
#define STATUS_KEYS_MAX DKIM_QUERIES_PER_ZONE_MAX

struct status_keys {
	struct key_report *reports;
	size_t count;
	size_t left_out; /* beyond STATUS_KEYS_MAX */
};

/*   ret        a talloc child of mem
 *   ret_error  a talloc string of mem. Returns 0, -ENOMEM, or a negative errno when DNS cannot be asked at all. */
int status_keys_read(void *mem, const struct conf *conf, struct status_keys **ret, char **ret_error);

#endif
