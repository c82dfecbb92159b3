/* av/client.c, held.c and scan_queue.c: a worker's side of the job queue, with a thread for a scan child. */
#include "av/client.h"
#include "dkim/clock.h"
#include "t/unit/scan_child.h"
#include "t/unit/support.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <talloc.h>
#include <unistd.h>

#define PREFIX "Received: by test\r\n"

static struct av_shared *shared;
static const char *const no_clamd[] = { NULL };

/* No digest, but one that differs with the octets. */
static int small_digest(struct view octets, uint8_t ret[AV_DIGEST_OCTETS])
{
	memset(ret, 0, AV_DIGEST_OCTETS);
	for (size_t i = 0; i < octets.n; i++)
		ret[i % AV_DIGEST_OCTETS] = (uint8_t)(ret[i % AV_DIGEST_OCTETS] * 31 + (uint8_t)octets.p[i]);
	return 0;
}

static int set_up(void **state)
{
	(void)state;
	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return shared == MAP_FAILED || av_shared_init(shared) < 0;
}

struct bench {
	void *mem;
	struct scan_child *child;
	struct av_client *client;
	struct av_client_params params;
	unsigned taken;
	char *seen;
};

static void begin(struct bench *bench, const char *script)
{
	char *error;

	*bench = (struct bench){ .mem = talloc_new(NULL) };
	memset(shared->remembered, 0, sizeof shared->remembered);
	shared->remembered_until_s = 0;
	bench->params = (struct av_client_params){
		.shared = shared, .row = 3, .max_size = 1000000, .timeout_ms = 300, .hold_ms = 1000, .queue_jobs = 100,
		.queue_size = 10000000, .clamd = no_clamd, .digest = small_digest,
	};
	bench->child = scan_child_start(script, &bench->params.jobs);
	assert_int_equal(av_client_new(bench->mem, &bench->params, &bench->client, &error), 0);
}

static void stop_child(struct bench *bench)
{
	if (bench->child)
		assert_true(scan_child_stop(bench->child, &bench->taken, &bench->seen));
	bench->child = NULL;
}

static void end(struct bench *bench)
{
	stop_child(bench);
	free(bench->seen);
	talloc_free(bench->mem);
	assert_int_equal(shared->usage[3].jobs, 0);
	assert_int_equal(shared->usage[3].octets, 0);
}

static struct av_scan *scan_begin(struct bench *bench, const char *message)
{
	struct av_scan *scan;

	assert_int_equal(av_scan_new(bench->mem, bench->client, VIEW(PREFIX), &scan), 0);
	for (size_t i = 0; i < strlen(message); i += 5)
		av_scan_append(scan, view_slice(view_of(message), i, i + 5));
	av_scan_send(scan);
	return scan;
}

static const struct av_report *scan_whole(struct bench *bench, const char *message, struct av_scan **ret)
{
	*ret = scan_begin(bench, message);
	while (av_scan_wait(*ret, 50) == 1)
		;
	return av_scan_report(*ret);
}

static const struct outcome_row {
	const char *name, *script;
	enum av_outcome outcome;
	unsigned tries, taken;
	const char *finding; /* NULL: none */
} outcome_rows[] = {
	{ "clean", "c", AV_SCANNED, 1, 1, NULL },
	{ "infected", "i", AV_SCANNED, 1, 1, "Eicar-Test-Signature" },
	{ "slow but in time", "w", AV_SCANNED, 1, 1, NULL },
	{ "a child that dies: once more", "dc", AV_SCANNED, 2, 2, NULL },
	{ "two children that die", "dd", AV_CRASHED, 2, 2, NULL },
	{ "a child that is killed for lateness: once more", "lc", AV_SCANNED, 2, 2, NULL },
	{ "two late ones", "ll", AV_LATE, 2, 2, NULL },
	{ "a job that was dropped unread: once more, and no try", "xxi", AV_SCANNED, 1, 3, "Eicar-Test-Signature" },
	{ "dropped each time", "x", AV_NO_SCANNER, 0, 9, NULL },
	{ "garbage", "g", AV_FAILED, 1, 1, NULL },
	{ "a result without a begin", "r", AV_FAILED, 0, 1, NULL },
};

