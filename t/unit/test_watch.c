/* When a database has changed (av/watch.h). */
#include "av/watch.h"
#include "t/unit/support.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <talloc.h>
#include <unistd.h>

#define DELAY_MS 1000
#define EVENT_MS 5000 /* far more than an event takes */

static char folder[] = "/tmp/postern-watch-XXXXXX";
static char path_buffer[128];

static const char *in_folder(const char *name)
{
	(void)snprintf(path_buffer, sizeof path_buffer, "%s/%s", folder, name);
	return path_buffer;
}

static int write_file(const char *name, const char *text)
{
	FILE *file = fopen(in_folder(name), "we");

	if (!file || fputs(text, file) < 0)
		return -1;
	return fclose(file);
}

/* Each changes something, and returns 0 on success. */
static int add_file(void)
{
	return write_file("new.ndb", "x");
}

static int remove_file(void)
{
	return unlink(in_folder("old.ndb"));
}

static int grow_file(void)
{
	return write_file("old.ndb", "longer than before");
}

static int add_ignore_list(void)
{
	return write_file("local.ign2", "Some.Name");
}

static int add_freshclam_name(void)
{
	return write_file("daily.CLD", "x");
}

static int replace_file(void)
{
	char to[sizeof path_buffer];

	if (write_file("temporary", "old") < 0) /* as long as the one that it replaces */
		return -1;
	(void)snprintf(to, sizeof to, "%s", in_folder("old.ndb"));
	return rename(in_folder("temporary"), to);
}

static int write_log(void)
{
	return write_file("freshclam.log", "x");
}

static int write_lock(void)
{
	return write_file(".dbLock", "x");
}

static const struct row {
	const char *name;
	int (*change)(void);
	bool counts;
} rows[] = {
	{ "a file more", add_file, true },
	{ "a file less", remove_file, true },
	{ "a longer file", grow_file, true },
	{ "another file of the same name and size", replace_file, true },
	{ "a list of ignored signatures", add_ignore_list, true },
	{ "a suffix in upper case", add_freshclam_name, true },
	{ "a log beside the database", write_log, false },
	{ "the lock of freshclam", write_lock, false },
};

