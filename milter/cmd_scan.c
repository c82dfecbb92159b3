/* postern scan: files before the scanner that mail goes through. */
#include "av/classify.h"
#include "dkim/buf.h"
#include "milter/cmd.h"
#include "milter/cmd_options.h"
#include "milter/json.h"
#include "milter/scan_files.h"
#include "milter/scan_source.h"
#include "milter/scan_text.h"
#include "milter/status_client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <talloc.h>
#include <unistd.h>

#define AT_A_TIME 4      /* files on their way: enough for the children of a small host, few enough to hold in memory */
#define PIECE (64 * 1024) /* octets read at once */
#define WAIT_MS 60000    /* between two looks at a scan; its own limits end it */
#define FOUND 1          /* exit codes of other scanners, which scripts know */
#define NOT_SCANNED 2

struct scan_options {
	const char *file, *socket, *database;
	bool own, json, found;
};

struct job {
	char *path;
	struct av_scan *scan;
};

struct scanning {
	const struct scan_options *o;
	struct scan_source *source;
	struct av_class_map *map;
	struct job jobs[AT_A_TIME]; /* a ring: `first` is the oldest */
	size_t first, count;
	size_t files, found, not_scanned;
	bool terminal;
};

static const struct cmd_option options[] = {
	{ "config", 'c', "FILE", "the daemon's configuration\n(/etc/postern/postern.conf)", CMD_STRING, offsetof(struct scan_options, file), 0, 0, NULL },
	{ "socket", 0, "PATH", "the daemon's status.socket itself", CMD_STRING, offsetof(struct scan_options, socket), 0, 0, NULL },
	{ "own", 0, NULL, "start a scanner for this command alone, with the\noptions of the configuration", CMD_FLAG,
	  offsetof(struct scan_options, own), 0, 0, NULL },
	{ "database", 0, "PATH", "likewise, with this database and no configuration", CMD_STRING, offsetof(struct scan_options, database), 0, 0, NULL },
	{ "found", 0, NULL, "do not list clean files", CMD_FLAG, offsetof(struct scan_options, found), 0, 0, NULL },
	{ "json", 0, NULL, "print one JSON object a line for each file", CMD_FLAG, offsetof(struct scan_options, json), 0, 0, NULL },
};

static const struct cmd_syntax syntax = {
	.name = "scan",
	.usage = "[options] FILE...",
	.doc = "Scans files, and those in folders, with the running daemon's scanner; - is standard input. Finds in a mail what the\n"
	       "daemon would find in it, and says it in the same words.\n\n"
	       "Exit codes: 0 all clean; 1 something was found; 2 nothing was found, but not all could be scanned;\n"
	       "69 no scanner; 64, 66, 71, 74, 78 sysexits.h.\n",
	.options = options,
	.option_count = sizeof options / sizeof *options,
	.operands_min = 1,
	.operands_max = 1 << 30,
};

static void show_progress(const struct scanning *s)
{
	if (s->terminal)
		(void)fprintf(stderr, "\r%zu files, %zu found\033[K", s->files, s->found); /* for eyes only */
}

static void show_loading(const char *text)
{
	if (isatty(STDERR_FILENO))
		(void)fprintf(stderr, "\r%s\033[K", text); /* for eyes only */
}

static int print(struct scanning *s, const struct scan_text *text)
{
	struct buf out;
	int r;

	if (s->o->found && text->class == AV_CLASS_CLEAN)
		return 0;
	buf_init(&out, NULL, SCAN_TEXT_MAX);
	if (s->o->json)
		scan_text_json(text, &out);
	else
		scan_text_line(text, &out);
	r = buf_error(&out);
	if (s->terminal)
		(void)fputs("\r\033[K", stderr);
	if (r == 0 && fputs(buf_string(&out), stdout) == EOF)
		r = -EIO;
	buf_free(&out);
	return r;
}

static int tell(struct scanning *s, const struct scan_text *text)
{
	s->files++;
	if (text->class == AV_CLASS_ERROR || text->class == AV_CLASS_UNSCANNABLE)
		s->not_scanned++;
	else if (text->class != AV_CLASS_CLEAN)
		s->found++;
	return print(s, text);
}

static int tell_report(struct scanning *s, const char *path, const struct av_report *report)
{
	struct av_verdicts verdicts;
	struct scan_text text = { .path = path, .class = AV_CLASS_CLEAN, .verdicts = &verdicts, .report = report };

	av_classify(s->map, report, &verdicts);
	for (int class = AV_CLASS_COUNT - 1; class >= 0; class--)
		if (verdicts.name[class])
			text.class = (enum av_class)class;
	return tell(s, &text);
}

/* Wait for the oldest, and tell what was found in it. */
static int finish_oldest(struct scanning *s)
{
	struct job *job = &s->jobs[s->first];
	int r;

	while (av_scan_wait(job->scan, WAIT_MS) == 1)
		;
	r = tell_report(s, job->path, av_scan_report(job->scan));
	talloc_free(job->path); /* the scan is its child */
	s->first = (s->first + 1) % AT_A_TIME;
	s->count--;
	show_progress(s);
	return r;
}

/* Returns 0 or a negative errno of reading. */
static int append_all(struct av_scan *scan, int fd)
{
	static char piece[PIECE];
	ssize_t n;

	do {
		n = read(fd, piece, sizeof piece);
		if (n > 0)
			av_scan_append(scan, (struct view){ piece, (size_t)n });
	} while (n > 0 || (n < 0 && errno == EINTR));
	return n < 0 ? -errno : 0;
}

static int tell_unreadable(struct scanning *s, const char *path, int error)
{
	const struct scan_text text = { .path = path, .class = AV_CLASS_ERROR, .error = error };

	return tell(s, &text);
}

