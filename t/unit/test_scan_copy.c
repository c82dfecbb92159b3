/* milter/scan_copy.c and scan_copy_clean.c, in a folder of their own. */
#include "milter/scan_copy.h"
#include "milter/scan_copy_clean.h"
#include "t/unit/support.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <talloc.h>
#include <time.h>
#include <unistd.h>

static char folder[] = "/tmp/postern-test-copy-XXXXXX";
static struct conf_av conf = { .copy_directory = folder, .copy_age_s = 100, .copy_size = 4000 };
static const struct av_report report = { .outcome = AV_SCANNED, .reply = {
	.facts = { .engine = "1.4.6", .database = 27500 }, .finding_count = 1,
	.findings = { { .kind = AV_SIGNATURE, .name = "Eicar", .part = "a.zip" } } } };
static const char *const recipients[] = { "b@example.net", "\"c\"@example.net" };
static const struct scan_copy_facts facts = { .queue_id = "4Xk2", .client = "192.0.2.1", .sender = VIEW_INIT("a@example.org"),
	.recipients = recipients, .recipient_count = 2, .class = "infected", .action = "reject", .report = &report };

static int set_up(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
	(void)st;
	(void)type;
	return walk->level > 0 ? remove(path) : 0;
}

static void empty_folder(void)
{
	assert_int_equal(nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static int tear_down(void **state)
{
	(void)state;
	empty_folder();
	return rmdir(folder);
}

static char *contents(void *mem, const char *path)
{
	char *text = talloc_zero_array(mem, char, 8192);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0 && read(fd, text, 8191) >= 0);
	close(fd);
	return text;
}

static int copy(void *mem, const char *text, uint8_t first, char **ret_path, char **ret_error)
{
	const uint8_t digest[AV_DIGEST_OCTETS] = { first, 0xcd };
	struct scan_copies *copies;

	assert_int_equal(scan_copies_new(mem, &conf, &copies), 0);
	return scan_copy(copies, mem, view_of(text), digest, &facts, ret_path, ret_error);
}

static void test_copy(void **state)
{
	void *mem = talloc_new(NULL);
	char *path, *error, *json;
	struct stat st;

	(void)state;
	assert_int_equal(copy(mem, "From: x\r\n\r\nHello\r\n", 0xab, &path, &error), 0);
	assert_non_null(strstr(path, "/ab/"));
	assert_string_equal(contents(mem, path), "From: x\r\n\r\nHello\r\n");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	strcpy(strrchr(path, '.'), ".jso");
	json = contents(mem, talloc_asprintf(mem, "%sn", path));
	assert_non_null(strstr(json, "\"qid\":\"4Xk2\",\"client\":\"192.0.2.1\",\"from\":\"a@example.org\",\"recipients\":[\"b@example.net\","
	                       "\"\\\"c\\\"@example.net\"],\"class\":\"infected\",\"action\":\"reject\",\"outcome\":\"scanned\",\"findings\":"
	                       "[{\"name\":\"Eicar\",\"part\":\"a.zip\"}],\"sha256\":\"abcd00"));
	assert_non_null(strstr(json, "\"engine\":\"1.4.6\",\"database\":27500}\n"));
	talloc_free(mem);
	empty_folder();
}

static void test_too_large(void **state)
{
	void *mem = talloc_new(NULL);
	char *large = talloc_zero_array(mem, char, 5000), *path, *error;

	(void)state;
	memset(large, 'x', 4999);
	assert_int_equal(copy(mem, large, 1, &path, &error), -EFBIG);
	assert_non_null(strstr(error, "beyond copy-size"));
	talloc_free(mem);
}

/* A link in the place of a folder leads nowhere. */
static void test_link(void **state)
{
	void *mem = talloc_new(NULL);
	char *path, *error;

	(void)state;
	assert_int_equal(symlink("/tmp", talloc_asprintf(mem, "%s/ab", folder)), 0);
	assert_true(copy(mem, "x", 0xab, &path, &error) < 0);
	assert_non_null(strstr(error, folder));
	talloc_free(mem);
	empty_folder();
}

static void make_file(const char *name, size_t octets, int64_t changed_s)
{
	char *path = talloc_asprintf(NULL, "%s/ab/%s", folder, name);
	const struct timespec times[2] = { { changed_s, 0 }, { changed_s, 0 } };
	int fd;

	(void)mkdir(talloc_asprintf(path, "%s/ab", folder), 0700);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)octets), 0);
	assert_int_equal(futimens(fd, times), 0);
	close(fd);
	talloc_free(path);
}

