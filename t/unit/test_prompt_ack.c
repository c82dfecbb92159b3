/* milter/prompt_ack.c: a peer that writes two packets and waits for one answer, as Sendmail does, is not held up. */
#include "support.h"

#include "milter/prompt_ack.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define EXCHANGES 12
#define STALL_MS 40 /* TCP_DELACK_MIN of the kernel */

struct pair {
	int mta, filter;
};

static struct pair connect_pair(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof address;
	int listening = socket(AF_INET, SOCK_STREAM, 0);
	struct pair pair = { .mta = socket(AF_INET, SOCK_STREAM, 0) };

	assert_true(listening >= 0 && pair.mta >= 0);
	assert_int_equal(bind(listening, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(listening, 1), 0);
	assert_int_equal(getsockname(listening, (struct sockaddr *)&address, &size), 0);
	assert_int_equal(connect(pair.mta, (struct sockaddr *)&address, size), 0);
	pair.filter = accept(listening, NULL, NULL);
	assert_true(pair.filter >= 0);
	assert_int_equal(setsockopt(pair.filter, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int)), 0);
	close(listening);
	return pair;
}

static bool read_octets(int fd, size_t wanted)
{
	char octets[64];

	while (wanted > 0) {
		ssize_t n = read(fd, octets, wanted);

		if (n <= 0)
			return false;
		wanted -= (size_t)n;
	}
	return true;
}

/* Reads macros and command, answers as libmilter does: length and text in one writev(). */
static void *filter(void *fd)
{
	struct iovec answer[] = { { (char[]){ 0, 0, 0, 1 }, 4 }, { (char[]){ 'c' }, 1 } };

	while (read_octets(*(int *)fd, 5) && read_octets(*(int *)fd, 7))
		if (writev(*(int *)fd, answer, 2) != 5)
			break;
	return NULL;
}

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double slowest_ms(int fd)
{
	double slowest = 0;

	for (int i = 0; i < EXCHANGES; i++) {
		double start = now_ms();

		assert_int_equal(write(fd, "macro", 5), 5);
		assert_int_equal(write(fd, "command", 7), 7);
		assert_true(read_octets(fd, 5));
		if (i > 0 && now_ms() - start > slowest)
			slowest = now_ms() - start;
	}
	return slowest;
}

static double exchange_ms(void)
{
	struct pair pair = connect_pair();
	pthread_t thread;
	double spent;

	assert_int_equal(pthread_create(&thread, NULL, filter, &pair.filter), 0);
	spent = slowest_ms(pair.mta);
	close(pair.mta);
	assert_int_equal(pthread_join(thread, NULL), 0);
	close(pair.filter);
	return spent;
}

/* A busy machine delays some run; a stall is in every one. */
static void test_no_stall(void **state)
{
	double quickest = STALL_MS;

	(void)state;
	prompt_ack_enable();
	for (int i = 0; i < 5; i++) {
		double spent = exchange_ms();

		if (spent < quickest)
			quickest = spent;
	}
	assert_true(quickest < STALL_MS / 2);
}

static void test_other_descriptors(void **state)
{
	struct iovec part = { (char[]){ 'x' }, 1 };
	int fds[2];

	(void)state;
	prompt_ack_enable();
	assert_int_equal(pipe(fds), 0);
	errno = 0;
	assert_int_equal(writev(fds[1], &part, 1), 1);
	assert_int_equal(errno, 0);
	close(fds[0]);
	close(fds[1]);
	assert_int_equal(writev(fds[1], &part, 1), -1);
	assert_int_equal(errno, EBADF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_stall),
		cmocka_unit_test(test_other_descriptors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
