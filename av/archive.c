#include "av/archive.h"

#include "av/zip_directory.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct listing {
	av_archive_name *name;
	void *arg;
	struct av_archive *ret;
	unsigned entries;
	size_t unpacked;
};

enum way { BY_DIRECTORY, BY_HEADERS }; /* of a zip; other kinds know one way only */

struct magic {
	size_t offset;
	struct view octets;
	bool is_filter; /* compression around something, an archive or not */
};

static const struct magic magics[] = {
	{ 0, VIEW_INIT("PK\3\4"), false }, { 0, VIEW_INIT("PK\5\6"), false }, { 0, VIEW_INIT("PK\7\10"), false },
	{ 0, VIEW_INIT("Rar!\x1a\7"), false }, { 0, VIEW_INIT("7z\xbc\xaf\x27\x1c"), false }, { 0, VIEW_INIT("MSCF\0\0\0\0"), false },
	{ 257, VIEW_INIT("ustar"), false }, { 32769, VIEW_INIT("CD001"), false }, { 2, VIEW_INIT("-lh"), false },
	{ 2, VIEW_INIT("-lz"), false }, { 0, VIEW_INIT("!<arch>\n"), false }, { 0, VIEW_INIT("07070"), false },
	{ 0, VIEW_INIT("\x1f\x8b"), true }, { 0, VIEW_INIT("BZh"), true }, { 0, VIEW_INIT("\xfd" "7zXZ\0"), true },
	{ 0, VIEW_INIT("\x28\xb5\x2f\xfd"), true }, { 0, VIEW_INIT("\x1f\x9d"), true }, { 0, VIEW_INIT("LZIP"), true },
	{ 0, VIEW_INIT("\x5d\0\0"), true }, { 0, VIEW_INIT("\4\x22\x4d\x18"), true },
};

static const struct magic *magic_of(struct view file)
{
	for (size_t i = 0; i < sizeof magics / sizeof magics[0]; i++) {
		const struct magic *m = &magics[i];

		if (view_eq(view_slice(file, m->offset, m->offset + m->octets.n), m->octets))
			return m;
	}
	return NULL;
}

/* Programs that carry an archive behind themselves. */
static bool is_program(struct view file)
{
	return file.n > 64 && (memcmp(file.p, "MZ", 2) == 0 || memcmp(file.p, "\177ELF", 4) == 0);
}

/* No format or filter that starts programs, opens files or guesses from text. */
static bool support_all(struct archive *a, enum way way, bool with_raw)
{
	static int (*const supports[])(struct archive *) = {
		archive_read_support_filter_gzip, archive_read_support_filter_bzip2, archive_read_support_filter_xz,
		archive_read_support_filter_lzma, archive_read_support_filter_zstd, archive_read_support_filter_compress,
		archive_read_support_filter_lzip, archive_read_support_filter_lz4, archive_read_support_format_7zip,
		archive_read_support_format_rar, archive_read_support_format_rar5, archive_read_support_format_tar,
		archive_read_support_format_cab, archive_read_support_format_lha, archive_read_support_format_iso9660,
		archive_read_support_format_cpio, archive_read_support_format_ar,
	};

	for (size_t i = 0; i < sizeof supports / sizeof supports[0]; i++)
		if (supports[i](a) < ARCHIVE_WARN)
			return false;
	if (with_raw && archive_read_support_format_raw(a) < ARCHIVE_WARN)
		return false;
	return (way == BY_DIRECTORY ? archive_read_support_format_zip_seekable(a) : archive_read_support_format_zip_streamable(a)) >= ARCHIVE_WARN;
}

static void set_state(struct listing *l, enum av_archive_state state)
{
	if (state > l->ret->state)
		l->ret->state = state;
}

