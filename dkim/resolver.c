#include "dkim/resolver.h"

#include "dkim/clock.h"
#include "dkim/domain.h"
#include "dkim/fault.h"
#include "dkim/name_table.h"
#include "dkim/resolver_answer.h"
#include "dkim/resolver_context.h"
#include "dkim/zone_count.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <talloc.h>
#include <unbound.h>
#include <unistd.h>

/* RFC 1035 section 3.2 */
#define TYPE_TXT 16
#define CLASS_IN 1

/* A name that libunbound was asked for. It lives as long as libunbound works on it (then it is in the table)
 * or a query holds it. Each is a talloc object without parent: threads share no talloc tree. */
struct question {
	struct name_node node;
	LIST_ENTRY(question) link; /* in_flight */
	struct dkim_resolver *resolver;
	size_t askers;
	pthread_cond_t answered;
	int64_t asked_at;
	struct dkim_dns_answer *answer; /* NULL while in flight; immutable then */
	char name[DOMAIN_NAME_MAX + 1];
};

struct dkim_resolver {
	struct ub_ctx *context;             /* NULL with records_only */
	const struct dkim_records *records;
	unsigned timeout_ms;
	pthread_t thread;
	int stop_fd;                        /* eventfd: readable once the thread is to end */
	pthread_condattr_t monotonic;
	pthread_mutex_t lock;               /* of all below, and of askers and answer of every question */
	struct name_table *table;           /* of those in flight */
	struct zone_count *zones;           /* likewise */
	LIST_HEAD(, question) in_flight;
	size_t in_flight_count;
};

struct dkim_query {
	struct dkim_resolver *resolver;
	struct question *question;             /* NULL: answered without asking, or timed out */
	int64_t started_at;
	const struct dkim_dns_answer *answer;  /* NULL: not yet */
	struct dkim_dns_answer own;            /* when nobody else has one to share */
};

static void free_question(struct question *question)
{
	pthread_cond_destroy(&question->answered);
	talloc_free(question);
}

/* With the lock held. */
static void end_flight(struct question *question)
{
	struct dkim_resolver *resolver = question->resolver;

	zone_count_remove(resolver->zones, question->node.name);
	name_table_remove(resolver->table, &question->node);
	LIST_REMOVE(question, link);
	resolver->in_flight_count--;
}

/* With the lock held; a question that still flies is kept. */
static void leave(struct question *question)
{
	question->askers--;
	if (question->askers == 0 && question->answer)
		free_question(question);
}

/* libunbound's callback, in the resolver's thread. */
static void take_result(void *argument, int error, struct ub_result *result)
{
	static struct dkim_dns_answer failed = { .status = DKIM_DNS_FAILED };
	struct question *question = argument;
	struct dkim_resolver *resolver = question->resolver;
	struct dkim_dns_answer *answer;

	if (resolver_answer_from_result(question, error, result, &answer))
		answer = &failed; /* no memory */
	ub_resolve_free(result); /* takes NULL */
	pthread_mutex_lock(&resolver->lock);
	end_flight(question);
	if (answer != &failed)
		answer->milliseconds = (unsigned)(clock_monotonic_ms() - question->asked_at);
	question->answer = answer;
	pthread_cond_broadcast(&question->answered);
	if (question->askers == 0)
		free_question(question);
	pthread_mutex_unlock(&resolver->lock);
}

static void *run(void *argument)
{
	struct dkim_resolver *resolver = argument;
	struct pollfd fds[2] = {
		{ .fd = ub_fd(resolver->context), .events = POLLIN },
		{ .fd = resolver->stop_fd, .events = POLLIN },
	};

	for (;;) {
		if (poll(fds, 2, -1) < 0) {
			assert(errno == EINTR || errno == EAGAIN || errno == ENOMEM);
			continue;
		}
		if (fds[1].revents)
			return NULL;
		/* A broken pipe to libunbound's thread: there will be no more answers, only time-outs. */
		if (fds[0].revents && ub_process(resolver->context))
			fds[0].fd = -1;
	}
}

static int start_thread(struct dkim_resolver *resolver)
{
	sigset_t all, before;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&resolver->thread, NULL, run, resolver);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -error;
}