static bool is_there(const char *name)
{
	char *path = talloc_asprintf(NULL, "%s/ab/%s", folder, name);
	bool there = access(path, F_OK) == 0;

	talloc_free(path);
	return there;
}

static void test_clean(void **state)
{
	int directory = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	make_file("old.eml", 10, 50);
	make_file("1.eml", 1000, 101);
	make_file("2.eml", 1000, 102);
	make_file("3.eml", 1000, 103);
	assert_int_equal(scan_copy_clean(directory, 100, 10000), 3000);
	assert_false(is_there("old.eml"));
	assert_int_equal(scan_copy_clean(directory, 100, 2999), 2000);
	assert_false(is_there("1.eml"));
	assert_true(is_there("2.eml") && is_there("3.eml"));
	assert_int_equal(scan_copy_clean(directory, 100, 0), 0);
	close(directory);
	empty_folder();
}

/* An administrator may have named a folder that holds more than copies. */
static void test_others_stay(void **state)
{
	int directory = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char *other = talloc_asprintf(NULL, "%s/other", folder), *mail = talloc_asprintf(other, "%s/other/1.eml", folder);

	(void)state;
	make_file("notes.txt", 10, 50);
	assert_int_equal(mkdir(other, 0700), 0);
	close(open(mail, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	make_file(".1.json.77", 10, 50);
	assert_int_equal(scan_copy_clean(directory, INT64_MAX, 0), 0);
	assert_true(is_there("notes.txt"));
	assert_int_equal(access(mail, F_OK), 0);
	assert_false(is_there(".1.json.77"));
	talloc_free(other);
	close(directory);
	empty_folder();
}

/* The room for a new copy is made before it is written. */
static void test_size_is_kept(void **state)
{
	void *mem = talloc_new(NULL);
	char *large = talloc_zero_array(mem, char, 1500), *path, *error;

	(void)state;
	memset(large, 'x', 1499);
	make_file("1.eml", 2500, time(NULL) - 10);
	make_file("2.eml", 1000, time(NULL) - 5);
	assert_int_equal(copy(mem, large, 2, &path, &error), 0);
	assert_false(is_there("1.eml"));
	assert_true(is_there("2.eml"));
	talloc_free(mem);
	empty_folder();
}

/* Else each further copy would have all files looked at. */
static void test_full_makes_spare_room(void **state)
{
	const uint8_t first[AV_DIGEST_OCTETS] = { 1 }, second[AV_DIGEST_OCTETS] = { 2 };
	void *mem = talloc_new(NULL);
	char *text = talloc_zero_array(mem, char, 501), *path, *error;
	struct scan_copies *copies;

	(void)state;
	memset(text, 'x', 500);
	make_file("1.eml", 1000, time(NULL) - 30);
	make_file("2.eml", 1000, time(NULL) - 20);
	make_file("3.eml", 1000, time(NULL) - 10);
	assert_int_equal(scan_copies_new(mem, &conf, &copies), 0);
	assert_int_equal(scan_copy(copies, mem, view_of(text), first, &facts, &path, &error), 0);
	assert_true(is_there("1.eml"));
	assert_int_equal(scan_copy(copies, mem, view_of(text), second, &facts, &path, &error), 0);
	assert_true(!is_there("1.eml") && !is_there("2.eml") && is_there("3.eml"));
	talloc_free(mem);
	empty_folder();
}

static void test_no_folder(void **state)
{
	struct conf_av other = conf;
	struct scan_copies *copies;

	(void)state;
	other.copy_directory = "/nonexistent/folder";
	assert_int_equal(scan_copies_new(NULL, &other, &copies), -ENOENT);
}

int main(void)
{
	test_add("a message and what is known of it, for the daemon's eyes alone", test_copy);
	test_add("a message beyond copy-size", test_too_large);
	test_add("no way through a symbolic link", test_link);
	test_add("what is too old goes, then the oldest until the size is kept", test_clean);
	test_add("what is no copy stays", test_others_stay);
	test_add("room is made before a copy is written", test_size_is_kept);
	test_add("a full folder gets more room than is needed now", test_full_makes_spare_room);
	test_add("no folder", test_no_folder);
	return test_run_with("scan_copy", set_up, tear_down);
}
