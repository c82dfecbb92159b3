#include "conf/signing_table.h"

#include "conf/table_text.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <talloc.h>

/*
 * Rows are found by a word: the pattern itself, or of a pattern with asterisks its domain when that has none. The few others
 * are tried one by one. So a sender costs the same whether there are ten rows or 100,000.
 */
struct signing_table {
	struct signing_row *rows;     /* in the order of the file, one per key named */
	size_t count, room;
	bool refile;
	const struct signing_row **sorted; /* by word, then in the order of the file */
	size_t sorted_count;
	const struct signing_row **others; /* in the order of the file */
	size_t other_count;
};

struct search {
	const struct signing_table *table;
	const char *address;
	unsigned line; /* of the row found first, when that is to be the only one; else 0 */
	bool all, any;
	signing_found *found;
	void *arg;
};

static const char *word_of(const struct signing_table *table, const struct signing_row *row)
{
	return table->refile ? strrchr(row->pattern, '@') + 1 : row->pattern;
}

static bool has_word(const struct signing_table *table, const struct signing_row *row)
{
	const char *at = strrchr(row->pattern, '@');

	return !table->refile || (at && !strchr(at, '*'));
}

static void fault(struct fault_list *faults, unsigned line, const char *wanted, const char *got)
{
	char *quoted = conf_quote(faults, got);

	faults_add(faults, line, "sender", wanted, quoted ? quoted : "another");
	talloc_free(quoted);
}

#define IDENTITY_MAX 320 /* octets: 64 for the local part, 255 for the domain (RFC 5321 section 4.5.3.1) */

/* It goes into the tag as it stands (RFC 6376 section 2.11). */
static bool is_identity(const char *text)
{
	if (strlen(text) > IDENTITY_MAX)
		return false;
	for (; *text; text++)
		if (*text <= ' ' || *text > '~' || *text == ';')
			return false;
	return true;
}

static int add_row(struct signing_table *table, const struct signing_row *row)
{
	if (table->count == table->room) {
		table->room = table->room ? 2 * table->room : 64;
		table->rows = talloc_realloc(table, table->rows, struct signing_row, (unsigned)table->room);
		if (!table->rows)
			return -ENOMEM;
	}
	table->rows[table->count++] = *row;
	return 0;
}

/* The names of one row: a row in memory for each. */
static int add_names(struct signing_table *table, const struct table_row *row, char *names, const char *identity,
                     const struct key_table *keys, struct fault_list *faults)
{
	struct signing_row one = { .pattern = row->key, .identity = identity, .line = row->line };
	int r = 0;

	while (names && r == 0) {
		const char *name = strsep(&names, ",");

		one.key = strcmp(name, "%") == 0 ? NULL : key_table_find(keys, name);
		if (!one.key && strcmp(name, "%") != 0)
			fault(faults, row->line, "the name of a row of the key table", name);
		else
			r = add_row(table, &one);
	}
	return r;
}

static int read_row(struct signing_table *table, const struct table_row *row, const struct key_table *keys,
                    struct fault_list *faults)
{
	char *identity = row->value, *names = strsep(&identity, ":");

	if (identity && !is_identity(identity)) {
		fault(faults, row->line, "an identity of printable ASCII without blanks and semicolons", identity);
		return 0;
	}
	return add_names(table, row, names, identity && *identity ? identity : NULL, keys, faults);
}

static int compare_in_file(const struct signing_row *a, const struct signing_row *b)
{
	return (a > b) - (a < b);
}

static int compare_patterns(const void *a, const void *b)
{
	const struct signing_row *x = *(const struct signing_row *const *)a, *y = *(const struct signing_row *const *)b;
	const int difference = strcasecmp(x->pattern, y->pattern);

	return difference ? difference : compare_in_file(x, y);
}

static int compare_domains(const void *a, const void *b)
{
	const struct signing_row *x = *(const struct signing_row *const *)a, *y = *(const struct signing_row *const *)b;
	const int difference = strcasecmp(strrchr(x->pattern, '@'), strrchr(y->pattern, '@'));

	return difference ? difference : compare_in_file(x, y);
}

static int sort(struct signing_table *table)
{
	table->sorted = talloc_array(table, const struct signing_row *, (unsigned)table->count);
	table->others = talloc_array(table, const struct signing_row *, (unsigned)table->count);
	if (!table->sorted || !table->others)
		return -ENOMEM;
	for (size_t i = 0; i < table->count; i++) {
		const struct signing_row *row = &table->rows[i];

		if (has_word(table, row))
			table->sorted[table->sorted_count++] = row;
		else
			table->others[table->other_count++] = row;
	}
	qsort(table->sorted, table->sorted_count, sizeof *table->sorted, table->refile ? compare_domains : compare_patterns);
	return 0;
}

