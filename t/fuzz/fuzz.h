/*
 * What the fuzz targets share: claims, and ways to take an input apart.
 *
 * A target is one LLVMFuzzerTestOneInput(). It makes claims about what the code under test did with the
 * input, most of them against a second implementation, slow and obvious, that stands in the target itself.
 */
#ifndef T_FUZZ_H
#define T_FUZZ_H

#include "dkim/buf.h"

#include <stdint.h>

/* libFuzzer calls it with each input. Returns 0: the input counts. */
int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t n);

/* End the run, and let libFuzzer keep the input, when a claim does not hold. */
#define CLAIM(condition) ((condition) ? (void)0 : claim_failed(__FILE__, __LINE__, #condition))
_Noreturn void claim_failed(const char *file, int line, const char *condition);

/* The same for two runs of octets, which are shown when they differ. */
#define CLAIM_SAME(got, wanted) claim_same(__FILE__, __LINE__, #got, (got), (wanted))
void claim_same(const char *file, int line, const char *what, struct view got, struct view wanted);

/* Take an input apart from its front; where it has ended the answer is 0 or the empty view. */
uint8_t take_octet(struct view *input);
struct view take(struct view *input, size_t n);

/* Up to the next LF, which is taken too. */
struct view take_line(struct view *input);

/* A copy in memory of its own, exactly as long, so that a look beyond either end is noticed. A talloc child of mem. */
struct view copy_of(void *mem, struct view v);

/* True when the whole of v matches an extended regular expression over octets; v with a NUL matches none.
 * pattern is a literal: it is compiled once and found again by its address. */
bool matches(struct view v, const char *pattern);

/* True when v lies inside `whole`, or is empty. */
bool lies_inside(struct view v, struct view whole);

/* No octet below 32 and no DEL. */
bool is_printable(struct view v);

/* An error text as people get it: begins with `start`, printable, says what was wanted and what was got. */
void claim_error_text(const char *text, const char *start);

#endif
