#include "av/wire.h"
#include "t/unit/support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static struct av_reply a_reply(void)
{
	struct av_reply reply = { .version = AV_WIRE_VERSION, .kind = AV_RESULT, .facts.engine = "1.4.6", .finding_count = 1 };

	reply.findings[0] = (struct av_finding){ .kind = AV_SIGNATURE, .name = "Eicar-Test-Signature", .part = "a b.zip" };
	return reply;
}

static void spoil_nothing(struct av_reply *reply) { (void)reply; }
static void spoil_version(struct av_reply *reply) { reply->version++; }
static void spoil_kind(struct av_reply *reply) { reply->kind = 3; }
static void spoil_count(struct av_reply *reply) { reply->finding_count = AV_FINDINGS_MAX + 1; }
static void spoil_finding(struct av_reply *reply) { reply->findings[0].kind = 0; }
static void spoil_finding_high(struct av_reply *reply) { reply->findings[0].kind = AV_FAILURE + 1; }
static void spoil_end(struct av_reply *reply) { memset(reply->findings[0].name, 'a', sizeof reply->findings[0].name); }
static void spoil_line(struct av_reply *reply) { reply->findings[0].name[3] = '\n'; }
static void spoil_eight(struct av_reply *reply) { reply->findings[0].part[0] = (char)0xe9; }
static void spoil_blank(struct av_reply *reply) { reply->findings[0].name[0] = ' '; }
static void spoil_blank_end(struct av_reply *reply) { strcpy(reply->findings[0].part, "a "); }
static void spoil_engine(struct av_reply *reply) { reply->facts.engine[0] = '\r'; }
static void spoil_unused(struct av_reply *reply) { memset(&reply->findings[1], 0xff, sizeof reply->findings[1]); }
static void spoil_started(struct av_reply *reply) { memset(reply, 0xff, sizeof *reply); reply->version = AV_WIRE_VERSION; reply->kind = AV_STARTED; }

static const struct {
	const char *name;
	void (*spoil)(struct av_reply *);
	size_t octets;
	bool valid;
} replies[] = {
	{ "a result with a finding", spoil_nothing, sizeof(struct av_reply), true },
	{ "a packet that is too short", spoil_nothing, sizeof(struct av_reply) - 1, false },
	{ "an empty packet", spoil_nothing, 0, false },
	{ "another version", spoil_version, sizeof(struct av_reply), false },
	{ "an unknown kind", spoil_kind, sizeof(struct av_reply), false },
	{ "more findings than there is room for", spoil_count, sizeof(struct av_reply), false },
	{ "a finding of kind 0", spoil_finding, sizeof(struct av_reply), false },
	{ "a finding of a kind behind the last", spoil_finding_high, sizeof(struct av_reply), false },
	{ "a name without its end", spoil_end, sizeof(struct av_reply), false },
	{ "a line end in a name", spoil_line, sizeof(struct av_reply), false },
	{ "an 8-bit octet in a part", spoil_eight, sizeof(struct av_reply), false },
	{ "a blank in front", spoil_blank, sizeof(struct av_reply), false },
	{ "a blank behind", spoil_blank_end, sizeof(struct av_reply), false },
	{ "a control octet in the engine's version", spoil_engine, sizeof(struct av_reply), false },
	{ "what stands behind the last finding does not count", spoil_unused, sizeof(struct av_reply), true },
	{ "of a start nothing else counts", spoil_started, sizeof(struct av_reply), true },
};

static void test_reply(void **state)
{
	const __typeof__(replies[0]) *row = *state;
	struct av_reply reply = a_reply();

	row->spoil(&reply);
	assert_int_equal(av_reply_is_valid(&reply, row->octets), row->valid);
}

static const struct {
	const char *name;
	struct view in;
	uint32_t size;
	const char *wanted;
} names[] = {
	{ "a signature stays", VIEW_INIT("Win.Trojan.Agent-1/2:3+4@5(6)_7 x"), 121, "Win.Trojan.Agent-1/2:3+4@5(6)_7 x" },
	{ "other octets become _", VIEW_INIT("a\r\nb\0c\xe9\"d"), 121, "a__b_c__d" },
	{ "blanks at the ends go", VIEW_INIT("  a b  "), 121, "a b" },
	{ "blanks alone leave nothing", VIEW_INIT("   "), 121, "" },
	{ "nothing stays nothing", VIEW_INIT(""), 121, "" },
	{ "what is beyond goes", VIEW_INIT("abcdef"), 4, "abc" },
	{ "a blank where it is cut goes too", VIEW_INIT("ab cd"), 4, "ab" },
};

static void test_name(void **state)
{
	const __typeof__(names[0]) *row = *state;
	struct view in = guarded(row->in);
	char out[121];

	av_wire_name(out, row->size, in.p, in.n);
	assert_string_equal(out, row->wanted);
	guarded_free(in);
}

