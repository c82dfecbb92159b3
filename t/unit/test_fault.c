/* dkim/fault.c; without memory for the sentence: test_out_of_memory_keys.c */
#include "support.h"

#include "dkim/fault.h"

#include <errno.h>
#include <talloc.h>

static void test_both_ways(void **state)
{
	void *mem = talloc_new(NULL);
	char *error = NULL;

	(void)state;
	assert_int_equal(fault(mem, &error, -EPERM, "%s: wanted %d, got %s", "/etc/k.pem", 1, "nothing"), -EPERM);
	assert_string_equal(error, "/etc/k.pem: wanted 1, got nothing");
	assert_ptr_equal(talloc_parent(error), mem);
	talloc_free(mem);
}

int main(void)
{
	test_add("an errno and a sentence", test_both_ways);
	return test_run("fault");
}
