#include "av/watch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <talloc.h>
#include <unistd.h>

#define EVENTS_BUFFER 4096 /* octets; more events are read in the next turn */
#define EVENTS (IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF)

struct av_watch {
	const char *database;
	unsigned delay_ms;
	int inotify;
	struct av_fingerprint known, seen; /* announced or loaded; last looked at */
	int64_t settled_ms;                /* when `seen` has been there long enough */
	int64_t look_ms;                   /* when to look next */
};

static const char *const suffixes[] = {
	"cvd", "cld", "cud", "db", "hdb", "hdu", "hsb", "hsu", "fp", "sfp", "mdb", "mdu", "msb", "msu", "ndb", "ndu", "ldb", "ldu", "sdb",
	"zmd", "rmd", "idb", "ign", "ign2", "imp", "cbc", "cdb", "cat", "crb", "cfg", "wdb", "pdb", "gdb", "ftm", "pwdb", "info", "yar",
	"yara", "ioc", "sign",
};

bool av_is_database_file(const char *name)
{
	const char *dot = strrchr(name, '.');

	for (size_t i = 0; dot && i < sizeof suffixes / sizeof *suffixes; i++)
		if (strcasecmp(dot + 1, suffixes[i]) == 0)
			return true;
	return false;
}

static bool is_packed(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot && (strcasecmp(dot, ".cvd") == 0 || strcasecmp(dot, ".cud") == 0);
}

/* FNV-1a: tells states apart, defends against nobody. */
static uint64_t digest_octets(uint64_t digest, const void *octets, size_t n)
{
	for (const unsigned char *p = octets; n > 0; n--)
		digest = (digest ^ *p++) * 0x100000001b3u;
	return digest;
}

/* The sum does not depend on the order in which a folder lists its files. */
static void add_file(struct av_fingerprint *fingerprint, const char *name, const struct stat *st)
{
	const int64_t facts[] = { st->st_size, st->st_mtim.tv_sec, st->st_mtim.tv_nsec, (int64_t)st->st_ino };
	uint64_t digest = digest_octets(0xcbf29ce484222325u, name, strlen(name));

	fingerprint->digest += digest_octets(digest, facts, sizeof facts);
	fingerprint->octets += (uint64_t)st->st_size;
	if (is_packed(name))
		fingerprint->packed += (uint64_t)st->st_size;
	fingerprint->files++;
}

/* A file that goes while we look is one that is not there. */
static int add_folder(const char *path, struct av_fingerprint *fingerprint)
{
	DIR *folder = opendir(path);
	struct dirent *entry;
	struct stat st;

	if (!folder)
		return -errno;
	while ((entry = readdir(folder)))
		if (av_is_database_file(entry->d_name) && fstatat(dirfd(folder), entry->d_name, &st, 0) == 0)
			add_file(fingerprint, entry->d_name, &st);
	return closedir(folder) < 0 ? -errno : 0;
}

int av_fingerprint_take(const char *database, struct av_fingerprint *ret)
{
	struct av_fingerprint fingerprint = { 0 };
	struct stat st;
	int r = 0;

	if (stat(database, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		r = add_folder(database, &fingerprint);
	else
		add_file(&fingerprint, database, &st);
	if (r == 0)
		*ret = fingerprint;
	return r;
}

/* What cannot be looked at is a state as well, which the next look compares. */
static struct av_fingerprint take(const char *database)
{
	struct av_fingerprint fingerprint = { 0 };

	if (av_fingerprint_take(database, &fingerprint) < 0)
		fingerprint = (struct av_fingerprint){ 0 };
	return fingerprint;
}

static int watch_destructor(struct av_watch *watch)
{
	if (watch->inotify >= 0)
		close(watch->inotify);
	return 0;
}

/* A single file is watched by its folder: most are replaced by a new one of the same name. */
static int add_watches(struct av_watch *watch)
{
	const char *slash = strrchr(watch->database, '/');
	char *parent;
	int r;

	if (inotify_add_watch(watch->inotify, watch->database, EVENTS | IN_ONLYDIR) >= 0)
		return 0;
	if (errno != ENOTDIR || !slash)
		return -errno;
	parent = talloc_strndup(watch, watch->database, slash == watch->database ? 1 : (size_t)(slash - watch->database));
	if (!parent)
		return -ENOMEM;
	r = inotify_add_watch(watch->inotify, parent, EVENTS) < 0 ? -errno : 0;
	talloc_free(parent);
	return r;
}

int av_watch_new(void *mem, const char *database, unsigned delay_ms, struct av_watch **ret)
{
	struct av_watch *watch = talloc_zero(mem, struct av_watch);

	if (!watch)
		return -ENOMEM;
	watch->database = database;
	watch->delay_ms = delay_ms;
	watch->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	talloc_set_destructor(watch, watch_destructor);
	if (watch->inotify >= 0 && add_watches(watch) < 0) {
		close(watch->inotify); /* looked at every AV_WATCH_POLL_MS then */
		watch->inotify = -1;
	}
	watch->known = watch->seen = take(database);
	*ret = watch;
	return 0;
}

int av_watch_fd(const struct av_watch *watch)
{
	return watch->inotify;
}

const struct av_fingerprint *av_watch_known(const struct av_watch *watch)
{
	return &watch->known;
}

/* Events of other files (a log beside the database, say) are none. Returns true when there was one. */
static bool read_events(struct av_watch *watch)
{
	char buffer[EVENTS_BUFFER] __attribute__((aligned(__alignof__(struct inotify_event))));
	const struct inotify_event *event;
	bool any = false;
	ssize_t n;

	while (watch->inotify >= 0 && (n = read(watch->inotify, buffer, sizeof buffer)) > 0)
		for (const char *p = buffer; p < buffer + n; p += sizeof *event + event->len) {
			event = (const void *)p;
			any = any || event->len == 0 || av_is_database_file(event->name);
		}
	return any;
}

static bool same(const struct av_fingerprint *a, const struct av_fingerprint *b)
{
	return a->digest == b->digest && a->octets == b->octets && a->files == b->files;
}

bool av_watch_look(struct av_watch *watch, int64_t now_ms, int64_t *ret_wait_ms)
{
	bool event = read_events(watch), changed = false;

	if (event || now_ms >= watch->look_ms) {
		struct av_fingerprint now = take(watch->database);

		if (event || !same(&now, &watch->seen))
			watch->settled_ms = now_ms + watch->delay_ms;
		watch->seen = now;
		watch->look_ms = now_ms + AV_WATCH_POLL_MS;
	}
	changed = !same(&watch->seen, &watch->known);
	if (changed && now_ms >= watch->settled_ms) {
		watch->known = watch->seen;
		*ret_wait_ms = watch->look_ms - now_ms;
		return true;
	}
	if (changed && watch->look_ms > watch->settled_ms)
		watch->look_ms = watch->settled_ms;
	*ret_wait_ms = watch->look_ms - now_ms;
	return false;
}
