#include "starve.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>

static _Thread_local bool armed, failed;
static _Thread_local size_t left;

void starve_after(size_t allocations)
{
	left = allocations;
	failed = false;
	armed = true;
}

bool starve_end(void)
{
	armed = false;
	return failed;
}

static bool is_out_of_memory(void)
{
	if (!armed || left-- > 0)
		return false;
	armed = false;
	failed = true;
	errno = ENOMEM;
	return true;
}

/* The allocator behind this one: the C library's, or a sanitizer's. */
static void *behind(const char *name)
{
	void *function = dlsym(RTLD_NEXT, name);

	if (!function)
		abort();
	return function;
}

void *malloc(size_t n)
{
	static void *(*real)(size_t);

	if (!real)
		*(void **)&real = behind("malloc");
	return is_out_of_memory() ? NULL : real(n);
}

void *calloc(size_t count, size_t n)
{
	static void *(*real)(size_t, size_t);

	if (!real)
		*(void **)&real = behind("calloc");
	return is_out_of_memory() ? NULL : real(count, n);
}

void *realloc(void *p, size_t n)
{
	static void *(*real)(void *, size_t);

	if (!real)
		*(void **)&real = behind("realloc");
	return is_out_of_memory() ? NULL : real(p, n);
}
