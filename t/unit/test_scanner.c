/* The scanner's slots (milter/scanner.h). The loader is this program, which does what a file says. */
#include "dkim/clock.h"
#include "milter/child.h"
#include "milter/scanner.h"
#include "t/unit/support.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <talloc.h>
#include <unistd.h>

#define PATIENCE_MS 20000

static char script[] = "/tmp/postern-test-XXXXXX"; /* one word: what the next loader does */

static const char text[] = "user = nobody\nlistener x { socket = \"unix:/not/used\" role = verify scan = yes }\nav { timeout = 1s }\n";

/* The loader's side. */
static void say(enum control_kind kind, const char *words)
{
	if (control_send(CHILD_CONTROL, kind, words) < 0)
		_exit(3);
}

static int play(const char *file, bool beside)
{
	struct control_message message;
	char word[32] = "";
	FILE *in = fopen(file, "r");
	sigset_t told;
	int number;

	if (!in || fscanf(in, "%31s", word) != 1)
		return 2;
	(void)fclose(in);
	if (fcntl(CHILD_CONFIGURATION, F_GETFD) < 0 || fcntl(CHILD_JOBS, F_GETFD) < 0 || fcntl(CHILD_SOCKET, F_GETFD) >= 0)
		return 4;
	if (sigemptyset(&told) < 0 || sigaddset(&told, SIGUSR1) < 0 || sigprocmask(SIG_BLOCK, &told, NULL) < 0)
		return 6;
	if (strcmp(word, "dies") == 0)
		return 1;
	say(CONTROL_PROGRESS, "loading: 45 %");
	if (strcmp(word, "hangs") == 0)
		(void)pause();
	if (strcmp(word, "fails") == 0)
		say(CONTROL_FAILED, "broken.ndb:1: wanted a signature, got none");
	else
		say(CONTROL_READY, beside ? "ready beside" : "ready alone");
	say(CONTROL_CHILDREN, "12 13");
	if (strcmp(word, "concurrent") == 0 || strcmp(word, "sequential") == 0) {
		if (sigwait(&told, &number))
			return 5;
		say(CONTROL_CHANGED, word);
	}
	(void)control_receive(CHILD_CONTROL, &message); /* whatever it is, it ends us */
	return strcmp(word, "fails") == 0 ? 78 : 0;
}

static void next_does(const char *word)
{
	FILE *out = fopen(script, "w");

	assert_non_null(out);
	assert_true(fprintf(out, "%s\n", word) > 0);
	assert_int_equal(fclose(out), 0);
}

struct stage {
	void *mem;
	struct scanner *scanner;
	struct configuration *configuration;
	struct poll_set set;
	int jobs[2];
};

static void open_stage(struct stage *ret)
{
	struct conf_errors errors;

	*ret = (struct stage){ .mem = talloc_new(NULL) };
	ret->set.mem = ret->mem;
	assert_int_equal(pipe(ret->jobs), 0);
	assert_int_equal(configuration_new(ret->mem, script, text, strlen(text), &ret->configuration), 0);
	assert_int_equal(conf_parse(ret->mem, text, strlen(text), script, &ret->configuration->conf, &errors), 0);
	assert_int_equal(scanner_new(ret->mem, &ret->scanner), 0);
	assert_int_equal(scanner_tick(ret->scanner, clock_monotonic_ms()), -1); /* nobody has asked for one */
	assert_true(scanner_has_ended(ret->scanner));
	assert_string_equal(scanner_text(ret->scanner), "");
}

static int want(struct stage *stage)
{
	return scanner_want(stage->scanner, "/proc/self/exe", stage->jobs[0], stage->configuration, clock_monotonic_ms());
}

static void round_of(struct stage *stage)
{
	(void)scanner_tick(stage->scanner, clock_monotonic_ms());
	poll_set_begin(&stage->set);
	scanner_watch(stage->scanner, &stage->set);
	assert_int_equal(poll_set_wait(&stage->set, 5), 0);
	scanner_reap(stage->scanner, clock_monotonic_ms());
}

#define UNTIL(stage, condition) \
	do { \
		const int64_t end_ms = clock_monotonic_ms() + PATIENCE_MS; \
		while (!(condition)) { \
			assert_true(clock_monotonic_ms() < end_ms); \
			round_of(stage); \
		} \
	} while (0)

