#include "av/clamd.h"

#include "av/clamd_answer.h"
#include "av/clamd_pool.h"
#include "dkim/clock.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <talloc.h>

#define COMMANDS_MAX 64 /* octets: "zIDSESSION" "zVERSION" "zINSTREAM", their NULs, and a length */

struct clamd_call {
	struct clamd *clamd;
	struct clamd_connection *connection; /* NULL: none now */
	int64_t connect_by_ms;
	unsigned version_id, scan_id;        /* of this call's commands; 0: not asked */
	char commands[COMMANDS_MAX];
	struct view pieces[3];               /* left to be sent: commands with the length, the octets, the final length */
	struct view octets;
	char in[CLAMD_ANSWER_MAX];
	size_t in_octets;
	bool answered_any;                   /* on this connection and in this call */
	struct av_reply reply;
};

static void drop(struct clamd_call *call, bool down)
{
	clamd_pool_drop(call->clamd, call->connection, down);
	call->connection = NULL;
}

static int call_destructor(struct clamd_call *call)
{
	drop(call, false); /* an answer under way would be taken for that of the next scan */
	return 0;
}

int clamd_call_new(void *mem, struct clamd *clamd, struct view octets, struct clamd_call **ret)
{
	struct clamd_call *call = talloc_zero(mem, struct clamd_call);

	if (!call)
		return -ENOMEM;
	talloc_set_destructor(call, call_destructor);
	call->clamd = clamd;
	call->octets = octets;
	*ret = call;
	return 0;
}

/* Commands stand with their NUL. */
static void add_command(struct view *text, char *room, const char *command)
{
	size_t n = strlen(command) + 1;

	memcpy(room + text->n, command, n);
	text->n += n;
}

static void put_length(char ret[4], size_t n)
{
	for (size_t i = 0; i < 4; i++)
		ret[i] = (char)(n >> (24 - 8 * i) & 0xff);
}

/* All in one chunk: its length is 32 bits wide, and max-size ends at 1 GB. */
static void write_commands(struct clamd_call *call)
{
	static const char no_octets[4];
	struct clamd_connection *connection = call->connection;
	struct view text = { call->commands, 0 };
	const int64_t age_ms = clock_monotonic_ms() - connection->facts_ms;

	if (!connection->kept)
		add_command(&text, call->commands, "zIDSESSION");
	call->version_id = call->scan_id = 0;
	if (connection->facts_ms == 0 || age_ms >= CLAMD_FACTS_MS) {
		add_command(&text, call->commands, "zVERSION");
		call->version_id = ++connection->last_id;
	}
	add_command(&text, call->commands, "zINSTREAM");
	call->scan_id = ++connection->last_id;
	put_length(call->commands + text.n, call->octets.n);
	text.n += call->octets.n > 0 ? 4 : 0; /* a length of 0 is the end */
	call->pieces[0] = text;
	call->pieces[1] = call->octets;
	call->pieces[2] = (struct view){ no_octets, sizeof no_octets };
}

static int take_connection(struct clamd_call *call)
{
	int r = clamd_pool_take(call->clamd, &call->connection);

	if (r < 0)
		return r;
	call->connect_by_ms = clock_monotonic_ms() + CLAMD_CONNECT_MS;
	call->in_octets = 0;
	call->answered_any = false;
	write_commands(call);
	return 0;
}

/* A kept connection that ends before it says anything was closed while it waited: that is nobody's fault. */
static int broken(struct clamd_call *call)
{
	bool waited = call->connection->kept && !call->answered_any;

	drop(call, !waited);
	return waited ? -EAGAIN : -ECONNRESET;
}

static int finish_connecting(struct clamd_call *call)
{
	struct pollfd event = { .fd = call->connection->fd, .events = POLLOUT };
	int error = 0;
	socklen_t n = sizeof error;

	if (poll(&event, 1, 0) == 0 && clock_monotonic_ms() < call->connect_by_ms)
		return -EAGAIN;
	if (!event.revents || getsockopt(call->connection->fd, SOL_SOCKET, SO_ERROR, &error, &n) < 0 || error) {
		drop(call, true);
		return -EAGAIN; /* the next one */
	}
	call->connection->connecting = false;
	return 0;
}