static void make_pair(int pair[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
}

static void test_descriptors_come_over(void **state)
{
	int pair[2], pipes[2], fds[AV_WIRE_DESCRIPTORS];
	char octets[8];

	(void)state;
	make_pair(pair);
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(av_wire_send(pair[0], "hello", 5, pipes, 2), 5);
	assert_int_equal(av_wire_receive(pair[1], octets, sizeof octets, fds), 5);
	assert_memory_equal(octets, "hello", 5);
	assert_int_equal(fcntl(fds[0], F_GETFD), FD_CLOEXEC);
	assert_int_equal(write(fds[1], "x", 1), 1);
	assert_int_equal(read(fds[0], octets, 1), 1);
	assert_int_equal(av_wire_send(pair[0], "one", 3, pipes, 1), 3);
	close(fds[0]);
	close(fds[1]);
	assert_int_equal(av_wire_receive(pair[1], octets, sizeof octets, fds), 3);
	assert_true(fds[0] >= 0 && fds[1] == -1);
	close(fds[0]);
	for (int i = 0; i < 2; i++) {
		close(pair[i]);
		close(pipes[i]);
	}
}

static int open_descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < 64; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

/* Three descriptors in one packet, as av_wire_send() would not send them. */
static void test_superfluous_descriptors(void **state)
{
	union { struct cmsghdr header; char octets[CMSG_SPACE(3 * sizeof(int))]; } control = { .octets = { 0 } };
	struct iovec part = { (void *)"abc", 3 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };
	int pair[2], fds[AV_WIRE_DESCRIPTORS], before;
	char octets[8];

	(void)state;
	make_pair(pair);
	control.header = (struct cmsghdr){ .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(3 * sizeof(int)) };
	memcpy(CMSG_DATA(&control.header), (int[]){ 0, 0, 0 }, 3 * sizeof(int));
	before = open_descriptors();
	assert_int_equal(sendmsg(pair[0], &message, 0), 3);
	assert_int_equal(av_wire_receive(pair[1], octets, sizeof octets, fds), 3);
	assert_int_equal(open_descriptors(), before + 2);
	close(fds[0]);
	close(fds[1]);
	assert_int_equal(av_wire_send(pair[0], "x", 1, (int[]){ 0, 0, 0 }, 3), -EINVAL);
	close(pair[0]);
	close(pair[1]);
}

static void test_long_packet(void **state)
{
	int pair[2], fds[AV_WIRE_DESCRIPTORS], before;
	char octets[4];

	(void)state;
	make_pair(pair);
	before = open_descriptors();
	assert_int_equal(av_wire_send(pair[0], "12345", 5, (int[]){ 0 }, 1), 5);
	assert_int_equal(av_wire_send(pair[0], "1234", 4, NULL, 0), 4);
	assert_int_equal(av_wire_receive(pair[1], octets, sizeof octets, fds), -EMSGSIZE);
	assert_int_equal(fds[0], -1);
	assert_int_equal(open_descriptors(), before);
	assert_int_equal(av_wire_receive(pair[1], octets, sizeof octets, fds), 4);
	assert_int_equal(av_wire_receive(pair[1], octets, sizeof octets, fds), -EAGAIN);
	close(pair[0]);
	close(pair[1]);
}

static void test_end(void **state)
{
	int pair[2], fds[AV_WIRE_DESCRIPTORS];
	char octets[4];

	(void)state;
	make_pair(pair);
	assert_int_equal(av_wire_send(pair[1], "1", 1, NULL, 0), 1);
	assert_int_equal(av_wire_send(pair[0], "unread", 6, NULL, 0), 6);
	close(pair[1]);
	assert_int_equal(av_wire_send(pair[0], "1", 1, NULL, 0), -EPIPE);
	(void)av_wire_receive(pair[0], octets, sizeof octets, fds); /* what was sent, or the reset */
	assert_int_equal(av_wire_receive(pair[0], octets, sizeof octets, fds) > 0, false);
	assert_int_equal(av_wire_receive(pair[0], octets, sizeof octets, fds), 0);
	close(pair[0]);
}

static void test_full_queue(void **state)
{
	int pair[2];
	int64_t r = 0;

	(void)state;
	make_pair(pair);
	for (int i = 0; i < 100000 && r >= 0; i++)
		r = av_wire_send(pair[0], "job", 3, NULL, 0);
	assert_int_equal(r, -EAGAIN);
	close(pair[0]);
	close(pair[1]);
}

int main(void)
{
	TEST_ROWS(replies, test_reply);
	TEST_ROWS(names, test_name);
	test_add("descriptors come over, close-on-exec", test_descriptors_come_over);
	test_add("superfluous descriptors are closed", test_superfluous_descriptors);
	test_add("a packet that is too long is taken and says so", test_long_packet);
	test_add("the end of the connection", test_end);
	test_add("a full queue does not block", test_full_queue);
	return test_run("av_wire");
}
