#include "av/zip_directory.h"

#include <stdint.h>
#include <string.h>

#define END_SIZE 22   /* of the record behind the directory, without comment (4.3.16) */
#define ENTRY_SIZE 46 /* of an entry, without name, extra field and comment */
#define FLAG_ENCRYPTED 1U

static uint32_t number(struct view v, size_t at, size_t octets)
{
	uint32_t value = 0;

	for (size_t i = octets; i-- > 0;)
		value = value << 8 | (unsigned char)v.p[at + i];
	return value;
}

static bool is_at(struct view v, size_t at, const char *signature)
{
	return at <= v.n && v.n - at >= 4 && memcmp(v.p + at, signature, 4) == 0;
}

/* The directory lies right before its end, or, with other octets between or a wrong size, where its offset says. */
static bool find_before(struct view file, size_t end, struct zip_directory *ret)
{
	size_t size = number(file, end + 12, 4), offset = number(file, end + 16, 4), from = size <= end ? end - size : 0;

	if (!is_at(file, from, "PK\1\2"))
		from = offset;
	if (!is_at(file, from, "PK\1\2") || from > end)
		return false;
	ret->rest = view_slice(file, from, end);
	return true;
}

bool zip_directory_find(struct view file, struct zip_directory *ret)
{
	size_t last = file.n >= END_SIZE ? file.n - END_SIZE + 1 : 0, first = file.n > ZIP_END_MAX ? file.n - ZIP_END_MAX : 0;

	while (last > first) {
		const char *p = memrchr(file.p + first, 'P', last - first);

		if (!p)
			return false;
		last = (size_t)(p - file.p);
		if (is_at(file, last, "PK\5\6") && find_before(file, last, ret))
			return true;
	}
	return false;
}

bool zip_directory_next(struct zip_directory *directory, struct view *ret_name, bool *ret_encrypted)
{
	struct view rest = directory->rest;
	size_t name;

	if (rest.n < ENTRY_SIZE || !is_at(rest, 0, "PK\1\2"))
		return false;
	name = number(rest, 28, 2);
	*ret_name = view_slice(rest, ENTRY_SIZE, ENTRY_SIZE + name);
	*ret_encrypted = number(rest, 8, 2) & FLAG_ENCRYPTED;
	directory->rest = view_slice(rest, ENTRY_SIZE + name + number(rest, 30, 2) + number(rest, 32, 2), rest.n);
	return true;
}