static void test_outcome(void **state)
{
	const struct outcome_row *row = *state;
	const struct av_report *report;
	struct av_scan *scan;
	struct bench bench;

	begin(&bench, row->script);
	report = scan_whole(&bench, "Subject: x\r\n\r\nHello\r\n", &scan);
	assert_string_equal(av_outcome_text(report->outcome), av_outcome_text(row->outcome));
	assert_int_equal(report->tries, row->tries);
	stop_child(&bench);
	assert_int_equal(bench.taken, row->taken);
	if (row->outcome == AV_SCANNED) {
		assert_int_equal(report->reply.finding_count, row->finding ? 1 : 0);
		assert_string_equal(report->reply.findings[0].name, row->finding ? row->finding : "");
		assert_string_equal(report->reply.facts.engine, "1.4.6");
	}
	if (row->tries > 0)
		assert_string_equal(bench.seen, PREFIX "Subject: x\r\n\r\nHello\r\n");
	assert_true(view_eq(av_scan_octets(scan), VIEW("Subject: x\r\n\r\nHello\r\n")));
	end(&bench);
}

/* The prefix holds the time of day: the same message has the same digest without it. */
static void test_remembered(void **state)
{
	const struct av_report *report;
	struct av_scan *scan;
	struct bench bench;

	(void)state;
	begin(&bench, "ddc");
	assert_int_equal(scan_whole(&bench, "killer", &scan)->outcome, AV_CRASHED);
	assert_int_equal(av_scan_new(bench.mem, bench.client, VIEW("Received: later\r\n"), &scan), 0);
	av_scan_append(scan, VIEW("killer"));
	av_scan_send(scan);
	report = av_scan_report(scan);
	assert_int_equal(av_scan_wait(scan, 0), 0);
	assert_int_equal(report->outcome, AV_CRASHED);
	assert_int_equal(report->tries, 0);
	assert_int_equal(scan_whole(&bench, "another", &scan)->outcome, AV_SCANNED);
	stop_child(&bench);
	assert_int_equal(bench.taken, 3);
	end(&bench);
}

/* It may cut what it was given to scan; who looks at that again must live. */
static void test_cut_by_child(void **state)
{
	uint8_t digest[AV_DIGEST_OCTETS];
	struct av_scan *scan;
	struct bench bench;

	(void)state;
	begin(&bench, "t");
	scan = scan_begin(&bench, "cut");
	while (av_scan_wait(scan, 50) == 1)
		;
	assert_int_equal(av_scan_octets(scan).n, 0);
	assert_int_equal(av_scan_digest(scan, digest), -ENODATA);
	(void)scan_child_stop(bench.child, NULL, NULL); /* the second job is not as it should be */
	bench.child = NULL;
	end(&bench);
}

static void test_too_large(void **state)
{
	struct av_scan *scan;
	struct bench bench;

	(void)state;
	begin(&bench, "c");
	bench.params.max_size = 10;
	talloc_free(bench.client);
	assert_int_equal(av_client_new(bench.mem, &bench.params, &bench.client, &(char *){ NULL }), 0);
	assert_int_equal(scan_whole(&bench, "0123456789", &scan)->outcome, AV_SCANNED);
	talloc_free(scan);
	scan = scan_begin(&bench, "0123456789a");
	assert_int_equal(shared->usage[3].octets, 0);
	assert_int_equal(av_scan_wait(scan, 0), 0);
	assert_int_equal(av_scan_report(scan)->outcome, AV_TOO_LARGE);
	assert_int_equal(av_scan_octets(scan).n, 0);
	assert_int_equal(av_scan_digest(scan, (uint8_t[AV_DIGEST_OCTETS]){ 0 }), -ENODATA);
	end(&bench);
}