int signing_table_parse(void *mem, char *text, size_t n, bool refile, const struct key_table *keys, struct fault_list *faults,
                        struct signing_table **ret)
{
	struct signing_table *table = talloc_zero(mem, struct signing_table);
	struct table_text lines;
	struct table_row row;
	int r = 0;

	if (!table)
		return -ENOMEM;
	table->refile = refile;
	if (table_text_begin(&lines, text, n, faults))
		while (r == 0 && table_text_next(&lines, &row))
			r = read_row(table, &row, keys, faults);
	if (r == 0)
		r = sort(table);
	if (r < 0) {
		talloc_free(table);
		return r;
	}
	*ret = table;
	return 0;
}

size_t signing_table_count(const struct signing_table *table)
{
	return table->count;
}

/* The first of the rows with this word, or where it would stand. */
static size_t find_word(const struct signing_table *table, const char *word)
{
	size_t low = 0, high = table->sorted_count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (strcasecmp(word_of(table, table->sorted[middle]), word) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_word(const struct signing_table *table, size_t i, const char *word)
{
	return i < table->sorted_count && strcasecmp(word_of(table, table->sorted[i]), word) == 0;
}

static bool octets_equal(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* An asterisk stands for any octets, also for none. When the rest does not fit, the last asterisk takes one more. */
static bool matches(const char *pattern, const char *text)
{
	const char *asterisk = NULL, *again = NULL;

	while (*text) {
		if (*pattern == '*') {
			asterisk = pattern++;
			again = text;
		} else if (octets_equal(*pattern, *text)) {
			pattern++;
			text++;
		} else if (asterisk) {
			pattern = asterisk + 1;
			text = ++again;
		} else {
			return false;
		}
	}
	return pattern[strspn(pattern, "*")] == '\0';
}

/* Rows of the line that was found first belong to it. */
static int found(struct search *search, const struct signing_row *row)
{
	if (search->any && !search->all && row->line != search->line)
		return 0;
	search->any = true;
	search->line = row->line;
	return search->found(search->arg, row);
}

static int match_word(struct search *search, const char *word)
{
	const struct signing_table *table = search->table;
	int r = 0;

	if (search->any && !search->all)
		return 0;
	for (size_t i = find_word(table, word); r == 0 && is_word(table, i, word); i++)
		r = found(search, table->sorted[i]);
	return r;
}

/* PREFIX.parent for each parent domain. `room` holds the prefix. */
static int match_parents(struct search *search, char *room, size_t prefix, const char *host)
{
	int r = 0;

	for (const char *dot = strchr(host, '.'); r == 0 && dot; dot = strchr(dot + 1, '.')) {
		memcpy(room + prefix, dot, strlen(dot) + 1);
		r = match_word(search, room);
	}
	return r;
}

static int match_exact(struct search *search, const char *user, const char *host)
{
	char room[SIGNING_ADDRESS_MAX + sizeof "@*"];
	const size_t prefix = (size_t)snprintf(room, sizeof room, "%s@", user);
	int r = match_word(search, search->address);

	if (r == 0)
		r = match_word(search, host);
	if (r == 0)
		r = match_parents(search, room, prefix, host);
	if (r == 0)
		r = match_parents(search, room, 0, host);
	(void)snprintf(room, sizeof room, "%s@*", user);
	if (r == 0)
		r = match_word(search, room);
	return r ? r : match_word(search, "*");
}

/* Rows with this domain and rows without one, both in the order of the file: merged. */
static int match_refile(struct search *search, const char *host)
{
	const struct signing_table *table = search->table;
	size_t i = find_word(table, host), other = 0;
	int r = 0;

	while (r == 0 && (is_word(table, i, host) || other < table->other_count)) {
		const struct signing_row *row;

		if (other == table->other_count || (is_word(table, i, host) && table->sorted[i] < table->others[other]))
			row = table->sorted[i++];
		else
			row = table->others[other++];
		if (matches(row->pattern, search->address))
			r = found(search, row);
	}
	return r;
}

int signing_table_match(const struct signing_table *table, const char *user, const char *host, bool all, signing_found *callback,
                        void *arg)
{
	char address[SIGNING_ADDRESS_MAX + 1];
	struct search search = { .table = table, .address = address, .all = all, .found = callback, .arg = arg };
	const int n = snprintf(address, sizeof address, "%s@%s", user, host);

	if (n < 0 || (size_t)n >= sizeof address)
		return 0;
	return table->refile ? match_refile(&search, host) : match_exact(&search, user, host);
}
