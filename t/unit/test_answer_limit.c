/* Answers per hour, in files. */
#include "milter/answer_limit.h"

#include "t/unit/support.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <talloc.h>
#include <unistd.h>

#define NOW 1800000000
#define JOE "joe@example.com"

struct place {
	void *mem;
	char *base;
	struct answer_limit limit;
};

static int set_up(void **state)
{
	struct place *place = talloc_zero(NULL, struct place);

	place->base = talloc_strdup(place, "/tmp/test_answer_limit.XXXXXX");
	assert_non_null(mkdtemp(place->base));
	place->limit = (struct answer_limit){ talloc_asprintf(place, "%s/state", place->base), 3, 100, NOW };
	place->mem = place;
	*state = place;
	return 0;
}

static int tear_down(void **state)
{
	struct place *place = *state;
	char *command = talloc_asprintf(place, "rm -rf %s", place->base);

	assert_int_equal(system(command), 0);
	talloc_free(place);
	return 0;
}

static bool take(struct place *place, const char *address)
{
	char *error;
	bool granted = false;
	int r = answer_limit_take(place->mem, &place->limit, address, &granted, &error);

	if (r < 0)
		print_error("%s\n", error);
	assert_int_equal(r, 0);
	return granted;
}

static void give_back(struct place *place, const char *address)
{
	char *error;

	assert_int_equal(answer_limit_give_back(place->mem, &place->limit, address, &error), 0);
}

static size_t count_files(const struct place *place)
{
	DIR *files = opendir(place->limit.directory);
	size_t count = 0;

	assert_non_null(files);
	for (const struct dirent *file = readdir(files); file; file = readdir(files))
		count += strlen(file->d_name) == 64;
	assert_int_equal(closedir(files), 0);
	return count;
}

static void test_limit(void **state)
{
	struct place *place = *state;

	assert_true(take(place, JOE) && take(place, "JOE+a@example.com") && take(place, JOE));
	assert_false(take(place, JOE));
	assert_true(take(place, "ann@example.com"));
	give_back(place, JOE);
	assert_true(take(place, JOE));
	assert_false(take(place, JOE));
}

static void test_hour(void **state)
{
	struct place *place = *state;

	assert_true(take(place, JOE) && take(place, JOE) && take(place, JOE));
	place->limit.now = NOW + ANSWER_LIMIT_WINDOW_S - 1;
	assert_false(take(place, JOE));
	place->limit.now = NOW + ANSWER_LIMIT_WINDOW_S;
	assert_true(take(place, JOE));
}

/* A clock that was wrong for a while must not shut an address out for years. */
static void test_clock_set_back(void **state)
{
	struct place *place = *state;

	assert_true(take(place, JOE) && take(place, JOE) && take(place, JOE));
	place->limit.now = NOW - 1000;
	assert_true(take(place, JOE));
}

/* A process that gives back what it took minutes ago forgets nothing that was granted meanwhile. */
static void test_slow_process(void **state)
{
	struct place *place = *state;

	assert_true(take(place, JOE));
	place->limit.now = NOW + 300;
	assert_true(take(place, JOE) && take(place, JOE));
	place->limit.now = NOW;
	give_back(place, JOE);
	place->limit.now = NOW + 300;
	assert_true(take(place, JOE));
	assert_false(take(place, JOE));
	place->limit.now = NOW + ANSWER_LIMIT_WINDOW_S + 1;
	assert_true(take(place, "ann@example.com")); /* with a search for old files: this one still counts */
	assert_false(take(place, JOE) && take(place, JOE));
}

static void test_total(void **state)
{
	struct place *place = *state;

	place->limit.total = 2;
	assert_true(take(place, "a@example.com") && take(place, "b@example.com"));
	assert_false(take(place, "c@example.com"));
	assert_int_equal(count_files(place), 2); /* whoever has many addresses cannot fill the directory */
	place->limit.total = 3;
	place->limit.per_address = 1;
	assert_false(take(place, "a@example.com"));
	assert_true(take(place, "c@example.com")); /* what a could not use was given back */
}

static void test_sweep(void **state)
{
	struct place *place = *state;

	assert_true(take(place, "a@example.com") && take(place, "b@example.com"));
	assert_int_equal(count_files(place), 2);
	place->limit.now += ANSWER_LIMIT_WINDOW_S / 2;
	assert_true(take(place, "b@example.com"));
	place->limit.now = NOW + ANSWER_LIMIT_WINDOW_S + 1;
	assert_true(take(place, "c@example.com"));
	assert_int_equal(count_files(place), 2);
}

