#include "conf/conf.h"

#include "conf/checks.h"
#include "conf/defaults.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <talloc.h>

#define GOT_MAX 200 /* octets of a wrong value that an error repeats */

struct builder {
	struct conf *conf;
	const struct source *source, *defaults;
	struct fault_list *faults;
};

static size_t count_sections(const struct source *source, const char *kind)
{
	size_t count = 0;

	for (size_t i = 0; i < source->count; i++)
		count += strcmp(source->section[i]->kind->name, kind) == 0;
	return count;
}

/* A value as an error shows it. */
static char *show_value(void *mem, const char *value)
{
	char *shown, *cut;

	if (strlen(value) <= GOT_MAX)
		return conf_quote(mem, value);
	cut = talloc_strndup(mem, value, GOT_MAX);
	shown = cut ? conf_quote(mem, cut) : NULL;
	talloc_free(cut);
	return shown ? talloc_strdup_append(shown, "...") : NULL;
}

static int fault_value(struct builder *b, const struct source_section *section, const struct source_item *item, const char *got)
{
	char *name = source_option_name(b->conf, section, item->option->info.name);

	if (name && got)
		faults_add(b->faults, item->line, name, item->option->info.wanted, got);
	talloc_free(name);
	return name && got ? 0 : -ENOMEM;
}

static int parse_item(struct builder *b, const struct source_section *section, const struct source_item *item, void *base)
{
	const struct option *option = item->option;
	size_t bad = 0;
	char *got;
	int r;

	if (item->list && !option->list)
		return fault_value(b, section, item, "a list");
	r = option->parse(b->conf, &option->rule, item->values, item->count, (char *)base + option->offset, &bad);
	if (r != -EINVAL)
		return r;
	got = show_value(b->conf, item->values[bad]);
	r = fault_value(b, section, item, got);
	talloc_free(got);
	return r;
}

static const struct source_item *default_item(const struct builder *b, const struct option_section *kind, size_t row)
{
	for (size_t i = 0; i < b->defaults->count; i++)
		if (b->defaults->section[i]->kind == kind)
			return b->defaults->section[i]->item[row];
	return NULL;
}

static int fault_missing(struct builder *b, const struct source_section *section, const struct option *option)
{
	char *name;

	if (b->source->cut_short)
		return 0;
	name = source_option_name(b->conf, section, option->info.name);
	if (!name)
		return -ENOMEM;
	faults_add(b->faults, section->line, name, option->info.wanted, "nothing: it must be given");
	talloc_free(name);
	return 0;
}

/* Every option of one section: what the text says, else its default. */
static int fill(struct builder *b, const struct source_section *section, void *base)
{
	size_t count;
	const struct option *rows = option_rows(&count);
	int r = 0;

	for (size_t i = 0; i < count && r == 0; i++) {
		const struct source_item *item = section->item[i];

		if (strcmp(rows[i].info.section, section->kind->name) != 0)
			continue;
		if (!item)
			item = default_item(b, section->kind, i);
		r = item ? parse_item(b, section, item, base) : fault_missing(b, section, &rows[i]);
	}
	return r;
}

static int fill_listener(struct builder *b, const struct source_section *section)
{
	struct conf_listener *listener = &b->conf->listeners[b->conf->listener_count++];

	listener->name = talloc_strdup(b->conf, section->title);
	listener->line = section->line;
	return listener->name ? fill(b, section, listener) : -ENOMEM;
}

/* A title that can be no selector stays as it is: check_conf() says so. */
static int selector_from_title(struct builder *b, struct conf_key *key)
{
	static const struct value_rule rule = { .is_valid = value_is_selector };
	size_t bad;
	int r = value_domain(b->conf, &rule, &key->name, 1, &key->selector, &bad);

	if (r == -EINVAL)
		key->selector = key->name;
	return r == -EINVAL ? 0 : r;
}

static int fill_key(struct builder *b, const struct source_section *section)
{
	struct conf_key *key = &b->conf->sign.keys[b->conf->sign.key_count++];
	int r;

	key->name = talloc_strdup(b->conf, section->title);
	key->line = section->line;
	r = key->name ? fill(b, section, key) : -ENOMEM;
	if (r == 0 && key->selector && !*key->selector)
		r = selector_from_title(b, key);
	return r;
}

static int fill_section(struct builder *b, const struct source_section *section)
{
	if (strcmp(section->kind->name, "listener") == 0)
		return fill_listener(b, section);
	if (strcmp(section->kind->name, "key") == 0)
		return fill_key(b, section);
	assert(!section->kind->titled);
	return fill(b, section, b->conf);
}