/* Everything that takes libunbound. */
static int connect_resolver(void *mem, struct dkim_resolver *resolver, const struct dkim_resolver_params *params,
                            char **ret_error)
{
	int r;

	r = resolver_context_new(mem, params, &resolver->context, ret_error);
	if (r)
		return r;
	resolver->stop_fd = eventfd(0, EFD_CLOEXEC);
	r = resolver->stop_fd < 0 ? -errno : start_thread(resolver);
	if (!r)
		return 0;
	if (resolver->stop_fd >= 0)
		close(resolver->stop_fd);
	ub_ctx_delete(resolver->context);
	return fault(mem, ret_error, r, "resolver: wanted a thread, got: %s", strerror(-r));
}

static int init_locks(struct dkim_resolver *resolver)
{
	int error;

	error = pthread_mutex_init(&resolver->lock, NULL);
	if (error)
		return -error;
	error = pthread_condattr_init(&resolver->monotonic);
	if (!error)
		error = pthread_condattr_setclock(&resolver->monotonic, CLOCK_MONOTONIC);
	if (error)
		pthread_mutex_destroy(&resolver->lock);
	return -error;
}

static void free_parts(struct dkim_resolver *resolver)
{
	pthread_condattr_destroy(&resolver->monotonic);
	pthread_mutex_destroy(&resolver->lock);
	talloc_free(resolver);
}

int dkim_resolver_new(void *mem, const struct dkim_resolver_params *params, struct dkim_resolver **ret, char **ret_error)
{
	struct dkim_resolver *resolver;
	int r;

	resolver = talloc_zero(NULL, struct dkim_resolver);
	r = resolver ? init_locks(resolver) : -ENOMEM;
	if (r) {
		talloc_free(resolver);
		return fault(mem, ret_error, r, "resolver: %s", strerror(-r));
	}
	resolver->records = params->records;
	resolver->timeout_ms = params->timeout_ms;
	LIST_INIT(&resolver->in_flight);
	r = name_table_new(resolver, DKIM_QUERIES_IN_FLIGHT_MAX, &resolver->table);
	if (!r)
		r = zone_count_new(resolver, DKIM_QUERIES_IN_FLIGHT_MAX, &resolver->zones);
	if (r)
		r = fault(mem, ret_error, r, "resolver: %s", strerror(-r));
	else if (!params->records_only)
		r = connect_resolver(mem, resolver, params, ret_error);
	if (r) {
		free_parts(resolver);
		return r;
	}
	*ret = resolver;
	return 0;
}

static void disconnect_resolver(struct dkim_resolver *resolver)
{
	int r;

	r = eventfd_write(resolver->stop_fd, 1);
	assert(r == 0);
	(void)r;
	pthread_join(resolver->thread, NULL);
	close(resolver->stop_fd);
	ub_ctx_delete(resolver->context); /* ends its thread; no more callbacks */
}

void dkim_resolver_free(struct dkim_resolver *resolver)
{
	struct question *question;

	if (!resolver)
		return;
	if (resolver->context)
		disconnect_resolver(resolver);
	while ((question = LIST_FIRST(&resolver->in_flight))) {
		assert(question->askers == 0);
		end_flight(question);
		free_question(question);
	}
	free_parts(resolver);
}

/* With the lock held. Returns 0, -ENOMEM, -EBUSY (its zone has enough), or -EIO when libunbound will not take it. */
static int submit(struct question *question, struct view name)
{
	struct dkim_resolver *resolver = question->resolver;
	int error, r;

	for (size_t i = 0; i < name.n; i++)
		question->name[i] = ascii_lower(name.p[i]);
	question->asked_at = clock_monotonic_ms();
	r = zone_count_add(resolver->zones, name);
	if (r)
		return r;
	error = ub_resolve_async(resolver->context, question->name, TYPE_TXT, CLASS_IN, question, take_result, NULL);
	if (error) {
		zone_count_remove(resolver->zones, name);
		return error == UB_NOMEM ? -ENOMEM : -EIO;
	}
	/* take_result() waits for the lock that we hold, so it finds the question here. */
	name_table_add(resolver->table, &question->node, (struct view){ question->name, name.n });
	LIST_INSERT_HEAD(&resolver->in_flight, question, link);
	resolver->in_flight_count++;
	return 0;
}

