/* What the unit tests share: cmocka, input that ends at an unreadable page, tables of rows. */
#ifndef T_SUPPORT_H
#define T_SUPPORT_H

#include "dkim/view.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* A copy of v whose last octet stands right before a page that may not be read, so that a parser that
 * looks too far dies. Give it back with guarded_free(). */
struct view guarded(struct view v);
void guarded_free(struct view v);

/* Add one test per row of a table. The first member of a row is its name: const char *. The function
 * finds its row in *state. */
void test_rows(const void *rows, size_t count, size_t size, CMUnitTestFunction function);
#define TEST_ROWS(rows, function) test_rows((rows), sizeof(rows) / sizeof (rows)[0], sizeof (rows)[0], (function))

/* Add one test. */
void test_add(const char *name, CMUnitTestFunction function);

/* Run what was added; the exit status of the program. With TEST_NAMES in the environment it only prints their names. */
int test_run(const char *group);

/* The same between a set-up and a tear-down; either may be NULL. */
int test_run_with(const char *group, CMFixtureFunction set_up, CMFixtureFunction tear_down);

/* Numbers that look random and are the same in every run. */
uint32_t test_random(uint32_t *seed);

/* A view of random octets in `room`, made of pieces of `words` (NULL-terminated) and of any octets, so
 * that they come near to what a parser takes. */
struct view test_noise(uint32_t *seed, const char *const *words, char *room, size_t room_size);

#endif
