#include "dkim/buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>

#define CAPACITY_FIRST 128 /* a short header field fits without growing */

void buf_init(struct buf *buf, void *mem, size_t maximum)
{
	*buf = (struct buf){ .mem = mem, .maximum = maximum };
}

/* Make room for n more octets and the NUL behind them. */
static bool reserve(struct buf *buf, size_t n)
{
	size_t capacity;
	char *p;

	if (buf->error)
		return false;
	if (n > buf->maximum - buf->n || buf->n + n == SIZE_MAX) {
		buf->error = -EMSGSIZE;
		return false;
	}
	if (buf->n + n < buf->capacity)
		return true;
	capacity = buf->capacity > SIZE_MAX / 2 ? SIZE_MAX : buf->capacity * 2;
	if (capacity < CAPACITY_FIRST)
		capacity = CAPACITY_FIRST;
	if (capacity <= buf->n + n)
		capacity = buf->n + n + 1;
	p = talloc_realloc_size(buf->mem, buf->p, capacity);
	if (!p) {
		buf->error = -ENOMEM;
		return false;
	}
	buf->p = p;
	buf->capacity = capacity;
	return true;
}

void buf_add(struct buf *buf, struct view v)
{
	if (v.n == 0 || !reserve(buf, v.n))
		return;
	memcpy(buf->p + buf->n, v.p, v.n);
	buf->n += v.n;
	buf->p[buf->n] = '\0';
}

void buf_add_string(struct buf *buf, const char *string)
{
	buf_add(buf, view_of(string));
}

void buf_add_char(struct buf *buf, char c)
{
	buf_add(buf, (struct view){ &c, 1 });
}

void buf_printf(struct buf *buf, const char *format, ...)
{
	va_list arguments;
	int n;

	va_start(arguments, format);
	n = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (n < 0) {
		if (!buf->error)
			buf->error = -EMSGSIZE; /* C11 7.21.6.12: the text is longer than an int can say */
		return;
	}
	if (n == 0 || !reserve(buf, (size_t)n))
		return;
	va_start(arguments, format);
	(void)vsnprintf(buf->p + buf->n, (size_t)n + 1, format, arguments); /* same arguments, same length */
	va_end(arguments);
	buf->n += (size_t)n;
}

int buf_error(const struct buf *buf)
{
	return buf->error;
}

struct view buf_view(const struct buf *buf)
{
	return (struct view){ buf->p, buf->n };
}

const char *buf_string(const struct buf *buf)
{
	return buf->p ? buf->p : "";
}

void buf_cut(struct buf *buf, size_t n)
{
	if (buf->error || n >= buf->n)
		return;
	buf->n = n;
	buf->p[n] = '\0';
}

void buf_clear(struct buf *buf)
{
	buf->n = 0;
	buf->error = 0;
	if (buf->p)
		buf->p[0] = '\0';
}

void buf_free(struct buf *buf)
{
	talloc_free(buf->p);
	buf_init(buf, buf->mem, buf->maximum);
}
