/* The way to a scan child: one job in the queue, replies over a pair of its own. */
#include "av/scan.h"

#include "dkim/clock.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

static void close_reply(struct av_scan *scan)
{
	if (scan->reply_fd >= 0)
		close(scan->reply_fd);
	scan->reply_fd = -1;
}

/* Returns as av_wire_receive(); what came is no reply: -EBADMSG. */
static int64_t receive_reply(struct av_scan *scan, struct av_reply *ret)
{
	int fds[AV_WIRE_DESCRIPTORS];
	int64_t n = av_wire_receive(scan->reply_fd, ret, sizeof *ret, fds);

	for (size_t i = 0; i < AV_WIRE_DESCRIPTORS; i++)
		if (fds[i] >= 0)
			close(fds[i]); /* a child has none to give */
	return n > 0 && !av_reply_is_valid(ret, (uint64_t)n) ? -EBADMSG : n;
}

/* After the shutdown no child can say that it begins (-EPIPE), and one that has said so before can still be read. */
void scan_queue_leave(struct av_scan *scan)
{
	struct av_reply reply;

	if (scan->reply_fd < 0)
		return;
	(void)shutdown(scan->reply_fd, SHUT_RDWR);
	if (scan->may_lie_in_queue && receive_reply(scan, &reply) > 0)
		scan->may_lie_in_queue = false;
	close_reply(scan);
}

static int send_job(struct av_scan *scan)
{
	const enum av_job_kind kind = scan->client->params.kind;
	const struct av_job job = { .version = AV_WIRE_VERSION, .kind = kind ? kind : AV_JOB_MESSAGE, .octets = av_held_octets(scan->held) };
	int pair[2], fds[AV_WIRE_DESCRIPTORS];
	int64_t n;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		return -errno;
	fds[0] = av_held_share(scan->held);
	fds[1] = pair[1];
	n = av_wire_send(scan->client->params.jobs, &job, sizeof job, fds, 2);
	close(pair[1]);
	if (n < 0) {
		close(pair[0]);
		return (int)n;
	}
	scan->reply_fd = pair[0];
	return 0;
}

/* ETOOMANYREFS: more descriptors under way than the user may have (unix(7)); they become fewer as children take jobs. */
static void try_to_send(struct av_scan *scan, unsigned milliseconds)
{
	int r = send_job(scan);

	if (r == 0) {
		scan->state = SCAN_SENT;
		scan->may_lie_in_queue = true;
	} else if (r == -EAGAIN || r == -ETOOMANYREFS) {
		(void)poll(NULL, 0, milliseconds < AV_NAP_MS ? (int)milliseconds : AV_NAP_MS);
	} else if (r == -EPIPE || r == -ENOTCONN || r == -ECONNREFUSED) {
		scan_finish(scan, AV_NO_SCANNER, 0);
	} else {
		scan_finish(scan, AV_FAILED, r);
	}
}

/* Did the loader end it? Its clock started a little before ours. */
static bool was_late(const struct av_scan *scan)
{
	const unsigned timeout_ms = scan->client->params.timeout_ms;

	return clock_monotonic_ms() - scan->begun_ms >= timeout_ms - timeout_ms / 10;
}

/* The end of the replies without a result. A child that the loader killed for its lateness died of this message too. */
static void child_ended(struct av_scan *scan)
{
	const bool late = was_late(scan);

	close_reply(scan);
	scan->may_lie_in_queue = false;
	if (scan->state == SCAN_SENT && ++scan->drops > AV_DROPS_MAX) {
		scan_finish(scan, AV_NO_SCANNER, 0);
	} else if (scan->state == SCAN_BEGUN && scan->report.tries >= AV_TRIES_MAX) {
		scan_remember(scan);
		scan_finish(scan, late ? AV_LATE : AV_CRASHED, 0);
	} else {
		scan_unsent(scan);
	}
}

static void take_reply(struct av_scan *scan)
{
	struct av_reply reply;
	int64_t n = receive_reply(scan, &reply);

	if (n == -EAGAIN || n == -EINTR)
		return;
	if (n == 0) {
		child_ended(scan);
	} else if (n > 0 && reply.kind == AV_STARTED && scan->state == SCAN_SENT) {
		scan->may_lie_in_queue = false;
		scan_begun(scan);
	} else if (n > 0 && reply.kind == AV_RESULT && scan->state == SCAN_BEGUN) {
		scan->report.reply = reply;
		scan_finish(scan, AV_SCANNED, 0);
	} else {
		scan_finish(scan, AV_FAILED, n < 0 ? (int)n : -EBADMSG);
	}
}

void scan_queue_step(struct av_scan *scan, unsigned milliseconds)
{
	struct pollfd event = { .events = POLLIN };

	if (scan->state == SCAN_UNSENT) {
		try_to_send(scan, milliseconds);
		return;
	}
	event.fd = scan->reply_fd;
	if (poll(&event, 1, (int)milliseconds) > 0)
		take_reply(scan);
}
