#include "milter/tally.h"

#include <string.h>
#include <talloc.h>

struct tally_row {
	struct tally_row *next;
	const char *listener;
	struct counters counters;
};

struct tally {
	struct tally_row *first;
	size_t count;
	struct counters others;
};

struct tally *tally_new(void *mem)
{
	return talloc_zero(mem, struct tally);
}

struct counters *tally_of(struct tally *tally, const char *listener)
{
	struct tally_row *row = tally->first;

	while (row && strcmp(row->listener, listener) != 0)
		row = row->next;
	if (row)
		return &row->counters;
	row = tally->count < TALLY_MAX ? talloc_zero(tally, struct tally_row) : NULL;
	if (!row || !(row->listener = talloc_strdup(row, listener))) {
		talloc_free(row);
		return &tally->others;
	}
	row->next = tally->first;
	tally->first = row;
	tally->count++;
	return &row->counters;
}
