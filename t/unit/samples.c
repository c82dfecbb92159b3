#include "t/unit/samples.h"

#include "t/unit/av_support.h"
#include "t/unit/support.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdio.h>
#include <stdlib.h>

struct text {
	char *p;
	size_t n, room;
};

static void add(struct text *text, const char *p, size_t n)
{
	if (text->n + n + 1 > text->room) {
		text->room = 2 * (text->n + n + 1);
		text->p = realloc(text->p, text->room);
		assert_non_null(text->p);
	}
	memcpy(text->p + text->n, p, n);
	text->n += n;
	text->p[text->n] = '\0';
}

static struct view done(struct text text)
{
	return (struct view){ text.p, text.n };
}

static unsigned octet(struct view octets, size_t i)
{
	return i < octets.n ? (unsigned char)octets.p[i] : 0;
}

struct view sample_base64(struct view octets)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	struct text text = { 0 };

	for (size_t i = 0; i < octets.n; i += 3) {
		unsigned bits = octet(octets, i) << 16 | octet(octets, i + 1) << 8 | octet(octets, i + 2);
		char group[4] = { alphabet[bits >> 18], alphabet[bits >> 12 & 63], i + 1 < octets.n ? alphabet[bits >> 6 & 63] : '=',
			          i + 2 < octets.n ? alphabet[bits & 63] : '=' };

		add(&text, group, 4);
		if ((i / 3 + 1) % 19 == 0 || i + 3 >= octets.n)
			add(&text, "\n", 1);
	}
	return done(text);
}

static char uu(unsigned value)
{
	return (char)((value & 63) ? (value & 63) + ' ' : '`');
}

struct view sample_uuencode(struct view octets, const char *name)
{
	struct text text = { 0 };
	char line[100];

	add(&text, line, (size_t)snprintf(line, sizeof line, "begin 644 %s\n", name));
	for (size_t from = 0; from < octets.n; from += 45) {
		size_t n = octets.n - from < 45 ? octets.n - from : 45;
		char length = uu((unsigned)n);

		add(&text, &length, 1);
		for (size_t i = from; i < from + n; i += 3) {
			unsigned bits = octet(octets, i) << 16 | octet(octets, i + 1) << 8 | octet(octets, i + 2);
			char group[4] = { uu(bits >> 18), uu(bits >> 12), uu(bits >> 6), uu(bits) };

			add(&text, group, 4);
		}
		add(&text, "\n", 1);
	}
	add(&text, "`\nend\n", 6);
	return done(text);
}

struct writing {
	struct archive *a;
	char *room;
	size_t used;
};

static void begin_archive(struct writing *w, const char *format, const char *filter, const char *password, size_t size)
{
	w->a = archive_write_new();
	w->room = malloc(size);
	assert_true(w->a && w->room);
	assert_int_equal(archive_write_set_format_by_name(w->a, format), ARCHIVE_OK);
	if (strcmp(filter, "none") != 0)
		assert_int_equal(archive_write_add_filter_by_name(w->a, filter), ARCHIVE_OK);
	if (password) {
		assert_int_equal(archive_write_set_options(w->a, "zip:encryption=aes256"), ARCHIVE_OK);
		assert_int_equal(archive_write_set_passphrase(w->a, password), ARCHIVE_OK);
	}
	assert_int_equal(archive_write_open_memory(w->a, w->room, size, &w->used), ARCHIVE_OK);
}

static void add_file(struct writing *w, const char *name, struct view octets)
{
	struct archive_entry *entry = archive_entry_new();

	archive_entry_set_pathname(entry, name);
	archive_entry_set_size(entry, (la_int64_t)octets.n);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, 0644);
	assert_int_equal(archive_write_header(w->a, entry), ARCHIVE_OK);
	assert_int_equal(archive_write_data(w->a, octets.p, octets.n), octets.n);
	archive_entry_free(entry);
}

static struct view end_archive(struct writing *w)
{
	assert_int_equal(archive_write_close(w->a), ARCHIVE_OK);
	archive_write_free(w->a);
	return (struct view){ w->room, w->used };
}

/* Lowest octet first (TNEF) or last (BinHex). */
static void add_number(struct text *text, unsigned value, unsigned octets, bool lowest_first)
{
	for (unsigned i = 0; i < octets; i++) {
		char c = (char)(value >> 8 * (lowest_first ? i : octets - 1 - i));

		add(text, &c, 1);
	}
}

/* RFC 1741, appendix A, "CRC": polynomial 0x1021 over the octets and two more that are 0. */
static void add_crc(struct text *text, size_t from)
{
	unsigned crc = 0;
	size_t end = text->n;

	for (size_t bit = 0; bit < 8 * (end - from + 2); bit++) {
		size_t at = from + bit / 8;
		unsigned in = at < end ? (unsigned)(text->p[at] >> (7 - bit % 8)) & 1 : 0;

		crc = (crc << 1 | in) ^ (crc & 0x8000 ? 0x11021 : 0);
	}
	add_number(text, crc & 0xffff, 2, false);
}

/* Each 0x90 is followed by a count of repetitions: 0 is none, for itself. */
static struct text without_runs(struct text in)
{
	struct text out = { 0 };

	for (size_t i = 0; i < in.n; i++)
		add(&out, (const char[]){ in.p[i], '\0' }, (unsigned char)in.p[i] == 0x90 ? 2 : 1);
	free(in.p);
	return out;
}

struct view sample_binhex(struct view octets, const char *title)
{
	static const char alphabet[] = "!\"#$%&'()*+,-012345689@ABCDEFGHIJKLMNPQRSTUVXYZ[`abcdefhijklmpqr";
	struct text file = { 0 }, text = { 0 };
	size_t data;