/* Sections of which the text has none. Their defaults are in no wrong form, so nothing is said about them. */
static int fill_absent(struct builder *b)
{
	int r = 0;

	for (size_t i = 0; i < b->defaults->count && r == 0; i++) {
		const struct source_section *section = b->defaults->section[i];

		if (!section->kind->titled && count_sections(b->source, section->kind->name) == 0)
			r = fill(b, section, b->conf);
	}
	return r;
}

static int build(struct builder *b)
{
	struct conf *conf = b->conf;
	int r;

	conf->listeners = talloc_zero_array(conf, struct conf_listener, (unsigned)count_sections(b->source, "listener"));
	conf->sign.keys = talloc_zero_array(conf, struct conf_key, (unsigned)count_sections(b->source, "key"));
	if (!conf->listeners || !conf->sign.keys)
		return -ENOMEM;
	r = fill_absent(b);
	for (size_t i = 0; i < b->source->count && r == 0; i++)
		r = fill_section(b, b->source->section[i]);
	return r || b->source->cut_short ? r : check_conf(conf, b->faults);
}

static int parse(void *mem, const char *text, size_t n, struct fault_list *faults, struct conf **ret)
{
	struct builder b = { .conf = talloc_zero(mem, struct conf), .faults = faults };
	struct source *source, *defaults;
	int r;

	if (!b.conf)
		return -ENOMEM;
	r = source_read(faults, text, n, faults, &source);
	if (r)
		return r;
	r = defaults_read(faults, &defaults);
	if (r)
		return r;
	b.source = source;
	b.defaults = defaults;
	*ret = b.conf;
	return build(&b);
}

/* What no part of the reader would survive. */
static bool text_is_readable(const char *text, size_t n, struct fault_list *faults)
{
	const char *nul = n > 0 ? memchr(text, '\0', n) : NULL;
	unsigned line = 1;

	if (n > CONF_FILE_MAX) {
		faults_add(faults, 0, "size", "at most 4 MB", "more");
		return false;
	}
	if (!nul)
		return true;
	for (const char *p = text; p < nul; p++)
		line += *p == '\n';
	faults_add(faults, line, "syntax", "text", "a NUL octet");
	return false;
}

int conf_parse(void *mem, const char *text, size_t n, const char *file, const struct conf **ret, struct conf_errors *ret_errors)
{
	struct fault_list *faults = faults_new(mem, file);
	struct conf *conf = NULL;
	int r = -EINVAL;

	*ret_errors = (struct conf_errors){ NULL, 0 };
	if (!faults)
		return -ENOMEM;
	if (text_is_readable(text, n, faults))
		r = parse(mem, text, n, faults, &conf);
	if (r == 0 && faults_count(faults) > 0)
		r = -EINVAL;
	if (r == 0)
		*ret = conf;
	else
		talloc_free(conf);
	if (r == -EINVAL && faults_finish(faults, mem, ret_errors))
		r = -ENOMEM;
	talloc_free(faults);
	return r;
}

bool conf_uses_scanner(const struct conf *conf)
{
	for (size_t i = 0; i < conf->listener_count; i++)
		if (conf->listeners[i].scan && !conf->av.clamd[0])
			return true;
	return false;
}

static bool lists_equal(const char *const *a, const char *const *b)
{
	for (; *a && *b; a++, b++)
		if (strcmp(*a, *b) != 0)
			return false;
	return !*a && !*b;
}

bool conf_scanner_equal(const struct conf *a, const struct conf *b)
{
	const struct conf_av *x = &a->av, *y = &b->av;

	return strcmp(a->user, b->user) == 0 && strcmp(x->database, y->database) == 0 && strcmp(x->user, y->user) == 0 &&
	       x->scanners == y->scanners && x->recycle == y->recycle && x->temp_size == y->temp_size &&
	       x->official_only == y->official_only && x->pua == y->pua && x->phishing_urls == y->phishing_urls &&
	       x->macros == y->macros && x->scan_parts == y->scan_parts && x->max_size == y->max_size &&
	       x->max_scan_size == y->max_scan_size && x->max_files == y->max_files && x->max_recursion == y->max_recursion &&
	       x->max_parts == y->max_parts && x->timeout_ms == y->timeout_ms && x->ban_in_archives == y->ban_in_archives &&
	       x->reload == y->reload && x->reload_delay_ms == y->reload_delay_ms &&
	       lists_equal(x->ban_extensions, y->ban_extensions) && lists_equal(x->ban_types, y->ban_types) &&
	       lists_equal(x->ban_true_types, y->ban_true_types);
}
