#include "milter/scan_copy.h"

#include "dkim/buf.h"
#include "milter/json.h"
#include "milter/scan_copy_clean.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <talloc.h>
#include <time.h>
#include <unistd.h>

#define SPARE_SHARE 8 /* of copy-size: what a full spool has free when it was cleaned up */
#define FACTS_MAX ((size_t)256 * 1024) /* octets of a .json: 100 recipients and AV_FINDINGS_MAX findings stay far below */

struct scan_copies {
	const struct conf_av *conf;
	int directory;
	pthread_mutex_t lock;   /* guards what follows */
	int64_t next_clean_s;   /* CLOCK_REALTIME, as file times are */
	uint64_t octets;        /* left by the last clean-up, and written by this process since */
};

static int copies_destructor(struct scan_copies *copies)
{
	close(copies->directory);
	(void)pthread_mutex_destroy(&copies->lock); /* nobody holds it */
	return 0;
}

int scan_copies_new(void *mem, const struct conf_av *conf, struct scan_copies **ret)
{
	struct scan_copies *copies = talloc_zero(mem, struct scan_copies);
	int r;

	if (!copies)
		return -ENOMEM;
	copies->conf = conf;
	copies->directory = open(conf->copy_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = copies->directory < 0 ? -errno : -pthread_mutex_init(&copies->lock, NULL);
	if (r < 0) {
		if (copies->directory >= 0)
			close(copies->directory);
		talloc_free(copies);
		return r;
	}
	talloc_set_destructor(copies, copies_destructor);
	*ret = copies;
	return 0;
}

static void add_view(struct buf *out, const char *name, const char *value)
{
	if (value)
		json_member(out, name, view_of(value));
}

static void add_findings(struct buf *out, const struct av_reply *reply)
{
	json_name(out, "findings");
	buf_add_char(out, '[');
	for (uint32_t i = 0; i < reply->finding_count; i++) {
		json_separate(out);
		buf_add_char(out, '{');
		json_member(out, "name", view_of(reply->findings[i].name));
		json_member(out, "part", view_of(reply->findings[i].part));
		buf_add_char(out, '}');
	}
	buf_add_char(out, ']');
}

static void add_recipients(struct buf *out, const struct scan_copy_facts *facts)
{
	json_name(out, "recipients");
	buf_add_char(out, '[');
	for (size_t i = 0; i < facts->recipient_count; i++) {
		json_separate(out);
		json_string(out, view_of(facts->recipients[i]));
	}
	buf_add_char(out, ']');
}

static void add_time(struct buf *out, time_t now)
{
	char text[sizeof "YYYY-MM-DDThh:mm:ssZ" + 16]; /* and a year of more digits */
	struct tm tm;

	if (gmtime_r(&now, &tm) && strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm) > 0)
		json_member(out, "time", view_of(text));
}

static void build_facts(struct buf *out, const struct scan_copy_facts *facts, const char *digest, time_t now)
{
	buf_add_char(out, '{');
	add_time(out, now);
	add_view(out, "qid", facts->queue_id);
	add_view(out, "client", facts->client);
	json_member(out, "from", facts->sender);
	add_recipients(out, facts);
	add_view(out, "class", facts->class);
	add_view(out, "action", facts->action);
	add_view(out, "outcome", av_outcome_text(facts->report->outcome));
	add_findings(out, &facts->report->reply);
	add_view(out, "sha256", digest);
	add_view(out, "engine", facts->report->reply.facts.engine);
	json_name(out, "database");
	buf_printf(out, "%u}\n", facts->report->reply.facts.database);
}

static int write_all(int fd, struct view octets)
{
	while (octets.n > 0) {
		ssize_t n = write(fd, octets.p, octets.n);

		if (n < 0 && errno != EINTR)
			return -errno;
		octets = view_slice(octets, n > 0 ? (size_t)n : 0, octets.n);
	}
	return 0;
}

