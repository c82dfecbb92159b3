/*
 * Fields in their order, and beside that an index by name: a hash table of the distinct names, each
 * with a chain of its instances from the bottom up. A hostile message has 10,000 fields and an h= of
 * 100,000 names; every look-up must stay cheap then. The hash is keyed per list, so that nobody can
 * choose names that fall into one slot.
 */
#include "dkim/header.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <talloc.h>

struct entry {
	struct header_field field; /* first: header_field pointers lead back to their entry */
	struct entry *above;       /* next instance of the same name upwards */
	size_t name;               /* index into names */
};

struct name {
	uint64_t hash;
	struct view text;     /* of its first instance */
	struct entry *bottom;
	size_t count;
};

struct header_list {
	struct header_limits limits;
	size_t octets;
	struct entry **entries; /* talloc array, grown by doubling */
	size_t count;
	struct name *names;     /* talloc array, grown by doubling */
	size_t name_count;
	uint32_t *slots;        /* open addressing: 1 + index into names, 0 is free */
	size_t slot_count;      /* a power of two, more than twice name_count */
	unsigned char key[crypto_shorthash_KEYBYTES];
};

#define SLOTS_FIRST 64 /* most messages have fewer than 32 distinct names */
#define ARRAY_FIRST 32

int header_list_new(void *mem, const struct header_limits *limits, struct header_list **ret)
{
	static const struct header_limits usual = { HEADER_FIELDS_MAX, HEADER_OCTETS_MAX };
	struct header_list *list = talloc_zero(mem, struct header_list);

	if (!list)
		return -ENOMEM;
	list->limits = limits ? *limits : usual;
	list->slot_count = SLOTS_FIRST;
	list->slots = talloc_zero_size(list, list->slot_count * sizeof *list->slots);
	if (!list->slots) {
		talloc_free(list);
		return -ENOMEM;
	}
	crypto_shorthash_keygen(list->key);
	*ret = list;
	return 0;
}

/* SipHash over the name in lower case, in blocks that are chained by the hash so far. */
static uint64_t name_hash(const struct header_list *list, struct view name)
{
	uint64_t hash = name.n;
	char block[64];

	for (size_t from = 0; from < name.n; ) {
		size_t n = sizeof hash;

		memcpy(block, &hash, sizeof hash);
		while (n < sizeof block && from < name.n)
			block[n++] = ascii_lower(name.p[from++]);
		crypto_shorthash((unsigned char *)&hash, (const unsigned char *)block, n, list->key);
	}
	return hash;
}

/* The slot where the name is, or the free one where it would go. */
static size_t name_slot(const struct header_list *list, struct view name, uint64_t hash)
{
	size_t slot = (size_t)hash & (list->slot_count - 1);

	for (; list->slots[slot]; slot = (slot + 1) & (list->slot_count - 1)) {
		const struct name *known = &list->names[list->slots[slot] - 1];

		if (known->hash == hash && view_eq_nocase(known->text, name))
			break;
	}
	return slot;
}

static const struct name *name_find(const struct header_list *list, struct view name)
{
	uint32_t slot = list->slots[name_slot(list, name, name_hash(list, name))];

	return slot ? &list->names[slot - 1] : NULL;
}

/* Twice the slots; false when memory is out. */
static bool slots_grow(struct header_list *list)
{
	size_t count = list->slot_count * 2;
	uint32_t *slots = talloc_zero_size(list, count * sizeof *slots);

	if (!slots)
		return false;
	for (size_t i = 0; i < list->name_count; i++) {
		size_t slot = (size_t)list->names[i].hash & (count - 1);

		while (slots[slot])
			slot = (slot + 1) & (count - 1);
		slots[slot] = (uint32_t)(i + 1);
	}
	talloc_free(list->slots);
	list->slots = slots;
	list->slot_count = count;
	return true;
}