static void test_busy_jobs(void **state)
{
	struct av_scan *first, *second, *third;
	struct bench bench;

	(void)state;
	begin(&bench, "nc");
	shared->usage[7].jobs = 98; /* of other workers */
	first = scan_begin(&bench, "1");
	second = scan_begin(&bench, "2");
	third = scan_begin(&bench, "3");
	assert_int_equal(av_scan_report(third)->outcome, AV_BUSY);
	assert_int_equal(av_scan_wait(first, 0), 1);
	scan_child_go(bench.child);
	assert_int_equal(av_scan_wait(first, 900), 0);
	assert_int_equal(av_scan_wait(second, 900), 0);
	assert_int_equal(scan_whole(&bench, "4", &third)->outcome, AV_SCANNED);
	shared->usage[7].jobs = 0;
	end(&bench);
}

/* Counted in steps of 16 KB (av/scan.h). */
static void test_busy_octets(void **state)
{
	char *large = talloc_zero_array(NULL, char, 16384 + 1);
	struct av_scan *scan;
	struct bench bench;

	(void)state;
	memset(large, 'x', 16384);
	begin(&bench, "c");
	shared->usage[7].octets = bench.params.queue_size - 16384;
	assert_int_equal(scan_whole(&bench, large, &scan)->outcome, AV_BUSY);
	assert_int_equal(scan_whole(&bench, "123", &scan)->outcome, AV_SCANNED);
	talloc_free(scan);
	shared->usage[7].octets++;
	assert_int_equal(scan_whole(&bench, "123", &scan)->outcome, AV_BUSY);
	shared->usage[7].octets = 0;
	talloc_free(large);
	end(&bench);
}

/* Jobs that nobody took hold no mail once nobody waits for them. */
static void test_nobody_begins(void **state)
{
	int64_t began_ms = clock_monotonic_ms();
	int fds[AV_WIRE_DESCRIPTORS];
	struct av_scan *scan;
	struct av_job job;
	struct bench bench;
	struct stat st;
	int queue;

	(void)state;
	begin(&bench, "nc");
	queue = scan_child_jobs(bench.child);
	assert_int_equal(scan_whole(&bench, "message", &scan)->outcome, AV_NO_SCANNER);
	assert_true(clock_monotonic_ms() - began_ms >= 1000);
	assert_true(view_eq(av_scan_octets(scan), VIEW("message"))); /* a copy of it can be kept */
	talloc_free(scan);
	assert_int_equal(av_wire_receive(queue, &job, sizeof job, fds), sizeof job);
	assert_int_equal(fstat(fds[0], &st), 0);
	assert_int_equal(st.st_size, 0);
	assert_int_equal(av_wire_send(fds[1], "x", 1, NULL, 0), -EPIPE);
	close(fds[0]);
	close(fds[1]);
	end(&bench);
}

/* One that a child has begun keeps its memory to the end, whoever waits. */
static void test_message_given_up(void **state)
{
	struct av_scan *scan;
	struct bench bench;

	(void)state;
	begin(&bench, "w");
	scan = scan_begin(&bench, "given up");
	(void)av_scan_wait(scan, SCAN_CHILD_SLOW_MS / 3);
	talloc_free(scan);
	(void)poll(NULL, 0, SCAN_CHILD_SLOW_MS);
	stop_child(&bench);
	assert_string_equal(bench.seen, PREFIX "given up");
	end(&bench);
}

static void test_no_queue(void **state)
{
	struct av_scan *scan;
	struct bench bench;
	int pair[2];

	(void)state;
	begin(&bench, "c");
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	close(pair[1]);
	bench.params.jobs = pair[0];
	talloc_free(bench.client);
	assert_int_equal(av_client_new(bench.mem, &bench.params, &bench.client, &(char *){ NULL }), 0);
	assert_int_equal(scan_whole(&bench, "x", &scan)->outcome, AV_NO_SCANNER);
	close(pair[0]);
	end(&bench);
}

