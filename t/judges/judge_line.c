#include "judge_line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void die(const char *wanted, const char *got)
{
	fprintf(stderr, "judge: wanted %s, got \"%.60s\"\n", wanted, got);
	exit(65); /* EX_DATAERR */
}

char *judge_next_item(char **rest)
{
	return strsep(rest, "\t");
}

static int digit(const char *text, size_t at)
{
	static const char digits[] = "0123456789abcdef";
	const char *found = text[at] ? strchr(digits, text[at]) : NULL;

	if (!found)
		die("hexadecimal digits", text + at);
	return (int)(found - digits);
}

struct judge_octets judge_octets(char *text)
{
	struct judge_octets octets = { .p = text };
	size_t digits = strlen(text);

	for (; 2 * octets.n < digits; octets.n++)
		text[octets.n] = (char)(16 * digit(text, 2 * octets.n) + digit(text, 2 * octets.n + 1));
	text[octets.n] = '\0';
	return octets;
}

long judge_number(const char *text)
{
	char *end;
	long number = strtol(text, &end, 10);

	if (end == text || *end || number < 1)
		die("a positive number", text);
	return number;
}

void judge_print_octets(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];

		if (c >= ' ' && c < 0x7f && c != '"' && c != '\\')
			putchar(c);
		else
			printf("\\u%04x", c);
	}
}

void judge_print_string(const char *p, size_t n)
{
	putchar('"');
	judge_print_octets(p, n);
	putchar('"');
}

static void serve_line(char *line, void (*verify)(char *rest), void (*sign)(char *rest))
{
	char *rest = line;
	char *verb = judge_next_item(&rest);

	if (rest && strcmp(verb, "verify") == 0)
		verify(rest);
	else if (rest && strcmp(verb, "sign") == 0)
		sign(rest);
	else
		die("verify or sign", line);
	putchar('\n');
}

int judge_serve(void (*verify)(char *rest), void (*sign)(char *rest))
{
	size_t capacity = 0;
	char *line = NULL;
	ssize_t n;

	while ((n = getline(&line, &capacity, stdin)) > 0) {
		if (line[n - 1] == '\n')
			line[n - 1] = '\0';
		serve_line(line, verify, sign);
		if (fflush(stdout) != 0)
			return 74; /* EX_IOERR */
	}
	free(line);
	return 0;
}
