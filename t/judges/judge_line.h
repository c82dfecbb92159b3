/*
 * The line protocol of the judges that are C programs: one request per line, one answer of JSON per line.
 *
 *     verify TAB now TAB chunk TAB message TAB name=text TAB name=text ...
 *     sign TAB now TAB canonicalization TAB algorithm TAB domain TAB selector TAB key file TAB message
 *
 * message and text are in hexadecimal digits; text is one TXT record. chunk is the number of octets of
 * body to hand over at once.
 */
#ifndef JUDGE_LINE_H
#define JUDGE_LINE_H

#include <stddef.h>

struct judge_octets {
	char *p; /* a NUL stands behind the last octet */
	size_t n;
};

/* Cut the next item off a line at TAB; NULL when none is left. */
char *judge_next_item(char **rest);

/* Turn hexadecimal digits into octets, in place. Anything else ends the program. */
struct judge_octets judge_octets(char *hexadecimal);

/* A positive decimal number. Anything else ends the program. */
long judge_number(const char *text);

/* Print octets as the inside of a JSON string: each becomes the character of its number. */
void judge_print_octets(const char *p, size_t n);

/* The same with the quotes. */
void judge_print_string(const char *p, size_t n);

/* Read requests until the end of the input; each answer is flushed. Returns an exit code. */
int judge_serve(void (*verify)(char *rest), void (*sign)(char *rest));

#endif