static bool is(const struct loader *loader, enum loader_state state)
{
	return loader && loader->state == state;
}

static void start(struct stage *stage, const char *word)
{
	open_stage(stage);
	next_does(word);
	assert_int_equal(want(stage), 0);
}

/* One that is ready, and tells of a change once the next one's part is written. */
static pid_t start_that_changes(struct stage *stage, const char *how, const char *next)
{
	start(stage, how);
	UNTIL(stage, is(stage->scanner->serving, LOADER_READY));
	next_does(next);
	assert_int_equal(kill(stage->scanner->serving->pid, SIGUSR1), 0);
	return stage->scanner->serving->pid;
}

static void finish(struct stage *stage)
{
	scanner_stop(stage->scanner, clock_monotonic_ms());
	UNTIL(stage, scanner_has_ended(stage->scanner));
	talloc_free(stage->mem);
	close(stage->jobs[0]);
	close(stage->jobs[1]);
}

static void test_ready(void **state)
{
	struct stage stage;

	(void)state;
	start(&stage, "ready");
	UNTIL(&stage, is(stage.scanner->serving, LOADER_READY) && stage.scanner->serving->children);
	assert_string_equal(scanner_text(stage.scanner), "ready alone");
	assert_string_equal(stage.scanner->serving->children, "12 13");
	finish(&stage);
}

static void test_progress(void **state)
{
	struct stage stage;

	(void)state;
	start(&stage, "hangs");
	UNTIL(&stage, stage.scanner->serving && stage.scanner->serving->progress);
	assert_string_equal(scanner_text(stage.scanner), "loading: 45 %");
	finish(&stage); /* it serves nobody: it does not wait for it */
}

static void test_restart(void **state)
{
	struct stage stage;
	pid_t before;

	(void)state;
	start(&stage, "ready");
	UNTIL(&stage, is(stage.scanner->serving, LOADER_READY));
	before = stage.scanner->serving->pid;
	assert_int_equal(kill(before, SIGKILL), 0);
	UNTIL(&stage, is(stage.scanner->serving, LOADER_READY) && stage.scanner->serving->pid != before);
	assert_int_equal(stage.scanner->restarts, 1);
	finish(&stage);
}

/* The caller's string may go: a reload looks for the program anew. */
static void test_program_is_remembered(void **state)
{
	struct stage stage;
	char program[] = "/proc/self/exe";

	(void)state;
	open_stage(&stage);
	next_does("ready");
	assert_int_equal(scanner_want(stage.scanner, program, stage.jobs[0], stage.configuration, clock_monotonic_ms()), 0);
	memset(program, 'x', sizeof program - 1);
	UNTIL(&stage, is(stage.scanner->serving, LOADER_READY));
	finish(&stage);
}

static void test_backoff(void **state)
{
	struct stage stage;
	int64_t start_ms = clock_monotonic_ms();

	(void)state;
	start(&stage, "dies");
	UNTIL(&stage, stage.scanner->restarts == 4);
	assert_true(clock_monotonic_ms() - start_ms >= 100 + 200); /* after the second and the third death */
	next_does("ready");
	UNTIL(&stage, is(stage.scanner->serving, LOADER_READY));
	finish(&stage);
}

/* Both changes and the text that the next one must say. */
static const struct change_row {
	const char *name, *word, *facts;
} changes[] = {
	{ "a change, beside the old one", "concurrent", "ready beside" },
	{ "a change, after the old one", "sequential", "ready alone" },
};

static void test_change(void **state)
{
	const struct change_row *row = *state;
	struct stage stage;
	pid_t before;

	before = start_that_changes(&stage, row->word, "ready");
	UNTIL(&stage, is(stage.scanner->serving, LOADER_READY) && stage.scanner->serving->pid != before);
	assert_string_equal(scanner_text(stage.scanner), row->facts);
	UNTIL(&stage, !stage.scanner->leaving && !stage.scanner->coming);
	assert_int_equal(stage.scanner->restarts, 0);
	finish(&stage);
}

static const char *const bad_words[] = { "fails", "dies" };

