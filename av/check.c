#include "av/check.h"

#include "av/become.h"
#include "av/memory.h"
#include "av/room.h"
#include "av/seal.h"
#include "av/watch.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <talloc.h>
#include <time.h>
#include <unistd.h>

#define MEGABYTE ((uint64_t)1024 * 1024)
#define DAY_S ((int64_t)24 * 60 * 60)
#define OLD_DAYS 7 /* ClamAV's own database changes daily */
#define DATE_SIZE sizeof "2026-11-21"

struct check {
	const struct av_loader_settings *settings;
	av_check_tell *tell;
	void *arg;
	bool failed;
};

/* What a process under the seal writes for the one that looks. */
struct trial {
	int fault;
	struct av_seal_result seal;
};

const char *av_check_level_text(enum av_check_level level)
{
	static const char *const texts[] = { "ok", "note", "warning", "error" };

	return texts[level];
}

static void say(struct check *check, enum av_check_level level, const char *what, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static void say(struct check *check, enum av_check_level level, const char *what, const char *format, ...)
{
	va_list arguments;
	char *text;

	va_start(arguments, format);
	text = talloc_vasprintf(NULL, format, arguments);
	va_end(arguments);
	check->failed = check->failed || level == AV_CHECK_ERROR;
	check->tell(check->arg, level, what, text ? text : "memory is out");
	talloc_free(text);
}

static void check_facts(struct check *check, const struct av_fingerprint *files)
{
	struct av_facts facts;
	char date[DATE_SIZE] = "";
	int64_t days;
	struct tm tm;
	time_t time_s;
	int r = av_engine_peek(check->settings->engine.database, &facts);

	if (r < 0) {
		say(check, AV_CHECK_ERROR, "database", "%s: wanted a ClamAV database, got \"%s\"", check->settings->engine.database, strerror(-r));
		return;
	}
	time_s = (time_t)facts.database_time;
	if (!gmtime_r(&time_s, &tm) || strftime(date, sizeof date, "%F", &tm) == 0)
		date[0] = '\0';
	days = (time(NULL) - time_s) / DAY_S;
	say(check, facts.database > 0 && days > OLD_DAYS ? AV_CHECK_WARNING : AV_CHECK_OK, "database",
	    "ClamAV %s, %s: version %u of %s (%lld days old), %llu signatures in %u files", facts.engine, check->settings->engine.database,
	    (unsigned)facts.database, date, (long long)days, (unsigned long long)facts.signatures, files->files);
}

static void check_memory(struct check *check, const struct av_fingerprint *files)
{
	uint64_t engine = av_memory_estimate(files), available = av_memory_available();
	const char *reload = available > engine && av_memory_suffices(engine, available - engine) ? "enough to load a new database beside the old one"
	                                                                   : "a new database is loaded when the old one has left";

	say(check, available < engine ? AV_CHECK_WARNING : AV_CHECK_OK, "memory", "about %llu MB for the engine, %llu MB available: %s",
	    (unsigned long long)(engine / MEGABYTE), (unsigned long long)(available / MEGABYTE),
	    available < engine ? "too little" : reload);
}

static void check_database(struct check *check)
{
	struct av_fingerprint files;
	int r = av_fingerprint_take(check->settings->engine.database, &files);

	if (r == 0 && files.files == 0)
		r = -ENOENT;
	if (r < 0) {
		say(check, AV_CHECK_ERROR, "database", "%s: wanted a ClamAV database, got \"%s\"", check->settings->engine.database, strerror(-r));
		return;
	}
	check_facts(check, &files);
	check_memory(check, &files);
}

/* In a process of its own: what is given up here stays given up. */
static void try_seal(const struct check *check, const struct av_rooms *rooms, const struct av_user *user, struct trial *trial)
	__attribute__((noreturn));

static void try_seal(const struct check *check, const struct av_rooms *rooms, const struct av_user *user, struct trial *trial)
{
	char *error = NULL;

	trial->fault = av_become(NULL, user, &error);
	if (trial->fault == 0 && rooms->directory[0] >= 0)
		trial->fault = av_room_enter(rooms, 0);
	if (trial->fault == 0)
		av_seal(check->settings->temp_size, AV_SEAL_MEMORY, &trial->seal);
	_exit(trial->fault == 0 ? EX_OK : EX_OSERR);
}

static void say_seal(struct check *check, const struct trial *trial)
{
	if (trial->fault < 0) {
		say(check, AV_CHECK_ERROR, "sandbox", "wanted to enter it, got \"%s\"", strerror(-trial->fault));
		return;
	}
	for (enum av_seal_piece piece = 0; piece < AV_SEAL_PIECES; piece++) {
		int r = trial->seal.piece[piece];

		if (r < 0)
			say(check, AV_CHECK_WARNING, av_seal_piece_name(piece), "wanted it, got \"%s\": %s", strerror(-r),
			    av_seal_piece_effect(piece));
		else
			say(check, AV_CHECK_OK, av_seal_piece_name(piece), "in force");
	}
}

static int run_trial(struct check *check, const struct av_rooms *rooms, const struct av_user *user)
{
	struct trial *trial = mmap(NULL, sizeof *trial, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status = 0, r = 0;
	pid_t pid;

	if (trial == MAP_FAILED)
		return -errno;
	trial->fault = -EINTR; /* unless it says otherwise */
	pid = fork();
	if (pid == 0)
		try_seal(check, rooms, user, trial);
	if (pid < 0)
		r = -errno;
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (r == 0)
		say_seal(check, trial);
	(void)munmap(trial, sizeof *trial); /* was mapped */
	return r;
}

static int check_sandbox(struct check *check, void *mem)
{
	const struct av_loader_settings *settings = check->settings;
	struct av_rooms *rooms = NULL;
	struct av_user user;
	char *error = NULL;
	int r = av_user_find(mem, settings->user, &user, &error), mounted;

	if (r < 0) {
		say(check, AV_CHECK_ERROR, "user", "%s", error ? error : strerror(-r));
		return 0;
	}
	mounted = av_rooms_mount(mem, 1, settings->temp_size, user.uid, user.gid, &rooms);
	if (mounted < 0)
		return mounted;
	if (mounted == 1)
		say(check, AV_CHECK_WARNING, "temporary files", "%s: they go to a folder without a quota", rooms->why);
	else
		say(check, AV_CHECK_OK, "temporary files", "in memory, %llu MB for each scan process",
		    (unsigned long long)(settings->temp_size / MEGABYTE));
	return run_trial(check, rooms, &user);
}

int av_check(const struct av_loader_settings *settings, av_check_tell *tell, void *arg)
{
	struct check check = { .settings = settings, .tell = tell, .arg = arg };
	void *mem = talloc_new(NULL);
	int r;

	if (!mem)
		return -ENOMEM;
	check_database(&check);
	r = check_sandbox(&check, mem);
	talloc_free(mem);
	if (r < 0)
		return r;
	return check.failed ? -EINVAL : 0;
}
