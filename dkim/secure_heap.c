#include "dkim/secure_heap.h"

#include <errno.h>
#include <malloc.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

/* Smallest block of the secure heap: a power of two, not below what OpenSSL's free list needs (two pointers). */
#define SECURE_BLOCK_MIN 32

static bool initialized; /* written once, before threads */
static _Thread_local bool entered, ran_out;

static void *unless_ran_out(void *p)
{
	if (!p)
		ran_out = true;
	return p;
}

static void *allocate(size_t n, const char *file, int line)
{
	return unless_ran_out(entered ? CRYPTO_secure_malloc(n, file, line) : malloc(n));
}

static void release(void *p, const char *file, int line)
{
	if (!p)
		return;
	if (CRYPTO_secure_allocated(p))
		CRYPTO_secure_free(p, file, line); /* wipes */
	else
		free(p);
}

static size_t usable_octets(void *p)
{
	return CRYPTO_secure_allocated(p) ? CRYPTO_secure_actual_size(p) : malloc_usable_size(p);
}

/* What lies in the secure heap stays there when it grows, whoever asks. */
static void *move(void *p, size_t n, const char *file, int line)
{
	size_t old_n = usable_octets(p);
	void *moved;

	moved = CRYPTO_secure_malloc(n, file, line);
	if (!moved)
		return NULL;
	memcpy(moved, p, old_n < n ? old_n : n);
	release(p, file, line);
	return moved;
}

static void *reallocate(void *p, size_t n, const char *file, int line)
{
	if (!p)
		return allocate(n, file, line);
	if (n == 0) {
		release(p, file, line);
		return NULL;
	}
	if (entered || CRYPTO_secure_allocated(p))
		return unless_ran_out(move(p, n, file, line));
	return unless_ran_out(realloc(p, n));
}

int secure_heap_init(void)
{
	if (initialized)
		return 0;
	if (CRYPTO_set_mem_functions(allocate, reallocate, release) != 1)
		return -EIO;
	/* 2 stands for a heap that could not be locked or fenced: a small RLIMIT_MEMLOCK must not stop the mail. */
	if (CRYPTO_secure_malloc_init(SECURE_HEAP_OCTETS, SECURE_BLOCK_MIN) == 0)
		return -EIO;
	initialized = true;
	return 0;
}

void secure_heap_enter(void)
{
	entered = true;
}

void secure_heap_leave(void)
{
	entered = false;
}

bool secure_heap_ran_out(void)
{
	bool answer = ran_out;

	ran_out = false;
	return answer;
}