/* The new one says that it cannot, or dies again and again: the old one stays. */
static void test_new_one_is_bad(void **state)
{
	struct stage stage;
	pid_t before;

	(void)state;
	for (size_t i = 0; i < sizeof bad_words / sizeof *bad_words; i++) {
		before = start_that_changes(&stage, "concurrent", bad_words[i]);
		UNTIL(&stage, stage.scanner->coming);
		UNTIL(&stage, !stage.scanner->coming && !stage.scanner->leaving);
		assert_int_equal(stage.scanner->serving->pid, before);
		assert_true(is(stage.scanner->serving, LOADER_READY));
		finish(&stage);
	}
}

static void test_old_one_dies_meanwhile(void **state)
{
	struct stage stage;
	pid_t coming;

	(void)state;
	(void)start_that_changes(&stage, "concurrent", "hangs");
	UNTIL(&stage, is(stage.scanner->coming, LOADER_LOADING) && stage.scanner->coming->progress);
	coming = stage.scanner->coming->pid;
	assert_int_equal(kill(stage.scanner->serving->pid, SIGKILL), 0);
	UNTIL(&stage, !stage.scanner->coming);
	assert_int_equal(stage.scanner->serving->pid, coming); /* a third one would load beside it for nothing */
	finish(&stage);
}

static void test_broken_at_start(void **state)
{
	struct stage stage;
	pid_t before;

	(void)state;
	start(&stage, "fails");
	UNTIL(&stage, is(stage.scanner->serving, LOADER_BROKEN));
	assert_non_null(strstr(scanner_text(stage.scanner), "broken.ndb:1"));
	before = stage.scanner->serving->pid;
	next_does("ready");
	assert_int_equal(want(&stage), 0); /* other options: that one is not worth waiting for */
	UNTIL(&stage, is(stage.scanner->serving, LOADER_READY));
	assert_true(stage.scanner->serving->pid != before);
	finish(&stage);
}

static void test_no_more_wanted(void **state)
{
	struct stage stage;

	(void)state;
	start(&stage, "ready");
	UNTIL(&stage, is(stage.scanner->serving, LOADER_READY));
	assert_int_equal(scanner_want(stage.scanner, NULL, -1, NULL, clock_monotonic_ms()), 0);
	UNTIL(&stage, scanner_has_ended(stage.scanner) && !stage.scanner->leaving);
	assert_string_equal(scanner_text(stage.scanner), "");
	finish(&stage);
}

static void test_late(void **state)
{
	struct stage stage;
	int64_t later_ms;
	pid_t before;

	(void)state;
	start(&stage, "hangs");
	UNTIL(&stage, is(stage.scanner->serving, LOADER_LOADING) && stage.scanner->serving->progress);
	before = stage.scanner->serving->pid;
	next_does("ready");
	later_ms = stage.scanner->serving->due_ms;
	(void)scanner_tick(stage.scanner, later_ms - 1);
	assert_int_equal(kill(before, 0), 0);
	(void)scanner_tick(stage.scanner, later_ms);
	UNTIL(&stage, is(stage.scanner->serving, LOADER_READY));
	assert_int_equal(stage.scanner->restarts, 1);
	finish(&stage);
}

static int make_script(void **state)
{
	int fd = mkstemp(script);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static int remove_script(void **state)
{
	(void)state;
	return unlink(script);
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[0], "postern-scanner") == 0)
		return play(argv[argc - 1], strcmp(argv[1], "--beside") == 0);
	test_add("it is ready, and its words are kept", test_ready);
	test_add("progress of the first load", test_progress);
	test_add("one that dies is followed by another at once", test_restart);
	test_add("the program's name is its own", test_program_is_remembered);
	test_add("one that keeps dying is waited for longer and longer", test_backoff);
	TEST_ROWS(changes, test_change);
	test_add("a bad new one leaves the old one in place", test_new_one_is_bad);
	test_add("the old one dies while the new one loads", test_old_one_dies_meanwhile);
	test_add("without a database it waits, and other options replace it", test_broken_at_start);
	test_add("no scanner is wanted any more", test_no_more_wanted);
	test_add("one that never gets ready is killed", test_late);
	return test_run_with("scanner", make_script, remove_script);
}
