#include "conf/values.h"

#include "conf/network.h"

#include <errno.h>
#include <string.h>
#include <talloc.h>

int value_string(void *mem, const struct value_rule *rule, const char *const *values, size_t count, void *field,
                 size_t *ret_bad)
{
	char *copy;

	(void)count;
	*ret_bad = 0;
	if (rule->is_valid && !rule->is_valid(values[0]))
		return -EINVAL;
	copy = talloc_strdup(mem, values[0]);
	if (!copy)
		return -ENOMEM;
	*(const char **)field = copy;
	return 0;
}

/* Decimal digits at the start of `text`; fails when there are none or the number passes 64 bits. */
static int parse_digits(const char *text, uint64_t *ret, const char **ret_rest)
{
	uint64_t number = 0;
	const char *p = text;

	for (; *p >= '0' && *p <= '9'; p++) {
		unsigned digit = (unsigned)(*p - '0');

		if (number > (UINT64_MAX - digit) / 10)
			return -EINVAL;
		number = number * 10 + digit;
	}
	if (p == text)
		return -EINVAL;
	*ret = number;
	*ret_rest = p;
	return 0;
}

struct unit {
	const char *text;
	uint64_t factor;
};

static int parse_with_unit(const struct value_rule *rule, const struct unit *units, const char *text, uint64_t *ret)
{
	uint64_t number;
	const char *rest;

	if (parse_digits(text, &number, &rest))
		return -EINVAL;
	for (; units->text; units++) {
		if (strcmp(units->text, rest) != 0)
			continue;
		if (number > UINT64_MAX / units->factor)
			return -EINVAL;
		number *= units->factor;
		if (number < rule->minimum || number > rule->maximum)
			return -EINVAL;
		*ret = number;
		return 0;
	}
	return -EINVAL;
}

static int parse_time(const struct value_rule *rule, const char *text, uint64_t *ret_ms)
{
	static const struct unit units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { "d", 86400000 }, { NULL, 0 } };
	static const struct unit none[] = { { "", 1 }, { NULL, 0 } };

	/* Nothing is nothing in every unit; any other number without one could mean seconds or milliseconds. */
	return parse_with_unit(rule, strcmp(text, "0") == 0 ? none : units, text, ret_ms);
}

int value_number(void *mem, const struct value_rule *rule, const char *const *values, size_t count, void *field,
                 size_t *ret_bad)
{
	static const struct unit none[] = { { "", 1 }, { NULL, 0 } };
	uint64_t number;

	(void)mem;
	(void)count;
	*ret_bad = 0;
	if (parse_with_unit(rule, none, values[0], &number))
		return -EINVAL;
	*(unsigned *)field = (unsigned)number;
	return 0;
}

int value_size(void *mem, const struct value_rule *rule, const char *const *values, size_t count, void *field,
               size_t *ret_bad)
{
	static const struct unit units[] = { { "", 1 }, { "K", 1 << 10 }, { "M", 1 << 20 }, { "G", 1 << 30 }, { NULL, 0 } };
	uint64_t size;

	(void)mem;
	(void)count;
	*ret_bad = 0;
	if (parse_with_unit(rule, units, values[0], &size))
		return -EINVAL;
	*(size_t *)field = (size_t)size;
	return 0;
}

int value_milliseconds(void *mem, const struct value_rule *rule, const char *const *values, size_t count, void *field,
                       size_t *ret_bad)
{
	uint64_t ms;

	(void)mem;
	(void)count;
	*ret_bad = 0;
	if (parse_time(rule, values[0], &ms))
		return -EINVAL;
	*(unsigned *)field = (unsigned)ms;
	return 0;
}

int value_seconds(void *mem, const struct value_rule *rule, const char *const *values, size_t count, void *field,
                  size_t *ret_bad)
{
	uint64_t ms;

	(void)mem;
	(void)count;
	*ret_bad = 0;
	if (parse_time(rule, values[0], &ms) || ms % 1000 != 0)
		return -EINVAL;
	*(unsigned *)field = (unsigned)(ms / 1000);
	return 0;
}

int value_mode(void *mem, const struct value_rule *rule, const char *const *values, size_t count, void *field,
               size_t *ret_bad)
{
	const char *text = values[0];
	unsigned mode = 0;

	(void)mem;
	(void)count;
	*ret_bad = 0;
	if (strspn(text, "01234567") != strlen(text) || strlen(text) < 3 || strlen(text) > 4)
		return -EINVAL;
	for (; *text; text++)
		mode = mode * 8 + (unsigned)(*text - '0');
	if (mode < rule->minimum || mode > rule->maximum)
		return -EINVAL;
	*(mode_t *)field = mode;
	return 0;
}

