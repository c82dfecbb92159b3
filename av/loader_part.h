/* What the files of the loader share. */
#ifndef AV_LOADER_PART_H
#define AV_LOADER_PART_H

#include "av/become.h"
#include "av/loader.h"
#include "av/proof.h"
#include "av/room.h"
#include "av/scan_child.h"
#include "av/watch.h"

#include <sys/types.h>

/* How often children are told to end until they have: a signal just before the wait for a job is lost on it. */
#define LOADER_END_AGAIN_MS 20

/* The place of one child: its processes come and go. */
struct child {
	pid_t pid;            /* 0: none */
	struct av_slot *slot; /* mapped shared, a page of its own */
	unsigned deaths;      /* in a row, without a scan */
	bool late;            /* killed for it */
	int64_t due_ms;       /* to be started, while there is none */
};

struct loader {
	const struct av_loader_settings *settings;
	struct av_user user;
	struct av_rooms *rooms;    /* one per child, and one for the proof */
	struct av_watch *watch;
	struct av_fingerprint loaded;
	struct av_engine *engine;
	uint64_t engine_octets;
	struct av_proof proof;
	unsigned load_ms;
	struct child *children;
	unsigned count;            /* of children; one more is there for the proof */
	int signals;               /* SIGCHLD */
	bool ending;
	bool database_at_fault;
	char *error;               /* a talloc string */
};

void loader_notice(struct loader *loader, enum av_notice notice, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* loader_load.c: load the engine in a thread. Returns 0; 1 when told to end meanwhile; or a negative errno with loader->error. */
int loader_load(struct loader *loader);

/* loader_proof.c: let a child prove the engine; says which pieces of the seal are missing. Returns 0 or a negative errno with
 * loader->error. */
int loader_prove(struct loader *loader);

/* loader_children.c */
int loader_children_new(struct loader *loader);                                /* the places; 0 or a negative errno */
int loader_fork(struct loader *loader, unsigned place, int jobs);              /* one child into its place */
void loader_start_due(struct loader *loader, int64_t now_ms);                  /* all that are due */
void loader_reap(struct loader *loader, int64_t now_ms);                       /* those that died */
void loader_kill_late(struct loader *loader, int64_t now_ms);
void loader_tell_to_end(struct loader *loader);
int64_t loader_children_wait_ms(const struct loader *loader, int64_t now_ms);  /* until one must be started or killed, at most */
bool loader_has_children(const struct loader *loader);

#endif