/* More jobs than the queue has room for wait their turn. */
static void test_full_queue(void **state)
{
	enum { COUNT = 600 };
	static struct av_scan *scans[COUNT];
	struct bench bench;

	(void)state;
	begin(&bench, "nc");
	bench.params.queue_jobs = COUNT;
	bench.params.hold_ms = 30000;
	talloc_free(bench.client);
	assert_int_equal(av_client_new(bench.mem, &bench.params, &bench.client, &(char *){ NULL }), 0);
	for (size_t i = 0; i < COUNT; i++)
		scans[i] = scan_begin(&bench, "x");
	scan_child_go(bench.child);
	for (size_t i = 0; i < COUNT; i++) {
		while (av_scan_wait(scans[i], 100) == 1)
			;
		assert_int_equal(av_scan_report(scans[i])->outcome, AV_SCANNED);
	}
	end(&bench);
}

static void test_no_descriptors(void **state)
{
	struct rlimit before, none;
	struct av_scan *scan;
	struct bench bench;

	(void)state;
	begin(&bench, "c");
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = (struct rlimit){ 0, before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	scan = scan_begin(&bench, "x");
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(av_scan_wait(scan, 0), 0);
	assert_int_equal(av_scan_report(scan)->outcome, AV_FAILED);
	assert_int_equal(av_scan_report(scan)->error, -EMFILE);
	end(&bench);
}

static void test_large_message(void **state)
{
	enum { OCTETS = 900000 };
	char *message = malloc(OCTETS + 1);
	struct av_scan *scan;
	struct bench bench;

	(void)state;
	for (size_t i = 0; i < OCTETS; i++)
		message[i] = (char)('a' + i % 26);
	message[OCTETS] = '\0';
	begin(&bench, "c");
	assert_int_equal(av_scan_new(bench.mem, bench.client, VIEW(""), &scan), 0);
	for (size_t i = 0, n = 1; i < OCTETS; i += n, n = n * 3 % 70001)
		av_scan_append(scan, view_slice((struct view){ message, OCTETS }, i, i + n));
	av_scan_send(scan);
	while (av_scan_wait(scan, 100) == 1)
		;
	assert_int_equal(av_scan_report(scan)->outcome, AV_SCANNED);
	stop_child(&bench);
	assert_string_equal(bench.seen, message);
	end(&bench);
	free(message);
}

static void *scan_many(void *arg)
{
	struct bench *bench = arg;
	void *mem = talloc_new(NULL);

	for (int i = 0; i < 200; i++) {
		struct av_scan *scan;

		if (av_scan_new(mem, bench->client, VIEW(PREFIX), &scan) < 0)
			return mem;
		av_scan_append(scan, i % 3 ? VIEW("harmless") : VIEW("EICAR"));
		av_scan_send(scan);
		while (av_scan_wait(scan, 100) == 1)
			;
		if (av_scan_report(scan)->outcome != AV_SCANNED || (av_scan_report(scan)->reply.finding_count == 0) != (i % 3 != 0))
			return mem;
		talloc_free(scan);
	}
	talloc_free(mem);
	return NULL;
}

static void test_threads(void **state)
{
	pthread_t threads[4];
	struct bench bench;

	(void)state;
	begin(&bench, "v");
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, scan_many, &bench), 0);
	for (size_t i = 0; i < 4; i++) {
		void *failed;

		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
	end(&bench);
}

int main(void)
{
	TEST_ROWS(outcome_rows, test_outcome);
	test_add("a message that killed two children is not tried again", test_remembered);
	test_add("a child that cuts what it was given", test_cut_by_child);
	test_add("a message beyond max-size gives its memory back at once", test_too_large);
	test_add("queue-jobs counts those of all workers", test_busy_jobs);
	test_add("queue-size counts those of all workers", test_busy_octets);
	test_add("nobody begins within load-hold", test_nobody_begins);
	test_add("a message that is given up while it is scanned", test_message_given_up);
	test_add("a queue that nobody will ever read", test_no_queue);
	test_add("more jobs than the queue has room for", test_full_queue);
	test_add("no descriptor left", test_no_descriptors);
	test_add("a large message in pieces of all sizes", test_large_message);
	test_add("several threads scan at one time", test_threads);
	return test_run_with("av_client", set_up, NULL);
}