	add_number(&file, (unsigned)strlen(title), 1, false);
	add(&file, title, strlen(title) + 1);
	add(&file, "TEXTttxt\0\0", 10);
	add_number(&file, (unsigned)octets.n, 4, false);
	add_number(&file, 0, 4, false);
	add_crc(&file, 0);
	data = file.n;
	add(&file, octets.p, octets.n);
	add_crc(&file, data);
	add_number(&file, 0, 2, false);
	file = without_runs(file);
	add(&text, "(This file must be converted with BinHex 4.0)\n\n:", 48);
	for (size_t i = 0; 6 * i < 8 * file.n; i++) {
		struct view all = done(file);
		unsigned bits = octet(all, 6 * i / 8) << 8 | octet(all, 6 * i / 8 + 1);

		if ((i + 1) % 64 == 0)
			add(&text, "\n", 1);
		add(&text, &alphabet[bits >> (10 - 6 * i % 8) & 63], 1);
	}
	free(file.p);
	add(&text, ":\n", 2);
	return done(text);
}

static void add_attribute(struct text *text, char level, unsigned id, struct view value)
{
	unsigned sum = 0;

	add(text, &level, 1);
	add_number(text, id, 4, true);
	add_number(text, (unsigned)value.n, 4, true);
	add(text, value.p, value.n);
	for (size_t i = 0; i < value.n; i++)
		sum += octet(value, i);
	add_number(text, sum & 0xffff, 2, true);
}

struct view sample_tnef(struct view octets, const char *title)
{
	struct text text = { 0 };

	add_number(&text, 0x223e9f78, 4, true);
	add_number(&text, 1, 2, true);
	add_attribute(&text, 1, 0x00089006, (struct view)VIEW_INIT("\0\0\1\0"));
	add_attribute(&text, 1, 0x00078008, (struct view)VIEW_INIT("IPM.Microsoft Mail.Note\0"));
	add_attribute(&text, 2, 0x00069002, (struct view)VIEW_INIT("\1\0\377\377\377\377\0\0\0\0\0\0\0\0"));
	add_attribute(&text, 2, 0x00018010, (struct view){ title, strlen(title) + 1 });
	add_attribute(&text, 2, 0x0006800f, octets);
	return done(text);
}

struct view sample_archive(const char *format, const char *filter, const char *name, struct view octets, const char *password)
{
	struct writing w;

	begin_archive(&w, format, filter, password, octets.n + (1 << 20));
	add_file(&w, name, octets);
	return end_archive(&w);
}

struct view sample_archive_of_many(const char *format, unsigned count)
{
	struct writing w;

	begin_archive(&w, format, "none", NULL, (size_t)count * 2048 + 65536);
	for (unsigned i = 0; i < count; i++) {
		char name[32], text[64];

		snprintf(name, sizeof name, "f%u.txt", i);
		snprintf(text, sizeof text, "this is file number %u", i);
		add_file(&w, name, view_of(text));
	}
	return end_archive(&w);
}

static struct view zip64(void)
{
	struct view zip = sample_archive("zip", "none", "eicar.com", eicar(), NULL), text = sample_base64(zip);

	sample_free(zip);
	return text;
}

static struct view mail64(void)
{
	struct view mail = sample_mail("FROM: a@example.com\nMIME-VERSION: 1.0\nCONTENT-TYPE: multipart/mixed; boundary=m\n\n--m\n"
	                               "Content-Type: application/zip; name=a.zip\nContent-Transfer-Encoding: base64\n\n{zip}\n--m--\n", true);
	struct view text = sample_base64(mail);

	sample_free(mail);
	return text;
}

/* What stands in place of a word. malloc()ed unless it is EICAR or a constant. */
static void add_word(struct text *text, struct view word)
{
	struct view value = { NULL, 0 };

	if (view_eq(word, VIEW("eicar")))
		add(text, eicar().p, eicar().n);
	else if (view_eq(word, VIEW("eicar64")))
		value = sample_base64(eicar());
	else if (view_eq(word, VIEW("zip")))
		value = zip64();
	else if (view_eq(word, VIEW("mail64")))
		value = mail64();
	else if (view_eq(word, VIEW("uu")))
		value = sample_uuencode(eicar(), "eicar.com");
	else if (view_eq(word, VIEW("hi64")))
		value = sample_base64(VIEW("hi\n"));
	else if (view_eq(word, VIEW("0")))
		add(text, "\0", 1);
	else if (view_eq(word, VIEW("cr")))
		add(text, "\r", 1);
	else if (view_eq(word, VIEW("8")))
		add(text, "\xe9", 1);
	else
		fail_msg("no such word: %.*s", (int)word.n, word.p);
	if (value.n)
		add(text, value.p, value.n - 1); /* the template has the line's end */
	sample_free(value);
}

static struct view with_crlf(struct view lines)
{
	struct text text = { 0 };

	for (size_t i = 0; i < lines.n; i++)
		add(&text, lines.p[i] == '\n' ? "\r\n" : &lines.p[i], lines.p[i] == '\n' ? 2 : 1);
	sample_free(lines);
	return done(text);
}

struct view sample_mail(const char *template, bool crlf)
{
	struct text text = { 0 };

	while (*template) {
		size_t n = strcspn(template, "{"), end;

		add(&text, template, n);
		template += n;
		if (*template == '\0')
			break;
		end = strcspn(template, "}");
		add_word(&text, (struct view){ template + 1, end - 1 });
		template += end + 1;
	}
	return crlf ? with_crlf(done(text)) : done(text);
}

void sample_free(struct view sample)
{
	free((char *)(uintptr_t)sample.p);
}
