#include "t/fuzz/tables.h"

#include <stdlib.h>
#include <string.h>
#include <talloc.h>

char *table_copy(void *mem, struct view text)
{
	char *copy = talloc_size(mem, text.n + 1);

	CLAIM(copy);
	if (text.n)
		memcpy(copy, text.p, text.n);
	copy[text.n] = '\0';
	return copy;
}

static unsigned long count_lines(struct view text)
{
	unsigned long count = 0;

	for (; text.n > 0; count++)
		(void)take_line(&text);
	return count;
}

size_t claim_faults(void *mem, struct fault_list *faults, struct view text)
{
	const unsigned long last = count_lines(text);
	unsigned long before = 1;
	struct conf_errors errors;

	CLAIM(faults_finish(faults, mem, &errors) == 0);
	CLAIM(errors.count <= CONF_ERRORS_MAX);
	for (size_t i = 0; i < errors.count; i++) {
		const struct view fault = view_of(errors.text[i]);
		unsigned long line;

		if (i + 1 == CONF_ERRORS_MAX && matches(fault, "f: there are more errors than these [0-9]+"))
			break;
		CLAIM(matches(fault, "f:[1-9][0-9]*: (key|sender|syntax): wanted [ -~]+, got [ -~]+"));
		line = strtoul(errors.text[i] + strlen("f:"), NULL, 10);
		CLAIM(line >= before && line <= last);
		before = line;
	}
	return errors.count;
}
