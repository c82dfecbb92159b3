#include "t/unit/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t page(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static size_t readable_octets(size_t n)
{
	return (n / page() + 1) * page();
}

struct view guarded(struct view v)
{
	size_t readable = readable_octets(v.n);
	char *p = mmap(NULL, readable + page(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED || mprotect(p + readable, page(), PROT_NONE) < 0)
		abort();
	p += readable - v.n;
	if (v.n)
		memcpy(p, v.p, v.n);
	return (struct view){ p, v.n };
}

void guarded_free(struct view v)
{
	size_t readable = readable_octets(v.n);

	if (munmap((void *)(uintptr_t)(v.p + v.n - readable), readable + page()) < 0)
		abort();
}

#define TESTS_MAX 1000

static struct CMUnitTest tests[TESTS_MAX];
static size_t test_count;

static void add(const char *name, CMUnitTestFunction function, const void *row)
{
	if (test_count == TESTS_MAX)
		abort();
	tests[test_count++] = (struct CMUnitTest){
		.name = name,
		.test_func = function,
		.initial_state = (void *)(uintptr_t)row,
	};
}

void test_rows(const void *rows, size_t count, size_t size, CMUnitTestFunction function)
{
	for (size_t i = 0; i < count; i++) {
		const char *row = (const char *)rows + i * size;
		const char *name;

		memcpy(&name, row, sizeof name);
		add(name, function, row);
	}
}

void test_add(const char *name, CMUnitTestFunction function)
{
	add(name, function, NULL);
}

static int print_names(void)
{
	for (size_t i = 0; i < test_count; i++)
		puts(tests[i].name);
	return 0;
}

int test_run_with(const char *group, CMFixtureFunction set_up, CMFixtureFunction tear_down)
{
	if (getenv("TEST_NAMES"))
		return print_names();
	return _cmocka_run_group_tests(group, tests, test_count, set_up, tear_down);
}

int test_run(const char *group)
{
	return test_run_with(group, NULL, NULL);
}

uint32_t test_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

struct view test_noise(uint32_t *seed, const char *const *words, char *room, size_t room_size)
{
	size_t wanted = test_random(seed) % (room_size + 1);
	size_t word_count = 0;
	size_t n = 0;

	while (words[word_count])
		word_count++;
	while (n < wanted) {
		struct view piece = view_of(words[test_random(seed) % word_count]);
		char octet = (char)test_random(seed);

		if (test_random(seed) % 8 == 0)
			piece = (struct view){ &octet, 1 };
		piece = view_slice(piece, 0, wanted - n);
		memcpy(room + n, piece.p, piece.n);
		n += piece.n;
	}
	return (struct view){ room, n };
}
