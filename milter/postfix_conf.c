#include "milter/postfix_conf.h"

#include "dkim/view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <talloc.h>

#define SHOWN_MAX 200     /* octets of a line that an error repeats */
#define SERVICE_COLUMNS 8 /* of master(5), the command's name included */
#define CHROOT_COLUMN 4

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct postfix_parameter *)a)->name, ((const struct postfix_parameter *)b)->name);
}

/* An element behind the last; the array doubles when its length is a power of two. NULL when memory is out. */
static void *one_more(void *mem, void **array, size_t *count, size_t size)
{
	const size_t n = *count;
	void *larger = *array;

	if ((n & (n - 1)) == 0)
		larger = talloc_realloc_size(mem, *array, (n ? 2 * n : 1) * size);
	if (!larger)
		return NULL;
	*array = larger;
	*count = n + 1;
	memset((char *)larger + n * size, 0, size);
	return (char *)larger + n * size;
}


/* "name = value" into two strings of mem. */
static int split_assignment(void *mem, struct view line, struct view *ret_name, const char **ret_value)
{
	const size_t equals = view_find(line, '=');

	if (equals == line.n || equals == 0)
		return -EINVAL;
	*ret_name = view_trim_fws(view_slice(line, 0, equals));
	*ret_value = view_string(mem, view_trim_fws(view_slice(line, equals + 1, line.n)));
	return *ret_value ? 0 : -ENOMEM;
}

static int add_parameter(void *mem, struct postfix_parameter **array, size_t *count, struct view name, const char *value)
{
	struct postfix_parameter *added;

	if (*count >= POSTFIX_PARAMETERS_MAX)
		return -EINVAL;
	added = one_more(mem, (void **)array, count, sizeof *added);
	if (!added)
		return -ENOMEM;
	added->name = view_string(mem, name);
	added->value = value;
	return added->name ? 0 : -ENOMEM;
}

static int parse_parameter(struct postfix_conf *conf, struct view line)
{
	struct view name;
	const char *value;
	int r = split_assignment(conf, line, &name, &value);

	return r < 0 ? r : add_parameter(conf, &conf->parameters, &conf->parameter_count, name, value);
}

/* The next run of octets that are no blanks. */
static struct view next_word(struct view *rest)
{
	size_t from = 0, to;

	while (from < rest->n && ascii_is_fws(rest->p[from]))
		from++;
	for (to = from; to < rest->n && !ascii_is_fws(rest->p[to]);)
		to++;
	struct view word = view_slice(*rest, from, to);

	*rest = view_slice(*rest, to, rest->n);
	return word;
}

static int parse_service(struct postfix_conf *conf, struct view line)
{
	struct view word[SERVICE_COLUMNS];
	struct postfix_service *service;

	for (size_t i = 0; i < SERVICE_COLUMNS; i++) {
		word[i] = next_word(&line);
		if (word[i].n == 0)
			return -EINVAL;
	}
	if (conf->service_count >= POSTFIX_SERVICES_MAX)
		return -EINVAL;
	service = one_more(conf, (void **)&conf->services, &conf->service_count, sizeof *service);
	if (!service)
		return -ENOMEM;
	service->name = view_string(conf, word[0]);
	service->type = view_string(conf, word[1]);
	service->chroot = word[CHROOT_COLUMN].p[0];
	service->command = view_string(conf, word[SERVICE_COLUMNS - 1]);
	return service->name && service->type && service->command ? 0 : -ENOMEM;
}

/* "service/type/name": a service may have slashes in its name, the other two have none. */
static int parse_own(struct postfix_conf *conf, struct view line)
{
	struct view path, part[2];
	const char *value;
	int r = split_assignment(conf, line, &path, &value);

	if (r < 0)
		return r;
	for (size_t i = 0; i < 2; i++) {
		size_t slash = path.n;

		while (slash > 0 && path.p[slash - 1] != '/')
			slash--;
		if (slash == 0)
			return -EINVAL;
		part[i] = view_slice(path, slash, path.n);
		path = view_slice(path, 0, slash - 1);
	}
	for (size_t i = 0; i < conf->service_count; i++) {
		struct postfix_service *service = &conf->services[i];

		if (view_eq(view_of(service->name), path) && view_eq(view_of(service->type), part[1]))
			return add_parameter(conf, &service->own, &service->own_count, part[0], value);
	}
	return -EINVAL;
}

