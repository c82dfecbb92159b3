#include "dkim/records.h"

#include "dkim/fault.h"
#include "dkim/name_table.h"
#include "dkim/records_parse.h"
#include "dkim/regular_file.h"

#include <errno.h>
#include <talloc.h>
#include <unistd.h>

/* The records of one name, in the order of the file. */
struct entry {
	struct name_node node;
	struct view text;
	struct entry *next;
	struct entry *last; /* kept by the first one */
};

struct dkim_records {
	struct name_table *names;
	struct entry *entries;
};

static struct entry *entry_of(struct name_node *node)
{
	return (struct entry *)((char *)node - offsetof(struct entry, node));
}

static void add_entry(struct dkim_records *records, struct entry *entry, const struct record *record)
{
	struct name_node *node = name_table_find(records->names, record->name);
	struct entry *first = node ? entry_of(node) : NULL;

	entry->text = record->text;
	if (first) {
		first->last->next = entry;
		first->last = entry;
	} else {
		entry->last = entry;
		name_table_add(records->names, &entry->node, record->name);
	}
}

/* Takes over `list`. */
static int build(void *mem, struct record *list, size_t count, struct dkim_records **ret)
{
	struct dkim_records *records;
	int r = -ENOMEM;

	records = talloc_zero(mem, struct dkim_records);
	if (!records) {
		talloc_free(list);
		return r;
	}
	talloc_reparent(mem, records, list);
	records->entries = talloc_zero_size(records, count * sizeof *records->entries);
	if (!records->entries)
		goto out;
	r = name_table_new(records, count, &records->names);
	if (r)
		goto out;
	for (size_t i = 0; i < count; i++)
		add_entry(records, &records->entries[i], &list[i]);
	*ret = records; /* ownership moves to the caller */
	records = NULL;
out:
	talloc_free(records);
	return r;
}

int dkim_records_parse(void *mem, const char *name, struct view text, struct dkim_records **ret, char **ret_error)
{
	struct record *list;
	size_t count;
	int r;

	if (text.n > DKIM_RECORDS_FILE_MAX)
		return fault(mem, ret_error, -EFBIG, "%s: wanted at most %d octets, got %zu", name, DKIM_RECORDS_FILE_MAX, text.n);
	r = records_parse(mem, name, text, &list, &count, ret_error);
	if (!r)
		r = build(mem, list, count, ret);
	return r == -ENOMEM ? fault(mem, ret_error, r, "%s: no memory left for the records", name) : r;
}

static int load_open_file(void *mem, const char *path, int fd, size_t size, struct dkim_records **ret, char **ret_error)
{
	char *octets;
	size_t n;
	int r;

	if (size > DKIM_RECORDS_FILE_MAX)
		return fault(mem, ret_error, -EFBIG, "%s: wanted at most %d octets, got %zu", path, DKIM_RECORDS_FILE_MAX, size);
	octets = talloc_size(mem, size);
	if (!octets)
		return fault(mem, ret_error, -ENOMEM, "%s: no memory left for the file", path);
	r = regular_file_read(mem, path, fd, octets, size, &n, ret_error);
	if (!r)
		r = dkim_records_parse(mem, path, (struct view){ octets, n }, ret, ret_error);
	talloc_free(octets);
	return r;
}

int dkim_records_load(void *mem, const char *path, struct dkim_records **ret, char **ret_error)
{
	struct stat st;
	int fd, r;

	r = regular_file_open(mem, path, &fd, &st, ret_error);
	if (r)
		return r;
	r = load_open_file(mem, path, fd, (size_t)st.st_size, ret, ret_error);
	close(fd);
	return r;
}

bool dkim_records_find(const struct dkim_records *records, struct view name, size_t i, struct view *ret)
{
	struct name_node *node = name_table_find(records->names, name);
	struct entry *entry = node ? entry_of(node) : NULL;

	while (entry && i > 0) {
		entry = entry->next;
		i--;
	}
	if (!entry)
		return false;
	*ret = entry->text;
	return true;
}
