/* Sockets that outlive configurations (milter/sockets.h). */
#include "milter/sockets.h"
#include "t/unit/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <talloc.h>
#include <unistd.h>

static char folder[] = "/tmp/postern-test-XXXXXX";

/* One listener for each letter of `names`, on a unix socket of that name. */
static const struct conf *make(void *mem, const char *names, const char *mode)
{
	char *text = talloc_strdup(mem, "user = nobody\n");
	const struct conf *conf = NULL;
	struct conf_errors errors;

	for (; *names; names++)
		text = talloc_asprintf_append(text, "listener %c { socket = \"unix:%s/%c\" role = verify socket-mode = %s }\n", *names, folder, *names, mode);
	if (conf_parse(mem, text, strlen(text), "test.conf", &conf, &errors) < 0)
		fail_msg("%s", errors.count ? errors.text[0] : "no memory");
	return conf;
}

static const char *path(void *mem, char name)
{
	return talloc_asprintf(mem, "%s/%c", folder, name);
}

static bool exists(void *mem, char name)
{
	return access(path(mem, name), F_OK) == 0;
}

static void open_all(void *mem, struct sockets *sockets, const struct conf *conf, int **ret)
{
	char *errors;

	if (sockets_open(mem, sockets, conf, "test.conf", 1, ret, &errors) != EX_OK)
		fail_msg("%s", errors);
}

static void test_change(void **state)
{
	void *mem = talloc_new(NULL);
	struct sockets *sockets = sockets_new(mem);
	const struct conf *first = make(mem, "abc", "0600"), *second = make(mem, "dca", "0660");
	int *before, *after;
	struct stat st;

	(void)state;
	open_all(mem, sockets, first, &before);
	sockets_keep(sockets, first);
	open_all(mem, sockets, second, &after);
	assert_int_equal(after[2], before[0]);
	assert_int_equal(after[1], before[2]);
	assert_true(exists(mem, 'b')); /* until it is in force */
	sockets_keep(sockets, second);
	assert_true(exists(mem, 'a') && !exists(mem, 'b') && exists(mem, 'c') && exists(mem, 'd'));
	assert_int_equal(stat(path(mem, 'a'), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
	sockets_keep(sockets, NULL);
	assert_false(exists(mem, 'a') || exists(mem, 'c') || exists(mem, 'd'));
	talloc_free(mem);
}

/* Each fault has its line, and what was opened on the way is closed again; what is in force stays. */
static void test_fault(void **state)
{
	void *mem = talloc_new(NULL);
	struct sockets *sockets = sockets_new(mem);
	const struct conf *first = make(mem, "a", "0600"), *second = make(mem, "abxy", "0600");
	int *fds;
	char *errors;

	(void)state;
	open_all(mem, sockets, first, &fds);
	sockets_keep(sockets, first);
	assert_int_equal(mkdir(path(mem, 'x'), 0700), 0); /* neither can be a socket */
	assert_int_equal(mkdir(path(mem, 'y'), 0700), 0);
	assert_int_equal(sockets_open(mem, sockets, second, "test.conf", 1, &fds, &errors), EX_UNAVAILABLE);
	assert_non_null(strstr(errors, "test.conf:4: listener x: "));
	assert_non_null(strstr(errors, "test.conf:5: listener y: "));
	assert_true(exists(mem, 'a') && !exists(mem, 'b'));
	assert_true(rmdir(path(mem, 'x')) == 0 && rmdir(path(mem, 'y')) == 0);
	sockets_keep(sockets, NULL);
	talloc_free(mem);
}

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	(void)state;
	return rmdir(folder);
}

int main(void)
{
	test_add("what both name stays open, the rest comes and goes", test_change);
	test_add("a socket that cannot be had", test_fault);
	return test_run_with("sockets", make_folder, remove_folder);
}