static const char *format_of(struct archive *a)
{
	switch (archive_format(a) & ARCHIVE_FORMAT_BASE_MASK) {
	case ARCHIVE_FORMAT_ZIP:
		return "zip";
	case ARCHIVE_FORMAT_7ZIP:
		return "7z";
	case ARCHIVE_FORMAT_RAR:
	case ARCHIVE_FORMAT_RAR_V5:
		return "rar";
	default:
		return "archive";
	}
}

static void note_encrypted(struct listing *l, struct archive *a)
{
	if (l->ret->encrypted[0] == '\0')
		strcpy(l->ret->encrypted, format_of(a));
}

static const char *path_of(struct archive_entry *entry)
{
	const char *path = archive_entry_pathname(entry);

	/* Names in UTF-16 that cannot be told in the locale's octets. */
	return path ? path : archive_entry_pathname_utf8(entry);
}

static bool is_archive_name(const char *path)
{
	static const char *const extensions[] = { "zip", "7z", "rar", "tar", "gz", "tgz", "bz2", "tbz", "tbz2", "xz", "txz", "zst", "lzh",
		                                  "lha", "cab", "iso", "img", "jar", "z", "lz", "arj", "ace", "cpio", "deb", "udf", "zipx" };
	struct view name = view_trim_fws(view_of(path));
	const char *dot = memrchr(name.p ? name.p : "", '.', name.n);

	for (size_t i = 0; dot && i < sizeof extensions / sizeof extensions[0]; i++)
		if (view_eq_nocase(view_slice(name, (size_t)(dot - name.p) + 1, name.n), view_of(extensions[i])))
			return true;
	return false;
}

/* Read an entry's octets on, keeping them when `room` is there. Returns how many, or -1 when the end was not reached. */
static ssize_t unpack(struct listing *l, struct archive *a, char *room, size_t size)
{
	const void *block;
	size_t n, total = 0;
	la_int64_t offset;
	int r;

	while ((r = archive_read_data_block(a, &block, &n, &offset)) == ARCHIVE_OK || r == ARCHIVE_WARN) {
		l->unpacked += n;
		if (l->unpacked > AV_ARCHIVE_UNPACKED_MAX || (room && total + n > size)) {
			set_state(l, AV_ARCHIVE_SIZE);
			return -1;
		}
		if (room && n)
			memcpy(room + total, block, n);
		total += n;
	}
	return r == ARCHIVE_EOF ? (ssize_t)total : -1;
}

static void list(struct listing *l, struct view file, enum way way, bool is_inner);

static bool is_at_start(struct view file)
{
	return file.n > 4 && memcmp(file.p, "PK", 2) == 0;
}

static void list_directory(struct listing *l, struct zip_directory *directory)
{
	struct view name;
	bool encrypted;

	set_state(l, AV_ARCHIVE_LISTED);
	while (zip_directory_next(directory, &name, &encrypted)) {
		if (encrypted && l->ret->encrypted[0] == '\0')
			strcpy(l->ret->encrypted, "zip");
		if (++l->entries > AV_ARCHIVE_ENTRIES_MAX) {
			set_state(l, AV_ARCHIVE_ENTRIES);
			return;
		}
		l->name(l->arg, name);
	}
}

/* By libarchive, which reads the headers before a zip's entries, in the order of the directory or of the file; and by the directory
 * itself. What is in no directory counts too, so entries are counted for each. */
static void list_ways(struct listing *l, struct view file, bool is_inner)
{
	unsigned entries = l->entries;
	struct zip_directory directory;
	bool is_zip = zip_directory_find(file, &directory);

	if (is_zip)
		list_directory(l, &directory);
	if (l->ret->state < AV_ARCHIVE_ENTRIES) {
		l->entries = entries;
		list(l, file, BY_DIRECTORY, is_inner);
	}
	if (l->ret->state < AV_ARCHIVE_ENTRIES && is_at_start(file)) {
		l->entries = entries;
		list(l, file, BY_HEADERS, is_inner);
	}
}