static int parse_lines(void *mem, struct postfix_conf *conf, const char *text,
                       int (*parse)(struct postfix_conf *conf, struct view line), char **ret_error)
{
	struct view rest = view_of(text), line;

	while (view_next(&rest, '\n', &line)) {
		int r = view_trim_fws(line).n == 0 ? 0 : parse(conf, line);

		if (r == -EINVAL) {
			char *shown = view_escape(conf, line, SHOWN_MAX);

			*ret_error = shown ? talloc_asprintf(mem, "wanted what postconf prints, got \"%s\"", shown) : NULL;
		}
		if (r < 0)
			return r;
	}
	return 0;
}

int postfix_conf_parse(void *mem, const char *parameters, const char *services, const char *own, const struct postfix_conf **ret,
                       char **ret_error)
{
	struct postfix_conf *conf = talloc_zero(mem, struct postfix_conf);
	int r = conf ? 0 : -ENOMEM;

	*ret_error = NULL;
	if (r == 0)
		r = parse_lines(mem, conf, parameters, parse_parameter, ret_error);
	if (r == 0)
		r = parse_lines(mem, conf, services, parse_service, ret_error);
	if (r == 0)
		r = parse_lines(mem, conf, own, parse_own, ret_error);
	if (r < 0) {
		talloc_free(conf);
		return r;
	}
	if (conf->parameter_count)
		qsort(conf->parameters, conf->parameter_count, sizeof *conf->parameters, by_name);
	*ret = conf;
	return 0;
}

static const char *own_value(const struct postfix_service *service, const char *name)
{
	const char *value = NULL;

	for (size_t i = 0; service && i < service->own_count; i++) /* the last one counts */
		if (strcmp(service->own[i].name, name) == 0)
			value = service->own[i].value;
	return value;
}

const char *postfix_value(const struct postfix_conf *conf, const struct postfix_service *service, const char *name)
{
	const struct postfix_parameter wanted = { .name = name }, *found = NULL;
	const char *value = own_value(service, name);

	if (value)
		return value;
	if (conf->parameter_count)
		found = bsearch(&wanted, conf->parameters, conf->parameter_count, sizeof wanted, by_name);
	return found ? found->value : "";
}

bool postfix_sets(const struct postfix_service *service, const char *name)
{
	return own_value(service, name) != NULL;
}

const struct postfix_service *postfix_service_find(const struct postfix_conf *conf, const char *name, const char *type)
{
	for (size_t i = 0; i < conf->service_count; i++)
		if (strcmp(conf->services[i].name, name) == 0 && strcmp(conf->services[i].type, type) == 0)
			return &conf->services[i];
	return NULL;
}

bool postfix_list_has(const char *list, const char *word)
{
	static const char separators[] = ", \t\r\n";
	const size_t n = strlen(word);

	for (list += strspn(list, separators); *list; list += strspn(list, separators)) {
		const size_t length = strcspn(list, separators);

		if (length == n && strncasecmp(list, word, n) == 0)
			return true;
		list += length;
	}
	return false;
}

bool postfix_is_yes(const char *value)
{
	return strcasecmp(value, "yes") == 0;
}

long postfix_seconds(const char *value)
{
	static const struct {
		char letter;
		long seconds;
	} units[] = { { '\0', 1 }, { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }, { 'w', 604800 } };
	char *end;
	long number;

	errno = 0;
	number = strtol(value, &end, 10);
	if (errno || end == value || number < 0 || (*end && end[1]))
		return -1;
	for (size_t i = 0; i < sizeof units / sizeof *units; i++)
		if (units[i].letter == *end && number <= 1000000000L / units[i].seconds)
			return number * units[i].seconds;
	return -1;
}