/* With the lock held. Returns 0, -ENOMEM, -EBUSY, or -EIO. */
static int new_question(struct dkim_resolver *resolver, struct view name, struct question **ret)
{
	struct question *question;
	int r;

	if (resolver->in_flight_count >= DKIM_QUERIES_IN_FLIGHT_MAX)
		return -EBUSY;
	question = talloc_zero(NULL, struct question);
	if (!question)
		return -ENOMEM;
	question->resolver = resolver;
	if (pthread_cond_init(&question->answered, &resolver->monotonic)) {
		talloc_free(question);
		return -ENOMEM;
	}
	r = submit(question, name);
	if (r) {
		free_question(question);
		return r;
	}
	*ret = question;
	return 0;
}

static struct question *find_question(const struct dkim_resolver *resolver, struct view name)
{
	struct name_node *node = name_table_find(resolver->table, name);

	return node ? (struct question *)((char *)node - offsetof(struct question, node)) : NULL;
}

static int ask(struct dkim_query *query, struct view name)
{
	struct dkim_resolver *resolver = query->resolver;
	int r = 0;

	pthread_mutex_lock(&resolver->lock);
	query->question = find_question(resolver, name);
	if (!query->question)
		r = new_question(resolver, name, &query->question);
	if (!r)
		query->question->askers++;
	pthread_mutex_unlock(&resolver->lock);
	if (r != -EIO)
		return r;
	query->own.status = DKIM_DNS_FAILED;
	query->answer = &query->own;
	return 0;
}

/* From the records, or because there is nothing else. Returns 0, 1 when DNS must be asked, or -ENOMEM. */
static int answer_without_dns(struct dkim_query *query, struct view name)
{
	struct dkim_dns_answer *answer;
	int r = 1;

	if (query->resolver->records)
		r = resolver_answer_from_records(query, query->resolver->records, name, &answer);
	if (r == 0)
		query->answer = answer;
	if (r != 1 || query->resolver->context)
		return r;
	query->own.status = DKIM_DNS_NO_RECORD;
	query->own.ttl = DKIM_NEGATIVE_TTL_MAX;
	query->own.from_records = true;
	query->answer = &query->own;
	return 0;
}

int dkim_query_start(struct dkim_resolver *resolver, struct view name, struct dkim_query **ret)
{
	struct dkim_query *query;
	int r;

	if (!domain_is_valid(name) || !domain_is_ascii(name))
		return -EINVAL;
	query = talloc_zero(NULL, struct dkim_query);
	if (!query)
		return -ENOMEM;
	query->resolver = resolver;
	query->started_at = clock_monotonic_ms();
	r = answer_without_dns(query, name);
	if (r == 1)
		r = ask(query, name);
	if (r) {
		talloc_free(query);
		return r;
	}
	*ret = query;
	return 0;
}

/* With the lock held. */
static void wait_until(struct dkim_resolver *resolver, struct question *question, int64_t until)
{
	const struct timespec time = { .tv_sec = (time_t)(until / 1000), .tv_nsec = (long)(until % 1000) * 1000000 };

	while (!question->answer && clock_monotonic_ms() < until)
		pthread_cond_timedwait(&question->answered, &resolver->lock, &time);
}

/* With the lock held. */
static void time_out(struct dkim_query *query)
{
	leave(query->question);
	query->question = NULL;
	query->own.status = DKIM_DNS_TIMEOUT;
	query->own.milliseconds = (unsigned)(clock_monotonic_ms() - query->started_at);
	query->answer = &query->own;
}

int dkim_query_wait(struct dkim_query *query, unsigned milliseconds)
{
	struct dkim_resolver *resolver = query->resolver;
	int64_t deadline = query->started_at + resolver->timeout_ms;
	int64_t until = clock_monotonic_ms() + milliseconds;

	if (query->answer)
		return 0;
	pthread_mutex_lock(&resolver->lock);
	wait_until(resolver, query->question, until < deadline ? until : deadline);
	if (query->question->answer)
		query->answer = query->question->answer;
	else if (clock_monotonic_ms() >= deadline)
		time_out(query);
	pthread_mutex_unlock(&resolver->lock);
	return query->answer ? 0 : 1;
}

const struct dkim_dns_answer *dkim_query_answer(const struct dkim_query *query)
{
	return query->answer;
}

void dkim_query_free(struct dkim_query *query)
{
	if (!query)
		return;
	if (query->question) {
		pthread_mutex_lock(&query->resolver->lock);
		leave(query->question);
		pthread_mutex_unlock(&query->resolver->lock);
	}
	talloc_free(query);
}