static void list_inner(struct listing *l, struct archive *a, struct archive_entry *entry)
{
	size_t size = AV_ARCHIVE_INNER_MAX;
	ssize_t n;
	char *room;

	if (archive_entry_size_is_set(entry) && archive_entry_size(entry) >= 0 && archive_entry_size(entry) < AV_ARCHIVE_INNER_MAX)
		size = (size_t)archive_entry_size(entry);
	room = malloc(size + 1);
	n = room ? unpack(l, a, room, size) : 0;
	if (!room)
		set_state(l, AV_ARCHIVE_MEMORY);
	else if (n > 0)
		list_ways(l, (struct view){ room, (size_t)n }, true);
	free(room);
}

/* Returns false when no more entries shall be read. */
static bool list_entry(struct listing *l, struct archive *a, struct archive_entry *entry, bool is_inner)
{
	bool is_raw = archive_format(a) == ARCHIVE_FORMAT_RAW;
	const char *path = path_of(entry);
	bool encrypted = archive_entry_is_encrypted(entry);

	if (++l->entries > AV_ARCHIVE_ENTRIES_MAX) {
		set_state(l, AV_ARCHIVE_ENTRIES);
		return false;
	}
	if (encrypted)
		note_encrypted(l, a);
	if (path && !is_raw)
		l->name(l->arg, view_of(path));
	if (!encrypted && !is_inner && (is_raw || (path && is_archive_name(path))))
		list_inner(l, a, entry);
	else if (!encrypted && (archive_filter_count(a) > 1 || !archive_entry_size_is_set(entry)))
		unpack(l, a, NULL, 0);
	return l->ret->state < AV_ARCHIVE_ENTRIES;
}

static bool is_entry(int result)
{
	return result == ARCHIVE_OK || result == ARCHIVE_WARN;
}

static void end_of(struct listing *l, struct archive *a, struct view file, bool is_known, int result)
{
	const struct magic *magic = magic_of(file);

	if (result == ARCHIVE_FATAL && archive_errno(a) == ENOMEM)
		set_state(l, AV_ARCHIVE_MEMORY);
	/* libarchive must not be asked about a format that it has not found. */
	else if (is_known && archive_read_has_encrypted_entries(a) > 0)
		note_encrypted(l, a);
	else if (result != ARCHIVE_EOF && magic && !magic->is_filter && l->ret->state < AV_ARCHIVE_ENTRIES)
		set_state(l, AV_ARCHIVE_DAMAGED);
}

/* The format that takes anything has taken it: it is none. */
static bool is_anything(struct archive *a)
{
	return archive_format(a) == ARCHIVE_FORMAT_RAW && archive_filter_count(a) <= 1;
}

static void read_entries(struct listing *l, struct archive *a, struct view file, bool is_inner)
{
	struct archive_entry *entry;
	int r;

	while (is_entry(r = archive_read_next_header(a, &entry)) && !is_anything(a)) {
		set_state(l, AV_ARCHIVE_LISTED);
		if (!list_entry(l, a, entry, is_inner))
			return;
	}
	end_of(l, a, file, true, r);
}

static void list(struct listing *l, struct view file, enum way way, bool is_inner)
{
	struct archive *a = archive_read_new();
	int r;

	if (!a || !support_all(a, way, !is_inner)) {
		set_state(l, AV_ARCHIVE_MEMORY);
	} else {
		r = archive_read_open_memory(a, file.p, file.n);
		if (r == ARCHIVE_OK)
			read_entries(l, a, file, is_inner);
		else
			end_of(l, a, file, false, r);
	}
	if (a)
		archive_read_free(a);
}

void av_archive_list(struct view file, av_archive_name *name, void *arg, struct av_archive *ret)
{
	struct listing l = { .name = name, .arg = arg, .ret = ret };
	struct zip_directory directory;

	*ret = (struct av_archive){ .state = AV_ARCHIVE_NONE };
	if (magic_of(file) || is_program(file) || zip_directory_find(file, &directory))
		list_ways(&l, file, false);
}