/* Returns 0 or a negative errno; a clamd that reads no more may still have answered why. */
static int send_pieces(struct clamd_call *call)
{
	for (size_t i = 0; i < 3; i++)
		while (call->pieces[i].n > 0) {
			ssize_t n = send(call->connection->fd, call->pieces[i].p, call->pieces[i].n, MSG_NOSIGNAL | MSG_DONTWAIT);

			if (n < 0 && errno != EINTR)
				return -errno;
			call->pieces[i] = view_slice(call->pieces[i], n > 0 ? (size_t)n : 0, call->pieces[i].n);
		}
	return 0;
}

/* Returns 0 when it was the scan's, -EAGAIN for another, or what clamd_call_step() says. */
static int take_answer(struct clamd_call *call, struct view text)
{
	struct clamd_connection *connection = call->connection;
	struct clamd_answer answer;

	if (!clamd_answer_parse(text, &answer))
		return -EBADMSG;
	call->answered_any = true;
	if (answer.kind == CLAMD_VERSION && answer.id == call->version_id) {
		clamd_facts_parse(answer.text, &connection->facts);
		connection->facts_ms = clock_monotonic_ms();
		return -EAGAIN;
	}
	if (answer.id != call->scan_id || answer.kind == CLAMD_VERSION)
		return -EBADMSG;
	if (answer.kind == CLAMD_TOO_LARGE)
		return -EFBIG;
	call->reply = (struct av_reply){ .version = AV_WIRE_VERSION, .kind = AV_RESULT, .facts = connection->facts };
	clamd_answer_finding(&answer, &call->reply);
	return 0;
}

/* All whole answers in hand. */
static int take_answers(struct clamd_call *call)
{
	struct view rest = { call->in, call->in_octets };
	int r = -EAGAIN;

	for (size_t n = view_find(rest, '\0'); n < rest.n && r == -EAGAIN; n = view_find(rest, '\0')) {
		r = take_answer(call, view_slice(rest, 0, n));
		rest = view_slice(rest, n + 1, rest.n);
	}
	memmove(call->in, rest.p, rest.n);
	call->in_octets = rest.n;
	return r == -EAGAIN && rest.n == sizeof call->in ? -EBADMSG : r;
}

static int receive(struct clamd_call *call)
{
	ssize_t n = recv(call->connection->fd, call->in + call->in_octets, sizeof call->in - call->in_octets, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return -EAGAIN;
	if (n <= 0)
		return broken(call);
	call->in_octets += (size_t)n;
	return take_answers(call);
}

/* All was sent and answered and nothing is left over; after an ERROR clamd may hang up. */
static bool may_be_kept(const struct clamd_call *call)
{
	const bool failed = call->reply.finding_count > 0 && call->reply.findings[0].kind == AV_FAILURE;

	return call->pieces[2].n == 0 && call->in_octets == 0 && !failed;
}

static int end(struct clamd_call *call, int r)
{
	if (r == -EAGAIN || !call->connection)
		return r;
	if (r == 0 && may_be_kept(call))
		clamd_pool_keep(call->clamd, call->connection);
	else
		clamd_pool_drop(call->clamd, call->connection, false);
	call->connection = NULL;
	return r;
}

static int step(struct clamd_call *call)
{
	int r;

	if (call->connection->connecting && (r = finish_connecting(call)) < 0)
		return r;
	r = send_pieces(call);
	if (r < 0 && r != -EAGAIN && r != -EPIPE && r != -ECONNRESET)
		return r;
	return receive(call);
}

static void wait_for(const struct clamd_call *call, unsigned milliseconds)
{
	const bool all_sent = call->pieces[2].n == 0;
	struct pollfd event = { .fd = call->connection->fd, .events = (short)(all_sent ? POLLIN : POLLIN | POLLOUT) };

	if (call->connection->connecting)
		event.events = POLLOUT;
	(void)poll(&event, 1, (int)milliseconds); /* whatever it says, step() looks */
}

int clamd_call_step(struct clamd_call *call, unsigned milliseconds)
{
	const int64_t until_ms = clock_monotonic_ms() + milliseconds;
	int64_t left_ms;
	int r;

	do {
		r = call->connection ? 0 : take_connection(call);
		if (r < 0)
			return r;
		r = end(call, step(call));
		left_ms = until_ms - clock_monotonic_ms();
		if (r == -EAGAIN && call->connection && left_ms > 0)
			wait_for(call, (unsigned)left_ms);
	} while (r == -EAGAIN && left_ms > 0);
	return r;
}

const char *clamd_call_begun(const struct clamd_call *call)
{
	return call->connection && !call->connection->connecting ? clamd_pool_name(call->clamd, call->connection) : NULL;
}

void clamd_call_reply(const struct clamd_call *call, struct av_reply *ret)
{
	*ret = call->reply;
}
