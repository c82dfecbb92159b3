/* Messages between supervisor and worker (milter/control.h). */
#include "milter/control.h"
#include "t/unit/support.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

static int pair[2];

static void open_pair(void)
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
}

static void close_pair(void)
{
	close(pair[0]);
	close(pair[1]);
}

static const struct message_row {
	const char *name;
	enum control_kind kind;
	const char *text;
} messages[] = {
	{ "ready", CONTROL_READY, "" },
	{ "drain", CONTROL_DRAIN, "" },
	{ "changed", CONTROL_CHANGED, "concurrent daily.cld" },
	{ "progress", CONTROL_PROGRESS, "loading: 45 %" },
	{ "an error for the log", CONTROL_LOG_ERROR, "a child was killed" },
	{ "a warning for the log", CONTROL_LOG_WARNING, "no Landlock" },
	{ "a word for the log", CONTROL_LOG_INFO, "loading" },
	{ "children", CONTROL_CHILDREN, "12 13" },
	{ "failed, with a text", CONTROL_FAILED, "wanted a key, got none" },
};

static void test_message(void **state)
{
	const struct message_row *row = *state;
	struct control_message got;

	open_pair();
	assert_int_equal(control_receive(pair[1], &got), -EAGAIN);
	assert_int_equal(control_send(pair[0], row->kind, row->text), 0);
	assert_int_equal(control_send(pair[0], CONTROL_READY, ""), 0);
	assert_int_equal(control_receive(pair[1], &got), 1);
	assert_int_equal(got.kind, row->kind);
	assert_string_equal(got.text, row->text);
	assert_int_equal(control_receive(pair[1], &got), 1);
	assert_int_equal(got.kind, CONTROL_READY);
	close_pair();
}

static void test_long_text(void **state)
{
	static char text[2 * CONTROL_TEXT_MAX + 1];
	struct control_message got;

	(void)state;
	memset(text, 'x', sizeof text - 1);
	open_pair();
	assert_int_equal(control_send(pair[0], CONTROL_FAILED, text), 0);
	assert_int_equal(control_receive(pair[1], &got), 1);
	assert_int_equal(strlen(got.text), CONTROL_TEXT_MAX);
	close_pair();
}

static void test_other_side_gone(void **state)
{
	struct control_message got;

	(void)state;
	open_pair();
	assert_int_equal(control_send(pair[0], CONTROL_READY, ""), 0);
	close(pair[0]);
	assert_int_equal(control_receive(pair[1], &got), 1); /* last words are still heard */
	assert_int_equal(control_receive(pair[1], &got), 0);
	assert_int_equal(control_send(pair[1], CONTROL_DRAIN, ""), -EPIPE);
	close(pair[1]);
}

static void test_nonsense(void **state)
{
	struct control_message got;

	(void)state;
	open_pair();
	assert_int_equal(send(pair[0], "x", 1, 0), 1);
	assert_int_equal(send(pair[0], "\0", 1, 0), 1);
	assert_int_equal(control_receive(pair[1], &got), -EBADMSG);
	assert_int_equal(control_receive(pair[1], &got), -EBADMSG);
	close_pair();
}

int main(void)
{
	TEST_ROWS(messages, test_message);
	test_add("a long text is cut", test_long_text);
	test_add("the other side is gone", test_other_side_gone);
	test_add("what is no message", test_nonsense);
	return test_run("control");
}
