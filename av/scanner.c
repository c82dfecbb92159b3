/*
 * `postern-scanner`: the supervisor starts it, with what milter/child.h lists.
 *
 *     postern-scanner [--beside] FILE   load the database, scan
 *     postern-scanner --check FILE      say what a start would meet, one finding a line: level, what, text, tabs between
 *
 * FILE is the configuration; but for --check, its octets come from the supervisor, and the name is for errors.
 */
#include "av/check.h"
#include "av/loader.h"

#include "conf/conf.h"
#include "milter/child.h"
#include "milter/control.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <talloc.h>
#include <unistd.h>

static const char usage[] =
	"usage: postern-scanner --check FILE\n"
	"       postern-scanner [--beside] FILE\n"
	"\n"
	"Scans mail for postern, which starts it (second form).\n"
	"\n"
	"  --check   say what a start with configuration FILE would meet: database, memory, sandbox\n"
	"  --beside  load with low priority, since another one still scans\n"
	"  --help    this text\n";

/* libclamav is asked to give up before the process is killed: what it found by then is known. */
static unsigned soft_limit_ms(unsigned timeout_ms)
{
	return timeout_ms - timeout_ms / 3;
}

static struct av_loader_settings settings_of(const struct conf *conf)
{
	const struct conf_av *av = &conf->av;

	return (struct av_loader_settings){
		.engine = {
			.database = av->database, .official_only = av->official_only, .pua = av->pua, .phishing_urls = av->phishing_urls,
			.macros = av->macros, .max_size = av->max_size, .max_scan_size = av->max_scan_size, .max_files = av->max_files,
			.max_recursion = av->max_recursion, .scan_ms = soft_limit_ms(av->timeout_ms),
		},
		.inspect = {
			.scan_parts = av->scan_parts, .max_parts = av->max_parts, .ban_in_archives = av->ban_in_archives,
			.ban_extensions = av->ban_extensions, .ban_types = av->ban_types, .ban = { .true_types = av->ban_true_types },
		},
		.scanners = av->scanners, .recycle = av->recycle, .timeout_ms = av->timeout_ms, .temp_size = av->temp_size,
		.user = *av->user ? av->user : conf->user, .reload_delay_ms = av->reload_delay_ms,
		.sequential = av->reload == CONF_RELOAD_SEQUENTIAL, .concurrent = av->reload == CONF_RELOAD_CONCURRENT,
		.jobs = CHILD_JOBS, .control = CHILD_CONTROL,
	};
}

static void notify(void *arg, enum av_notice notice, const char *text)
{
	static const enum control_kind kinds[] = {
		[AV_NOTICE_PROGRESS] = CONTROL_PROGRESS, [AV_NOTICE_READY] = CONTROL_READY, [AV_NOTICE_FAILED] = CONTROL_FAILED,
		[AV_NOTICE_CHANGED] = CONTROL_CHANGED, [AV_NOTICE_LOG_ERROR] = CONTROL_LOG_ERROR,
		[AV_NOTICE_LOG_WARNING] = CONTROL_LOG_WARNING, [AV_NOTICE_LOG_INFO] = CONTROL_LOG_INFO,
		[AV_NOTICE_CHILDREN] = CONTROL_CHILDREN,
	};

	(void)arg;
	(void)control_send(CHILD_CONTROL, kinds[notice], text); /* a supervisor that is gone is noticed by the end of its socket */
}

/* Returns 0 or a negative errno. */
static int read_configuration(void *mem, char **ret_text, size_t *ret_n)
{
	struct stat st;
	size_t done = 0;
	ssize_t n = 1;
	char *text;

	if (fstat(CHILD_CONFIGURATION, &st) < 0)
		return -errno;
	text = talloc_array(mem, char, (unsigned)st.st_size + 1);
	if (!text)
		return -ENOMEM;
	while (n != 0 && done < (size_t)st.st_size) { /* pread(): all children share one file offset */
		n = pread(CHILD_CONFIGURATION, text + done, (size_t)st.st_size - done, (off_t)done);
		if (n < 0 && errno != EINTR)
			return -errno;
		done += n > 0 ? (size_t)n : 0;
	}
	*ret_text = text;
	*ret_n = done;
	close(CHILD_CONFIGURATION);
	return 0;
}

/* A service manager or a terminal signals all processes of a group; the supervisor tells us when to end. Nor may a supervisor
 * that does not read stop the loader. */
static int prepare(void)
{
	static const int ignored[] = { SIGHUP, SIGINT, SIGTERM, SIGPIPE };

	for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
		if (signal(ignored[i], SIG_IGN) == SIG_ERR)
			return -errno;
	return fcntl(CHILD_CONTROL, F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
}

/* A fault that the next start would meet again is one of the configuration; the rest may pass. */
static int exit_code(int r)
{
	if (r == 0)
		return EX_OK;
	return r == -ENOMEM || r == -EAGAIN || r == -EMFILE || r == -ENFILE ? EX_TEMPFAIL : EX_CONFIG;
}

static int run(const char *file, bool beside)
{
	struct av_loader_settings settings;
	struct conf_errors errors = { 0 };
	const struct conf *conf = NULL;
	void *mem = talloc_new(NULL);
	char *text = NULL;
	size_t n = 0;
	int r = mem ? prepare() : -ENOMEM;

	if (r == 0)
		r = read_configuration(mem, &text, &n);
	if (r == 0)
		r = conf_parse(mem, text, n, file, &conf, &errors);
	if (r < 0) {
		notify(NULL, AV_NOTICE_FAILED, errors.count ? errors.text[0] : strerror(-r));
		return exit_code(r);
	}
	settings = settings_of(conf);
	settings.beside = beside;
	settings.notify = notify;
	return exit_code(av_loader_run(&settings));
}

static void tell(void *arg, enum av_check_level level, const char *what, const char *text)
{
	(void)arg;
	printf("%s\t%s\t%s\n", av_check_level_text(level), what, text);
}

static int check_file(void *mem, const char *file)
{
	struct av_loader_settings settings;
	struct conf_errors errors = { 0 };
	const struct conf *conf = NULL;
	char *text = NULL, *error = NULL;
	size_t n = 0;
	int r = conf_read_file(mem, file, &text, &n, &error);

	if (r == 0)
		r = conf_parse(mem, text, n, file, &conf, &errors);
	if (r < 0) {
		tell(NULL, AV_CHECK_ERROR, "configuration", errors.count ? errors.text[0] : error ? error : strerror(-r));
		return EX_CONFIG;
	}
	settings = settings_of(conf);
	return exit_code(av_check(&settings, tell, NULL));
}

static int check(const char *file)
{
	void *mem = talloc_new(NULL);
	int code = mem ? check_file(mem, file) : EX_TEMPFAIL;

	talloc_free(mem);
	return fflush(stdout) == 0 ? code : EX_IOERR;
}

static int help(FILE *to, int code)
{
	return fputs(usage, to) < 0 ? EX_IOERR : code;
}

/* _exit(): a thread may still be loading, and memory goes back faster than piece by piece. */
int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--help") == 0)
		return help(stdout, EX_OK);
	if (argc == 3 && strcmp(argv[1], "--check") == 0)
		return check(argv[2]);
	if (argc == 3 && strcmp(argv[1], "--beside") == 0)
		_exit(run(argv[2], true));
	if (argc == 2 && argv[1][0] != '-')
		_exit(run(argv[1], false));
	return help(stderr, EX_USAGE);
}