static int begin(struct scanning *s, const char *path, int fd)
{
	struct job job = { .path = talloc_strdup(s, path) };
	int r = job.path ? av_scan_new(job.path, s->source->client, VIEW(""), &job.scan) : -ENOMEM;

	if (r == 0 && (r = append_all(job.scan, fd)) < 0) {
		talloc_free(job.path);
		return tell_unreadable(s, path, r);
	}
	if (r < 0) {
		talloc_free(job.path);
		return r;
	}
	av_scan_send(job.scan);
	s->jobs[(s->first + s->count++) % AT_A_TIME] = job;
	return 0;
}

static int take(void *arg, const char *path, int fd, int error)
{
	struct scanning *s = arg;
	int r = 0;

	if (s->count == AT_A_TIME)
		r = finish_oldest(s);
	if (r < 0)
		return r;
	return fd < 0 ? tell_unreadable(s, path, error) : begin(s, path, fd);
}

static int scan(struct scanning *s, char *const *paths)
{
	int r = scan_files(paths, take, s);

	while (r == 0 && s->count)
		r = finish_oldest(s);
	if (s->terminal)
		(void)fputs("\r\033[K", stderr);
	if (r < 0)
		return cmd_fail("scan", cmd_code(r), "%s", strerror(-r));
	if (!s->o->json && printf("%zu file%s, %zu found, %zu not scanned\n", s->files, s->files == 1 ? "" : "s", s->found, s->not_scanned) < 0)
		return EX_IOERR;
	return s->found ? FOUND : s->not_scanned ? NOT_SCANNED : EX_OK;
}

/* What stands for a configuration when there is none: every option of av at its default, but for the database. */
static int make_text(void *mem, const char *database, char **ret)
{
	char *real = database ? realpath(database, NULL) : NULL;
	char *quoted = real ? conf_quote(mem, real) : NULL;
	int r = database && !real ? -errno : 0;

	if (r == 0)
		*ret = talloc_asprintf(mem, "user = \"nobody\"\nlistener scan { socket = \"unix:/not/used\" role = verify scan = yes }\nav { %s%s }\n",
		                       quoted ? "database = " : "", quoted ? quoted : "");
	free(real);
	return r < 0 ? r : *ret && (quoted || !database) ? 0 : -ENOMEM;
}

static int parse_default(void *mem, const struct scan_options *o, char **ret_text, const struct conf **ret)
{
	struct conf_errors errors = { 0 };
	int r = make_text(mem, o->database, ret_text);

	if (r < 0)
		return cmd_fail("scan", cmd_code(r), "%s: %s", o->database ? o->database : "options", strerror(-r));
	r = conf_parse(mem, *ret_text, strlen(*ret_text), "command-line", ret, &errors);
	return r < 0 ? cmd_fail("scan", EX_CONFIG, "%s", errors.count ? errors.text[0] : strerror(-r)) : EX_OK;
}

static int open_own(struct scanning *s, const char *text, const struct conf *conf)
{
	const char *file = s->o->file ? s->o->file : "/etc/postern/postern.conf";
	char *read = NULL, *error = NULL;
	size_t n = text ? strlen(text) : 0;
	int r = 0;

	if (!text)
		r = conf_read_file(s, file, &read, &n, &error);
	if (r == 0)
		r = scan_source_own(s, text ? "command-line" : file, text ? text : read, n, conf, show_loading, &s->source, &error);
	return r < 0 ? cmd_fail("scan", EX_UNAVAILABLE, "%s", error ? error : strerror(-r)) : EX_OK;
}

static int open_daemon(struct scanning *s, const char *path, const struct conf *conf)
{
	char *error = NULL;
	int r = scan_source_daemon(s, s->o->socket ? s->o->socket : path, conf, &s->source, &error);

	if (r < 0)
		return cmd_fail("scan", EX_UNAVAILABLE, "%s (--own starts a scanner)", error ? error : strerror(-r));
	return EX_OK;
}

/* The configuration says limits, classes, and where the daemon is; where there is none, the defaults do. */
static int prepare(struct scanning *s)
{
	const struct scan_options *o = s->o;
	const struct conf *conf = NULL;
	const char *path = "";
	char *text = NULL, *error = NULL;
	int code = EX_OK;

	if (!o->database && !(o->socket && !o->file))
		code = status_find(s, "scan", o->file, &conf, &path);
	if (code == EX_OK && !conf)
		code = parse_default(s, o, &text, &conf);
	if (code == EX_OK)
		code = o->own || o->database ? open_own(s, text, conf) : open_daemon(s, path, conf);
	if (code == EX_OK && av_class_map_new(s, conf->av.class_map, conf->av.ignore, &s->map, &error) < 0)
		code = cmd_fail("scan", EX_CONFIG, "av.class-map: %s", error ? error : "out of memory");
	return code;
}

static int run(struct scan_options *o, char *const *paths)
{
	struct scanning *s = talloc_zero(o, struct scanning);
	int code;

	if (!s)
		return cmd_fail("scan", EX_OSERR, "out of memory");
	s->o = o;
	s->terminal = isatty(STDERR_FILENO);
	code = prepare(s);
	return code == EX_OK ? scan(s, paths) : code;
}

int cmd_scan(int argc, char **argv)
{
	struct scan_options *o = talloc_zero(NULL, struct scan_options);
	int operand, code;

	if (!o)
		return cmd_fail("scan", EX_OSERR, "out of memory");
	if (cmd_options_parse(argc, argv, &syntax, o, &operand, &code) == 0)
		code = cmd_finish("scan", run(o, argv + operand));
	talloc_free(o);
	return code;
}
