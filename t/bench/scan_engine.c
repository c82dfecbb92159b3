/*
 * What a mail costs in a scan child: libclamav alone, and all that av_inspect() does around it; CPU time of one thread.
 *
 *     scan_engine DATABASE TEMPORARY-DIRECTORY [ROUNDS]
 *
 * Each round scans a mail whose Received: field differs, so that libclamav's cache knows the parts and not the whole.
 */
#include "av/inspect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

struct kind {
	const char *name;
	size_t text, html, attachment; /* octets of each part; 0: none */
	bool as_is;                    /* the HTML is not encoded */
};

static const struct kind kinds[] = {
	{ "text 2 KB", 1800, 0, 0, false },
	{ "text and html 48 KB", 8000, 40000, 0, false },
	{ "the same, not encoded", 8000, 40000, 0, true },
	{ "attachment 1 MB", 1000, 0, 750000, false },
};

struct text {
	char *p;
	size_t n;
};

static void add(struct text *text, const char *p)
{
	size_t n = strlen(p);

	text->p = realloc(text->p, text->n + n + 1);
	if (!text->p)
		abort();
	memcpy(text->p + text->n, p, n + 1);
	text->n += n;
}

static void add_words(struct text *text, size_t octets, const char *line)
{
	for (size_t n = 0; n < octets; n += strlen(line))
		add(text, line);
}

static void add_base64(struct text *text, size_t octets)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned seed = 1;

	for (size_t n = 0; n < octets; n += 57) {
		char line[79];

		for (size_t i = 0; i < 76; i++) {
			seed = seed * 1103515245U + 12345U;
			line[i] = alphabet[seed >> 16 & 63];
		}
		memcpy(line + 76, "\r\n", 3);
		add(text, line);
	}
}

static struct text mail_of(const struct kind *kind)
{
	struct text text = { 0 };

	add(&text, "Received: from 0000000000 by mx.example.net; Sat, 21 Nov 2026 10:00:00 +0000\r\nFrom: a@example.com\r\n"
	           "To: b@example.net\r\nSubject: hello\r\nMIME-Version: 1.0\r\nMessage-ID: <1@example.com>\r\n");
	if (!kind->html && !kind->attachment) {
		add(&text, "Content-Type: text/plain; charset=utf-8\r\n\r\n");
		add_words(&text, kind->text, "Hello, this is a line of an ordinary mail between people.\r\n");
		return text;
	}
	add(&text, "Content-Type: multipart/mixed; boundary=\"=_b\"\r\n\r\n--=_b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n");
	add_words(&text, kind->text, "Hello, this is a line of an ordinary mail between people.\r\n");
	if (kind->html) {
		add(&text, "\r\n--=_b\r\nContent-Type: text/html; charset=utf-8\r\n");
		add(&text, kind->as_is ? "\r\n<html><body>\r\n" : "Content-Transfer-Encoding: quoted-printable\r\n\r\n<html><body>\r\n");
		add_words(&text, kind->html, kind->as_is ? "<p class=\"a\">Hello, this is a line of <b>html</b> in a mail.</p>\r\n"
		                                         : "<p class=3D\"a\">Hello, this is a line of <b>html</b> in a mail=2E</p>\r\n");
	}
	if (kind->attachment) {
		add(&text, "\r\n--=_b\r\nContent-Type: application/octet-stream; name=a.bin\r\nContent-Transfer-Encoding: base64\r\n\r\n");
		add_base64(&text, kind->attachment);
	}
	add(&text, "\r\n--=_b--\r\n");
	return text;
}

static double cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void number(struct text *mail, unsigned n)
{
	char digits[11];

	snprintf(digits, sizeof digits, "%010u", n);
	memcpy(mail->p + sizeof "Received: from " - 1, digits, 10);
}

static void nothing(void *arg, const struct av_mime_part *part)
{
	size_t *octets = arg;

	*octets += part->octets.n;
}

enum layer { WALK, LIBCLAMAV, WITHOUT_PARTS, ALL, LAYERS };

static void run(enum layer layer, struct av_engine *engine, struct view mail)
{
	struct av_inspect_settings settings = { .scan_parts = layer == ALL, .max_parts = 500, .ban_in_archives = true };
	struct av_reply reply = { 0 };
	size_t octets = 0;
	struct av_mime_settings walk = { 500, nothing, &octets };

	if (layer == WALK && !av_mime_walk(&walk, mail, &reply))
		abort();
	if (layer == LIBCLAMAV)
		av_engine_scan(engine, NULL, mail, "", &reply);
	if (layer == WITHOUT_PARTS || layer == ALL)
		av_inspect(engine, &settings, AV_JOB_MESSAGE, mail, &reply);
	if (reply.finding_count)
		abort();
}

static void measure(struct av_engine *engine, const struct kind *kind, unsigned rounds, unsigned *serial)
{
	struct text mail = mail_of(kind);
	double us[LAYERS];

	for (enum layer layer = 0; layer < LAYERS; layer++) {
		double begun;

		for (unsigned i = 0; i < 3; i++, number(&mail, ++*serial))
			run(layer, engine, (struct view){ mail.p, mail.n });
		begun = cpu_us();
		for (unsigned i = 0; i < rounds; i++, number(&mail, ++*serial))
			run(layer, engine, (struct view){ mail.p, mail.n });
		us[layer] = (cpu_us() - begun) / rounds;
	}
	printf("%-22s %9zu octets: MIME walk %8.1f us, libclamav %9.1f us, inspected %9.1f us, with parts %9.1f us\n", kind->name, mail.n,
	       us[WALK], us[LIBCLAMAV], us[WITHOUT_PARTS], us[ALL]);
	free(mail.p);
}

int main(int argc, char **argv)
{
	struct av_engine_settings settings = { .max_size = 50 << 20, .max_scan_size = 200 << 20, .max_files = 2000, .max_recursion = 12,
		                               .scan_ms = 20000, .database = argc > 1 ? argv[1] : "" };
	unsigned rounds = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 200, serial = 0;
	struct av_engine *engine;
	struct rusage usage;
	char *error;

	if (argc < 3) {
		fprintf(stderr, "usage: %s DATABASE TEMPORARY-DIRECTORY [ROUNDS]\n", argv[0]);
		return 64;
	}
	if (av_inspect_begin() || av_engine_load(&settings, NULL, NULL, &engine, &error) || av_engine_begin(engine, argv[2])) {
		fprintf(stderr, "%s: cannot be loaded\n", argv[1]);
		return 69;
	}
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		measure(engine, &kinds[i], kinds[i].attachment ? rounds / 10 + 1 : rounds, &serial);
	if (getrusage(RUSAGE_SELF, &usage) == 0)
		printf("peak memory %ld KB\n", usage.ru_maxrss);
	av_engine_free(engine);
	return 0;
}
