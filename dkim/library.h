/* The libraries that dkim/ stands on, for people who ask what runs. */
#ifndef DKIM_LIBRARY_H
#define DKIM_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>

struct dkim_library {
	const char *name;    /* "OpenSSL" */
	const char *version; /* of what is loaded now, not of what we were built with */
};

/* Number i, from 0; false behind the last. */
bool dkim_library_version(size_t i, struct dkim_library *ret);

#endif
