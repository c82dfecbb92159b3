/* Which of our listeners a milter of Postfix reaches (milter/postfix_milters.h). */
#include "milter/postfix_milters.h"
#include "t/unit/support.h"

#include <errno.h>
#include <string.h>
#include <talloc.h>

#define NONE (-1)

static struct conf_listener listeners[] = {
	{ .name = "inbound", .socket = "inet:4443@127.0.0.1" },
	{ .name = "everywhere", .socket = "inet:4445" },
	{ .name = "six", .socket = "inet6:4446@::1" },
	{ .name = "path", .socket = "unix:/run/postern/in" },
	{ .name = "jail", .socket = "unix:/var/spool/postfix/postern/in" },
};
static const struct conf ours = { .listeners = listeners, .listener_count = sizeof listeners / sizeof *listeners };

static const struct postfix_conf *postfix_of(void *mem, const char *level)
{
	const struct postfix_conf *conf = NULL;
	char *error, *text = talloc_asprintf(mem, "queue_directory = /var/spool/postfix\nmilter_default_action = tempfail\ncompatibility_level = %s\n", level);

	assert_int_equal(postfix_conf_parse(mem, text, "a inet n - n - - smtpd\nb inet n - y - - smtpd\nc inet n - - - - smtpd\n", "", &conf, &error), 0);
	return conf;
}

static const struct match_row {
	const char *name, *list;
	int service;     /* 0 free, 1 chrooted, 2 as is usual */
	int want, hidden; /* number of the listener */
	const char *level;
} matches[] = {
	{ "an address", "inet:127.0.0.1:4443", 0, 0, NONE, "3.6" },
	{ "a host name", "inet:localhost:4443", 0, 0, NONE, "3.6" },
	{ "another port", "inet:127.0.0.1:4444", 0, NONE, NONE, "3.6" },
	{ "another address", "inet:127.0.0.2:4443", 0, NONE, NONE, "3.6" },
	{ "a listener on all addresses", "inet:127.0.0.2:4445", 0, 1, NONE, "3.6" },
	{ "IPv6", "inet:[::1]:4446", 0, 2, NONE, "3.6" },
	{ "IPv6 to a port that listens on IPv4", "inet:[::1]:4443", 0, NONE, NONE, "3.6" },
	{ "our order, which Postfix does not read", "inet:4443@127.0.0.1", 0, NONE, NONE, "3.6" },
	{ "no port", "inet:127.0.0.1", 0, NONE, NONE, "3.6" },
	{ "a port's name that nobody knows", "inet:127.0.0.1:no-such-service", 0, NONE, NONE, "3.6" },
	{ "an unknown kind", "tcp:127.0.0.1:4443", 0, NONE, NONE, "3.6" },
	{ "a path", "unix:/run/postern/in", 0, 3, NONE, "3.6" },
	{ "local: means unix:", "local:/run/postern/in", 0, 3, NONE, "3.6" },
	{ "a path in the queue directory", "unix:postern/in", 0, 4, NONE, "3.6" },
	{ "the same from the jail", "unix:postern/in", 1, 4, NONE, "3.6" },
	{ "a path from the jail's root", "unix:/postern/in", 1, 4, NONE, "3.6" },
	{ "a path outside of the jail", "unix:/run/postern/in", 1, NONE, 3, "3.6" },
	{ "no jail since level 1", "unix:/run/postern/in", 2, 3, NONE, "1" },
	{ "a jail by default before", "unix:/run/postern/in", 2, NONE, 3, "0" },
};

static void is_listener(const struct conf_listener *got, int want)
{
	if (want == NONE)
		assert_null(got);
	else
		assert_ptr_equal(got, &listeners[want]);
}

static void test_match(void **state)
{
	const struct match_row *row = *state;
	void *mem = talloc_new(NULL);
	const struct postfix_conf *postfix = postfix_of(mem, row->level);
	struct postfix_milter *milters;
	size_t count;

	assert_int_equal(postfix_milters_parse(mem, row->list, postfix, &postfix->services[row->service], &ours, &milters, &count), 0);
	assert_int_equal(count, 1);
	is_listener(milters[0].listener, row->want);
	is_listener(milters[0].hidden, row->hidden);
	talloc_free(mem);
}

static const struct list_row {
	const char *name, *list;
	int want; /* filters, or a negative errno */
} lists[] = {
	{ "none", "", 0 },
	{ "blanks and commas", " inet:a.example:1 ,inet:b.example:2,\tunix:/x ", 3 },
	{ "braces", "{ inet:127.0.0.1:1, default_action=accept }, unix:/x", 2 },
	{ "braces in braces", "{ inet:127.0.0.1:1, x={ a, b } }", 1 },
	{ "an open brace", "{ inet:127.0.0.1:1", -EINVAL },
	{ "a brace too much", "inet:127.0.0.1:1 }", -EINVAL },
	{ "nothing in braces", "{ }", -EINVAL },
};

static void test_list(void **state)
{
	const struct list_row *row = *state;
	void *mem = talloc_new(NULL);
	const struct postfix_conf *postfix = postfix_of(mem, "3.6");
	struct postfix_milter *milters;
	size_t count = 0;
	int r = postfix_milters_parse(mem, row->list, postfix, postfix->services, &ours, &milters, &count);

	assert_int_equal(r < 0 ? r : (int)count, row->want);
	talloc_free(mem);
}

static void test_too_many(void **state)
{
	void *mem = talloc_new(NULL);
	const struct postfix_conf *postfix = postfix_of(mem, "3.6");
	char *list = talloc_strdup(mem, "unix:/x");
	struct postfix_milter *milters;
	size_t count;

	(void)state;
	for (int i = 1; i < POSTFIX_MILTERS_MAX; i++)
		list = talloc_asprintf_append(list, ",unix:/x");
	assert_int_equal(postfix_milters_parse(mem, list, postfix, postfix->services, &ours, &milters, &count), 0);
	assert_int_equal(count, POSTFIX_MILTERS_MAX);
	list = talloc_asprintf_append(list, ",unix:/x");
	assert_int_equal(postfix_milters_parse(mem, list, postfix, postfix->services, &ours, &milters, &count), -E2BIG);
	talloc_free(mem);
}

static void test_own_value(void **state)
{
	void *mem = talloc_new(NULL);
	const struct postfix_conf *postfix = postfix_of(mem, "3.6");
	struct postfix_milter *milters;
	size_t count;

	(void)state;
	assert_int_equal(postfix_milters_parse(mem, "unix:/x,{unix:/y,default_action=accept}", postfix, postfix->services, &ours, &milters, &count), 0);
	assert_string_equal(postfix_milter_value(&milters[0], postfix, postfix->services, "default_action"), "tempfail");
	assert_string_equal(postfix_milter_value(&milters[1], postfix, postfix->services, "default_action"), "accept");
	talloc_free(mem);
}

int main(void)
{
	TEST_ROWS(matches, test_match);
	TEST_ROWS(lists, test_list);
	test_add("more filters than the limit", test_too_many);
	test_add("a setting of one filter", test_own_value);
	return test_run("postfix_milters");
}
