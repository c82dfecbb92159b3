/*
 * A growing run of octets that was born with a maximum. Errors stick: append as
 * often as needed, then look once at buf_error() or buf_view().
 */
#ifndef DKIM_BUF_H
#define DKIM_BUF_H

#include "dkim/view.h"

#include <stdint.h>

struct buf {
	void *mem;       /* talloc parent of p */
	char *p;         /* NULL until the first octet; one spare octet behind n holds a NUL */
	size_t n;        /* octets in use */
	size_t capacity; /* octets allocated, the spare one included */
	size_t maximum;  /* n never grows above */
	int error;       /* 0, -ENOMEM, or -EMSGSIZE once maximum would be passed; then nothing is added any more */
};

/* An empty buffer whose memory will belong to mem. Cannot fail: nothing is allocated yet. */
void buf_init(struct buf *buf, void *mem, size_t maximum);

void buf_add(struct buf *buf, struct view v);
void buf_add_string(struct buf *buf, const char *string);
void buf_add_char(struct buf *buf, char c);
void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* 0, -ENOMEM or -EMSGSIZE. */
int buf_error(const struct buf *buf);

/* What was collected; valid until the next append. */
struct view buf_view(const struct buf *buf);

/* The same as a NUL-terminated string ("" when empty). */
const char *buf_string(const struct buf *buf);

/* Take octets off the end until n are left; no change when there are fewer, or after an error. */
void buf_cut(struct buf *buf, size_t n);

/* Empty it for another use; keeps the memory, forgets the error. */
void buf_clear(struct buf *buf);

/* Free the memory; the buffer may be used again. */
void buf_free(struct buf *buf);

#endif