/* Room for one more element behind `count`; NULL when memory is out, the array unchanged then. */
static void *array_grow(struct header_list *list, void *array, size_t count, size_t size)
{
	size_t room = array ? talloc_get_size(array) / size : 0;

	if (count < room)
		return array;
	return talloc_realloc_size(list, array, (room ? room * 2 : ARRAY_FIRST) * size);
}

/* Make room for one more field of a new name, so that linking it in cannot fail. */
static bool list_grow(struct header_list *list)
{
	struct entry **entries;
	struct name *names;

	entries = array_grow(list, list->entries, list->count, sizeof *entries);
	if (!entries)
		return false;
	list->entries = entries;
	names = array_grow(list, list->names, list->name_count, sizeof *names);
	if (!names)
		return false;
	list->names = names;
	return list->name_count + 1 < list->slot_count / 2 || slots_grow(list);
}

static void list_link(struct header_list *list, struct entry *entry)
{
	uint64_t hash = name_hash(list, entry->field.name);
	size_t slot = name_slot(list, entry->field.name, hash);
	struct name *name;

	if (!list->slots[slot]) {
		list->names[list->name_count++] = (struct name){ .hash = hash, .text = entry->field.name };
		list->slots[slot] = (uint32_t)list->name_count;
	}
	entry->name = list->slots[slot] - 1;
	name = &list->names[entry->name];
	entry->above = name->bottom;
	name->bottom = entry;
	name->count++;
	list->octets += entry->field.raw.n;
	list->entries[list->count++] = entry;
}

/* A milter shows the CRLF of a fold as LF alone (R40). */
static bool is_bare_fold(struct view v, size_t i)
{
	return v.p[i] == '\n' && (i == 0 || v.p[i - 1] != '\r') && i + 1 < v.n && ascii_is_blank(v.p[i + 1]);
}

static size_t count_bare_folds(struct view v)
{
	size_t count = 0;

	for (size_t i = view_find(v, '\n'); i < v.n; i += 1 + view_find(view_slice(v, i + 1, v.n), '\n'))
		count += is_bare_fold(v, i);
	return count;
}

/* Copy v; returns the end of the copy. */
static char *copy_folds(char *to, struct view v)
{
	size_t done = 0;

	for (size_t i = view_find(v, '\n'); i < v.n; i += 1 + view_find(view_slice(v, i + 1, v.n), '\n')) {
		if (!is_bare_fold(v, i))
			continue;
		to = mempcpy(to, v.p + done, i - done);
		*to++ = '\r';
		done = i;
	}
	return done < v.n ? mempcpy(to, v.p + done, v.n - done) : to;
}

static size_t length_without_blanks(struct view v)
{
	while (v.n > 0 && ascii_is_blank(v.p[v.n - 1]))
		v.n--;
	return v.n;
}

/* Append a field; name and value are copied, the bare folds of the value are mended when mend is true. */
static int list_append(struct header_list *list, struct view name, struct view value, bool mend)
{
	static const size_t added = 3; /* colon and CRLF */
	size_t left = list->limits.octets - list->octets;
	struct entry *entry;
	size_t n;
	char *to;

	if (list->count >= list->limits.fields)
		return -E2BIG;
	if (left < added || name.n > left - added || value.n > left - added - name.n)
		return -EMSGSIZE;
	n = value.n + (mend ? count_bare_folds(value) : 0);
	if (n > left - added - name.n)
		return -EMSGSIZE;
	if (!list_grow(list))
		return -ENOMEM;
	entry = talloc_size(list, sizeof *entry + name.n + n + added);
	if (!entry)
		return -ENOMEM;
	to = (char *)(entry + 1);
	entry->field.raw = (struct view){ to, name.n + n + added };
	entry->field.name = (struct view){ to, length_without_blanks(name) };
	if (name.n)
		to = mempcpy(to, name.p, name.n);
	*to++ = ':';
	entry->field.value = (struct view){ to, n };
	if (mend)
		to = copy_folds(to, value);
	else if (value.n)
		to = mempcpy(to, value.p, value.n);
	memcpy(to, "\r\n", 2);
	list_link(list, entry);
	return 0;
}