static const struct value_word *find_word(const struct value_word *words, const char *text)
{
	for (; words->text; words++)
		if (strcmp(words->text, text) == 0)
			return words;
	return NULL;
}

int value_boolean(void *mem, const struct value_rule *rule, const char *const *values, size_t count, void *field,
                       size_t *ret_bad)
{
	const struct value_word *word = find_word(rule->words, values[0]);

	(void)mem;
	(void)count;
	*ret_bad = 0;
	if (!word)
		return -EINVAL;
	*(bool *)field = word->value != 0;
	return 0;
}

_Static_assert(sizeof(enum conf_action) == sizeof(int), "value_enum() writes an int");

int value_enum(void *mem, const struct value_rule *rule, const char *const *values, size_t count, void *field,
               size_t *ret_bad)
{
	const struct value_word *word = find_word(rule->words, values[0]);

	(void)mem;
	(void)count;
	*ret_bad = 0;
	if (!word)
		return -EINVAL;
	memcpy(field, &word->value, sizeof word->value);
	return 0;
}

int value_canonicalization(void *mem, const struct value_rule *rule, const char *const *values, size_t count, void *field,
                           size_t *ret_bad)
{
	static const struct {
		const char *text;
		enum conf_canon header, body;
	} forms[] = {
		{ "relaxed/relaxed", CONF_RELAXED, CONF_RELAXED },
		{ "relaxed/simple",  CONF_RELAXED, CONF_SIMPLE },
		{ "simple/relaxed",  CONF_SIMPLE,  CONF_RELAXED },
		{ "simple/simple",   CONF_SIMPLE,  CONF_SIMPLE },
	};
	struct conf_sign *sign = field;

	(void)mem;
	(void)rule;
	(void)count;
	*ret_bad = 0;
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		if (strcmp(forms[i].text, values[0]) != 0)
			continue;
		sign->header_canon = forms[i].header;
		sign->body_canon = forms[i].body;
		return 0;
	}
	return -EINVAL;
}

static int copy_strings(void *mem, const char *const *values, size_t count, const char ***ret)
{
	const char **strings = talloc_zero_array(mem, const char *, (unsigned)count + 1);

	if (!strings)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		strings[i] = talloc_strdup(strings, values[i]);
		if (!strings[i]) {
			talloc_free(strings);
			return -ENOMEM;
		}
	}
	*ret = strings;
	return 0;
}

int value_string_list(void *mem, const struct value_rule *rule, const char *const *values, size_t count, void *field,
                      size_t *ret_bad)
{
	for (size_t i = 0; i < count; i++) {
		*ret_bad = i;
		if (rule->is_valid && !rule->is_valid(values[i]))
			return -EINVAL;
	}
	return copy_strings(mem, values, count, field);
}

int value_networks(void *mem, const struct value_rule *rule, const char *const *values, size_t count, void *field,
                   size_t *ret_bad)
{
	struct conf_networks *list = field;
	struct conf_network *networks = talloc_zero_array(mem, struct conf_network, (unsigned)count + 1);

	(void)rule;
	if (!networks)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		*ret_bad = i;
		if (conf_network_parse(values[i], &networks[i])) {
			talloc_free(networks);
			return -EINVAL;
		}
	}
	*list = (struct conf_networks){ networks, count };
	return 0;
}

/* "address@port" or "address", as libunbound takes it. */
static bool is_server(const char *text)
{
	const struct value_rule ports = { .minimum = 1, .maximum = UINT16_MAX };
	const char *at = strchr(text, '@');
	const size_t n = at ? (size_t)(at - text) : strlen(text);
	struct conf_network address;
	size_t bad;
	unsigned port;
	char *copy;
	bool valid;

	if (memchr(text, '/', n))
		return false;
	copy = talloc_strndup(NULL, text, n);
	if (!copy)
		return false;
	valid = conf_network_parse(copy, &address) == 0;
	talloc_free(copy);
	if (!at)
		return valid;
	return valid && value_number(NULL, &ports, &(const char *){ at + 1 }, 1, &port, &bad) == 0;
}

int value_servers(void *mem, const struct value_rule *rule, const char *const *values, size_t count, void *field,
                  size_t *ret_bad)
{
	const struct value_rule servers = { .is_valid = is_server };
	struct conf_dns *dns = field;
	int r;

	(void)rule;
	r = value_string_list(mem, &servers, values, count, &dns->servers, ret_bad);
	if (r == 0)
		dns->server_count = count;
	return r;
}
