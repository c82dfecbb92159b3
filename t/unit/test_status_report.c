/* What `postern status` prints (milter/status_report.h), and memory of processes (milter/process_memory.h). */
#include "milter/process_memory.h"
#include "milter/status_report.h"
#include "t/unit/support.h"

#include <errno.h>
#include <talloc.h>
#include <unistd.h>

static const char *const well[] = {
	"configuration\tfile=/etc/postern.conf\tloaded=1000\tgeneration=3",
	"listener\tname=inbound\tsocket=inet:4443@127.0.0.1\trole=verify\tscan=yes\tconnections=2\tmessages=5\tsigned=0",
	"listener\tname=out\tsocket=inet:4445@127.0.0.1\trole=sign\tscan=no\tconnections=0\tmessages=0",
	"scanner\tstate=ready\trestarts=1\ttext=ClamAV 1.4.6",
	"queue\tjobs=2\toctets=4096",
	"process\trole=supervisor\tpid=0\tstate=ready\tsince-s=10",
	"process\trole=worker\tname=inbound\tpid=0\tstate=ready\tsince-s=10\trestarts=2",
	"process\trole=worker\tname=inbound\tpid=0\tstate=draining\tsince-s=1\trestarts=0",
	"process\trole=scan\tpid=0",
	NULL,
};

static struct status_report *make(void *mem, const char *const *lines)
{
	struct status_report *report = status_report_new(mem);

	for (; *lines; lines++)
		assert_int_equal(status_report_add(report, *lines), 0);
	return report;
}

static void test_json(void **state)
{
	void *mem = talloc_new(NULL);
	struct buf out;

	(void)state;
	buf_init(&out, mem, 100000);
	status_report_json(make(mem, well), NULL, &out);
	assert_int_equal(buf_error(&out), 0);
	assert_string_equal(buf_string(&out),
		"{\"configuration\":{\"file\":\"/etc/postern.conf\",\"loaded\":1000,\"generation\":3},"
		"\"listeners\":[{\"name\":\"inbound\",\"socket\":\"inet:4443@127.0.0.1\",\"role\":\"verify\",\"scan\":\"yes\",\"connections\":2,\"messages\":5,\"signed\":0},"
		"{\"name\":\"out\",\"socket\":\"inet:4445@127.0.0.1\",\"role\":\"sign\",\"scan\":\"no\",\"connections\":0,\"messages\":0}],"
		"\"scanner\":{\"state\":\"ready\",\"restarts\":1,\"text\":\"ClamAV 1.4.6\"},\"queue\":{\"jobs\":2,\"octets\":4096},"
		"\"processes\":[{\"role\":\"supervisor\",\"pid\":0,\"state\":\"ready\",\"since-s\":10},"
		"{\"role\":\"worker\",\"name\":\"inbound\",\"pid\":0,\"state\":\"ready\",\"since-s\":10,\"restarts\":2},"
		"{\"role\":\"worker\",\"name\":\"inbound\",\"pid\":0,\"state\":\"draining\",\"since-s\":1,\"restarts\":0},"
		"{\"role\":\"scan\",\"pid\":0}],\"ok\":true}\n");
	talloc_free(mem);
}

static void test_text(void **state)
{
	static const char *const wanted[] = {
		"configuration  /etc/postern.conf, loaded 2 min ago (number 3)\n",
		"listener       inbound: inet:4443@127.0.0.1, verify, scans\n               connections 2, messages 5\n",
		"listener       out: inet:4445@127.0.0.1, sign\n               nothing yet\n",
		"scanner        ready: ClamAV 1.4.6; restarts: 1\n",
		"queue          2 messages, 4 KB\n",
		"restarted 2 times",
	};
	void *mem = talloc_new(NULL);
	struct buf out;

	(void)state;
	buf_init(&out, mem, 100000);
	status_report_text(make(mem, well), NULL, 1130, &out);
	assert_int_equal(buf_error(&out), 0);
	for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
		if (!strstr(buf_string(&out), wanted[i]))
			fail_msg("wanted \"%s\" in:\n%s", wanted[i], buf_string(&out));
	talloc_free(mem);
}

static const struct unwell_row {
	const char *name, *line;
} unwell[] = {
	{ "a worker that is down", "process\trole=worker\tname=x\tpid=0\tstate=down" },
	{ "a worker that starts", "process\trole=worker\tname=x\tpid=0\tstate=starting" },
	{ "a scanner that loads", "scanner\tstate=loading\trestarts=0\ttext=loading: 45 %" },
	{ "a scanner without database", "scanner\tstate=broken\trestarts=0\ttext=wanted a database" },
	{ "a daemon that stops", "process\trole=supervisor\tpid=0\tstate=stopping" },
};

static void test_unwell(void **state)
{
	const struct unwell_row *row = *state;
	void *mem = talloc_new(NULL);
	struct status_report *report = make(mem, well);

	assert_true(status_report_is_well(report));
	assert_int_equal(status_report_add(report, row->line), 0);
	assert_false(status_report_is_well(report));
	talloc_free(mem);
}

static void test_hostile(void **state)
{
	void *mem = talloc_new(NULL);
	struct status_report *report = status_report_new(mem);
	struct buf out;

	(void)state;
	assert_false(status_report_is_well(report)); /* an answer without anything */
	assert_int_equal(status_report_add(report, ""), -EINVAL);
	assert_int_equal(status_report_add(report, "scanner\tno sign of equality"), -EINVAL);
	assert_int_equal(status_report_add(report, "scanner\tstate=ready\trestarts=0\ttext=\x1b[2J"), 0);
	buf_init(&out, mem, 1000);
	status_report_text(report, NULL, 0, &out);
	assert_null(strchr(buf_string(&out), '\x1b'));
	talloc_free(mem);
}

static void test_memory(void **state)
{
	struct process_memory memory;

	(void)state;
	assert_int_equal(process_memory((int)getpid(), &memory), 0);
	assert_true(memory.private_only > 4096 && memory.pss >= memory.private_only);
	assert_int_equal(process_memory(-1, &memory), -ENOENT);
}

int main(void)
{
	test_add("JSON", test_json);
	test_add("text", test_text);
	TEST_ROWS(unwell, test_unwell);
	test_add("lines that are none, and ones that would steer a terminal", test_hostile);
	test_add("memory of a process", test_memory);
	return test_run("status_report");
}
