/* dkim/library.c */
#include "support.h"

#include "dkim/library.h"

static void test_versions(void **state)
{
	static const char *const names[] = { "OpenSSL", "libsodium", "libunbound" };
	struct dkim_library library = { NULL, NULL };
	size_t i = 0;

	(void)state;
	for (; dkim_library_version(i, &library); i++) {
		assert_true(i < sizeof names / sizeof names[0]);
		assert_string_equal(library.name, names[i]);
		assert_true(library.version[0] >= '0' && library.version[0] <= '9');
	}
	assert_int_equal(i, sizeof names / sizeof names[0]);
	assert_false(dkim_library_version(SIZE_MAX, &library));
}

int main(void)
{
	test_add("each library has a name and a version", test_versions);
	return test_run("library");
}