static void clear_folder(void)
{
	static const char *const names[] = { "old.ndb", "new.ndb", "local.ign2", "daily.CLD", "freshclam.log", ".dbLock", "temporary" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		(void)unlink(in_folder(names[i])); /* most are not there */
}

/* Times are made up: only the event itself takes some. */
static void change_counts_after_quiet_time(void **state)
{
	const struct row *row = *state;
	struct av_watch *watch;
	struct pollfd event;
	int64_t wait = 0;

	assert_int_equal(write_file("old.ndb", "old"), 0);
	assert_int_equal(av_watch_new(NULL, folder, DELAY_MS, &watch), 0);
	event = (struct pollfd){ .fd = av_watch_fd(watch), .events = POLLIN };
	assert_false(av_watch_look(watch, 1, &wait));
	assert_int_equal(wait, AV_WATCH_POLL_MS);
	assert_int_equal(row->change(), 0);
	assert_int_equal(poll(&event, 1, EVENT_MS), 1);
	assert_false(av_watch_look(watch, 10, &wait)); /* not yet */
	assert_int_equal(wait, row->counts ? DELAY_MS : AV_WATCH_POLL_MS - 9);
	assert_false(av_watch_look(watch, 10 + DELAY_MS - 1, &wait));
	assert_int_equal(av_watch_look(watch, 10 + DELAY_MS, &wait), row->counts);
	assert_false(av_watch_look(watch, 20 + DELAY_MS, &wait)); /* once */
	talloc_free(watch);
	clear_folder();
}

static void every_change_starts_the_quiet_time_anew(void **state)
{
	struct av_watch *watch;
	int64_t wait = 0;

	(void)state;
	assert_int_equal(av_watch_new(NULL, folder, DELAY_MS, &watch), 0);
	assert_int_equal(write_file("a.ndb", "1"), 0);
	assert_false(av_watch_look(watch, 10, &wait));
	assert_int_equal(write_file("a.ndb", "12"), 0);
	assert_false(av_watch_look(watch, 900, &wait));
	assert_int_equal(wait, DELAY_MS);
	assert_false(av_watch_look(watch, 1100, &wait));
	assert_true(av_watch_look(watch, 1900, &wait));
	talloc_free(watch);
	assert_int_equal(unlink(in_folder("a.ndb")), 0);
}

/* A state that was announced and loaded by nobody (it was bad) is not announced again; what comes after it is. */
static void going_back_is_a_change(void **state)
{
	struct av_watch *watch;
	int64_t wait = 0;

	(void)state;
	assert_int_equal(av_watch_new(NULL, folder, 0, &watch), 0);
	assert_int_equal(write_file("bad.ndb", "1"), 0);
	assert_true(av_watch_look(watch, 10, &wait));
	assert_false(av_watch_look(watch, 10 + AV_WATCH_POLL_MS, &wait));
	assert_int_equal(unlink(in_folder("bad.ndb")), 0);
	assert_true(av_watch_look(watch, 20 + AV_WATCH_POLL_MS, &wait));
	talloc_free(watch);
}

/* No event: the folder did not exist when the watch began. */
static void folder_without_notification_is_polled(void **state)
{
	struct av_watch *watch;
	char late[sizeof folder + 8];
	int64_t wait = 0;

	(void)state;
	(void)snprintf(late, sizeof late, "%s/late", folder);
	assert_int_equal(av_watch_new(NULL, late, DELAY_MS, &watch), 0);
	assert_int_equal(av_watch_fd(watch), -1);
	assert_false(av_watch_look(watch, 1, &wait));
	assert_int_equal(mkdir(late, 0700), 0);
	assert_int_equal(write_file("late/a.ndb", "x"), 0);
	assert_false(av_watch_look(watch, AV_WATCH_POLL_MS, &wait)); /* not looked at in between */
	assert_int_equal(wait, 1);
	assert_false(av_watch_look(watch, 1 + AV_WATCH_POLL_MS, &wait));
	assert_int_equal(wait, DELAY_MS);
	assert_true(av_watch_look(watch, 1 + AV_WATCH_POLL_MS + DELAY_MS, &wait));
	talloc_free(watch);
	assert_int_equal(unlink(in_folder("late/a.ndb")), 0);
	assert_int_equal(rmdir(late), 0);
}

static void single_file_is_watched(void **state)
{
	char file[sizeof folder + 16];
	struct av_watch *watch;
	struct pollfd event;
	int64_t wait = 0;

	(void)state;
	assert_int_equal(write_file("one.ndb", "1"), 0);
	(void)snprintf(file, sizeof file, "%s/one.ndb", folder);
	assert_int_equal(av_watch_new(NULL, file, 0, &watch), 0);
	event = (struct pollfd){ .fd = av_watch_fd(watch), .events = POLLIN };
	assert_int_equal(write_file("other.ndb", "1"), 0);
	assert_false(av_watch_look(watch, 1, &wait));
	assert_int_equal(write_file("one.ndb", "12"), 0);
	assert_int_equal(poll(&event, 1, EVENT_MS), 1);
	assert_true(av_watch_look(watch, 2, &wait));
	talloc_free(watch);
	assert_int_equal(unlink(in_folder("one.ndb")), 0);
	assert_int_equal(unlink(in_folder("other.ndb")), 0);
}

static void fingerprint_counts_octets(void **state)
{
	struct av_fingerprint print;

	(void)state;
	assert_int_equal(write_file("a.ndb", "123"), 0);
	assert_int_equal(write_file("b.cvd", "12345"), 0);
	assert_int_equal(write_file("c.txt", "1234567"), 0);
	assert_int_equal(av_fingerprint_take(folder, &print), 0);
	assert_int_equal(print.files, 2);
	assert_int_equal(print.octets, 8);
	assert_int_equal(print.packed, 5);
	assert_int_equal(unlink(in_folder("a.ndb")), 0);
	assert_int_equal(unlink(in_folder("b.cvd")), 0);
	assert_int_equal(unlink(in_folder("c.txt")), 0);
	assert_true(av_fingerprint_take("/nonexistent", &print) < 0);
}

static int set_up(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	return rmdir(folder);
}

int main(void)
{
	TEST_ROWS(rows, change_counts_after_quiet_time);
	test_add("every change starts the quiet time anew", every_change_starts_the_quiet_time_anew);
	test_add("each state is told once; going back is a change", going_back_is_a_change);
	test_add("a folder without notification is looked at now and then", folder_without_notification_is_polled);
	test_add("a single file is watched through its folder", single_file_is_watched);
	test_add("a fingerprint counts octets of database files alone", fingerprint_counts_octets);
	return test_run_with("watch", set_up, tear_down);
}