static void test_names_tell_nothing(void **state)
{
	struct place *place = *state;
	struct stat st;

	assert_true(take(place, JOE));
	assert_int_equal(stat(place->limit.directory, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(count_files(place), 1);
}

static void fails(struct place *place, int error, const char *text)
{
	char *said;
	bool granted;

	assert_int_equal(answer_limit_take(place->mem, &place->limit, JOE, &granted, &said), error);
	assert_non_null(strstr(said, text));
}

static void test_directory_is_a_link(void **state)
{
	struct place *place = *state;

	assert_int_equal(symlink("/tmp", place->limit.directory), 0);
	fails(place, -ENOTDIR, "wanted a directory that belongs to this user");
}

static void test_directory_is_open_to_others(void **state)
{
	struct place *place = *state;

	assert_int_equal(mkdir(place->limit.directory, 0700), 0);
	assert_int_equal(chmod(place->limit.directory, 0777), 0);
	fails(place, -EPERM, "that nobody else may write to");
}

static void test_directory_cannot_be_made(void **state)
{
	struct place *place = *state;

	place->limit.directory = talloc_asprintf(place, "%s/a/b", place->base);
	fails(place, -ENOENT, "/a/b: No such file or directory");
}

static void test_file_is_a_link(void **state)
{
	struct place *place = *state;
	char *target = talloc_asprintf(place, "%s/target", place->base), *link = talloc_asprintf(place, "%s/all", place->limit.directory);
	struct stat st;

	assert_int_equal(mkdir(place->limit.directory, 0700), 0);
	assert_int_equal(symlink(target, link), 0);
	fails(place, -ELOOP, "/all: wanted a regular file");
	assert_int_equal(stat(target, &st), -1);
}

static void test_file_is_a_pipe(void **state)
{
	struct place *place = *state;

	assert_int_equal(mkdir(place->limit.directory, 0700), 0);
	assert_int_equal(mkfifo(talloc_asprintf(place, "%s/all", place->limit.directory), 0600), 0);
	fails(place, -EPERM, "/all: wanted a regular file");
}

/* What somebody left there is no reason to fail. */
static void test_damaged_file(void **state)
{
	struct place *place = *state;
	char *path = talloc_asprintf(place, "%s/all", place->limit.directory);
	int fd;

	assert_true(take(place, JOE));
	fd = open(path, O_WRONLY | O_TRUNC);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "garbage garbage", 15), 15);
	assert_int_equal(close(fd), 0);
	assert_true(take(place, JOE));
}

#define PROCESSES 8
#define TRIES 20

static void test_race(void **state)
{
	struct place *place = *state;
	pid_t pids[PROCESSES];
	int status, granted = 0;

	place->limit.per_address = 50;
	for (int i = 0; i < PROCESSES; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] == 0) {
			int mine = 0;

			for (int j = 0; j < TRIES; j++)
				mine += take(place, JOE);
			_exit(mine);
		}
	}
	for (int i = 0; i < PROCESSES; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_true(WIFEXITED(status));
		granted += WEXITSTATUS(status);
	}
	assert_int_equal(granted, 50);
}

int main(void)
{
	static const struct { const char *name; CMUnitTestFunction function; } rows[] = {
		{ "so many, under all of its names, and one that is given back", test_limit },
		{ "an hour", test_hour },
		{ "a clock that is set back", test_clock_set_back },
		{ "a slow process", test_slow_process },
		{ "all addresses together", test_total },
		{ "old files go", test_sweep },
		{ "names are hashes, the directory is closed", test_names_tell_nothing },
		{ "the directory is a link", test_directory_is_a_link },
		{ "the directory is open to others", test_directory_is_open_to_others },
		{ "the directory cannot be made", test_directory_cannot_be_made },
		{ "a file is a link", test_file_is_a_link },
		{ "a file is a pipe", test_file_is_a_pipe },
		{ "a damaged file", test_damaged_file },
		{ "processes side by side", test_race },
	};
	struct CMUnitTest tests[sizeof rows / sizeof *rows];

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		tests[i] = (struct CMUnitTest){ rows[i].name, rows[i].function, set_up, tear_down, NULL };
	return cmocka_run_group_tests_name("answer_limit", tests, NULL, NULL);
}
