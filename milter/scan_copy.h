/*
 * Copies of messages that a scan found something in (av.copy): DIRECTORY/XX/TIME-XXXXXXXXXXXXXXXX.eml, the message as it came, and
 * beside it .json with what is known of it. X are hexadecimal digits of its SHA-256. Written under another name first, never over
 * something, never through a symbolic link, readable by the daemon's user alone. Threads and processes may copy at one time.
 */
#ifndef MILTER_SCAN_COPY_H
#define MILTER_SCAN_COPY_H

#include "av/client.h"
#include "conf/conf.h"

#define SCAN_COPY_CLEAN_S 60 /* so often copies beyond copy-age and copy-size are looked for, and when this process alone goes beyond copy-size */

struct scan_copies;

/* conf is borrowed. A talloc child of mem. Returns 0, -ENOMEM, or why the directory cannot be opened. */
int scan_copies_new(void *mem, const struct conf_av *conf, struct scan_copies **ret);

struct scan_copy_facts {
	const char *queue_id, *client; /* may be NULL */
	struct view sender;
	const char *const *recipients;
	size_t recipient_count;        /* 0: the MTA was not asked */
	const char *class, *action;
	const struct av_report *report;
};

/* Write one.
 *   ret_path   of the .eml, a talloc string of mem
 *   ret_error  which step went wrong, likewise; NULL when memory is out
 * Returns 0 or a negative errno; -EFBIG for a message beyond copy-size. */
int scan_copy(struct scan_copies *copies, void *mem, struct view octets, const uint8_t digest[AV_DIGEST_OCTETS],
              const struct scan_copy_facts *facts, char **ret_path, char **ret_error);

#endif
