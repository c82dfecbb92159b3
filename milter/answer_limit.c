#include "milter/answer_limit.h"

#include "dkim/digest.h"
#include "milter/mailbox.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <talloc.h>
#include <time.h>
#include <unistd.h>

#define ALL "all"     /* no hash is named so */
#define SWEPT "swept" /* its time of change: when old files were removed last */
#define NAME_OCTETS (2 * DKIM_DIGEST_OCTETS)
#define LOCK_STEP_MS 10

/* The times of answers in one file, whole and locked. */
struct entry {
	int fd;
	int64_t times[ANSWER_LIMIT_MAX]; /* those within the window */
	size_t count;
};

struct state {
	const struct answer_limit *limit;
	int directory;
	struct entry entry;
	char name[NAME_OCTETS + 1]; /* of the address's file */
	const char *at;             /* the name that is being worked on, for the error */
};

static int check_directory(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	return st.st_uid == geteuid() && (st.st_mode & (S_IWGRP | S_IWOTH)) == 0 ? 0 : -EPERM;
}

static int open_directory(struct state *state)
{
	const char *path = state->limit->directory;
	int r;

	state->at = "";
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return -errno;
	state->directory = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (state->directory < 0)
		return -errno;
	r = check_directory(state->directory);
	if (r < 0)
		(void)close(state->directory); /* only looked at */
	return r;
}

static int name_entry(void *mem, const char *address, char name[NAME_OCTETS + 1])
{
	uint8_t octets[DKIM_DIGEST_OCTETS];
	struct dkim_digest *digest;
	char *key = mailbox_key(mem, view_of(address));
	int r = key ? dkim_digest_new(mem, &digest) : -ENOMEM;

	if (r < 0)
		return r;
	r = dkim_digest_update(digest, view_of(key));
	if (r == 0)
		r = dkim_digest_finish(digest, octets);
	for (size_t i = 0; r == 0 && i < sizeof octets; i++)
		(void)snprintf(name + 2 * i, 3, "%02x", octets[i]); /* room is exact */
	talloc_free(digest);
	talloc_free(key);
	return r;
}

/* Wait for the lock, but not for ever. */
static int lock(int fd)
{
	const struct timespec step = { 0, LOCK_STEP_MS * 1000000L };

	for (int waited = 0; waited < ANSWER_LIMIT_LOCK_MS; waited += LOCK_STEP_MS) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return 0;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		(void)nanosleep(&step, NULL); /* one that ends early only looks again sooner */
	}
	return -ETIMEDOUT;
}