/* A file of `name` comes to be whole or not at all. */
static int write_file(int folder, const char *name, struct view octets)
{
	char temporary[NAME_MAX + 1];
	int fd, r;

	snprintf(temporary, sizeof temporary, ".%s.%ld", name, (long)gettid());
	fd = openat(folder, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	r = write_all(fd, octets);
	if (close(fd) < 0 && r == 0)
		r = -errno;
	if (r == 0 && renameat2(folder, temporary, folder, name, RENAME_NOREPLACE) < 0)
		r = -errno;
	if (r < 0)
		(void)unlinkat(folder, temporary, 0); /* the first error is the one to tell */
	return r;
}

static int open_folder(int directory, const char *name)
{
	int fd;

	if (mkdirat(directory, name, 0700) < 0 && errno != EEXIST)
		return -errno;
	fd = openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* The facts last: a .json stands for a whole copy. */
static int write_copy(int folder, void *mem, const char *stem, struct view octets, struct view facts)
{
	char *message = talloc_asprintf(mem, "%s.eml", stem), *json = talloc_asprintf(mem, "%s.json", stem);
	int r = message && json ? write_file(folder, message, octets) : -ENOMEM;

	if (r == 0)
		r = write_file(folder, json, facts);
	return r == -EEXIST ? 0 : r; /* the same message in the same second */
}

/* What may be left where `room` is wanted. A full spool makes room for more than this copy: each clean-up looks at every file, and
 * somebody who sends one infected message after another must not have that done for each. */
static uint64_t most_left(const struct scan_copies *copies, int64_t now_s, size_t room)
{
	const uint64_t most = copies->conf->copy_size - room;
	const uint64_t spare = now_s < copies->next_clean_s ? copies->conf->copy_size / SPARE_SHARE : 0;

	return most > spare ? most - spare : 0;
}

/* Make room, at most copy-size. What other processes write meanwhile is seen the next time. */
static void clean_when_due(struct scan_copies *copies, int64_t now_s, size_t room)
{
	const struct conf_av *conf = copies->conf;
	int64_t left;

	pthread_mutex_lock(&copies->lock);
	if (now_s >= copies->next_clean_s || copies->octets + room > conf->copy_size) {
		left = scan_copy_clean(copies->directory, now_s - conf->copy_age_s, most_left(copies, now_s, room));
		copies->octets = left > 0 ? (uint64_t)left : 0;
		copies->next_clean_s = now_s + SCAN_COPY_CLEAN_S;
	}
	copies->octets += room;
	pthread_mutex_unlock(&copies->lock);
}

static void hexadecimal(const uint8_t digest[AV_DIGEST_OCTETS], char ret[2 * AV_DIGEST_OCTETS + 1])
{
	for (size_t i = 0; i < AV_DIGEST_OCTETS; i++)
		snprintf(ret + 2 * i, 3, "%02x", digest[i]);
}

static int copy_into(struct scan_copies *copies, void *mem, struct view octets, const char *digest, struct view facts, int64_t now_s,
                     char **ret_path)
{
	char *folder_name = talloc_strndup(mem, digest, 2);
	char *stem = talloc_asprintf(mem, "%lld-%.16s", (long long)now_s, digest);
	int folder, r;

	*ret_path = talloc_asprintf(mem, "%s/%.2s/%s.eml", copies->conf->copy_directory, digest, stem ? stem : "");
	if (!folder_name || !stem || !*ret_path)
		return -ENOMEM;
	folder = open_folder(copies->directory, folder_name);
	if (folder < 0)
		return folder;
	r = write_copy(folder, mem, stem, octets, facts);
	close(folder);
	return r;
}

int scan_copy(struct scan_copies *copies, void *mem, struct view octets, const uint8_t digest[AV_DIGEST_OCTETS],
              const struct scan_copy_facts *facts, char **ret_path, char **ret_error)
{
	const time_t now = time(NULL);
	char text[2 * AV_DIGEST_OCTETS + 1];
	struct buf json;
	int r;

	*ret_error = NULL;
	hexadecimal(digest, text);
	buf_init(&json, mem, FACTS_MAX);
	build_facts(&json, facts, text, now);
	r = buf_error(&json);
	if (r == 0 && octets.n + json.n > copies->conf->copy_size)
		r = -EFBIG;
	if (r == 0) {
		clean_when_due(copies, now, octets.n + json.n);
		r = copy_into(copies, mem, octets, text, buf_view(&json), now, ret_path);
	}
	buf_free(&json);
	if (r < 0)
		*ret_error = talloc_asprintf(mem, "%s: %s", copies->conf->copy_directory, r == -EFBIG ? "beyond copy-size" : strerror(-r));
	return r;
}
