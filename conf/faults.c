#include "conf/faults.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>

struct fault {
	unsigned line;
	size_t number; /* keeps the order of faults of one line */
	char *text;
};

struct fault_list {
	const char *file;
	struct fault *fault; /* CONF_ERRORS_MAX of them */
	size_t count;
	bool left_out;       /* there were more */
	bool out_of_memory;
};

struct fault_list *faults_new(void *mem, const char *file)
{
	struct fault_list *faults = talloc_zero(mem, struct fault_list);

	if (!faults)
		return NULL;
	faults->file = file;
	faults->fault = talloc_zero_array(faults, struct fault, CONF_ERRORS_MAX);
	if (!faults->fault) {
		talloc_free(faults);
		return NULL;
	}
	return faults;
}

static bool is_known(const struct fault_list *faults, const char *text)
{
	for (size_t i = 0; i < faults->count; i++)
		if (strcmp(faults->fault[i].text, text) == 0)
			return true;
	return false;
}

void faults_add(struct fault_list *faults, unsigned line, const char *option, const char *wanted, const char *got)
{
	char *text;

	if (line > 0)
		text = talloc_asprintf(faults, "%s:%u: %s: wanted %s, got %s", faults->file, line, option, wanted, got);
	else
		text = talloc_asprintf(faults, "%s: %s: wanted %s, got %s", faults->file, option, wanted, got);
	if (!text) {
		faults->out_of_memory = true;
		return;
	}
	if (is_known(faults, text)) {
		talloc_free(text);
	} else if (faults->count == CONF_ERRORS_MAX) {
		talloc_free(text);
		faults->left_out = true;
	} else {
		faults->fault[faults->count] = (struct fault){ line, faults->count, text };
		faults->count++;
	}
}

size_t faults_count(const struct fault_list *faults)
{
	return faults->count;
}

bool faults_full(const struct fault_list *faults)
{
	return faults->left_out;
}

static int compare_faults(const void *a, const void *b)
{
	const struct fault *x = a, *y = b;

	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	return x->number < y->number ? -1 : 1;
}

/* The last place of a full list tells that there are more. */
static void tell_left_out(struct fault_list *faults)
{
	struct fault *last = &faults->fault[CONF_ERRORS_MAX - 1];

	talloc_free(last->text);
	last->text = talloc_asprintf(faults, "%s: there are more errors than these %d", faults->file, CONF_ERRORS_MAX - 1);
	if (!last->text)
		faults->out_of_memory = true;
}

int faults_finish(struct fault_list *faults, void *mem, struct conf_errors *ret)
{
	*ret = (struct conf_errors){ NULL, 0 };
	qsort(faults->fault, faults->count, sizeof *faults->fault, compare_faults);
	if (faults->left_out)
		tell_left_out(faults);
	if (faults->out_of_memory)
		return -ENOMEM;
	if (faults->count == 0)
		return 0;
	ret->text = talloc_array(mem, char *, (unsigned)faults->count);
	if (!ret->text)
		return -ENOMEM;
	for (size_t i = 0; i < faults->count; i++) {
		ret->text[i] = talloc_strdup(ret->text, faults->fault[i].text);
		if (!ret->text[i])
			return -ENOMEM;
	}
	ret->count = faults->count;
	return 0;
}