/* Open and lock. Returns 0, 1 (the file was removed before the lock was had: open it anew) or a negative errno. */
static int open_once(const struct state *state, int flags, int *ret)
{
	int fd = openat(state->directory, state->at, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	struct stat st;
	int r;

	if (fd < 0)
		return -errno;
	r = lock(fd);
	if (r == 0 && fstat(fd, &st) < 0)
		r = -errno;
	if (r == 0)
		r = st.st_nlink == 0 ? 1 : S_ISREG(st.st_mode) && st.st_nlink == 1 ? 0 : -EPERM;
	if (r == 0)
		*ret = fd;
	else
		(void)close(fd); /* nothing was written */
	return r;
}

static int read_times(struct entry *entry, int64_t now)
{
	ssize_t n = pread(entry->fd, entry->times, sizeof entry->times, 0);
	size_t count = n > 0 ? (size_t)n / sizeof *entry->times : 0;

	if (n < 0)
		return -errno;
	entry->count = 0;
	for (size_t i = 0; i < count; i++)
		if (entry->times[i] > now - ANSWER_LIMIT_WINDOW_S && entry->times[i] <= now + ANSWER_LIMIT_AHEAD_S)
			entry->times[entry->count++] = entry->times[i];
	return 0;
}

static int open_entry(struct state *state, const char *name)
{
	int r;

	state->at = name;
	do
		r = open_once(state, O_RDWR | O_CREAT, &state->entry.fd);
	while (r == 1);
	if (r < 0)
		return r;
	r = read_times(&state->entry, state->limit->now);
	if (r < 0)
		(void)close(state->entry.fd); /* nothing was written */
	return r;
}

/* Until which sweep() keeps the file. */
static int64_t newest_time(const struct entry *entry, int64_t now)
{
	for (size_t i = 0; i < entry->count; i++)
		if (entry->times[i] > now)
			now = entry->times[i];
	return now;
}

/* The file is as long as before or has one time more at any moment, so whoever is killed here leaves it readable. */
static int write_times(const struct entry *entry, int64_t now)
{
	const int64_t newest = newest_time(entry, now);
	const struct timespec stamps[2] = { { .tv_sec = newest }, { .tv_sec = newest } };
	size_t octets = entry->count * sizeof *entry->times;
	ssize_t n = pwrite(entry->fd, entry->times, octets, 0);

	if (n < 0)
		return -errno;
	if ((size_t)n != octets)
		return -ENOSPC;
	return ftruncate(entry->fd, (off_t)octets) < 0 || futimens(entry->fd, stamps) < 0 ? -errno : 0;
}

/* Closing unlocks. */
static int close_entry(struct entry *entry, int r)
{
	return close(entry->fd) < 0 && r == 0 ? -errno : r;
}

static int take_one(struct state *state, const char *name, unsigned maximum, bool *ret)
{
	struct entry *entry = &state->entry;
	int r = open_entry(state, name);

	if (r < 0)
		return r;
	*ret = entry->count < maximum && entry->count < ANSWER_LIMIT_MAX;
	if (*ret) {
		entry->times[entry->count++] = state->limit->now;
		r = write_times(entry, state->limit->now);
	}
	return close_entry(entry, r);
}

static int give_back_one(struct state *state, const char *name)
{
	struct entry *entry = &state->entry;
	int r = open_entry(state, name);

	if (r < 0)
		return r;
	if (entry->count > 0) {
		entry->count--;
		r = write_times(entry, state->limit->now);
	}
	return close_entry(entry, r);
}

/* Whoever waits for a file that is removed here finds no link left, and makes a new one: open_entry(). */
static void remove_if_old(struct state *state, const char *name)
{
	int fd = openat(state->directory, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return; /* removed by another, or none of ours */
	if (flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    st.st_mtime <= state->limit->now - ANSWER_LIMIT_WINDOW_S)
		(void)unlinkat(state->directory, name, 0); /* when it cannot be removed now, the next sweep tries again */
	(void)close(fd);
}

static int sweep_files(struct state *state)
{
	int fd = openat(state->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *files = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *file;

	if (!files && fd >= 0)
		(void)close(fd);
	if (!files)
		return -errno;
	while ((file = readdir(files)) != NULL)
		if (strlen(file->d_name) == NAME_OCTETS)
			remove_if_old(state, file->d_name);
	return closedir(files) < 0 ? -errno : 0;
}

/* One process at a time, and not often. */
static int sweep(struct state *state)
{
	struct stat st;
	int r = open_entry(state, SWEPT);

	if (r < 0)
		return r;
	state->entry.count = 0;
	r = fstat(state->entry.fd, &st) < 0 ? -errno : 0;
	if (r == 0 && (st.st_mtime > state->limit->now || st.st_mtime <= state->limit->now - ANSWER_LIMIT_SWEEP_S)) {
		r = sweep_files(state);
		if (r == 0)
			r = write_times(&state->entry, state->limit->now);
	}
	return close_entry(&state->entry, r);
}

/* That of all comes first: an address that gets no answer for its sake has no file. */
static int take(struct state *state, bool *ret)
{
	int r = sweep(state);

	if (r == 0)
		r = take_one(state, ALL, state->limit->total, ret);
	if (r < 0 || !*ret)
		return r;
	r = take_one(state, state->name, state->limit->per_address, ret);
	if (r == 0 && !*ret)
		r = give_back_one(state, ALL);
	return r;
}

static int give_back(struct state *state, bool *ret)
{
	int r = give_back_one(state, state->name);

	*ret = false;
	return r < 0 ? r : give_back_one(state, ALL);
}

static char *explain(void *mem, const struct state *state, int error)
{
	const char *wanted = "";

	if (error == -EPERM || error == -ELOOP || error == -ENOTDIR)
		wanted = *state->at ? "wanted a regular file with one name, got another thing: "
		                    : "wanted a directory that belongs to this user and that nobody else may write to: ";
	return talloc_asprintf(mem, "%s%s%s: %s%s", state->limit->directory, *state->at ? "/" : "", state->at, wanted, strerror(-error));
}

static int work(void *mem, const struct answer_limit *limit, const char *address, int (*what)(struct state *, bool *), bool *ret,
                char **ret_error)
{
	struct state *state = talloc_zero(mem, struct state);
	int r;

	*ret_error = NULL;
	if (!state)
		return -ENOMEM;
	state->limit = limit;
	state->at = "";
	r = name_entry(state, address, state->name);
	if (r == 0)
		r = open_directory(state);
	if (r == 0) {
		r = what(state, ret);
		(void)close(state->directory); /* only read from */
	}
	if (r < 0)
		*ret_error = explain(mem, state, r);
	talloc_free(state);
	return r;
}

int answer_limit_take(void *mem, const struct answer_limit *limit, const char *address, bool *ret, char **ret_error)
{
	return work(mem, limit, address, take, ret, ret_error);
}

int answer_limit_give_back(void *mem, const struct answer_limit *limit, const char *address, char **ret_error)
{
	bool unused;

	return work(mem, limit, address, give_back, &unused, ret_error);
}