int header_list_add(struct header_list *list, struct view name, struct view value)
{
	return list_append(list, name, value, true);
}

/* Offset behind the CRLF that ends the line at `from`, or v.n; ret_text: where its text ends. */
static size_t line_end(struct view v, size_t from, size_t *ret_text)
{
	for (size_t i = from; i < v.n; i++) {
		i += view_find(view_slice(v, i, v.n), '\n');
		if (i < v.n && i > from && v.p[i - 1] == '\r') {
			*ret_text = i - 1;
			return i + 1;
		}
	}
	*ret_text = v.n;
	return v.n;
}

/* Length of the name of a line that begins a field, blanks before the colon included (RFC 5322
 * section 4.5.8); 0 when it begins none. */
static size_t field_name_length(struct view line)
{
	size_t colon = view_find(line, ':');
	size_t name = length_without_blanks(view_slice(line, 0, colon));

	if (colon == line.n || name == 0)
		return 0;
	for (size_t i = 0; i < name; i++)
		if (line.p[i] <= ' ' || line.p[i] > '~')
			return 0;
	return colon;
}

int header_list_parse(struct header_list *list, struct view message, struct view *ret_body)
{
	size_t at = 0;

	while (at < message.n) {
		size_t text_end;
		size_t next = line_end(message, at, &text_end);
		size_t name = field_name_length(view_slice(message, at, text_end));
		int r;

		if (name == 0) {
			if (text_end == at && next > at)
				at = next; /* the empty line between header and body */
			break;
		}
		while (next < message.n && ascii_is_blank(message.p[next]))
			next = line_end(message, next, &text_end);
		r = list_append(list, view_slice(message, at, at + name), view_slice(message, at + name + 1, text_end), false);
		if (r < 0)
			return r;
		at = next;
	}
	*ret_body = view_slice(message, at, message.n);
	return 0;
}

size_t header_list_count(const struct header_list *list)
{
	return list->count;
}

const struct header_field *header_list_at(const struct header_list *list, size_t i)
{
	return &list->entries[i]->field;
}

size_t header_list_octets(const struct header_list *list)
{
	return list->octets;
}

static const struct entry *without(const struct entry *entry, const struct header_field *skip)
{
	return entry && &entry->field == skip ? entry->above : entry;
}

const struct header_field *header_list_from_bottom(const struct header_list *list, struct view name, size_t below,
                                                   const struct header_field *skip)
{
	const struct name *known = name_find(list, name);
	const struct entry *entry = known ? without(known->bottom, skip) : NULL;

	for (; entry && below > 0; below--)
		entry = without(entry->above, skip);
	return entry ? &entry->field : NULL;
}

size_t header_list_count_name(const struct header_list *list, struct view name)
{
	const struct name *known = name_find(list, name);

	return known ? known->count : 0;
}

struct header_selection {
	const struct header_list *list;
	const struct header_field *skip;
	const struct entry *next[]; /* one per distinct name: the instance to take next, NULL after the top one */
};

int header_selection_new(void *mem, const struct header_list *list, const struct header_field *skip,
                         struct header_selection **ret)
{
	struct header_selection *selection =
		talloc_size(mem, sizeof *selection + list->name_count * sizeof selection->next[0]);

	if (!selection)
		return -ENOMEM;
	selection->list = list;
	selection->skip = skip;
	for (size_t i = 0; i < list->name_count; i++)
		selection->next[i] = without(list->names[i].bottom, skip);
	*ret = selection;
	return 0;
}

/* A signature under test never selects itself: section 3.7 hashes it last and apart, once. Some verifiers take it here too,
 * so no DKIM-Signature of ours ever lists that name (R20). */
const struct header_field *header_selection_next(struct header_selection *selection, struct view name)
{
	const struct name *known = name_find(selection->list, name);
	const struct entry **next = known ? &selection->next[known - selection->list->names] : NULL;
	const struct entry *taken = next ? *next : NULL;

	if (!taken)
		return NULL;
	*next = without(taken->above, selection->skip);
	return &taken->field;
}
