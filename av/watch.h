/*
 * The folder or file that holds the database: when it has changed, and has been left alone since. inotify says when to
 * look; a fingerprint of the database's files says whether anything is different, removals too; and since notifications may
 * be missing (other file systems) it is looked at now and then anyway.
 */
#ifndef AV_WATCH_H
#define AV_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#define AV_WATCH_POLL_MS 60000

/* All that tells one state of a database from another. */
struct av_fingerprint {
	uint64_t digest;  /* of name, size, time of change and inode of each file */
	uint64_t octets;  /* of all files */
	uint64_t packed;  /* of these: in compressed containers (.cvd, .cud) */
	unsigned files;
};

/* Does libclamav read a file of this name in a folder? */
bool av_is_database_file(const char *name);

/* Returns 0 or a negative errno; no file at all is a state too. */
int av_fingerprint_take(const char *database, struct av_fingerprint *ret);

struct av_watch;

/* Start to watch: what lies there now is the known state.
 *   delay_ms  quiet time wanted before a change counts
 *   ret       a talloc child of mem. Works without inotify, too: av_watch_fd() is then -1. Returns 0 or -ENOMEM. */
int av_watch_new(void *mem, const char *database, unsigned delay_ms, struct av_watch **ret);

/* Readable when av_watch_look() should be called; -1: none. */
int av_watch_fd(const struct av_watch *watch);

/* Look if it is time to. Returns true when the files differ from the known state and were left alone long enough; the new
 * state is then the known one, so that each is told once.
 *   ret_wait_ms  until the next call, at the latest */
bool av_watch_look(struct av_watch *watch, int64_t now_ms, int64_t *ret_wait_ms);

/* The known state. */
const struct av_fingerprint *av_watch_known(const struct av_watch *watch);

#endif
